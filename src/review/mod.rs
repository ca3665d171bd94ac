//! What a configuration would do, without running it: pure functions of [`crate::domain::rules::Rules`] behind
//! `[[tests]]`, `explain` and `diff`. They ask the very functions that decide when somebody really comes.

pub mod diff;
pub mod explain;
mod fix;
pub mod judgement;
pub mod promises;
pub mod routing;
pub mod words;
