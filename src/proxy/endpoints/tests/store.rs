//! A session store that keeps what it is given, until it is told to fail.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::time::Timestamp;
use crate::flow::ports::{Claim, Cursor, Holder, Inserted, Listed, Read, Replaced, SessionStore, StoreFailed, Stored};
use crate::protocol::session_record::Handle;

#[derive(Default)]
pub(in crate::proxy::endpoints) struct FakeStore {
    fails: AtomicBool,
    /// How many more records go and revocations come, if that is limited.
    endings: Mutex<Option<usize>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: HashMap<Handle, Stored>,
    revocations: Vec<String>,
}

impl FakeStore {
    /// From now on it fails.
    pub(in crate::proxy::endpoints) fn fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    /// From now on it works again, and has lost nothing.
    pub(in crate::proxy::endpoints) fn recover(&self) {
        self.fails.store(false, Ordering::Relaxed);
        *self.endings.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on it ends so much and no more: what is there can still be read.
    pub(in crate::proxy::endpoints) fn end_only(&self, so_many: usize) {
        *self.endings.lock().unwrap_or_else(PoisonError::into_inner) = Some(so_many);
    }

    fn ending(&self) -> Result<MutexGuard<'_, Kept>, StoreFailed> {
        if let Some(left) = &mut *self.endings.lock().unwrap_or_else(PoisonError::into_inner) {
            *left = left.checked_sub(1).ok_or_else(|| StoreFailed::NotDone("it was told to".into()))?;
        }
        self.kept()
    }

    pub(in crate::proxy::endpoints) fn records(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).records.len()
    }

    fn kept(&self) -> Result<MutexGuard<'_, Kept>, StoreFailed> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreFailed::NotDone("it was told to".into()));
        }
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl SessionStore for FakeStore {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        let kept = self.kept()?;
        Ok(Read { record: kept.records.get(&handle).cloned(), revocations: kept.revocations.len() as u64 })
    }

    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        match self.kept()?.records.entry(handle) {
            Entry::Occupied(_) => Ok(Inserted::Taken),
            Entry::Vacant(vacant) => {
                vacant.insert(record.clone());
                Ok(Inserted::Done)
            }
        }
    }

    async fn replace(&self, handle: Handle, _known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.kept()?.records.insert(handle, record.clone());
        Ok(Replaced::Done)
    }

    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        self.ending()?.records.remove(&handle);
        Ok(())
    }

    async fn claim(&self, _handle: Handle, _holder: Holder, _lease: Duration) -> Result<Claim, StoreFailed> {
        self.kept().map(|_| Claim::Taken)
    }

    async fn prolong(&self, _handle: Handle, _holder: Holder, _lease: Duration) -> Result<bool, StoreFailed> {
        self.kept().map(|_| false)
    }

    async fn settle(&self, handle: Handle, _holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.replace(handle, known, record).await
    }

    async fn release(&self, _handle: Handle, _holder: Holder) -> Result<(), StoreFailed> {
        self.kept().map(drop)
    }

    async fn revoke(&self, entry: &str, _until: Timestamp) -> Result<u64, StoreFailed> {
        let mut kept = self.ending()?;
        kept.revocations.push(entry.to_owned());
        Ok(kept.revocations.len() as u64)
    }

    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        let kept = self.kept()?;
        let later = kept.revocations.iter().skip(usize::try_from(after).expect("few"));
        Ok((kept.revocations.len() as u64, later.cloned().collect()))
    }

    async fn list(&self, _from: Option<Cursor>) -> Result<Listed, StoreFailed> {
        self.kept().map(|_| Listed { records: Vec::new(), next: None })
    }
}
