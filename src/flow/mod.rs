//! Use cases, async over a few ports: begin a sign-in, finish it, judge an access token, sign out. Imports `domain` and
//! `protocol` only.

pub mod authority;
pub mod bearer;
pub mod ports;
pub mod sign_in;
