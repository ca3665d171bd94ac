//! Who is renewing which record, for stores of one process. A claim leaves a trace until the record has been renewed, so
//! that nobody takes a session for refused whose refresh token may have been spent by somebody who died over it.

use std::collections::HashMap;
use std::time::Duration;

use crate::flow::ports::{Before, Claim, Holder};
use crate::protocol::session_record::Handle;

/// The claims that have not ended, and the traces of those that ended badly. Moments are spans since the store's start.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<Handle, Lease>);

/// A claim, or the trace of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    /// `None`: nobody has it any more, but whoever had it may have spent the refresh token.
    holder: Option<Holder>,
    until: Duration,
    before: Before,
}

impl Leases {
    /// Claims a record that is there.
    pub(super) fn claim(&mut self, handle: Handle, holder: Holder, now: Duration, until: Duration) -> Claim {
        let before = match self.0.get(&handle) {
            Some(lease) if lease.is_live(now) => return Claim::Taken,
            Some(_) => Before::Abandoned,
            None => Before::Settled,
        };
        self.0.insert(handle, Lease { holder: Some(holder), until, before });
        Claim::Ours(before)
    }

    /// Whether the claim went on until now; if so, it goes on.
    pub(super) fn prolong(&mut self, handle: Handle, holder: Holder, now: Duration, until: Duration) -> bool {
        let ours = self.0.get_mut(&handle).filter(|lease| lease.holder == Some(holder) && lease.is_live(now));
        ours.map(|lease| lease.until = until).is_some()
    }

    /// What is known of claims to a record.
    pub(super) fn of(&self, handle: Handle) -> Option<Lease> {
        self.0.get(&handle).copied()
    }

    /// Has it that this, and nothing else, is known of claims to a record.
    pub(super) fn restore(&mut self, handle: Handle, lease: Option<Lease>) {
        match lease {
            Some(lease) => self.0.insert(handle, lease),
            None => self.0.remove(&handle),
        };
    }

    /// Whether nobody else has claimed since this holder did. That the lease ran out does not matter.
    pub(super) fn is_held_by(&self, handle: Handle, holder: Holder) -> bool {
        self.0.get(&handle).is_some_and(|lease| lease.holder == Some(holder))
    }

    /// Ends a claim over which nothing was spent. What was spent before is as spent as ever.
    pub(super) fn release(&mut self, handle: Handle, holder: Holder) {
        if !self.is_held_by(handle, holder) {
            return;
        }
        match self.0.remove(&handle).map(|lease| lease.before) {
            Some(Before::Abandoned) => self.abandon(handle),
            Some(Before::Settled) | None => {}
        }
    }

    /// Notes that somebody who is gone had claimed the record.
    pub(super) fn abandon(&mut self, handle: Handle) {
        self.0.insert(handle, Lease { holder: None, until: Duration::ZERO, before: Before::Abandoned });
    }

    /// Forgets everything about a record: it was renewed, or is gone.
    pub(super) fn forget(&mut self, handle: Handle) {
        self.0.remove(&handle);
    }
}

impl Lease {
    fn is_live(&self, now: Duration) -> bool {
        self.holder.is_some() && now < self.until
    }
}
