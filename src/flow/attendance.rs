//! Who is here: of sessions that something open hangs on, when their person was last noted in this process. What becomes of
//! that is not decided here. Nothing is kept about other sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::domain::session::SessionId;

/// The sessions that are watched. It lasts as long as the process.
#[derive(Debug, Default)]
pub struct Attendance(Mutex<HashMap<SessionId, Seen>>);

#[derive(Debug)]
struct Seen {
    at: Instant,
    watchers: usize,
}

/// A session that is watched, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    attendance: Arc<Attendance>,
    session: SessionId,
}

impl Attendance {
    /// Watches a session from now on. Its person is here now: they have just opened something.
    #[must_use]
    pub fn watch(self: &Arc<Self>, session: SessionId) -> Watch {
        let at = Instant::now();
        let mut watched = self.seen();
        let seen = watched.entry(session).or_insert(Seen { at, watchers: 0 });
        seen.at = at;
        seen.watchers += 1;
        Watch { attendance: Arc::clone(self), session }
    }

    /// Notes a request. It costs the look that tells that nobody watches.
    pub fn note(&self, session: SessionId) {
        if let Some(seen) = self.seen().get_mut(&session) {
            seen.at = Instant::now();
        }
    }

    /// Whole at every moment, whoever panics.
    fn seen(&self) -> MutexGuard<'_, HashMap<SessionId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// When the person was last here, by their requests and by whatever is open, of which this one has heard them `heard`.
    #[must_use]
    pub fn last_seen(&self, heard: Instant) -> Instant {
        let mut watched = self.attendance.seen();
        let Some(seen) = watched.get_mut(&self.session) else { return heard };
        seen.at = seen.at.max(heard);
        seen.at
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Entry::Occupied(mut seen) = self.attendance.seen().entry(self.session) {
            seen.get_mut().watchers -= 1;
            if seen.get().watchers == 0 {
                seen.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_is_watched_as_long_as_anything_of_it_is_open() {
        let attendance = Arc::<Attendance>::default();
        let (ours, others) = (SessionId([1; 16]), SessionId([2; 16]));
        let first = attendance.watch(ours);
        let opened = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        attendance.note(others);
        assert_eq!(first.last_seen(opened), opened);
        attendance.note(ours);
        assert_eq!(first.last_seen(opened), opened + Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = attendance.watch(ours);
        assert_eq!(first.last_seen(opened), opened + Duration::from_secs(2), "what opens is a request as well");
        let heard = opened + Duration::from_secs(9);
        assert_eq!((second.last_seen(heard), first.last_seen(opened)), (heard, heard), "one has heard them, and the other knows");
        drop(first);
        drop(second);
        assert!(attendance.seen().is_empty());
    }
}
