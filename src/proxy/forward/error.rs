//! Why a request could not be passed on, by whose fault, and which reason that is.

use std::io;

use super::http1::answer_head::OddHead;
use super::upload::UploadFault;
use crate::domain::reason::Reason;

/// Why there is no answer from the upstream. None of them holds anything of the request.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The client's body is larger than the route's `max_body`.
    #[error("the request body is too large")]
    BodyTooLarge,
    /// The client's body broke off, or its framing did not hold.
    #[error("the client broke off its request")]
    ClientBrokeOff,
    /// The client stopped sending its body.
    #[error("the client stopped sending its request")]
    ClientStalled,
    /// No connection to the upstream.
    #[error("cannot connect to the upstream: {0}")]
    Connect(#[source] io::Error),
    /// No connection to the upstream in time.
    #[error("connecting to the upstream takes too long")]
    ConnectTimeout,
    /// All connections that there may be to the upstream are in use, for longer than connecting may take.
    #[error("all connections that there may be are in use")]
    NoConnectionFree,
    /// The upstream speaks HTTP/2 only, and has no WebSockets over it (RFC 8441).
    #[error("the upstream has no WebSockets over HTTP/2")]
    NoWebSockets,
    /// More options in `Connection` than anybody needs.
    #[error("too many connection options")]
    TooManyConnectionOptions,
    /// The connection to the upstream ended before the answer.
    #[error("the upstream broke off: {0}")]
    UpstreamBrokeOff(#[source] io::Error),
    /// What the upstream says has no one meaning.
    #[error("the upstream's answer cannot be read: {0}")]
    NotHttp(#[source] OddHead),
    /// No response head in time.
    #[error("the upstream does not answer in time")]
    ResponseTimeout,
    /// The upstream switched to a protocol that was not asked for.
    #[error("the upstream switched protocols unasked")]
    UnaskedSwitch,
}

impl ForwardError {
    /// What the client is told.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::BodyTooLarge => Reason::BodyTooLarge,
            Self::ClientBrokeOff | Self::ClientStalled | Self::TooManyConnectionOptions => Reason::BadRequest,
            Self::Connect(_) | Self::UpstreamBrokeOff(_) | Self::NotHttp(_) | Self::NoWebSockets | Self::UnaskedSwitch => {
                Reason::UpstreamUnavailable
            }
            Self::ConnectTimeout | Self::NoConnectionFree | Self::ResponseTimeout => Reason::UpstreamTimeout,
        }
    }
}

impl From<UploadFault> for ForwardError {
    fn from(fault: UploadFault) -> Self {
        match fault {
            UploadFault::BrokeOff => Self::ClientBrokeOff,
            UploadFault::TooLarge => Self::BodyTooLarge,
        }
    }
}
