//! One request's own facts, made when it arrives: its decision id and the moment it is judged at. One moment per
//! request: whatever is compared with it was judged by the same clock reading.

use std::cell::Cell;
use std::time::Instant;

use crate::domain::decision::{DecisionId, DecisionRecord, Judged, Outcome};
use crate::domain::principal::Principal;
use crate::domain::reason::{Fault, Reason};
use crate::domain::route::{Position, Route, RouteName};
use crate::domain::time::Timestamp;
use crate::telemetry::audit::Event;

/// A request's own facts.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Names the decision in the log and on the page.
    pub id: DecisionId,
    /// The moment it is judged at.
    pub now: Timestamp,
    /// The same moment by the clock that never jumps.
    pub(super) arrived: Instant,
}

impl Call {
    /// A request that arrives now.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { id: DecisionId::from_random(next_random()), now, arrived: Instant::now() }
    }
}

thread_local! {
    static SEED: Cell<u64> = Cell::new(std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::thread::current().id()));
}

/// SplitMix64: ids need to differ, not to be secret, and must not cost a call into the system's randomness each.
fn next_random() -> u64 {
    SEED.with(|seed| {
        seed.set(seed.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mixed = seed.get();
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    })
}

/// What was decided for a request: all of the [`DecisionRecord`] but its id, and what the audit log is to tell of it.
#[derive(Debug, Clone)]
pub struct Verdict {
    outcome: Outcome,
    reason: Reason,
    would_refuse: Option<Reason>,
    route: Option<(RouteName, Position)>,
    who: Option<Judged>,
    events: Vec<Event>,
}

impl Verdict {
    /// Let in, or answered as wished.
    #[must_use]
    pub const fn allow(reason: Reason) -> Self {
        Self { outcome: Outcome::Allow, reason, would_refuse: None, route: None, who: None, events: Vec::new() }
    }

    /// Asked to sign in.
    #[must_use]
    pub const fn challenge(reason: Reason) -> Self {
        Self { outcome: Outcome::Challenge, reason, would_refuse: None, route: None, who: None, events: Vec::new() }
    }

    /// Not let in. Whose fault the reason is tells a refusal from a failure.
    #[must_use]
    pub const fn not_let_in(reason: Reason) -> Self {
        let outcome = match reason.fault() {
            Fault::Ours | Fault::Provider | Fault::Upstream => Outcome::Error,
            Fault::Browser | Fault::Nobody | Fault::Person => Outcome::Deny,
        };
        Self { outcome, reason, would_refuse: None, route: None, who: None, events: Vec::new() }
    }

    /// With the route that decided.
    #[must_use]
    pub fn on(mut self, route: &Route) -> Self {
        self.route = Some((route.name.clone(), route.decided_at(self.would_refuse.unwrap_or(self.reason))));
        self
    }

    /// With the person who was judged.
    #[must_use]
    pub fn about(mut self, who: Option<&Principal>) -> Self {
        self.who = who.map(Judged::of);
        self
    }

    /// With the reason why a route that only tries its rules would have refused. Comes before [`Self::on`], which finds the
    /// line that decided.
    #[must_use]
    pub const fn although(mut self, would_refuse: Option<Reason>) -> Self {
        self.would_refuse = would_refuse;
        self
    }

    /// With something for the audit log to tell.
    #[must_use]
    pub(super) fn telling(mut self, event: Option<Event>) -> Self {
        self.events.extend(event);
        self
    }

    /// The reason.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The whole record, and what the audit log is to tell.
    #[must_use]
    pub fn record(self, id: DecisionId) -> (DecisionRecord, Vec<Event>) {
        let Self { outcome, reason, would_refuse, route, who, events } = self;
        let (route, position) = route.unzip();
        (DecisionRecord { id, outcome, reason, would_refuse, route, position, who }, events)
    }
}
