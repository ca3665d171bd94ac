//! One attempt at a time: who comes while it is under way waits for it and shares its outcome.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::flow::ports::ProviderUnavailable;

type Outcome = Result<(), ProviderUnavailable>;

/// The gate that attempts go through.
#[derive(Debug, Default)]
pub(super) struct SingleFlight {
    gate: Arc<tokio::sync::Mutex<()>>,
    last: Arc<Mutex<Last>>,
}

#[derive(Debug)]
struct Last {
    finished: u64,
    outcome: Outcome,
}

impl Default for Last {
    fn default() -> Self {
        Self { finished: 0, outcome: Ok(()) }
    }
}

/// What somebody who wants an attempt gets.
#[derive(Debug)]
pub(super) enum Turn {
    /// Another's attempt was under way, and this is how it ended.
    Finished(Outcome),
    /// Nobody else is at it.
    Ours(Permit),
}

/// The right to make an attempt; dropped without [`Permit::finish`], the next in line gets it.
#[derive(Debug)]
pub(super) struct Permit {
    last: Arc<Mutex<Last>>,
    _gate: OwnedMutexGuard<()>,
}

impl SingleFlight {
    /// Waits for whatever is under way.
    pub(super) async fn turn(&self) -> Turn {
        let before = locked(&self.last).finished;
        let gate = Arc::clone(&self.gate).lock_owned().await;
        let last = locked(&self.last);
        if last.finished == before {
            Turn::Ours(Permit { last: Arc::clone(&self.last), _gate: gate })
        } else {
            Turn::Finished(last.outcome.clone())
        }
    }
}

impl Permit {
    /// Tells those who waited how it ended.
    pub(super) fn finish(self, outcome: Outcome) {
        let mut last = locked(&self.last);
        last.finished += 1;
        last.outcome = outcome;
    }
}

fn locked(last: &Mutex<Last>) -> MutexGuard<'_, Last> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}
