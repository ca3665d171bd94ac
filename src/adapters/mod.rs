//! The ports of `flow` made real: system clock and randomness, HTTP to providers.

pub mod clock;
pub mod entropy;
pub mod fetch;
pub mod http_client;
pub mod provider;
pub mod tenant_lookup;
