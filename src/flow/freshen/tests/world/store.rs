//! A store in memory that can be made to fail.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::Slowness;
use crate::domain::time::Timestamp;
use crate::flow::ports::*;
use crate::protocol::session_record::{Handle, SessionRecord, Ticket};

/// How a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow::freshen::tests) enum Fault {
    /// Before it does anything.
    NotDone,
    /// After it has done it.
    Unknown,
}

/// A store in memory.
#[derive(Default)]
pub(in crate::flow::freshen::tests) struct FakeStore {
    pub(in crate::flow::freshen::tests) held: Mutex<Held>,
    /// How often each answer gives way to others first.
    pub(in crate::flow::freshen::tests) slowness: Slowness,
}

#[derive(Default)]
pub(in crate::flow::freshen::tests) struct Held {
    records: HashMap<Handle, Stored>,
    /// Who claims, and whether the lease has run out.
    claims: HashMap<Handle, (Holder, Lease)>,
    /// How the next writes (settle, remove) end.
    pub(in crate::flow::freshen::tests) faults: VecDeque<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    Holds,
    RanOut,
}

impl FakeStore {
    pub(in crate::flow::freshen::tests) fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().expect("no panic while locked")
    }

    /// Time passes for whoever claims and says nothing more.
    pub(in crate::flow::freshen::tests) fn run_out(&self) {
        self.held().claims.values_mut().for_each(|(_, lease)| *lease = Lease::RanOut);
    }

    pub(in crate::flow::freshen::tests) fn record(&self, ticket: &Ticket) -> Option<SessionRecord> {
        let sealed = self.held().records.get(&ticket.handle)?.sealed.clone();
        Some(ticket.open(&sealed, &mut Vec::new()).expect("ours"))
    }

    pub(in crate::flow::freshen::tests) fn is_claimed(&self, ticket: &Ticket) -> bool {
        self.held().claims.contains_key(&ticket.handle)
    }

    async fn write<T>(&self, work: impl FnOnce(&mut Held) -> T) -> Result<T, StoreFailed> {
        self.slowness.dawdle().await;
        let mut held = self.held();
        match held.faults.pop_front() {
            None => Ok(work(&mut held)),
            Some(Fault::NotDone) => Err(StoreFailed::NotDone("full".into())),
            Some(Fault::Unknown) => {
                work(&mut held);
                Err(StoreFailed::Unknown("slow".into()))
            }
        }
    }
}

#[async_trait]
impl SessionStore for FakeStore {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        self.slowness.dawdle().await;
        Ok(Read { record: self.held().records.get(&handle).cloned(), revocations: 0 })
    }

    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        self.held().records.insert(handle, record.clone());
        Ok(Inserted::Done)
    }

    async fn replace(&self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.slowness.dawdle().await;
        let mut held = self.held();
        Ok(match held.records.get_mut(&handle) {
            None => Replaced::Gone,
            Some(there) if there.version != known => Replaced::Outdated,
            Some(there) => {
                *there = record.clone();
                Replaced::Done
            }
        })
    }

    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        self.write(|held| {
            held.records.remove(&handle);
            held.claims.remove(&handle);
        })
        .await
    }

    async fn claim(&self, handle: Handle, holder: Holder, _lease: Duration) -> Result<Claim, StoreFailed> {
        self.slowness.dawdle().await;
        let mut held = self.held();
        if !held.records.contains_key(&handle) {
            return Ok(Claim::Gone);
        }
        let before = match held.claims.get(&handle) {
            Some((_, Lease::Holds)) => return Ok(Claim::Taken),
            Some((_, Lease::RanOut)) => Before::Abandoned,
            None => Before::Settled,
        };
        held.claims.insert(handle, (holder, Lease::Holds));
        Ok(Claim::Ours(before))
    }

    async fn prolong(&self, handle: Handle, holder: Holder, _lease: Duration) -> Result<bool, StoreFailed> {
        Ok(self.held().claims.get(&handle) == Some(&(holder, Lease::Holds)))
    }

    async fn settle(&self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.write(|held| {
            let is_ours = held.claims.get(&handle).is_some_and(|(claims, _)| *claims == holder);
            let Some(there) = held.records.get_mut(&handle) else { return Replaced::Gone };
            if !is_ours && there.version != known {
                return Replaced::Outdated;
            }
            *there = record.clone();
            held.claims.remove(&handle);
            Replaced::Done
        })
        .await
    }

    async fn release(&self, handle: Handle, holder: Holder) -> Result<(), StoreFailed> {
        self.slowness.dawdle().await;
        let mut held = self.held();
        if held.claims.get(&handle).is_some_and(|(claims, _)| *claims == holder) {
            held.claims.remove(&handle);
        }
        Ok(())
    }

    async fn revoke(&self, _entry: &str, _until: Timestamp) -> Result<u64, StoreFailed> {
        Ok(0)
    }

    async fn revocations(&self, _after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        Ok((0, vec![]))
    }

    async fn list(&self, _from: Option<Cursor>) -> Result<Listed, StoreFailed> {
        Ok(Listed { records: vec![], next: None })
    }
}
