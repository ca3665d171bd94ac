//! Keeping the claims of sessions fresh: before they run out, and with a store mostly while nobody waits. A failure of the
//! provider's, or of the store's, ends no session; a refusal does.
//!
//! `timing` says when, `flights` sees to it that a session is refreshed by one task at a time, `fly` is that task from
//! beginning to end, `ask` speaks with the provider, `gate` spares it, `claim` keeps other processes from doing the same.

mod ask;
mod claim;
mod flights;
mod fly;
mod gate;
mod timing;

use std::sync::Arc;
use std::time::Duration;

pub use flights::{Flights, Whereabouts};

use super::authority::Authority;
use super::keeper::{Copy, Keeper, Kept, Place};
use crate::domain::time::Timestamp;
use crate::protocol::session_record::SessionRecord;
use flights::{Flight, Landing};
use timing::Need;

/// What a session is worth once its claims have been seen to.
#[derive(Debug)]
pub enum Freshened {
    /// Its authority has ended it.
    Ended,
    /// It is good, with the freshest claims that can be had now.
    Live(Kept),
}

/// The times of refreshes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How long a request waits for claims that are overdue, or that only its answer can bring to where they are kept.
    pub(super) patience: Duration,
    /// How long a claim on a record holds.
    pub(super) lease: Duration,
    /// How often it is prolonged.
    pub(super) prolong: Duration,
    /// How often to look whether another process has done it.
    pub(super) look: Duration,
    /// How long to look.
    pub(super) others: Duration,
    /// After the first failure to write something down; doubled by each that follows.
    pub(super) first_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(3),
            lease: Duration::from_secs(10),
            prolong: Duration::from_secs(3),
            look: Duration::from_millis(100),
            // Longer than a lease: what somebody left behind is taken over.
            others: Duration::from_secs(15),
            first_pause: Duration::from_millis(100),
        }
    }
}

impl Keeper {
    /// Sees to a session's claims. If they are due, they are asked for anew: with a store in the background; without one that
    /// is waited for, within bounds, since the cookie that goes with this answer is all that keeps the next refresh token.
    /// If they are overdue, it is waited for in any case. Whoever calls may go away at any time: what was begun goes on.
    pub async fn freshen(&self, kept: Kept, authority: &Arc<Authority>, now: Timestamp) -> Freshened {
        let need = timing::need(&kept.record, now);
        self.see_to(need, kept, authority, now).await
    }

    /// Likewise, of claims that hold and do not suffice: as if they were overdue.
    pub(super) async fn freshen_early(&self, kept: Kept, authority: &Arc<Authority>, now: Timestamp) -> Freshened {
        self.see_to(Need::Overdue, kept, authority, now).await
    }

    async fn see_to(&self, need: Need, kept: Kept, authority: &Arc<Authority>, now: Timestamp) -> Freshened {
        let flight = match need {
            Need::None => None,
            Need::Due | Need::Overdue => self.flight(&kept, authority, now),
        };
        let Some(flight) = flight else { return Freshened::Live(kept) };
        let landing = match (need, &kept.place) {
            (Need::None, _) | (Need::Due, Place::Store { .. }) => flight.landing(),
            // What comes of it is written nowhere but into the browser, and this answer may be the last one before this
            // process ends.
            (Need::Due, Place::Cookie) | (Need::Overdue, _) => tokio::time::timeout(self.flights.pace.patience, flight.landed()).await.ok(),
        };
        match landing {
            Some(Landing::Ended) => Freshened::Ended,
            Some(Landing::Renewed(newer)) if self.is_revoked(&newer.session) => Freshened::Ended,
            Some(Landing::Renewed(newer)) => Freshened::Live(kept.renewed(&newer)),
            Some(Landing::Failed) | None => Freshened::Live(kept),
        }
    }

    /// The session as this process knows it: what a browser carries, or a store holds, may be what was before a refresh.
    pub(super) fn as_known(&self, kept: Kept, now: Timestamp) -> Kept {
        match kept.record.tokens.fresh_since {
            None => kept,
            Some(_) => match self.flights.newer(&kept.record, now) {
                Some(newer) => {
                    let id = newer.session.id;
                    let known = kept.renewed(&newer);
                    // What nobody is writing down any more is written by this request.
                    if self.flights.is_under_way(id) { known } else { Kept { copy: Copy::Outdated, ..known } }
                }
                None => kept,
            },
        }
    }

    fn flight(&self, kept: &Kept, authority: &Arc<Authority>, now: Timestamp) -> Option<Flight> {
        if self.flights.gate(&authority.name).is_shut(now) {
            return None;
        }
        let begin = |cockpit| fly::fly(self.clone(), Arc::clone(authority), kept.clone(), cockpit);
        self.flights.join(&kept.record, now, begin)
    }
}

impl Kept {
    /// Whether nothing is to be done about its claims now: then [`Keeper::freshen`] would give it back as it is.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        timing::need(&self.record, now) == Need::None
    }

    /// The same session with what a refresh brought.
    fn renewed(self, newer: &SessionRecord) -> Self {
        let mut record = SessionRecord::clone(newer);
        record.session.last_seen = record.session.last_seen.max(self.record.session.last_seen);
        let copy = match self.place {
            Place::Cookie => Copy::Outdated,
            Place::Store { .. } => self.copy,
        };
        Self { record: Arc::new(record), place: self.place, copy }
    }
}

#[cfg(test)]
mod tests;
