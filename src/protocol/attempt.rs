//! A sign-in attempt: begun, sealed into a cookie of its own, found again at the callback, and spent on exactly one
//! authorization response ([`accept`]). Each step consumes the one before, so that their order is a matter of types:
//! `PendingSignIn` → `AcceptedCode`.
//!
//! One cookie per attempt keeps parallel tabs apart. Its name begins with the time, so that the oldest are found and
//! dropped without opening any.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::authorize::ResponseMode;
use super::cookies::{Dialect, Keep, OwnCookies, Presence, SameSite, SetCookie};
use super::seal::{KeyRing, Purpose, Random};
use super::secret::Secret;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::RouteName;
use crate::domain::time::Timestamp;

pub mod accept;
pub mod state;

use state::State;

/// How long a person may take to sign in. Inside the sealed value, so that no browser can stretch it.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// So many tabs may be signing in at once; one more ends the oldest.
pub const MAX_ATTEMPTS: usize = 6;

/// The longest return target, in bytes, that fits a cookie beside the rest.
const MAX_RETURN_TO: usize = 2048;

/// Names an attempt; unguessable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AttemptId([u8; 16]);

impl fmt::Debug for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttemptId({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

impl AttemptId {
    #[cfg(test)]
    pub(super) const fn for_test(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// What an attempt is begun with.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Where the browser is sent.
    pub authority: &'a AuthorityName,
    /// The route that wants somebody signed in.
    pub route: &'a RouteName,
    /// Where the person wanted to go.
    pub return_to: &'a ReturnTo,
    /// The kind of account that the person chose or that was found for them: a hint.
    pub hint: Option<AccountKind>,
    /// Where the browser is now: cookies come back to there and nowhere else.
    pub origin: &'a Origin,
}

/// An attempt that waits for its authorization response.
pub struct PendingSignIn {
    id: AttemptId,
    authority: AuthorityName,
    route: String,
    return_to: String,
    nonce: Secret<String>,
    verifier: Secret<String>,
    started_at: Timestamp,
    hint: Option<AccountKind>,
}

/// What is sealed. A change here raises the number in [`Purpose::Attempt`]'s label.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    id: AttemptId,
    authority: &'a str,
    route: &'a str,
    return_to: &'a str,
    nonce: &'a str,
    verifier: &'a str,
    started_at: Timestamp,
    hint: Option<AccountKind>,
}

/// Why the attempt that a callback speaks of cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAttempt {
    /// The browser has no such cookie: finished already, dropped, or begun in another browser.
    #[error("this browser has no such sign-in attempt")]
    Absent,
    /// More than [`LIFETIME`] ago.
    #[error("the sign-in attempt took too long")]
    Expired,
    /// It starts later than now: the clock was set back, or another instance's is ahead.
    #[error("the sign-in attempt comes from the future")]
    FromTheFuture,
    /// A cookie that is not ours, or two of one name.
    #[error("the sign-in attempt's cookie cannot be read")]
    Unreadable,
}

impl PendingSignIn {
    /// Begins an attempt.
    #[must_use]
    pub fn begin(start: &Start<'_>, now: Timestamp, random: &mut Random<'_>) -> Self {
        let mut id = [0; 16];
        random(&mut id);
        let whole = if start.return_to.origin() == start.origin {
            start.return_to.path_and_query().to_owned()
        } else {
            format!("{}{}", start.return_to.origin(), start.return_to.path_and_query())
        };
        Self {
            id: AttemptId(id),
            authority: start.authority.clone(),
            route: start.route.as_str().to_owned(),
            return_to: shortened(&whole, MAX_RETURN_TO).to_owned(),
            nonce: unguessable(random),
            verifier: unguessable(random),
            started_at: now,
            hint: start.hint,
        }
    }

    /// The `state` parameter of the authorization request: sealed itself, so that a late or foreign callback still
    /// knows the way on.
    #[must_use]
    pub fn state(&self, origin: &Origin, keys: &KeyRing, random: &mut Random<'_>) -> String {
        State::of(self).seal(origin, keys, random)
    }

    /// The cookie that keeps the attempt, and the deletion of those that it displaces. `own` are the cookies of the
    /// request, `mode` how the response will come back.
    pub fn cookies(
        &self,
        own: &OwnCookies<'_>,
        origin: &Origin,
        mode: ResponseMode,
        keys: &KeyRing,
        random: &mut Random<'_>,
    ) -> Vec<SetCookie> {
        let dialect = Dialect::of(origin);
        let same_site = match mode {
            ResponseMode::FormPost => SameSite::None,
            ResponseMode::Query => SameSite::Lax,
        };
        let sealed = keys.seal(Purpose::Attempt, &[origin.as_str()], &self.encode(), random);
        let mut cookies = vec![dialect.set(&cookie_name(self.started_at, self.id), &sealed, Keep::For(LIFETIME), same_site)];
        cookies.extend(displaced(own, self.started_at).into_iter().map(|name| dialect.delete(name)));
        cookies
    }

    /// Finds the attempt that `state` names among the request's cookies.
    ///
    /// # Errors
    /// [`NoAttempt`]
    pub fn find(own: &OwnCookies<'_>, state: &State, origin: &Origin, keys: &KeyRing, now: Timestamp) -> Result<Self, NoAttempt> {
        let sealed = match own.presence(&cookie_name(state.started_at(), state.id())) {
            Presence::Absent => return Err(NoAttempt::Absent),
            Presence::Ambiguous => return Err(NoAttempt::Unreadable),
            Presence::Once(sealed) => sealed,
        };
        let plaintext = keys.open(Purpose::Attempt, &[origin.as_str()], sealed).map_err(|_| NoAttempt::Unreadable)?;
        let attempt = Self::decode(&plaintext).ok_or(NoAttempt::Unreadable)?;
        if attempt.started_at > now {
            Err(NoAttempt::FromTheFuture)
        } else if now.since(attempt.started_at) >= LIFETIME {
            Err(NoAttempt::Expired)
        } else {
            Ok(attempt)
        }
    }

    /// Takes the attempt's cookie away again.
    pub fn deletion(state: &State, origin: &Origin) -> SetCookie {
        Dialect::of(origin).delete(&cookie_name(state.started_at(), state.id()))
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> AttemptId {
        self.id
    }

    /// Where the browser was sent.
    #[must_use]
    pub const fn authority(&self) -> &AuthorityName {
        &self.authority
    }

    /// The route that wanted somebody signed in, by name.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Where the person wanted to go: a path, or a URL at another of our origins. To be parsed again before use, by the
    /// configuration of that moment.
    #[must_use]
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    /// The kind of account that was chosen or found.
    #[must_use]
    pub const fn hint(&self) -> Option<AccountKind> {
        self.hint
    }

    /// `nonce` (OpenID Connect Core §3.1.2.1)
    #[must_use]
    pub const fn nonce(&self) -> &Secret<String> {
        &self.nonce
    }

    /// `code_verifier` (RFC 7636 §4.1): 43 characters.
    #[must_use]
    pub const fn verifier(&self) -> &Secret<String> {
        &self.verifier
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let sealed = Sealed {
            id: self.id,
            authority: self.authority.as_str(),
            route: &self.route,
            return_to: &self.return_to,
            nonce: self.nonce.expose(),
            verifier: self.verifier.expose(),
            started_at: self.started_at,
            hint: self.hint,
        };
        Zeroizing::new(postcard::to_allocvec(&sealed).expect("strings and numbers can be written"))
    }

    fn decode(plaintext: &[u8]) -> Option<Self> {
        let (sealed, rest) = postcard::take_from_bytes::<Sealed<'_>>(plaintext).ok()?;
        if !rest.is_empty() {
            return None;
        }
        Some(Self {
            id: sealed.id,
            authority: AuthorityName::parse(sealed.authority).ok()?,
            route: sealed.route.to_owned(),
            return_to: sealed.return_to.to_owned(),
            nonce: Secret::new(sealed.nonce.to_owned()),
            verifier: Secret::new(sealed.verifier.to_owned()),
            started_at: sealed.started_at,
            hint: sealed.hint,
        })
    }
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignIn").field("id", &self.id).field("authority", &self.authority).finish_non_exhaustive()
    }
}

/// 256 bits in 43 characters, as RFC 7636 §4.1 recommends.
fn unguessable(random: &mut Random<'_>) -> Secret<String> {
    let mut bytes = [0; 32];
    random(&mut bytes);
    let text = Secret::new(URL_SAFE_NO_PAD.encode(bytes));
    bytes.zeroize();
    text
}

/// The target if it fits, else without its query, else the front page.
fn shortened(return_to: &str, limit: usize) -> &str {
    let path = return_to.split('?').next().unwrap_or_default();
    [return_to, path].into_iter().find(|target| target.len() <= limit).unwrap_or("/")
}

fn cookie_name(started_at: Timestamp, id: AttemptId) -> String {
    format!("a-{:010x}-{}", started_at.unix_seconds(), URL_SAFE_NO_PAD.encode(id.0))
}

/// The attempts that a new one displaces: all that have expired, names of no shape of ours, and the oldest of the rest.
/// A name from the future counts as the oldest, or it would stay for ever.
fn displaced<'h>(own: &OwnCookies<'h>, now: Timestamp) -> Vec<&'h str> {
    let age = |name: &str| {
        let (seconds, id) = name.strip_prefix("a-")?.split_once('-')?;
        let started_at = u64::from_str_radix(seconds, 16).ok().map(Timestamp::from_unix_seconds)?;
        let live = seconds.len() == 10 && id.len() == 22 && started_at <= now && now.since(started_at) < LIFETIME;
        live.then_some(started_at)
    };
    let mut names: Vec<_> = own.names().filter(|name| name.starts_with("a-")).map(|name| (age(name), name)).collect();
    names.sort_unstable();
    names.dedup();
    let expired = names.iter().filter(|(age, _)| age.is_none()).count();
    let too_many = (names.len() + 1).saturating_sub(MAX_ATTEMPTS);
    names.truncate(expired.max(too_many));
    names.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests;
