//! The list of revocations in force in this process: what was revoked here, and, where sessions are kept in a store, by any
//! process that shares it. The configuration's own list is in `Keeper::decreed`.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::ports::{SessionStore, StoreFailed};
use crate::domain::revocation::{Revocation, Revocations};
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::protocol::seal::{KeyRing, Purpose, Random};

/// So many entries that nobody vouches for are kept: a flood must not fill memory.
pub const MOST_ENTRIES: usize = 200_000;

/// The list. It lives as long as the process.
#[derive(Debug)]
pub struct RevocationList {
    entries: ArcSwap<Revocations>,
    /// How much of the store's list is in it. Also what open streams watch: whenever it changes, some of them may have to
    /// end.
    seen: watch::Sender<u64>,
    /// Taken while entries are replaced.
    changing: Mutex<()>,
}

/// No room for another entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of revocations is full")]
pub struct Full;

impl Default for RevocationList {
    fn default() -> Self {
        Self { entries: ArcSwap::default(), seen: watch::Sender::new(0), changing: Mutex::new(()) }
    }
}

impl RevocationList {
    /// Whether an entry ended this session.
    #[must_use]
    pub fn has_ended(&self, session: &Session) -> bool {
        self.entries.load().ended(session).is_some()
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> Arc<Revocations> {
        self.entries.load_full()
    }

    /// Tells whenever the list has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.seen.subscribe()
    }

    /// Adds an entry of this process. `oldest` is when the oldest session that may still be alive began.
    ///
    /// # Errors
    /// [`Full`]
    pub fn add(&self, revocation: Revocation, oldest: Timestamp) -> Result<(), Full> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Revocations::clone(&self.entries.load());
        entries.forget_before(oldest);
        if entries.len() >= MOST_ENTRIES {
            return Err(Full);
        }
        entries.add(revocation);
        self.entries.store(Arc::new(entries));
        self.seen.send_modify(|_| {});
        Ok(())
    }

    /// Reads the store's list if it is another than the one that is known. It may also have begun anew: whoever empties a
    /// store has its versions begin from the start.
    ///
    /// # Errors
    /// [`StoreFailed`]
    pub async fn catch_up(&self, store: &dyn SessionStore, keys: &KeyRing, at: u64) -> Result<(), StoreFailed> {
        if *self.seen.borrow() == at {
            return Ok(());
        }
        let (version, listed) = store.revocations().await?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Revocations::clone(&self.entries.load());
        for entry in listed.iter().filter_map(|sealed| open(sealed, keys)) {
            entries.add(entry);
        }
        self.entries.store(Arc::new(entries));
        self.seen.send_modify(|seen| *seen = version);
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
