//! What is written down about requests: the access log has a line for every one of them, the audit log a line for
//! whoever signed in, was refused or signed out, and for every order that ended sessions; the journal is what the admin
//! listener shows.

pub mod access_log;
pub mod audit;
pub mod journal;
mod json;
pub mod lines;
pub mod logs;
pub mod recorded;
pub mod streams;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use crate::domain::decision::DecisionRecord;
use crate::domain::time::Timestamp;
use crate::domain::written::Fingerprint;

/// An answered request, before it is written down.
#[derive(Debug)]
pub struct Line<'a> {
    /// When the request came.
    pub at: Timestamp,
    /// What was decided.
    pub decision: &'a DecisionRecord,
    /// What the audit log is to tell of it; of most requests nothing.
    pub events: &'a [audit::Event],
    /// The request's method.
    pub method: &'a Method,
    /// The request's path: never the query, which may hold codes and addresses.
    pub path: &'a str,
    /// What was answered.
    pub status: StatusCode,
    /// From the request's head to the answer's head.
    pub took: Duration,
    /// Who asked.
    pub client: IpAddr,
    /// Names the configuration that decided.
    pub fingerprint: Fingerprint,
    /// When it was answered, by the clock that never jumps: what happened within a second has an order by it.
    pub answered: Instant,
}

/// Writes down what one worker answers, everywhere it belongs.
#[derive(Debug)]
pub struct Recorder {
    /// The access log and the audit log.
    pub logs: logs::Pens,
    /// The worker's part of the journal; `None` without an admin listener.
    pub notebook: Option<journal::Notebook>,
}

impl Recorder {
    /// Writes an answered request down.
    pub fn record(&self, line: &Line<'_>) {
        self.logs.write(line);
        if let Some(notebook) = &self.notebook {
            notebook.note(line);
        }
    }
}

#[cfg(test)]
mod tests;
