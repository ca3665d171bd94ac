//! The body of a request, whichever HTTP it came by, and what the request's connection becomes if it is upgraded. A
//! request that may be upgraded has no body.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::upgrade::OnUpgrade;
use http2::Received;

pub(super) mod http2;

/// A request body. Read by one thread, never copied.
pub struct RequestBody {
    source: Source,
    upgrade: Option<OnUpgrade>,
}

enum Source {
    /// There is none.
    Empty,
    /// HTTP/2's.
    Http2(Received),
    /// The library's.
    Incoming(Incoming),
}

/// A body that does not arrive whole: its client has gone, or its framing does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request body broke off")]
pub struct BrokenOff;

impl RequestBody {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self { source: Source::Empty, upgrade: None }
    }

    /// The body of an HTTP/2 request.
    pub(super) fn http2(body: Received) -> Self {
        Self { source: if body.is_end_stream() { Source::Empty } else { Source::Http2(body) }, upgrade: None }
    }

    /// The body of a request that the library has read.
    #[must_use]
    pub fn incoming(body: Incoming) -> Self {
        Self { source: if body.is_end_stream() { Source::Empty } else { Source::Incoming(body) }, upgrade: None }
    }

    /// No body, of a request that asks to become a WebSocket.
    #[must_use]
    pub const fn upgradable(upgrade: OnUpgrade) -> Self {
        Self { source: Source::Empty, upgrade: Some(upgrade) }
    }

    /// Whether the request may become something else.
    #[must_use]
    pub const fn is_upgradable(&self) -> bool {
        self.upgrade.is_some()
    }

    /// What the request's connection becomes if it is answered with 101.
    pub const fn take_upgrade(&mut self) -> Option<OnUpgrade> {
        self.upgrade.take()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.source {
            Source::Empty => Poll::Ready(None),
            Source::Http2(body) => Pin::new(body).poll_frame(cx),
            Source::Incoming(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|_| BrokenOff)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Http2(body) => body.is_end_stream(),
            Source::Incoming(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Http2(body) => body.size_hint(),
            Source::Incoming(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("length", &self.size_hint().exact()).finish_non_exhaustive()
    }
}
