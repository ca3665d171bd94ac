//! The `state` parameter (RFC 6749 §4.1.1, §10.12): which attempt a response belongs to, and the way on for a response
//! whose attempt is gone. Knowing one grants nothing; only together with the attempt's cookie does it count.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AttemptId, PendingSignIn, shortened};
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::time::Timestamp;
use crate::protocol::seal::{KeyRing, NotOurs, Purpose, Random};

/// The longest return target in bytes that goes into the parameter: providers bound the length of a URL.
const MAX_RETURN_TO: usize = 512;

/// An opened `state`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    id: AttemptId,
    authority: AuthorityName,
    started_at: Timestamp,
    return_to: String,
}

impl State {
    pub(super) fn of(attempt: &PendingSignIn) -> Self {
        Self {
            id: attempt.id,
            authority: attempt.authority.clone(),
            started_at: attempt.started_at,
            return_to: shortened(&attempt.return_to, MAX_RETURN_TO).to_owned(),
        }
    }

    pub(super) fn seal(&self, origin: &Origin, keys: &KeyRing, random: &mut Random<'_>) -> String {
        let plaintext = postcard::to_allocvec(self).expect("strings and numbers can be written");
        keys.seal(Purpose::State, &[origin.as_str()], &plaintext, random)
    }

    /// Opens the parameter. However old it is: an expired attempt is told by [`PendingSignIn::find`], and its return
    /// target is still the way on.
    ///
    /// # Errors
    /// [`NotOurs`]
    pub fn open(sealed: &str, origin: &Origin, keys: &KeyRing) -> Result<Self, NotOurs> {
        let plaintext = keys.open(Purpose::State, &[origin.as_str()], sealed)?;
        let (state, rest) = postcard::take_from_bytes::<Self>(&plaintext).map_err(|_| NotOurs)?;
        let name_holds = AuthorityName::parse(state.authority.as_str()).is_ok();
        if rest.is_empty() && name_holds { Ok(state) } else { Err(NotOurs) }
    }

    /// The attempt.
    #[must_use]
    pub const fn id(&self) -> AttemptId {
        self.id
    }

    /// Where the browser was sent.
    #[must_use]
    pub const fn authority(&self) -> &AuthorityName {
        &self.authority
    }

    /// When the attempt began.
    #[must_use]
    pub const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Where the person wanted to go, or, if that was too long, near there. To be parsed again before use.
    #[must_use]
    pub fn return_to(&self) -> &str {
        &self.return_to
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("id", &self.id).field("authority", &self.authority).finish_non_exhaustive()
    }
}
