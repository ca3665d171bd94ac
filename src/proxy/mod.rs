//! The web face: connections, requests, pages, forwarding. [`serve`] is the life of a request on one screen.

pub mod audit;
pub mod body;
pub mod call;
pub mod forward;
pub mod generation;
pub mod hearing;
pub mod http1;
mod http2;
pub mod listen;
pub mod pages;
pub mod problem;
pub mod rate_limit;
pub mod request_body;
pub mod respond;
pub mod serve;
pub mod sessions;
pub mod shared;
pub mod upgrade;
pub mod visit;

mod caches;
mod challenge;
mod departure;
mod endpoints;
mod identity;
mod lasting;
mod opening;
mod trusted;
