//! What is written down about requests: the access log for every one of them, a line each.

pub mod access_log;

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::domain::decision::DecisionRecord;
use crate::domain::time::Timestamp;

/// An answered request, before it is written down.
#[derive(Debug)]
pub struct Line<'a> {
    /// When the request came.
    pub at: Timestamp,
    /// What was decided.
    pub decision: &'a DecisionRecord,
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
}

/// Writes down what one worker answers, everywhere it belongs.
#[derive(Debug)]
pub struct Recorder {
    /// The access log.
    pub access_log: Rc<access_log::Pen>,
}

impl Recorder {
    /// Writes an answered request down.
    pub fn record(&self, line: &Line<'_>) {
        self.access_log.write(line);
    }
}
