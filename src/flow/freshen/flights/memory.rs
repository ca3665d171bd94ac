//! What is remembered of sessions that were refreshed, within bounds.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Flight, Whereabouts};
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::flow::freshen::timing;
use crate::protocol::session_record::SessionRecord;

/// So many sessions are remembered; of more, those that were looked for least recently are forgotten.
pub(super) const MOST_REMEMBERED: usize = 16_384;

/// Once the browser has what a refresh brought, requests that it sent before may still come for so long.
pub(super) const STRAGGLERS: Duration = Duration::from_secs(60);

/// So many sessions that have ended wait for somebody who tells it to the audit log; of more, the oldest are forgotten. They
/// are few enough to be looked through.
pub(super) const MOST_FAREWELLS: usize = 1024;

/// Everything.
#[derive(Default)]
pub(super) struct Known {
    pub(super) sessions: HashMap<SessionId, Entry>,
    /// By when they were looked for last.
    pub(super) order: BTreeMap<u64, SessionId>,
    looks: u64,
    /// The oldest first.
    pub(super) farewells: VecDeque<(Whereabouts, Session)>,
}

/// One session's.
#[derive(Default)]
pub(super) struct Entry {
    looked: u64,
    pub(super) flight: Option<Flight>,
    pub(super) latest: Option<Latest>,
    pub(super) setback: Option<Setback>,
}

/// What a refresh brought, and when.
pub(super) struct Latest {
    pub(super) record: Arc<SessionRecord>,
    pub(super) at: Timestamp,
}

/// Failures in a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::flow::freshen) struct Setback {
    failures: u32,
    pub(super) not_before: Timestamp,
    pub(in crate::flow::freshen) asked: Asked,
}

/// Whether the provider may have taken the refresh token although it brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow::freshen) enum Asked {
    /// It may: it was asked and did not answer, or not readably.
    Unanswered,
    /// It has not.
    InVain,
}

impl Known {
    /// Notes that a session is looked for, and forgets others for it.
    pub(super) fn look(&mut self, id: SessionId) {
        self.looks += 1;
        let entry = self.sessions.entry(id).or_default();
        self.order.remove(&entry.looked);
        entry.looked = self.looks;
        self.order.insert(self.looks, id);
        while self.sessions.len() > MOST_REMEMBERED {
            // What is under way is never forgotten, and bounded by the places at the gates and the store's patience.
            let is_idle = |id: &SessionId| self.sessions.get(id).is_some_and(|entry| entry.flight.is_none());
            let Some((&look, &oldest)) = self.order.iter().find(|(_, id)| is_idle(id)) else { return };
            self.order.remove(&look);
            self.sessions.remove(&oldest);
        }
    }

    /// Forgets a session of which nothing is left to remember.
    pub(super) fn tidy(&mut self, id: SessionId) {
        let is_empty = |entry: &Entry| entry.flight.is_none() && entry.latest.is_none() && entry.setback.is_none();
        if let Some(entry) = self.sessions.get(&id).filter(|entry| is_empty(entry)) {
            self.order.remove(&entry.looked);
            self.sessions.remove(&id);
        }
    }
}

impl Setback {
    pub(super) fn after(before: Option<Self>, asked: Asked, id: SessionId, now: Timestamp) -> Self {
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let was_unanswered = before.is_some_and(|before| before.asked == Asked::Unanswered);
        let asked = if was_unanswered { Asked::Unanswered } else { asked };
        Self { failures, not_before: now + timing::pause(failures, id), asked }
    }

    /// What became of the token before it does not matter any more.
    pub(super) fn with_another_token(self) -> Self {
        Self { asked: Asked::InVain, ..self }
    }
}
