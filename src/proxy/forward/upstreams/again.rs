//! What may be sent again, and where to: the one decision about repeating requests.
//!
//! | what happened | then |
//! |---|---|
//! | no connection was made | elsewhere: nothing left us |
//! | a connection failed before a byte of the request was sent | elsewhere, or here if the connection was an old one |
//! | the upstream says itself that it did nothing about it (HTTP/2) | elsewhere, or here on another connection |
//! | all or some was sent, not a byte came back, the request is idempotent and empty | the same, once |
//! | a connection ended otherwise, or anything else happened | never: it may have been carried out |
//!
//! `Elsewhere` is another member, each once, and at most [`MOST_OTHERS`] of them. An old connection is one that was used
//! before: servers close those when they like, so another connection to the same member is worth a try, three times at most.

use crate::proxy::forward::ForwardError;

/// So many other members are tried.
pub(in crate::proxy::forward) const MOST_OTHERS: usize = 3;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Failed {
    /// No connection was made.
    NotConnected,
    /// The connection failed before a byte was sent.
    Unsent(Connection),
    /// Something was sent, and not a byte came back; the request is idempotent (RFC 9110 §9.2.2) and has no body.
    Unheard(Connection),
    /// Something was sent that must not be sent twice, or the answer had begun.
    BrokeOff(Connection),
    /// No answer came in time.
    Late,
    /// Whatever else it was.
    ForGood,
}

/// What a request was sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Connection {
    /// One that was opened for it.
    New,
    /// One that others were answered on before.
    Old,
}

impl Failed {
    /// What a failure before there was a connection is.
    pub(in crate::proxy::forward) const fn of_connecting(error: &ForwardError) -> Self {
        match error {
            ForwardError::Connect(_) | ForwardError::ConnectTimeout | ForwardError::UpstreamBrokeOff(_) => Self::NotConnected,
            // It has waited for as long as connecting may take.
            ForwardError::NoConnectionFree
            | ForwardError::BodyTooLarge
            | ForwardError::ClientBrokeOff
            | ForwardError::ClientStalled
            | ForwardError::TooManyConnectionOptions
            | ForwardError::NotHttp(_)
            | ForwardError::NoWebSockets
            | ForwardError::UnaskedSwitch => Self::ForGood,
            ForwardError::ResponseTimeout => Self::Late,
        }
    }

    /// Whether the next request had better go elsewhere. That an old connection has ended says nothing.
    pub(super) const fn is_its_fault(self) -> bool {
        match self {
            Self::NotConnected | Self::Late => true,
            Self::Unsent(connection) | Self::Unheard(connection) | Self::BrokeOff(connection) => match connection {
                Connection::New => true,
                Connection::Old => false,
            },
            Self::ForGood => false,
        }
    }
}

/// Where a request may go next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Elsewhere,
    /// Elsewhere, or, if there is nowhere else, to the same member on a new connection.
    ElsewhereOrHere,
    Never,
}

/// How often a request left us before, as far as somebody may have seen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Never,
    Once,
}

/// Whether a request may be tried again.
pub(super) const fn may_try_again(failed: Failed, sent_before: Sent) -> Again {
    match (failed, sent_before) {
        (Failed::NotConnected | Failed::Unsent(Connection::New), _) | (Failed::Unheard(Connection::New), Sent::Never) => Again::Elsewhere,
        (Failed::Unsent(Connection::Old), _) | (Failed::Unheard(Connection::Old), Sent::Never) => Again::ElsewhereOrHere,
        (Failed::Unheard(_), Sent::Once) | (Failed::BrokeOff(_) | Failed::Late | Failed::ForGood, _) => Again::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_carried_out_is_never_sent_again() {
        use Connection::{New, Old};
        for (failed, never_sent, sent_once) in [
            (Failed::NotConnected, Again::Elsewhere, Again::Elsewhere),
            (Failed::Unsent(New), Again::Elsewhere, Again::Elsewhere),
            (Failed::Unsent(Old), Again::ElsewhereOrHere, Again::ElsewhereOrHere),
            (Failed::Unheard(New), Again::Elsewhere, Again::Never),
            (Failed::Unheard(Old), Again::ElsewhereOrHere, Again::Never),
            (Failed::BrokeOff(New), Again::Never, Again::Never),
            (Failed::BrokeOff(Old), Again::Never, Again::Never),
            (Failed::Late, Again::Never, Again::Never),
            (Failed::ForGood, Again::Never, Again::Never),
        ] {
            assert_eq!(may_try_again(failed, Sent::Never), never_sent, "{failed:?}");
            assert_eq!(may_try_again(failed, Sent::Once), sent_once, "{failed:?}, sent before");
        }
    }
}
