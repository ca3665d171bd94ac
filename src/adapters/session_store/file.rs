//! Sessions in a file, for one process: they survive its end, however it ends.
//!
//! What was acknowledged is on the disk. Writes go through one thread (`writer`). Reads do not: they see the last
//! transaction without waiting for anybody, within microseconds, which is less than it would take to hand them to another
//! thread. The disk should be this machine's own: one that hangs holds up whoever reads from it.

mod open;
mod tables;
mod writer;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use redb::{Database, ReadTransaction, ReadableDatabase as _};

pub use open::OpenError;
pub use tables::MOST_RECORDS;

use self::open::Folder;
use self::tables::Fault;
use self::writer::{Opened, Reopen, Writer, Writes, closed};
use super::position;
use super::time::Time;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Claim, Cursor, Holder, Inserted, Listed, Read, Replaced, SessionStore, StoreFailed, Stored};
use crate::protocol::session_record::Handle;

/// The store.
pub struct FileStore {
    opened: Arc<Opened>,
    time: Arc<dyn Time>,
    /// `None`: it is being dropped.
    writes: Option<Writes>,
    thread: Option<JoinHandle<()>>,
}

impl FileStore {
    /// Opens the store in a folder, which is made if it is missing. All of it is read, which takes about a second per
    /// gigabyte.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(folder: &Path, time: Arc<dyn Time>) -> Result<Self, OpenError> {
        let folder = Folder::take(folder)?;
        let (database, file) = (folder.open()?, folder.file());
        Self::over(database, Box::new(move || folder.open()), time).map_err(|fault| OpenError::Unusable { file, fault })
    }

    fn over(database: Database, reopen: Reopen, time: Arc<dyn Time>) -> Result<Self, String> {
        let opened = Arc::new(RwLock::new(Some(database)));
        let writer = Writer::new(Arc::clone(&opened), reopen, Arc::clone(&time)).map_err(|failure| failure.to_string())?;
        let (writes, thread) = writer.start().map_err(|error| error.to_string())?;
        Ok(Self { opened, time, writes: Some(writes), thread: Some(thread) })
    }

    fn writes(&self) -> &Writes {
        self.writes.as_ref().expect("gone only while it is dropped")
    }

    fn look<T>(&self, look: impl FnOnce(&ReadTransaction, Timestamp) -> Result<T, Fault>) -> Result<T, StoreFailed> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let seen = match &*opened {
            Some(database) => {
                let transaction = database.begin_read().map_err(tables::fault);
                transaction.and_then(|transaction| look(&transaction, self.time.now()))
            }
            .map_err(|fault| StoreFailed::NotDone(fault.to_string())),
            None => Err(closed()),
        };
        seen.inspect_err(|_| self.writes().nudge())
    }
}

#[async_trait]
impl SessionStore for FileStore {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        self.look(|transaction, now| tables::read(transaction, handle, now))
    }

    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        let record = record.clone();
        self.writes().make(move |changes| changes.insert(handle, &record)).await?
    }

    async fn replace(&self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        let record = record.clone();
        self.writes().make(move |changes| changes.replace(handle, known, &record)).await
    }

    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        self.writes().make(move |changes| changes.remove(handle)).await
    }

    async fn claim(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<Claim, StoreFailed> {
        self.writes().make(move |changes| changes.claim(handle, holder, lease)).await
    }

    async fn prolong(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<bool, StoreFailed> {
        self.writes().make(move |changes| Ok(changes.prolong(handle, holder, lease))).await
    }

    async fn settle(&self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        let record = record.clone();
        self.writes().make(move |changes| changes.settle(handle, holder, known, &record)).await
    }

    async fn release(&self, handle: Handle, holder: Holder) -> Result<(), StoreFailed> {
        self.writes().make(move |changes| changes.release(handle, holder)).await
    }

    async fn revoke(&self, entry: &str, until: Timestamp) -> Result<u64, StoreFailed> {
        let entry = entry.to_owned();
        self.writes().make(move |changes| changes.revoke(&entry, until)).await?
    }

    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        self.look(|transaction, now| tables::revocations(transaction, after, now))
    }

    async fn list(&self, from: Option<Cursor>) -> Result<Listed, StoreFailed> {
        let from = from.as_ref().map(position).transpose()?;
        self.look(|transaction, now| tables::list(transaction, from, now))
    }
}

/// Writes what is waiting and closes the file, so that the next start needs not mend it.
impl Drop for FileStore {
    fn drop(&mut self) {
        drop(self.writes.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
