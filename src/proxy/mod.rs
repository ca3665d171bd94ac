//! The web face: connections, requests, pages, forwarding.

pub mod forward;
pub mod listen;
pub mod pages;
