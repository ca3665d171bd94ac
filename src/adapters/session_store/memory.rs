//! Sessions in this process: nothing to set up, and everybody signs in again when it ends.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::leases::Leases;
use super::packed::Packed;
use super::time::Time;
use super::{PAGE, behind, position};
use crate::domain::time::Timestamp;
use crate::flow::ports::{Claim, Cursor, Holder, Inserted, Listed, Read, Replaced, SessionStore, StoreFailed, Stored};
use crate::flow::revocations::MOST_ENTRIES;
use crate::protocol::session_record::Handle;

/// So many sessions are kept. Nobody who is signed in makes room for somebody new.
pub const MOST_RECORDS: usize = 500_000;

/// How often the dead are cleared out. Until then they only take up room.
const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// So many that a sweep of one holds up nobody for longer than a request takes anyway.
const SHARDS: usize = 256;

/// An entry of the list of revocations.
struct Entry {
    version: u64,
    until: Timestamp,
    sealed: Box<str>,
}

/// The store.
pub struct MemoryStore {
    time: Arc<dyn Time>,
    most_records: usize,
    count: AtomicUsize,
    /// By the first byte of the handle, which makes the order of shards that of handles.
    shards: Box<[Mutex<Shard>]>,
    revocations: Mutex<Vec<Entry>>,
    /// How many revocations there ever were. Changes while `revocations` is locked.
    revocations_version: AtomicU64,
}

#[derive(Default)]
struct Shard {
    /// In order, because lists go on behind a handle; and a tree grows by a node where a table doubles.
    records: BTreeMap<[u8; 16], Record>,
    leases: Leases,
}

struct Record {
    version: u64,
    expires_at: Timestamp,
    packed: Packed,
}

impl MemoryStore {
    /// An empty one. Nobody sweeps it yet.
    #[must_use]
    pub fn new(time: Arc<dyn Time>, most_records: usize) -> Self {
        Self {
            time,
            most_records,
            count: AtomicUsize::new(0),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            revocations: Mutex::default(),
            revocations_version: AtomicU64::new(0),
        }
    }

    /// An empty one, swept by a task that ends with it.
    #[must_use]
    pub fn start(time: Arc<dyn Time>) -> Arc<Self> {
        let store = Arc::new(Self::new(time, MOST_RECORDS));
        let swept = Arc::downgrade(&store);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(store) = swept.upgrade() else { return };
                store.sweep().await;
            }
        });
        store
    }

    /// Clears out what has expired, a shard at a time.
    pub(super) async fn sweep(&self) {
        let now = self.time.now();
        for shard in &self.shards {
            let swept = locked(shard).sweep(now);
            self.count.fetch_sub(swept, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
        locked(&self.revocations).retain(|entry| entry.until > now);
    }

    fn shard(&self, handle: Handle) -> MutexGuard<'_, Shard> {
        locked(&self.shards[usize::from(handle.0[0])])
    }

    fn has_room(&self) -> bool {
        let one_more = |count| (count < self.most_records).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

impl Shard {
    fn live(&mut self, handle: Handle, now: Timestamp) -> Option<&mut Record> {
        self.records.get_mut(&handle.0).filter(|record| record.expires_at > now)
    }

    fn remove(&mut self, handle: Handle) -> usize {
        self.leases.forget(handle);
        usize::from(self.records.remove(&handle.0).is_some())
    }

    fn sweep(&mut self, now: Timestamp) -> usize {
        let before = self.records.len();
        let Self { records, leases } = self;
        records.retain(|handle, record| {
            let is_live = record.expires_at > now;
            if !is_live {
                leases.forget(Handle(*handle));
            }
            is_live
        });
        before - self.records.len()
    }
}

impl Record {
    fn new(stored: &Stored) -> Self {
        Self { version: stored.version, expires_at: stored.expires_at, packed: Packed::new(stored) }
    }

    fn stored(&self) -> Stored {
        let (summary, sealed) = self.packed.parts();
        Stored { version: self.version, expires_at: self.expires_at, summary: summary.into(), sealed: sealed.into() }
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        let record = self.shard(handle).live(handle, self.time.now()).map(|record| record.stored());
        // Looked up after the record: whoever is told of a record is told of every revocation that came before it.
        Ok(Read { record, revocations: self.revocations_version.load(Ordering::Acquire) })
    }

    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        let mut shard = self.shard(handle);
        if shard.live(handle, self.time.now()).is_some() {
            return Ok(Inserted::Taken);
        }
        if !self.has_room() {
            return Err(StoreFailed::NotDone(format!("it holds {} sessions, and takes no more", self.most_records)));
        }
        if shard.records.insert(handle.0, Record::new(record)).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(Inserted::Done)
    }

    async fn replace(&self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        Ok(match self.shard(handle).live(handle, self.time.now()) {
            None => Replaced::Gone,
            Some(present) if present.version != known => Replaced::Outdated,
            Some(present) => {
                *present = Record::new(record);
                Replaced::Done
            }
        })
    }

    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        let removed = self.shard(handle).remove(handle);
        self.count.fetch_sub(removed, Ordering::Relaxed);
        Ok(())
    }

    async fn claim(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<Claim, StoreFailed> {
        let (mut shard, elapsed) = (self.shard(handle), self.time.elapsed());
        if shard.live(handle, self.time.now()).is_none() {
            return Ok(Claim::Gone);
        }
        Ok(shard.leases.claim(handle, holder, elapsed, elapsed + lease))
    }

    async fn prolong(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<bool, StoreFailed> {
        let elapsed = self.time.elapsed();
        Ok(self.shard(handle).leases.prolong(handle, holder, elapsed, elapsed + lease))
    }

    async fn settle(&self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        let mut shard = self.shard(handle);
        let is_ours = shard.leases.is_held_by(handle, holder);
        match shard.live(handle, self.time.now()) {
            None => return Ok(Replaced::Gone),
            Some(present) if !is_ours && present.version != known => return Ok(Replaced::Outdated),
            Some(present) => {
                // Above what was written meanwhile, or whoever wrote that would take the renewed record for its own.
                let version = record.version.max(present.version + 1);
                *present = Record { version, ..Record::new(record) };
            }
        }
        if is_ours {
            shard.leases.forget(handle);
        }
        Ok(Replaced::Done)
    }

    async fn release(&self, handle: Handle, holder: Holder) -> Result<(), StoreFailed> {
        self.shard(handle).leases.release(handle, holder);
        Ok(())
    }

    async fn revoke(&self, entry: &str, until: Timestamp) -> Result<u64, StoreFailed> {
        let mut entries = locked(&self.revocations);
        if entries.len() >= MOST_ENTRIES {
            return Err(StoreFailed::NotDone(format!("it holds {MOST_ENTRIES} revocations, and takes no more")));
        }
        let version = self.revocations_version.load(Ordering::Acquire) + 1;
        entries.push(Entry { version, until, sealed: entry.into() });
        self.revocations_version.store(version, Ordering::Release);
        Ok(version)
    }

    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        let (now, entries) = (self.time.now(), locked(&self.revocations));
        // In the order in which they came.
        let later = &entries[entries.partition_point(|entry| entry.version <= after)..];
        let in_force = later.iter().filter(|entry| entry.until > now).map(|entry| entry.sealed.to_string());
        Ok((self.revocations_version.load(Ordering::Acquire), in_force.collect()))
    }

    async fn list(&self, from: Option<Cursor>) -> Result<Listed, StoreFailed> {
        let (from, now) = (from.as_ref().map(position).transpose()?, self.time.now());
        let mut records = Vec::with_capacity(PAGE);
        for shard in &self.shards[from.map_or(0, |handle| usize::from(handle.0[0]))..] {
            let shard = locked(shard);
            let rest = shard.records.range((from.map_or(Unbounded, |handle| Excluded(handle.0)), Unbounded));
            for (handle, record) in rest.filter(|(_, record)| record.expires_at > now) {
                if records.len() == PAGE {
                    let next = records.last().map(|(last, _)| behind(*last));
                    return Ok(Listed { records, next });
                }
                records.push((Handle(*handle), record.packed.parts().0.into()));
            }
        }
        Ok(Listed { records, next: None })
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Nothing that is done under a lock can fail halfway.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
