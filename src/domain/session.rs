//! A session: who signed in, when, and when they were last here. It holds claims, not verdicts: every request is judged
//! anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::{AccountKind, TenantId};
use super::authority::AuthorityName;
use super::principal::Principal;
use super::text;
use super::time::Timestamp;

/// Names a session in logs and lists. New at every sign-in (session fixation); never the key to anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Reads what [`fmt::Display`] writes: 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
        Some(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// One person at one authority, in one browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// New at every sign-in.
    pub id: SessionId,
    /// Who.
    pub principal: Principal,
    /// When they signed in; the absolute lifetime counts from here.
    pub signed_in_at: Timestamp,
    /// When they were last here; the idle lifetime counts from here.
    pub last_seen: Timestamp,
    /// The authority's opaque `login_hint` claim, which lets its sign-out page skip the question which account.
    pub sign_out_hint: Option<String>,
    /// `sid`: what the authority calls its own session, by which it tells us that it has ended.
    #[serde(deserialize_with = "text::shared_if_any")]
    pub provider_session: Option<Arc<str>>,
}

/// What lists of sessions tell of one: neither names nor addresses, and nothing that could be signed in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name in logs and lists.
    pub id: SessionId,
    /// At which authority.
    pub authority: AuthorityName,
    /// Of which kind of account.
    pub kind: AccountKind,
    /// Of whom, as logs name people in full: `oid@tid`, or `sub@host`.
    pub user: Arc<str>,
    /// Of which organisation.
    pub tenant: Option<TenantId>,
    /// When they signed in.
    pub signed_in_at: Timestamp,
    /// When they were last here, to within a twentieth of the idle time.
    pub last_seen: Timestamp,
    /// What the authority calls its own session. Not shown: it is here so that lists know what has ended over there.
    pub provider_session: Option<Arc<str>>,
}

impl Summary {
    /// Of this session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        let who = &session.principal;
        Self {
            id: session.id,
            authority: who.authority.clone(),
            kind: who.kind,
            user: who.id().to_string().into(),
            tenant: who.tenant,
            signed_in_at: session.signed_in_at,
            last_seen: session.last_seen,
            provider_session: session.provider_session.clone(),
        }
    }

    /// When it ends by itself, if nobody comes.
    #[must_use]
    pub fn ends_at(&self, lifetimes: Lifetimes) -> Timestamp {
        lifetimes.end(self.signed_in_at, self.last_seen)
    }
}

/// Without the sign-out hint, which is opaque to us but tells the authority a person's address.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("signed_in_at", &self.signed_in_at)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

/// `idle` and `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// How long a session lasts without a request.
    pub idle: Duration,
    /// How long a session lasts at all.
    pub max: Duration,
}

impl Lifetimes {
    /// When a session ends by itself that began then and was used then.
    fn end(self, signed_in_at: Timestamp, last_seen: Timestamp) -> Timestamp {
        (last_seen + self.idle).min(signed_in_at + self.max)
    }
}

/// What a session is worth at a moment. It only ever ages: an ended session never comes back to life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not any more.
    Ended,
    /// For this much longer, if nobody comes.
    Live {
        /// Until it ends by itself.
        left: Duration,
    },
}

impl Session {
    /// When it ends by itself, if nobody comes.
    #[must_use]
    pub fn ends_at(&self, lifetimes: Lifetimes) -> Timestamp {
        lifetimes.end(self.signed_in_at, self.last_seen)
    }

    /// What the session is worth now.
    #[must_use]
    pub fn standing(&self, lifetimes: Lifetimes, now: Timestamp) -> Standing {
        let of_idle = lifetimes.idle.saturating_sub(now.since(self.last_seen));
        let of_max = lifetimes.max.saturating_sub(now.since(self.signed_in_at));
        match of_idle.min(of_max) {
            Duration::ZERO => Standing::Ended,
            left => Standing::Live { left },
        }
    }

    /// Whether the browser's copy is old enough to be written again. Not at every request: once per twentieth of the
    /// idle time keeps the clock honest to 5 % and most answers free of a cookie.
    #[must_use]
    pub fn is_due_for_renewal(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        now.since(self.last_seen) >= lifetimes.idle / 20
    }
}

#[cfg(test)]
mod tests;
