//! One request on its way to an upstream, and when it may be sent once more.

use http::Method;

use super::Protocol;
use super::error::ForwardError;
use super::request_head::Telling;
use super::upload::{BodyFraming, Upload};
use crate::domain::target::Target;

/// A request, in terms of no version of HTTP.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a Target,
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

    /// Whether this request may be sent once more, on a new connection. Asked only of connections that had served before:
    /// the upstream may have closed such a one just when we began, which says nothing about the request. On a connection
    /// of its own, it does.
    pub(super) const fn may_be_repeated(&self, failed: &NoAnswer) -> bool {
        may_repeat(failed, self.is_repeatable())
    }
}

/// Yes if the connection broke, nothing came back, and either nothing of the request can have been seen or seeing
/// it twice is harmless. Whatever is not about the connection (time is up, the client broke off, what came is no HTTP) would be
/// no better the second time.
const fn may_repeat(failed: &NoAnswer, is_repeatable: bool) -> bool {
    match (&failed.error, failed.heard, failed.sent) {
        (ForwardError::UpstreamBrokeOff(_), Heard::Nothing, Sent::Nothing) => true,
        (ForwardError::UpstreamBrokeOff(_), Heard::Nothing, Sent::Something) => is_repeatable,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::proxy::forward::http1::answer_head::OddHead;

    #[test]
    fn a_request_is_repeated_only_if_nobody_can_have_acted_on_it_twice() {
        let broke = || ForwardError::UpstreamBrokeOff(io::ErrorKind::ConnectionReset.into());
        let (nothing, something) = (Sent::Nothing, Sent::Something);
        for (error, sent, heard, of_any, of_repeatable) in [
            (broke(), nothing, Heard::Nothing, true, true),
            (broke(), something, Heard::Nothing, false, true),
            (broke(), nothing, Heard::Something, false, false),
            (broke(), something, Heard::Something, false, false),
            (ForwardError::ResponseTimeout, nothing, Heard::Nothing, false, false),
            (ForwardError::ResponseTimeout, something, Heard::Nothing, false, false),
            (ForwardError::ClientBrokeOff, nothing, Heard::Nothing, false, false),
            (ForwardError::ClientStalled, something, Heard::Nothing, false, false),
            (ForwardError::BodyTooLarge, nothing, Heard::Nothing, false, false),
            (ForwardError::NotHttp(OddHead::StatusLine), something, Heard::Something, false, false),
        ] {
            let failed = NoAnswer { error, sent, heard };
            assert_eq!((may_repeat(&failed, false), may_repeat(&failed, true)), (of_any, of_repeatable), "{failed:?}");
        }
    }
}
