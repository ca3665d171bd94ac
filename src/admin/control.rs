//! What the admin listener asks of the running proxy.

pub mod sessions;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::domain::destination::Upstreams;
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::domain::written::Fingerprint;
use sessions::Sessions;

/// The running proxy, as far as the admin listener can see and steer it.
#[async_trait]
pub trait Control: Send + Sync {
    /// Where the process is in its life.
    fn phase(&self) -> Phase;

    /// The configuration in force.
    fn live(&self) -> Arc<Live>;

    /// How the last reload ended, if there was one.
    fn last_reload(&self) -> Option<Arc<Reload>>;

    /// Reads the configuration again, and waits until that has ended.
    async fn reload(&self) -> Arc<Reload>;

    /// What is known of upstreams that a route of the configuration in force names, in file order. Nothing is if none of
    /// them has a health check and there is no other to go to.
    fn conditions(&self, upstreams: &Arc<Upstreams>) -> Vec<Condition>;

    /// Who is signed in.
    fn sessions(&self) -> &dyn Sessions;
}

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not every authority has been asked for its metadata yet.
    Starting,
    /// Serving.
    Ready,
    /// Told to stop: requests under way are finished, new ones should go elsewhere.
    Draining,
}

/// What is known of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It failed, and has not answered since: others are asked before it.
    Avoided,
    /// Its health check says no, or says nothing.
    Unwell,
    /// Nothing speaks against it.
    Well,
}

/// A configuration in force.
#[derive(Debug)]
pub struct Live {
    /// Everything that decides.
    pub rules: Arc<Rules>,
    /// The file's text, its secrets masked.
    pub text: String,
    /// Names that text.
    pub fingerprint: Fingerprint,
    /// Since when.
    pub since: Timestamp,
}

/// How a reload ended.
#[derive(Debug, Clone)]
pub struct Reload {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// Keys of the configuration in force whose values are not: they want a restart, however often it is read.
    pub wants_restart: Vec<&'static str>,
    /// When the configuration was last read successfully: this time, before, or at the start.
    pub last_success: Timestamp,
}

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new configuration is in force, but for the keys that want a restart.
    Applied,
    /// The file could not be used, and the old configuration is in force still.
    Refused {
        /// What is wrong with it, as `check` prints it.
        problems: String,
    },
    /// Nothing had changed.
    Unchanged,
}
