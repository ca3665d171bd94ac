//! Rules and people as text, one register to a file: keys as one would write them, routes and people as one would speak
//! of them; and what they have in common: lists, and ids that are too long to be read. Crowds, which only a comparison
//! has, are told where they are made.

pub(super) mod facts;
pub(super) mod ids;
pub(super) mod keys;
pub mod lines;
pub(super) mod lists;
pub mod prose;

#[cfg(test)]
mod tests;
