//! When a session's claims are asked for anew: pure rules. What looks like chance is taken from the session's id, which is
//! chance enough to spread sessions that began together, and the same at every look.

use std::time::Duration;

use crate::domain::session::SessionId;
use crate::domain::time::Timestamp;
use crate::protocol::session_record::{SessionRecord, Tokens};

/// The least time before the end at which claims are due, for lives long enough to have it.
const LEAST_MARGIN: Duration = Duration::from_secs(60);

/// After the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// What is to be done about a session's claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: they hold, or cannot be asked for anew.
    None,
    /// They hold, but not for long.
    Due,
    /// They do not hold any more.
    Overdue,
}

/// What is to be done now.
pub(super) fn need(record: &SessionRecord, now: Timestamp) -> Need {
    let Tokens { refresh_token: Some(_), fresh_since: Some(since), fresh_until: Some(until), .. } = record.tokens else {
        return Need::None;
    };
    match now {
        _ if now >= until => Need::Overdue,
        _ if now >= due_at(record.session.id, since, until) => Need::Due,
        _ => Need::None,
    }
}

/// Before the end by a tenth of the life, a minute at least and half the life at most; and by up to another tenth, which
/// differs from session to session.
fn due_at(id: SessionId, since: Timestamp, until: Timestamp) -> Timestamp {
    let life = until.since(since);
    let margin = (life / 10).max(LEAST_MARGIN).min(life / 2);
    until - (margin + share(life / 10, id))
}

/// The pause after so many failures in a row, by up to a fifth longer.
pub(super) fn pause(failures: u32, id: SessionId) -> Duration {
    let pause = doubled(FIRST_PAUSE, failures).min(LONGEST_PAUSE);
    pause + share(pause / 5, id)
}

/// Twice as much for each failure but the first.
pub(super) fn doubled(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16))
}

/// A session's part of a span: all parts are equally likely.
pub(super) fn share(span: Duration, id: SessionId) -> Duration {
    let [.., high, low] = id.0;
    span * u32::from(u16::from_be_bytes([high, low])) / (1 << 16)
}

#[cfg(test)]
mod tests;
