//! Homerealm, a sign-in routing proxy.
//!
//! The tree is the architecture. Imports point one way: [`domain`] ← [`protocol`] ← [`flow`] ← [`proxy`], with
//! [`adapters`] hanging on the ports of `flow`, and `app` putting everything together. `tests/architecture.rs` holds
//! that.

pub mod domain;

pub mod protocol;

pub mod flow;

pub mod adapters;

pub mod config;

pub mod proxy;

#[cfg(feature = "dev-idp")]
pub mod dev_idp;
