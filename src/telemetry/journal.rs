//! What the admin listener knows of past requests: the last decisions of each outcome, and counts of all of them. Nothing
//! is written to disk, and nothing is in it that is not in the access log.
//!
//! Every worker has a notebook of its own, so that requests share nothing: its lock is only ever contended by somebody
//! who looks at the admin pages. Without an admin listener there are no notebooks.

pub mod counters;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::Line;
use super::streams::Streams;
use crate::domain::decision::{DecisionId, DecisionRecord, Outcome};
use crate::domain::time::Timestamp;
use crate::domain::written::Fingerprint;
use counters::Counters;

/// How many decisions of each outcome a worker remembers. Each outcome has a ring of its own, so that a flood of one
/// does not push out the others.
pub const KEPT: usize = 256;

/// How many bytes of a path are remembered.
const LONGEST_PATH: usize = 512;

/// How many bytes of a method are remembered: as many as the type holds without an allocation.
const LONGEST_METHOD: usize = 15;

/// All notebooks, and the counts of what stays open.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    notebooks: Arc<Mutex<Vec<Arc<Mutex<Notes>>>>>,
    streams: Arc<Streams>,
}

/// One worker's part of the journal.
#[derive(Debug)]
pub struct Notebook(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    /// By [`ring_of`]; the newest last.
    rings: [VecDeque<Entry>; 4],
    counters: Counters,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When the request came.
    pub at: Timestamp,
    /// What was decided.
    pub decision: DecisionRecord,
    /// The request's method.
    pub method: Method,
    /// The start of the request's path, without the query.
    pub path: String,
    /// What was answered.
    pub status: StatusCode,
    /// From the request's head to the answer's head.
    pub took: Duration,
    /// Who asked.
    pub client: IpAddr,
    /// By which configuration it was decided.
    pub fingerprint: Fingerprint,
    /// Orders what happened within a second, on all workers.
    answered: Instant,
}

impl Journal {
    /// A further notebook, for a worker.
    #[must_use]
    pub fn notebook(&self) -> Notebook {
        let notes = Arc::<Mutex<Notes>>::default();
        locked(&self.notebooks).push(Arc::clone(&notes));
        Notebook(notes)
    }

    /// The counts of what stays open.
    #[must_use]
    pub const fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    /// The decision of this id, unless it has been pushed out.
    #[must_use]
    pub fn find(&self, id: DecisionId) -> Option<Entry> {
        let of_one = |notes: &Arc<Mutex<Notes>>| locked(notes).rings.iter().flatten().find(|entry| entry.decision.id == id).cloned();
        locked(&self.notebooks).iter().find_map(of_one)
    }

    /// The newest decisions that are wanted, newest first, at most so many.
    #[must_use]
    pub fn newest(&self, most: usize, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut found = Vec::new();
        for notes in &*locked(&self.notebooks) {
            let notes = locked(notes);
            let of_ring =
                |ring: &VecDeque<Entry>| ring.iter().rev().filter(|entry| is_wanted(entry)).take(most).cloned().collect::<Vec<_>>();
            found.extend(notes.rings.iter().flat_map(of_ring));
        }
        found.sort_by_key(|entry| std::cmp::Reverse(entry.answered));
        found.truncate(most);
        found
    }

    /// The counts of all workers together.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut all = Counters::default();
        locked(&self.notebooks).iter().for_each(|notes| all.absorb(&locked(notes).counters));
        all
    }
}

impl Notebook {
    /// Notes an answered request.
    pub fn note(&self, line: &Line<'_>) {
        let mut notes = locked(&self.0);
        notes.counters.count(line.decision);
        let ring = &mut notes.rings[ring_of(line.decision.outcome)];
        // The buffer of the path that is pushed out serves again.
        let mut path = if ring.len() < KEPT { String::new() } else { ring.pop_front().map(|oldest| oldest.path).unwrap_or_default() };
        path.clear();
        path.push_str(&line.path[..line.path.floor_char_boundary(LONGEST_PATH)]);
        ring.push_back(Entry {
            at: line.at,
            decision: line.decision.clone(),
            method: bounded(line.method),
            path,
            status: line.status,
            took: line.took,
            client: line.client,
            fingerprint: line.fingerprint,
            answered: line.answered,
        });
    }
}

impl Entry {
    /// The line that the access log has about it, as far as it is remembered.
    #[must_use]
    pub const fn line(&self) -> Line<'_> {
        Line {
            at: self.at,
            decision: &self.decision,
            events: &[],
            method: &self.method,
            path: self.path.as_str(),
            status: self.status,
            took: self.took,
            client: self.client,
            fingerprint: self.fingerprint,
            answered: self.answered,
        }
    }

    /// One JSON object: the access log's, and the configuration that decided.
    pub fn write_json(&self, text: &mut String) {
        self.line().write_json(text);
        let _brace = text.pop();
        text.push_str(r#","config.fingerprint":""#);
        text.push_str(&self.fingerprint.to_string());
        text.push_str("\"}");
    }
}

const fn ring_of(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Allow => 0,
        Outcome::Challenge => 1,
        Outcome::Deny => 2,
        Outcome::Error => 3,
    }
}

fn bounded(method: &Method) -> Method {
    let text = method.as_str();
    if text.len() <= LONGEST_METHOD {
        return method.clone();
    }
    Method::from_bytes(&text.as_bytes()[..LONGEST_METHOD]).expect("the start of a token is a token (RFC 9110 §5.6.2)")
}

/// A worker that panicked while it noted something leaves notes that are whole but for that.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
