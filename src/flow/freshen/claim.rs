//! The claim on a record in a store: of all processes that share the store, one spends the refresh token, and the others
//! find what it brought.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::time::{Instant, sleep};

use crate::domain::time::Timestamp;
use crate::flow::keeper::{Keeper, Kept, Place};
use crate::flow::ports::{Before, Claim, Holder, Replaced, SessionStore, StoreFailed};
use crate::protocol::session_record::{SessionRecord, Ticket};

/// A refresh writes a version that no mere "seen" can come up with: each of those adds one. Somebody who read the record
/// before the refresh never finds their version in place after it.
const VERSIONS_OF_A_REFRESH: u64 = 1 << 20;

/// So many looks at what another process does between two attempts to claim what it may have left behind.
const LOOKS: u32 = 10;

/// Claims on one record.
pub(super) struct Claims<'a> {
    pub(super) store: &'a dyn SessionStore,
    pub(super) ticket: &'a Ticket,
    pub(super) keeper: &'a Keeper,
}

/// A claim of ours.
pub(super) struct Claimed {
    pub(super) holder: Holder,
    pub(super) before: Before,
    /// As it was read when nobody else could renew it any more.
    pub(super) kept: Kept,
    pub(super) version: u64,
}

/// What came of claiming.
pub(super) enum Found {
    /// Somebody else has refreshed it.
    Elsewhere(Arc<SessionRecord>),
    /// The session is over.
    Gone,
    /// The store fails, or somebody else takes too long.
    Nothing,
    /// It is ours.
    Ours(Box<Claimed>),
}

/// What came of writing.
pub(super) enum Settled {
    /// It is there.
    Done,
    /// The session is over.
    Gone,
    /// Somebody was here meanwhile, and wrote that down.
    Outrun {
        /// Into this version.
        version: u64,
        /// At this time.
        last_seen: Timestamp,
    },
    /// This is there, which is as fresh: ours, as it turns out, or another process's.
    Superseded(Arc<SessionRecord>),
}

impl Claims<'_> {
    /// Claims the record, or waits for whoever has.
    pub(super) async fn claim(&self, record: &SessionRecord) -> Found {
        let found = self.try_to_claim(record).await;
        found.unwrap_or_else(|error| {
            let session = record.session.id;
            tracing::warn!(%session, fault = "session store", %error, "A session could not be claimed to be refreshed");
            Found::Nothing
        })
    }

    async fn try_to_claim(&self, record: &SessionRecord) -> Result<Found, StoreFailed> {
        let pace = &self.keeper.flights.pace;
        let give_up = Instant::now() + pace.others;
        loop {
            let holder = self.holder();
            match self.store.claim(self.ticket.handle, holder, pace.lease).await {
                Ok(Claim::Gone) => return Ok(Found::Gone),
                Ok(Claim::Ours(before)) => return self.read_again(holder, before, record).await,
                Ok(Claim::Taken) => {}
                Err(error) => {
                    // It may be ours all the same.
                    self.release(holder).await;
                    return Err(error);
                }
            }
            for _ in 0..LOOKS {
                sleep(pace.look).await;
                match self.keeper.read(self.ticket.clone()).await? {
                    None => return Ok(Found::Gone),
                    Some(theirs) if theirs.record.is_fresher_than(record) => return Ok(Found::Elsewhere(theirs.record)),
                    Some(_) => {}
                }
            }
            if Instant::now() >= give_up {
                return Ok(Found::Nothing);
            }
        }
    }

    /// Nobody else renews it from here on. Perhaps somebody has just done so.
    async fn read_again(&self, holder: Holder, before: Before, record: &SessionRecord) -> Result<Found, StoreFailed> {
        let kept = match self.keeper.read(self.ticket.clone()).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return Ok(Found::Gone),
            Err(error) => {
                self.leave(holder, before).await;
                return Err(error);
            }
        };
        let found = match &kept.place {
            _ if self.keeper.is_revoked(kept.session()) => Found::Gone,
            Place::Store { version, .. } if !kept.record.is_fresher_than(record) && kept.record.tokens.refresh_token.is_some() => {
                return Ok(Found::Ours(Box::new(Claimed { holder, before, version: *version, kept })));
            }
            Place::Cookie | Place::Store { .. } => Found::Elsewhere(kept.record),
        };
        self.release(holder).await;
        Ok(found)
    }

    /// Ends a claim without having spent anything. One that was abandoned before stays so: nobody has found out yet what its
    /// holder spent.
    async fn leave(&self, holder: Holder, before: Before) {
        match before {
            Before::Abandoned => {}
            Before::Settled => self.release(holder).await,
        }
    }

    /// Ends a claim. If that fails, it runs out.
    pub(super) async fn release(&self, holder: Holder) {
        if let Err(error) = self.store.release(self.ticket.handle, holder).await {
            tracing::debug!(fault = "session store", %error, "A claim on a session could not be given back and runs out");
        }
    }

    /// Does something while the claim is prolonged.
    pub(super) async fn prolonging<T>(&self, holder: Holder, work: impl Future<Output = T>) -> T {
        let prolong = async {
            let pace = &self.keeper.flights.pace;
            loop {
                sleep(pace.prolong).await;
                // If it has run out, or cannot be prolonged, what was begun is brought to its end all the same: writing finds
                // out whether somebody else was at it.
                let _either = self.store.prolong(self.ticket.handle, holder, pace.lease).await;
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            never = prolong => { let never: Infallible = never; match never {} }
        }
    }

    /// Ends the claim with the renewed record, which takes the place of version `known`.
    pub(super) async fn settle(&self, holder: Holder, known: u64, record: &SessionRecord) -> Result<Settled, StoreFailed> {
        let stored = self.keeper.stored(record, self.ticket, (known / VERSIONS_OF_A_REFRESH + 1) * VERSIONS_OF_A_REFRESH);
        match self.store.settle(self.ticket.handle, holder, known, &stored).await? {
            Replaced::Done => return Ok(Settled::Done),
            Replaced::Gone => return Ok(Settled::Gone),
            Replaced::Outdated => {}
        }
        Ok(match self.keeper.read(self.ticket.clone()).await? {
            None => Settled::Gone,
            Some(Kept { record: theirs, place: Place::Store { version, .. }, .. }) if record.is_fresher_than(&theirs) => {
                Settled::Outrun { version, last_seen: theirs.session.last_seen }
            }
            Some(theirs) => Settled::Superseded(theirs.record),
        })
    }

    fn holder(&self) -> Holder {
        let mut bytes = [0; 16];
        self.keeper.entropy.fill(&mut bytes);
        Holder(u128::from_be_bytes(bytes))
    }
}
