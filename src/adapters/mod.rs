//! The ports of `flow` made real: system clock and randomness, HTTP to providers, places to keep sessions; and an eye on
//! files.

pub mod clock;
pub mod entropy;
pub mod fetch;
pub mod http_client;
pub mod provider;
pub mod session_store;
pub mod tenant_lookup;
pub mod trust_roots;
pub mod watch;
