//! The refreshes of this process: one at a time for a session, in a task of its own that nobody who waits for it can end;
//! and what came of them, for as long as somebody may still carry what was before.
//!
//! With sessions in cookies, requests that were sent together all carry the refresh token that one of them has spent: they
//! must find what it brought. In a store, what could not be written yet is here and nowhere else.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::Pace;
use super::gate::Gate;
use crate::domain::authority::AuthorityName;
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::flow::keeper::{Kept, Place};
use crate::protocol::session_cookie::Carried;
use crate::protocol::session_record::{Handle, SessionRecord};
pub(super) use memory::{Asked, Setback};
use memory::{Entry, Known, Latest, MOST_FAREWELLS, STRAGGLERS};

mod memory;

/// Everything about refreshes that lasts as long as the process.
pub struct Flights {
    pub(super) pace: Pace,
    runtime: Runtime,
    tasks: TaskTracker,
    known: Mutex<Known>,
    gates: Mutex<HashMap<AuthorityName, Arc<Gate>>>,
}

/// By what a session is found when all that is left of it is what a browser carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whereabouts {
    /// In cookies.
    Cookie(SessionId),
    /// In the store.
    Store(Handle),
}

/// A refresh under way, or one that is over.
#[derive(Debug, Clone)]
pub(super) struct Flight(watch::Receiver<Option<Landing>>);

/// How a refresh ends.
#[derive(Debug, Clone)]
pub(super) enum Landing {
    /// The session is over.
    Ended,
    /// Not now: the session goes on as it is.
    Failed,
    /// This is the session from now on.
    Renewed(Arc<SessionRecord>),
}

/// A flight's own end of it. Dropped before it has landed, as by a panic, it has failed.
pub(super) struct Cockpit {
    pub(super) flights: Arc<Flights>,
    pub(super) id: SessionId,
    landing: watch::Sender<Option<Landing>>,
}

impl Whereabouts {
    /// Where what a browser carries leads to.
    #[must_use]
    pub fn of(carried: &Carried) -> Self {
        match carried {
            Carried::Whole(record) => Self::Cookie(record.session.id),
            Carried::Ticket(ticket) => Self::Store(ticket.handle),
        }
    }

    /// Where this one is.
    #[must_use]
    pub fn of_kept(kept: &Kept) -> Self {
        match &kept.place {
            Place::Cookie => Self::Cookie(kept.session().id),
            Place::Store { ticket, .. } => Self::Store(ticket.handle),
        }
    }
}

impl Flights {
    /// On this runtime: one that ends after those that serve requests.
    #[must_use]
    pub fn new(runtime: Runtime) -> Self {
        Self::with_pace(runtime, Pace::default())
    }

    pub(super) fn with_pace(runtime: Runtime, pace: Pace) -> Self {
        Self { pace, runtime, tasks: TaskTracker::new(), known: Mutex::default(), gates: Mutex::default() }
    }

    /// Waits for what is under way, at the end of the process: what was spent is to be written. Nothing must be begun any
    /// more.
    pub async fn landed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// What is newer than this record of a session.
    pub(super) fn newer(&self, than: &SessionRecord, now: Timestamp) -> Option<Arc<SessionRecord>> {
        let mut known = self.known();
        let entry = known.sessions.get_mut(&than.session.id)?;
        let latest = entry.latest.as_ref()?;
        if latest.record.is_fresher_than(than) {
            let newer = Arc::clone(&latest.record);
            known.look(than.session.id);
            return Some(newer);
        }
        if now.since(latest.at) >= STRAGGLERS {
            entry.latest = None;
            known.tidy(than.session.id);
        }
        None
    }

    /// The flight that is under way for the session of this record, or a new one. `None`: it is too early after a failure.
    pub(super) fn join<F>(self: &Arc<Self>, record: &SessionRecord, now: Timestamp, begin: impl FnOnce(Cockpit) -> F) -> Option<Flight>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = record.session.id;
        let mut known = self.known();
        known.look(id);
        let entry = known.sessions.entry(id).or_default();
        if let Some(flight) = &entry.flight {
            return Some(flight.clone());
        }
        if let Some(latest) = entry.latest.as_ref().filter(|latest| latest.record.is_fresher_than(record)) {
            return Some(Flight::over(Landing::Renewed(Arc::clone(&latest.record))));
        }
        if entry.setback.is_some_and(|setback| now < setback.not_before) {
            return None;
        }
        let (landing, flight) = watch::channel(None);
        let flight = Flight(flight);
        entry.flight = Some(flight.clone());
        drop(known);
        let cockpit = Cockpit { flights: Arc::clone(self), id, landing };
        self.tasks.spawn_on(begin(cockpit), &self.runtime);
        Some(flight)
    }

    /// Whether a session is being refreshed now: what a browser or a store has of it may hold a token that is spent.
    pub(in crate::flow) fn is_under_way(&self, id: SessionId) -> bool {
        self.known().sessions.get(&id).is_some_and(|entry| entry.flight.is_some())
    }

    pub(super) fn gate(&self, authority: &AuthorityName) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(authority.clone()).or_insert_with(|| Arc::new(Gate::new(authority.clone()))))
    }

    /// A session that has ended in the background: yielded once, to whoever tells it.
    #[must_use]
    pub fn farewell(&self, at: Whereabouts) -> Option<Session> {
        let farewells = &mut self.known().farewells;
        let found = farewells.iter().position(|(whereabouts, _)| *whereabouts == at)?;
        farewells.remove(found).map(|(_, session)| session)
    }

    pub(super) fn say_farewell(&self, at: Whereabouts, session: Session) {
        let farewells = &mut self.known().farewells;
        // Whoever has not come for theirs by then may never come.
        if farewells.len() == MOST_FAREWELLS {
            farewells.pop_front();
        }
        farewells.push_back((at, session));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change under the lock is whole by itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    pub(super) fn over(landing: Landing) -> Self {
        Self(watch::channel(Some(landing)).1)
    }

    /// How it has ended, if it has.
    pub(super) fn landing(&self) -> Option<Landing> {
        self.0.borrow().clone()
    }

    /// Waits for the end.
    pub(super) async fn landed(mut self) -> Landing {
        // The other end always says something before it goes away.
        self.0.wait_for(Option::is_some).await.ok().and_then(|landing| landing.clone()).unwrap_or(Landing::Failed)
    }
}

impl Cockpit {
    /// How the last attempts went, if not well.
    pub(super) fn setback(&self) -> Option<Setback> {
        self.flights.known().sessions.get(&self.id).and_then(|entry| entry.setback)
    }

    /// From now on this is the session, whoever asks; what is left to do is to write it down.
    pub(super) fn renewed(&self, record: &Arc<SessionRecord>, now: Timestamp) {
        self.change(|entry| {
            entry.latest = Some(Latest { record: Arc::clone(record), at: now });
            entry.setback = None;
        });
        self.tell(Landing::Renewed(Arc::clone(record)));
    }

    /// The session is over; what is left to do is to write it down.
    pub(super) fn ended(&self) {
        self.change(|entry| (entry.latest, entry.setback) = (None, None));
        self.tell(Landing::Ended);
    }

    /// The refresh token was spent and another one came, but the claims are the old ones.
    pub(super) fn spoilt(&self, record: &Arc<SessionRecord>, now: Timestamp) {
        self.change(|entry| {
            entry.latest = Some(Latest { record: Arc::clone(record), at: now });
            entry.setback = Some(Setback::after(entry.setback, Asked::InVain, self.id, now).with_another_token());
        });
        self.tell(Landing::Renewed(Arc::clone(record)));
    }

    /// Not now, and not again before a while.
    pub(super) fn failed(&self, asked: Asked, now: Timestamp) {
        self.change(|entry| entry.setback = Some(Setback::after(entry.setback, asked, self.id, now)));
        self.tell(Landing::Failed);
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        change(self.flights.known().sessions.entry(self.id).or_default());
    }

    fn tell(&self, landing: Landing) {
        self.landing.send_replace(Some(landing));
    }
}

impl Drop for Cockpit {
    fn drop(&mut self) {
        let mut known = self.flights.known();
        if let Some(entry) = known.sessions.get_mut(&self.id) {
            entry.flight = None;
        }
        known.tidy(self.id);
        drop(known);
        self.landing.send_if_modified(|landing| {
            let is_missing = landing.is_none();
            landing.get_or_insert(Landing::Failed);
            is_missing
        });
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("under_way", &self.tasks.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
