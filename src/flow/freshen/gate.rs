//! The gate before an authority's token endpoint: so many at a time, and hardly anybody while it is down. Ten thousand
//! sessions whose claims end in one hour must not keep an authority down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::timing::doubled;
use crate::domain::authority::AuthorityName;
use crate::domain::time::Timestamp;
use crate::flow::ports::Clock;
use crate::protocol::token::RedeemError;

/// So many refreshes at a time.
const PLACES: usize = 64;

/// After so many failures in a row it is down, and one after the other finds out whether it still is.
const DOWN_AFTER: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One authority's.
pub(super) struct Gate {
    authority: AuthorityName,
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    /// In a row.
    failures: u32,
    /// While it is down: when the next may try.
    not_before: Timestamp,
    probe: Probe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Landed,
    UnderWay,
}

/// The right to ask, once. Given back by telling how it went, or by going away.
pub(super) struct Pass {
    gate: Arc<Gate>,
    _place: OwnedSemaphorePermit,
    is_probe: bool,
}

impl Gate {
    pub(super) fn new(authority: AuthorityName) -> Self {
        let state = State { failures: 0, not_before: Timestamp::from_unix_seconds(0), probe: Probe::Landed };
        Self { authority, places: Arc::new(Semaphore::new(PLACES)), state: Mutex::new(state) }
    }

    /// Whether nobody may pass now.
    pub(super) fn is_shut(&self, now: Timestamp) -> bool {
        self.state().is_shut(now)
    }

    /// Waits for a place. `None`: it is down, and it is not this one's turn to find out whether it still is.
    pub(super) async fn enter(self: &Arc<Self>, clock: &dyn Clock) -> Option<Pass> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let mut state = self.state();
        // What was found out while we waited counts.
        if state.is_shut(clock.now()) {
            return None;
        }
        let is_probe = state.failures >= DOWN_AFTER;
        if is_probe {
            state.probe = Probe::UnderWay;
        }
        drop(state);
        Some(Pass { gate: Arc::clone(self), _place: place, is_probe })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_shut(&self, now: Timestamp) -> bool {
        self.failures >= DOWN_AFTER && (self.probe == Probe::UnderWay || now < self.not_before)
    }
}

impl Pass {
    /// It answered, whatever it said about one session.
    pub(super) fn answered(self) {
        let failures = std::mem::take(&mut self.gate.state().failures);
        if failures > 0 {
            let authority = &self.gate.authority;
            tracing::info!(%authority, failures, "The provider of {authority} refreshes sessions again");
        }
    }

    /// It did not, or not usefully. The first of a row of failures is told, and no other.
    pub(super) fn failed(self, error: &RedeemError, now: Timestamp) {
        let mut state = self.gate.state();
        state.failures = state.failures.saturating_add(1);
        let since_down = (state.failures + 1).saturating_sub(DOWN_AFTER);
        state.not_before = now + doubled(FIRST_PAUSE, since_down).min(LONGEST_PAUSE);
        let is_first = state.failures == 1;
        drop(state);
        let authority = &self.gate.authority;
        match error {
            _ if !is_first => tracing::debug!(%authority, %error, "A session could not be refreshed at {authority}"),
            RedeemError::ClientRefused(_) => {
                tracing::error!(%authority, fault = "configuration", %error, "No session of {authority} can be refreshed, and nobody can sign in there: {error}");
            }
            RedeemError::GrantRefused(_)
            | RedeemError::Provider(_)
            | RedeemError::Unanswered(_)
            | RedeemError::Unavailable(_)
            | RedeemError::Unreadable(_) => {
                tracing::warn!(%authority, fault = "provider", %error, "Sessions of {authority} cannot be refreshed and go on as they are");
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_probe {
            self.gate.state().probe = Probe::Landed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct At(u64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(self.0)
        }
    }

    fn down() -> RedeemError {
        RedeemError::Unavailable("down".into())
    }

    async fn enter(gate: &Arc<Gate>, now: u64) -> Option<Pass> {
        gate.enter(&At(now)).await
    }

    #[tokio::test]
    async fn after_some_failures_one_at_a_time_finds_out_whether_it_is_still_down() {
        let gate = Arc::new(Gate::new(AuthorityName::work()));
        for _ in 0..DOWN_AFTER {
            let (one, other) = (enter(&gate, 100).await.expect("open"), enter(&gate, 100).await.expect("open to several"));
            drop(other);
            one.failed(&down(), At(100).now());
        }
        assert!(gate.is_shut(At(100).now()) && enter(&gate, 100).await.is_none());
        let probe = enter(&gate, 101).await.expect("a second later");
        assert!(enter(&gate, 101).await.is_none(), "one at a time");
        probe.failed(&down(), At(101).now());
        assert!(enter(&gate, 102).await.is_none(), "and twice as long");
        drop(enter(&gate, 103).await.expect("two seconds later"));
        let probe = enter(&gate, 103).await.expect("who goes away leaves the turn to the next");
        probe.answered();
        assert!(!gate.is_shut(At(103).now()));
        let _several = (enter(&gate, 103).await.expect("open"), enter(&gate, 103).await.expect("open"));
    }

    #[tokio::test]
    async fn who_waits_for_a_place_while_it_goes_down_does_not_ask() {
        let gate = Arc::new(Gate::new(AuthorityName::work()));
        let mut inside = Vec::new();
        for _ in 0..PLACES {
            inside.push(enter(&gate, 100).await.expect("a place"));
        }
        let mut waits = Box::pin(enter(&gate, 100));
        assert!(futures_util::poll!(&mut waits).is_pending());
        inside.drain(..).for_each(|pass| pass.failed(&down(), At(100).now()));
        assert!(waits.await.is_none());
    }

    #[test]
    fn pauses_are_bounded() {
        let longest = (0..1000).map(|failures| doubled(FIRST_PAUSE, failures).min(LONGEST_PAUSE)).max();
        assert_eq!(longest, Some(LONGEST_PAUSE));
    }
}
