//! What the browser carries of a session: all of it, or the ticket to it, sealed as one value and cut into as many cookies
//! as it needs. What the session is worth is not judged here.
//!
//! The first part begins with the number of parts (`2.…`). All parts but the last are full, so that a value can be cut
//! in one way only, and the seal goes over the whole: parts that are lost, exchanged, added or of another generation
//! are found out before or by opening it.
//!
//! Names are `s-AUTHORITY`, then `s-AUTHORITY.1` and so on: an authority's name may end in `-1` but has no dots.

use std::borrow::Cow;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::cookies::{Dialect, Keep, OwnCookies, Presence, SameSite, SetCookie};
use super::seal::{KeyRing, Purpose, Random, sealed_length};
use super::secret::Secret;
use super::session_record::{Handle, SessionRecord, Ticket};
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;

pub mod fitting;

/// How much of the value goes into one cookie, in bytes. Browsers give 4,096 to name and value, older ones to name,
/// value and attributes.
const PART_LENGTH: usize = 3_800;
const MAX_PARTS: usize = 4;

/// The most bytes a session may have, written but not sealed, with the byte that says what it is.
pub const MAX_SESSION_LENGTH: usize = 11_365;

/// What the first byte says.
const WHOLE: u8 = 0;
const TICKET: u8 = 1;

/// What cookies hold of a session. Both can be read whatever the configuration says, so that sessions move from cookies
/// into a store while people go on.
#[derive(Debug, Clone)]
pub enum Carried {
    /// Everything.
    Whole(Arc<SessionRecord>),
    /// The way to it.
    Ticket(Ticket),
}

const _: () = assert!(sealed_length(MAX_SESSION_LENGTH) + COUNT_LENGTH <= PART_LENGTH * MAX_PARTS);
const _: () = assert!(sealed_length(MAX_SESSION_LENGTH + 1) + COUNT_LENGTH > PART_LENGTH * MAX_PARTS);
const _: () = assert!(sealed_length(MAX_SESSION_LENGTH) <= super::seal::MAX_SEALED_LENGTH);

/// `N.`
const COUNT_LENGTH: usize = 2;

/// What a request carries of a session, still sealed.
#[derive(Debug)]
pub enum Sealed<'h> {
    /// Nothing.
    Absent,
    /// Something, but no session: incomplete, doubled, or cut as [`write()`] does not cut.
    Unreadable,
    /// One value: borrowed if it stands in one cookie, as most do.
    Whole(Cow<'h, str>),
}

/// The session does not fit; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has {length} bytes, of which cookies hold {limit}")]
pub struct TooLarge {
    /// How many bytes it has.
    pub length: usize,
    /// How many it may have.
    pub limit: usize,
}

/// Finds the session of one authority. Nothing is opened yet.
#[must_use]
pub fn find<'h>(own: &OwnCookies<'h>, authority: &AuthorityName) -> Sealed<'h> {
    match own.presence_of(|name| part_of(name, authority) == Some("")) {
        Presence::Absent => Sealed::Absent,
        Presence::Ambiguous => Sealed::Unreadable,
        Presence::Once(first) => whole(own, authority, first).map_or(Sealed::Unreadable, Sealed::Whole),
    }
}

/// Writes a session under its authority's name, and takes away the parts of a longer one before it.
///
/// The cookies last until the browser is closed; when the session ends is sealed inside them, so that an ended one can
/// be told from none.
///
/// # Errors
/// [`TooLarge`]: what would not be read again is not written.
pub fn write(
    carried: &Carried,
    authority: &AuthorityName,
    own: &OwnCookies<'_>,
    origin: &Origin,
    keys: &KeyRing,
    random: &mut Random<'_>,
) -> Result<Vec<SetCookie>, TooLarge> {
    let plaintext = carried.encode();
    if plaintext.len() > MAX_SESSION_LENGTH {
        return Err(TooLarge { length: plaintext.len(), limit: MAX_SESSION_LENGTH });
    }
    let sealed = keys.seal(Purpose::Session, &[origin.as_str(), authority.as_str()], &plaintext, random);
    let count = (COUNT_LENGTH + sealed.len()).div_ceil(PART_LENGTH);
    let value = format!("{count}.{sealed}");
    let dialect = Dialect::of(origin);
    let parts = (0..count).map(|at| {
        let part = &value[at * PART_LENGTH..value.len().min((at + 1) * PART_LENGTH)];
        dialect.set(&part_name(authority, at), part, Keep::WhileOpen, SameSite::Lax)
    });
    Ok(parts.chain(deletions(own, authority, dialect, count)).collect())
}

/// Takes away every part of an authority's session that the request carries, also such as was never written.
pub fn clear(own: &OwnCookies<'_>, authority: &AuthorityName, origin: &Origin) -> Vec<SetCookie> {
    deletions(own, authority, Dialect::of(origin), 0).collect()
}

fn deletions<'h>(
    own: &OwnCookies<'h>,
    authority: &AuthorityName,
    dialect: Dialect,
    written: usize,
) -> impl Iterator<Item = SetCookie> + use<'h> {
    let written = (0..written).map(|at| part_name(authority, at)).collect::<Vec<_>>();
    let mut names: Vec<&'h str> = own.names().filter(|name| part_of(name, authority).is_some()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter(move |name| !written.iter().any(|written| written == name)).map(move |name| dialect.delete(name))
}

fn part_name(authority: &AuthorityName, at: usize) -> String {
    match at {
        0 => format!("s-{authority}"),
        at => format!("s-{authority}.{at}"),
    }
}

/// Which part of an authority's session a cookie is by its name: `""` the first, `".…"` a further one, if it is one at all.
fn part_of<'n>(name: &'n str, authority: &AuthorityName) -> Option<&'n str> {
    let part = name.strip_prefix("s-")?.strip_prefix(authority.as_str())?;
    (part.is_empty() || part.starts_with('.')).then_some(part)
}

/// The sealed value put together; `None` unless it is cut exactly as [`write()`] cuts.
fn whole<'h>(own: &OwnCookies<'h>, authority: &AuthorityName, first: &'h str) -> Option<Cow<'h, str>> {
    // One digit, and bounded before anything is done with it.
    let (count, start) = match first.as_bytes() {
        [count @ b'1'..=b'4', b'.', ..] => (usize::from(count - b'0'), &first[COUNT_LENGTH..]),
        _ => return None,
    };
    // The first one is there once.
    let parts = own.names().filter(|name| part_of(name, authority).is_some()).count();
    if parts != count || first.len() > PART_LENGTH || (count > 1 && first.len() != PART_LENGTH) {
        return None;
    }
    if count == 1 {
        return Some(Cow::Borrowed(start));
    }
    let mut joined = String::with_capacity(count * PART_LENGTH);
    joined.push_str(start);
    for at in 1..count {
        let Presence::Once(part) = own.presence(&part_name(authority, at)) else { return None };
        let full = part.len() == PART_LENGTH;
        let last = at == count - 1 && (1..=PART_LENGTH).contains(&part.len());
        if !full && !last {
            return None;
        }
        joined.push_str(part);
    }
    Some(Cow::Owned(joined))
}

/// Opens what [`find`] has found; `None` if it is no session of ours: changed, or sealed with a key that is gone. `buffer` is
/// scratch space, which holds the session in the clear afterwards.
#[must_use]
pub fn open(sealed: &str, authority: &AuthorityName, origin: &Origin, keys: &KeyRing, buffer: &mut Vec<u8>) -> Option<Carried> {
    let plaintext = keys.open_into(Purpose::Session, &[origin.as_str(), authority.as_str()], sealed, buffer).ok()?;
    match plaintext.split_first()? {
        (&WHOLE, record) => {
            let record = SessionRecord::decode(record).filter(|record| record.session.principal.authority == *authority)?;
            Some(Carried::Whole(Arc::new(record)))
        }
        (&TICKET, ticket) => {
            let (handle, key) = ticket.split_first_chunk::<16>()?;
            Some(Carried::Ticket(Ticket { handle: Handle(*handle), key: Secret::new(key.try_into().ok()?) }))
        }
        _ => None,
    }
}

impl Carried {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut plaintext = Zeroizing::new(Vec::new());
        match self {
            Self::Whole(record) => {
                let record = record.encode();
                // At once: a buffer that grows leaves copies behind.
                plaintext.reserve_exact(1 + record.len());
                plaintext.push(WHOLE);
                plaintext.extend_from_slice(&record);
            }
            Self::Ticket(ticket) => {
                plaintext.reserve_exact(1 + 16 + 32);
                plaintext.push(TICKET);
                plaintext.extend_from_slice(&ticket.handle.0);
                plaintext.extend_from_slice(ticket.key.expose());
            }
        }
        plaintext
    }
}

#[cfg(test)]
mod tests;
