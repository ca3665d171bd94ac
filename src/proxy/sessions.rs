//! The sessions of a request: one per authority, side by side, read from its cookies in the order a route prefers.

use super::respond::Reply;
use super::shared::Shared;
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::session::{Session, Standing};
use crate::domain::time::Timestamp;
use crate::protocol::cookies::{OwnCookies, SetCookie};
use crate::protocol::session_cookie::{self, Found};

/// What the cookies hold.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Sessions that are good now.
    pub live: Vec<Session>,
    /// Whether there was one that has ended.
    pub past: Past,
}

/// Whether a session was found that is not good any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Past {
    /// Yes: "your session has ended" is the truth.
    Ended,
    /// No: they were never signed in, or nobody can tell.
    #[default]
    None,
}

impl Sessions {
    /// Reads the sessions at these authorities. A cookie that cannot be opened is nobody's: it means the same as none. So
    /// does a session that another provider vouched for, when its authority's name meant that one.
    pub fn read<'a>(
        shared: &Shared,
        own: &OwnCookies<'_>,
        origin: &Origin,
        authorities: impl IntoIterator<Item = &'a AuthorityName>,
        now: Timestamp,
    ) -> Self {
        let mut sessions = Self::default();
        if own.names().next().is_none() {
            return sessions;
        }
        let mut buffer = Vec::new();
        for authority in authorities {
            match session_cookie::read(own, authority, origin, &shared.keys, &mut buffer) {
                Found::Absent | Found::Unreadable => {}
                Found::Session(session) if !vouched_for(shared, authority, &session) => {}
                Found::Session(session) => match session.standing(shared.lifetimes, now) {
                    Standing::Live { .. } => sessions.live.push(*session),
                    Standing::Ended => sessions.past = Past::Ended,
                },
            }
        }
        sessions
    }
}

fn vouched_for(shared: &Shared, authority: &AuthorityName, session: &Session) -> bool {
    let who = &session.principal;
    who.authority == *authority && shared.sign_in.authorities.get(authority).is_some_and(|authority| authority.vouches_for(who))
}

/// The session cookie written again, once it is old enough to be worth it.
#[must_use]
pub fn renewal(reply: Reply<'_>, session: &Session, own: &OwnCookies<'_>) -> Vec<SetCookie> {
    let Reply { shared, call, visit } = reply;
    if !session.is_due_for_renewal(shared.lifetimes, call.now) {
        return Vec::new();
    }
    let seen = Session { last_seen: call.now, ..session.clone() };
    let mut random = |buffer: &mut [u8]| shared.sign_in.entropy.fill(buffer);
    // It was read from cookies, so it fits into them.
    session_cookie::write(&seen, own, &visit.origin, &shared.keys, &mut random).unwrap_or_default()
}
