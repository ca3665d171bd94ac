//! The admin listener: probes, metrics, decisions, routes, the configuration with its secrets masked, and reloading. It
//! has a socket of its own; nothing of it can be reached through the public one.

pub mod control;
