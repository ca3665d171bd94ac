//! The body of a request, whichever HTTP it came by, and what the request's connection becomes if it is upgraded. A
//! request that may be upgraded has no body.

use std::fmt;
use std::pin::Pin;
use std::rc::Weak;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

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
    /// HTTP/1's.
    Http1(Http1),
    /// HTTP/2's.
    Http2(Received),
}

/// A body that does not arrive whole: its client has gone, or its framing does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request body broke off")]
pub struct BrokenOff;

/// A connection whose present request has a body. Nothing of it is read before it is asked for.
pub(super) trait Arriving {
    /// The next part of the body of this request; as [`Body::poll_frame`]. That of an earlier request is broken off.
    fn poll_part(&self, request: u32, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>>;

    /// Nobody will ask for more of it.
    fn let_go(&self, request: u32);
}

/// Does not keep its connection alive: that ends when its task does.
struct Http1 {
    connection: Weak<dyn Arriving>,
    /// Which of the connection's requests it belongs to.
    request: u32,
    /// How much is to come, if the client has said so.
    left: Option<u64>,
    is_over: bool,
}

impl RequestBody {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self { source: Source::Empty, upgrade: None }
    }

    /// The body of an HTTP/1 request: which one, and how many bytes it has, if the client has said so.
    pub(super) fn http1(connection: Weak<dyn Arriving>, request: u32, length: Option<u64>) -> Self {
        Self { source: Source::Http1(Http1 { connection, request, left: length, is_over: false }), upgrade: None }
    }

    /// The body of an HTTP/2 request.
    pub(super) fn http2(body: Received) -> Self {
        Self { source: if body.is_end_stream() { Source::Empty } else { Source::Http2(body) }, upgrade: None }
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

impl Http1 {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let part = match self.connection.upgrade() {
            Some(connection) => ready!(connection.poll_part(self.request, cx)),
            None => Some(Err(BrokenOff)),
        };
        match &part {
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                    self.is_over = *left == 0;
                }
                self.is_over |= frame.is_trailers();
            }
            Some(Err(BrokenOff)) | None => self.is_over = true,
        }
        Poll::Ready(part)
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.upgrade() {
            connection.let_go(self.request);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.source {
            Source::Empty => Poll::Ready(None),
            Source::Http1(body) => body.poll_frame(cx),
            Source::Http2(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Http1(body) => body.is_over,
            Source::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Http1(body) => body.left.map_or_else(SizeHint::new, SizeHint::with_exact),
            Source::Http2(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("length", &self.size_hint().exact()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests;
