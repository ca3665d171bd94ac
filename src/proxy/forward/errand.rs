//! One request on its way to an upstream, and what an attempt without an answer means for it.

use http::Method;

use super::Protocol;
use super::error::ForwardError;
use super::request_head::Telling;
use super::upload::{BodyFraming, Upload};
use super::upstreams::again::{Connection, Failed};
use crate::domain::prefix::Prefix;
use crate::domain::target::Target;

/// A request, in terms of no version of HTTP.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a Target,
    /// What of the target's path the upstream does not get to see.
    pub(super) strip_prefix: Option<&'a Prefix>,
    pub(super) protocol: Protocol,
    pub(super) telling: Telling<'a>,
    pub(super) upload: Upload,
}

/// An attempt without an answer.
#[derive(Debug)]
pub(super) struct NoAnswer {
    /// Why.
    pub(super) error: ForwardError,
    pub(super) sent: Sent,
    pub(super) heard: Heard,
}

/// Whether the upstream can have seen anything of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    /// It says itself that it did nothing about it, and what was sent can be said again.
    Unprocessed,
    Something,
}

/// Whether the upstream said anything at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    Something,
}

impl Errand<'_> {
    /// Whether doing it twice is as good as doing it once (RFC 9110 §9.2.2), and it can be said twice.
    const fn is_repeatable(&self) -> bool {
        let is_idempotent = matches!(*self.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
        is_idempotent && matches!(self.upload.framing, BodyFraming::Empty) && matches!(self.protocol, Protocol::Http)
    }

    /// What an attempt without an answer means for a further one.
    pub(super) const fn failed(&self, failed: &NoAnswer, connection: Connection) -> Failed {
        kind_of(failed, connection, self.is_repeatable())
    }
}

/// Whatever is not about the connection (time is up, the client broke off) would be no better the second time.
const fn kind_of(failed: &NoAnswer, connection: Connection, is_repeatable: bool) -> Failed {
    match (&failed.error, failed.heard, failed.sent) {
        (ForwardError::UpstreamBrokeOff(_), Heard::Nothing, Sent::Nothing) => Failed::Unsent(connection),
        // However new its connection, there is nothing wrong with whoever says so.
        (ForwardError::UpstreamBrokeOff(_), _, Sent::Unprocessed) => Failed::Unsent(Connection::Old),
        (ForwardError::UpstreamBrokeOff(_), Heard::Nothing, Sent::Something) if is_repeatable => Failed::Unheard(connection),
        (ForwardError::UpstreamBrokeOff(_) | ForwardError::NotHttp(_), _, _) => Failed::BrokeOff(connection),
        (ForwardError::ResponseTimeout, _, _) => Failed::Late,
        _ => Failed::ForGood,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::proxy::forward::http1::answer_head::OddHead;

    #[test]
    fn only_a_connection_that_broke_off_unheard_leaves_something_to_try() {
        let broke = || ForwardError::UpstreamBrokeOff(io::ErrorKind::ConnectionReset.into());
        let (nothing, something, old) = (Sent::Nothing, Sent::Something, Connection::Old);
        for (error, sent, heard, of_any, of_repeatable) in [
            (broke(), nothing, Heard::Nothing, Failed::Unsent(old), Failed::Unsent(old)),
            (broke(), Sent::Unprocessed, Heard::Something, Failed::Unsent(old), Failed::Unsent(old)),
            (broke(), something, Heard::Nothing, Failed::BrokeOff(old), Failed::Unheard(old)),
            (broke(), nothing, Heard::Something, Failed::BrokeOff(old), Failed::BrokeOff(old)),
            (broke(), something, Heard::Something, Failed::BrokeOff(old), Failed::BrokeOff(old)),
            (ForwardError::ResponseTimeout, nothing, Heard::Nothing, Failed::Late, Failed::Late),
            (ForwardError::ResponseTimeout, something, Heard::Nothing, Failed::Late, Failed::Late),
            (ForwardError::ClientBrokeOff, nothing, Heard::Nothing, Failed::ForGood, Failed::ForGood),
            (ForwardError::ClientStalled, something, Heard::Nothing, Failed::ForGood, Failed::ForGood),
            (ForwardError::BodyTooLarge, nothing, Heard::Nothing, Failed::ForGood, Failed::ForGood),
            (ForwardError::NotHttp(OddHead::StatusLine), something, Heard::Something, Failed::BrokeOff(old), Failed::BrokeOff(old)),
        ] {
            let failed = NoAnswer { error, sent, heard };
            assert_eq!((kind_of(&failed, old, false), kind_of(&failed, old, true)), (of_any, of_repeatable), "{failed:?}");
        }
    }
}
