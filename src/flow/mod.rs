//! Use cases, async over a few ports: begin a sign-in, finish it, judge an access token, keep a session going, end it.
//! Imports `domain` and `protocol` only.

pub mod attendance;
pub mod authority;
pub mod bearer;
pub mod freshen;
pub mod groups;
pub mod keeper;
pub mod logout;
pub mod ports;
pub mod revocations;
pub mod sign_in;
mod tokens;
