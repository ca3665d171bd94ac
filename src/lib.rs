//! Homerealm, a sign-in routing proxy.
//!
//! The tree is the architecture. Imports point one way: [`domain`] ← [`protocol`] ← [`flow`] ← [`proxy`], with
//! [`adapters`] hanging on the ports of `flow`, [`review`] telling what a [`config`] would do without running it, [`admin`]
//! looking at what runs, and [`app`] putting everything together. `tests/architecture.rs` holds that.
//!
//! A newcomer's first hour: [`domain::policy`] is what the product decides, [`proxy::serve`] is the life of a request
//! on one screen, [`flow::sign_in`] is a sign-in from the first redirect to the session.

pub mod domain;

mod sockets;

pub mod protocol;

pub mod flow;

pub mod adapters;

pub mod telemetry;

pub mod proxy;

pub mod review;

pub mod config;

pub mod admin;

pub mod app;

#[cfg(feature = "dev-idp")]
pub mod dev_idp;
#[cfg(feature = "dev-idp")]
pub mod sample_app;

#[cfg(feature = "dev-idp")]
pub mod demo;

pub mod command;
