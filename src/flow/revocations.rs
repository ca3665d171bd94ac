//! The list of revocations in force in this process: what was revoked here, and, where sessions are kept in a store, by any
//! process that shares it. The configuration's own list is in `Keeper::decreed`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::ports::{SessionStore, StoreFailed};
use crate::domain::revocation::{Revocation, Revocations};
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::protocol::seal::{KeyRing, Purpose, Random};

/// So many entries are kept.
pub const MOST_ENTRIES: usize = 200_000;

/// So many are kept while more come from people who have proven nothing: a flood of theirs leaves as much room again for
/// entries that somebody vouches for.
pub const MOST_UNPROVEN: usize = MOST_ENTRIES / 2;

/// So many new entries are kept apart from the rest.
const MOST_RECENT: usize = 512;

/// How often a full list is looked through for entries to forget.
const LOOK_THROUGH_EVERY: Duration = Duration::from_secs(60);

/// The list. It lives as long as the process.
#[derive(Debug)]
pub struct RevocationList {
    entries: ArcSwap<Entries>,
    /// How much of the store's list is in it. Also what open streams watch: whenever it changes, some of them may have to
    /// end.
    seen: watch::Sender<u64>,
    /// Taken while entries are replaced.
    changing: Mutex<()>,
    /// Taken while the store's list is read: one reader is enough.
    reading: tokio::sync::Mutex<()>,
}

/// Every change makes a new list, and copying a long one for every new entry would be a way to keep us busy. So new entries
/// are kept apart until they are worth a copy of the rest.
#[derive(Debug, Clone)]
struct Entries {
    settled: Arc<Revocations>,
    recent: Revocations,
    /// What is older has been forgotten already.
    oldest: Timestamp,
}

/// No room for another entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of revocations is full")]
pub struct Full;

impl Default for RevocationList {
    fn default() -> Self {
        Self {
            entries: ArcSwap::from_pointee(Entries::default()),
            seen: watch::Sender::new(0),
            changing: Mutex::new(()),
            reading: tokio::sync::Mutex::new(()),
        }
    }
}

impl Default for Entries {
    fn default() -> Self {
        Self { settled: Arc::default(), recent: Revocations::new(), oldest: Timestamp::from_unix_seconds(0) }
    }
}

impl Entries {
    fn len(&self) -> usize {
        self.settled.len() + self.recent.len()
    }

    /// All of them in one list, without those that cannot mean any session any more.
    fn settle(&mut self, oldest: Timestamp) {
        let mut settled = Revocations::clone(&self.settled);
        settled.add_all(&std::mem::take(&mut self.recent));
        settled.forget_before(oldest);
        self.settled = Arc::new(settled);
        self.oldest = self.oldest.max(oldest);
    }
}

impl RevocationList {
    /// Why this session is over, if it is.
    #[must_use]
    pub fn ended(&self, session: &Session) -> Option<Revocation> {
        let entries = self.entries.load();
        entries.settled.ended(session).or_else(|| entries.recent.ended(session)).cloned()
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> Arc<Revocations> {
        let mut entries = Entries::clone(&self.entries.load());
        if !entries.recent.is_empty() {
            entries.settle(entries.oldest);
        }
        entries.settled
    }

    /// Tells whenever the list has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.seen.subscribe()
    }

    /// Whether somebody wants to be told of changes.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.seen.receiver_count() > 0
    }

    /// Has everybody who watches look again, because what is revoked elsewhere has changed.
    pub fn stir(&self) {
        self.seen.send_modify(|_| {});
    }

    /// Adds an entry of this process. `oldest` is when the oldest session that may still be alive began.
    ///
    /// # Errors
    /// [`Full`]
    pub fn add(&self, revocation: Revocation, oldest: Timestamp) -> Result<(), Full> {
        self.add_up_to(MOST_ENTRIES, revocation, oldest)
    }

    /// Likewise, on the word of somebody who has proven nothing.
    ///
    /// # Errors
    /// [`Full`], sooner than for others.
    pub fn add_unproven(&self, revocation: Revocation, oldest: Timestamp) -> Result<(), Full> {
        self.add_up_to(MOST_UNPROVEN, revocation, oldest)
    }

    fn add_up_to(&self, most: usize, revocation: Revocation, oldest: Timestamp) -> Result<(), Full> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Entries::clone(&self.entries.load());
        let is_full = entries.len() >= most && oldest.since(entries.oldest) >= LOOK_THROUGH_EVERY;
        if entries.recent.len() >= MOST_RECENT || is_full {
            entries.settle(oldest);
        }
        if entries.len() >= most {
            return Err(Full);
        }
        entries.recent.add(revocation);
        self.entries.store(Arc::new(entries));
        self.stir();
        Ok(())
    }

    /// Takes note that the store has got an entry of ours as its `version`th. If that is the next, there is nothing to
    /// catch up with.
    pub(super) fn told(&self, version: u64) {
        self.seen.send_if_modified(|seen| {
            let is_next = *seen + 1 == version;
            if is_next {
                *seen = version;
            }
            is_next
        });
    }

    /// Reads the store's list if it is further than what is known of it.
    ///
    /// # Errors
    /// [`StoreFailed`]
    pub async fn catch_up(&self, store: &dyn SessionStore, keys: &KeyRing, at: u64, oldest: Timestamp) -> Result<(), StoreFailed> {
        let is_known = || *self.seen.borrow() >= at;
        if is_known() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        if is_known() {
            return Ok(());
        }
        let (version, listed) = store.revocations().await?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Entries::clone(&self.entries.load());
        for entry in listed.iter().filter_map(|sealed| open(sealed, keys)) {
            entries.recent.add(entry);
        }
        entries.settle(oldest);
        self.entries.store(Arc::new(entries));
        self.seen.send_modify(|seen| *seen = version.max(*seen));
        Ok(())
    }
}

/// An entry as a store keeps it.
#[must_use]
pub fn seal(revocation: &Revocation, keys: &KeyRing, random: &mut Random<'_>) -> String {
    let plaintext = postcard::to_allocvec(revocation).expect("strings and numbers can be written");
    keys.seal(Purpose::Revocation, &[], &plaintext, random)
}

fn open(sealed: &str, keys: &KeyRing) -> Option<Revocation> {
    let plaintext = keys.open(Purpose::Revocation, &[], sealed).ok()?;
    postcard::from_bytes(&plaintext).ok()
}

#[cfg(test)]
mod tests;
