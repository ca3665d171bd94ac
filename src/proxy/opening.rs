//! Opening the session that a cookie carries, and remembering for a while what was in it: a browser sends the same cookie
//! with every request, and opening it each time costs two thirds of what all the rest costs that we do for a request.
//!
//! What is remembered is what the seal vouches for, and no verdict: whether the session is over, by its age or by a
//! revocation, and what the policy says of it is found out anew each time, by whoever asked for it to be opened. The
//! memory belongs to one worker and one configuration, so it goes with the keys that opened what is in it. A session with
//! tokens is not remembered: they are in the clear for no longer than the request that they came with.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::time::Timestamp;
use crate::protocol::seal::KeyRing;
use crate::protocol::secret::Secret;
use crate::protocol::session_cookie::{self, Carried};
use crate::protocol::session_record::SessionRecord;

/// A way to open what a cookie carries.
pub(super) trait Opening {
    /// What is in it; `None` if it is no session of ours.
    fn open(&self, sealed: &str, authority: &AuthorityName, origin: &Arc<Origin>, keys: &KeyRing, now: Timestamp) -> Option<Carried>;
}

/// By opening it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Afresh;

/// By looking first whether it was opened a moment ago. To be used with one key ring only.
#[derive(Debug)]
pub(super) struct Recall(RefCell<Memory>);

/// So many sessions are remembered: 2 MB of them at most.
const PLACES: usize = 1024;

/// What nobody has come for within this time is forgotten, at the latest when it has passed once more.
const REMEMBERED: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Memory {
    /// A session has one place, and whoever comes there next takes it.
    places: Box<[Option<Remembered>]>,
    looked_through_at: Timestamp,
}

#[derive(Debug)]
struct Remembered {
    /// Whoever shows this is signed in: it is wiped when it is forgotten.
    sealed: Secret<String>,
    /// Where it may be shown. The seal says so as well.
    origin: Arc<Origin>,
    record: Arc<SessionRecord>,
    was_asked_for: bool,
}

impl Opening for Afresh {
    fn open(&self, sealed: &str, authority: &AuthorityName, origin: &Arc<Origin>, keys: &KeyRing, _now: Timestamp) -> Option<Carried> {
        // It may hold tokens. At once: a buffer that grows leaves copies behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(sealed.len()));
        session_cookie::open(sealed, authority, origin, keys, &mut buffer)
    }
}

impl Opening for Recall {
    fn open(&self, sealed: &str, authority: &AuthorityName, origin: &Arc<Origin>, keys: &KeyRing, now: Timestamp) -> Option<Carried> {
        let mut memory = self.0.borrow_mut();
        memory.look_through(now);
        let place = memory.place_of(sealed);
        if let Some(known) = place.as_mut().filter(|known| known.is(sealed, authority, origin)) {
            known.was_asked_for = true;
            return Some(Carried::Whole(Arc::clone(&known.record)));
        }
        let carried = Afresh.open(sealed, authority, origin, keys, now)?;
        if let Carried::Whole(record) = &carried
            && record.tokens.is_none()
        {
            let (sealed, origin, record) = (Secret::new(sealed.to_owned()), Arc::clone(origin), Arc::clone(record));
            *place = Some(Remembered { sealed, origin, record, was_asked_for: true });
        }
        Some(carried)
    }
}

impl Default for Recall {
    fn default() -> Self {
        let places = std::iter::repeat_with(|| None).take(PLACES).collect();
        Self(RefCell::new(Memory { places, looked_through_at: Timestamp::from_unix_seconds(0) }))
    }
}

impl Memory {
    /// By its end, which is the seal's own mark: no two are alike but by chance, and whoever makes one up takes no place.
    fn place_of(&mut self, sealed: &str) -> &mut Option<Remembered> {
        let end = sealed.as_bytes().last_chunk::<8>().copied().unwrap_or_default();
        // Base64 has little in the low bits: the product carries all of it upwards.
        let mixed = u64::from_le_bytes(end).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &mut self.places[usize::try_from(mixed).unwrap_or_default() % PLACES]
    }

    fn look_through(&mut self, now: Timestamp) {
        if now.since(self.looked_through_at) < REMEMBERED {
            return;
        }
        self.looked_through_at = now;
        for place in &mut self.places {
            place.take_if(|known| !std::mem::take(&mut known.was_asked_for));
        }
    }
}

impl Remembered {
    fn is(&self, sealed: &str, authority: &AuthorityName, origin: &Arc<Origin>) -> bool {
        // Origins are as many values as the configuration has: the same one is the same value.
        Arc::ptr_eq(&self.origin, origin) && self.record.session.principal.authority == *authority && is_same(self.sealed.expose(), sealed)
    }
}

/// Whether two texts are the same, in a time that does not tell where they differ: nobody is to find out the rest of a
/// cookie of which they know the end. Eight bytes a step.
fn is_same(one: &str, other: &str) -> bool {
    let ((one, one_rest), (other, other_rest)) = (one.as_bytes().as_chunks::<8>(), other.as_bytes().as_chunks::<8>());
    if (one.len(), one_rest.len()) != (other.len(), other_rest.len()) {
        return false;
    }
    let of_chunks = one.iter().zip(other).fold(0, |all, (one, other)| all | (u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other)));
    let of_rest = one_rest.iter().zip(other_rest).fold(0, |all, (one, other)| all | (one ^ other));
    of_chunks == 0 && of_rest == 0
}

#[cfg(test)]
mod tests;
