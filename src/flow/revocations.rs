//! The list of revocations in force in this process: what was revoked here, and, where sessions are kept in a store, by any
//! process that shares it. The configuration's own list is in `Keeper::decreed`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// So many entries wait for a store that fails.
const MOST_UNTOLD: usize = 10_000;

/// So many entries are opened before others have a turn.
const OPENED_AT_ONCE: usize = 256;

/// Whoever proves nothing and says the same again within this time has said nothing new.
const SAME_AGAIN: Duration = Duration::from_secs(10 * 60);

/// How often a full list is looked through for entries to forget.
const LOOK_THROUGH_EVERY: Duration = Duration::from_secs(60);

/// The list. It lives as long as the process.
#[derive(Debug)]
pub struct RevocationList {
    entries: ArcSwap<Entries>,
    /// What open streams watch: whenever it changes, some of them may have to end.
    changed: watch::Sender<()>,
    /// How much of the store's list is in it.
    known_to: AtomicU64,
    /// By which keys that was read.
    known_by: AtomicU64,
    /// What the store is still to be told.
    untold: Mutex<VecDeque<Revocation>>,
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
            changed: watch::Sender::new(()),
            known_to: AtomicU64::new(0),
            known_by: AtomicU64::new(0),
            untold: Mutex::default(),
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
    /// Whether an entry ended this session.
    #[must_use]
    pub fn has_ended(&self, session: &Session) -> bool {
        let entries = self.entries.load();
        entries.settled.ended(session).is_some() || entries.recent.ended(session).is_some()
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
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether somebody wants to be told of changes.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.changed.receiver_count() > 0
    }

    /// Has everybody who watches look again, because what is revoked elsewhere has changed.
    pub fn stir(&self) {
        self.changed.send_modify(|()| {});
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

    /// Takes note of an entry that the store could not be told of. It counts in this process, and is told later.
    pub(super) fn postpone(&self, revocation: Revocation) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        if untold.len() == MOST_UNTOLD {
            tracing::error!(
                fault = "session store",
                "So many revocations wait for the session store that the oldest of them is given up: it counts in this process only"
            );
            untold.pop_front();
        }
        untold.push_back(revocation);
    }

    /// The entry that has waited longest for the store.
    pub(super) fn next_untold(&self) -> Option<Revocation> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Whether it is known that somebody was revoked in this way a moment ago: then there is no need to say it again.
    #[must_use]
    pub(super) fn knows(&self, revocation: &Revocation) -> bool {
        let entries = self.entries.load();
        let known = entries.recent.of(&revocation.whom).or_else(|| entries.settled.of(&revocation.whom));
        known.is_some_and(|known| revocation.at.since(known.at) < SAME_AGAIN)
    }

    /// Reads what the store's list has beyond what is known of it. All of it, if it began anew, as the list of a store that
    /// was emptied does, or if there are other keys by now: they may open what was closed before.
    ///
    /// # Errors
    /// [`StoreFailed`]
    pub async fn catch_up(&self, store: &dyn SessionStore, keys: &KeyRing, at: u64, oldest: Timestamp) -> Result<(), StoreFailed> {
        let is_known = || self.known_to.load(Ordering::Acquire) == at && self.known_by.load(Ordering::Acquire) == keys.mark();
        if is_known() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        if is_known() {
            return Ok(());
        }
        let known_to = self.known_to.load(Ordering::Acquire);
        let is_further = at >= known_to && self.known_by.load(Ordering::Acquire) == keys.mark();
        let (version, listed) = store.revocations(if is_further { known_to } else { 0 }).await?;
        let mut news = Revocations::new();
        let mut unreadable = 0;
        for (count, sealed) in listed.iter().enumerate() {
            match open(sealed, keys) {
                Some(entry) => news.add(entry),
                None => unreadable += 1,
            }
            if count % OPENED_AT_ONCE == OPENED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        if unreadable > 0 {
            tracing::error!(
                unreadable,
                "Revocations in the session store were sealed with a key that this process does not have, and do not count here: give every process all [session] key_files, the new one last, before any of them uses it first"
            );
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Entries::clone(&self.entries.load());
        entries.recent.add_all(&news);
        if entries.recent.len() > MOST_RECENT {
            entries.settle(oldest);
        }
        self.entries.store(Arc::new(entries));
        self.known_by.store(keys.mark(), Ordering::Release);
        self.known_to.store(version, Ordering::Release);
        self.stir();
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
