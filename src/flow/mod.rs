//! Use cases, async over a few ports: begin a sign-in, finish it, sign out. Imports `domain` and `protocol` only.

pub mod ports;
