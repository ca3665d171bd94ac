//! The request body on its way to the upstream: counted, timed, and never copied. How it is written is not here.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use tokio::time::Instant;

use super::error::ForwardError;
use super::sieve::TrailerRules;
use crate::proxy::request_body::RequestBody;

/// How the request's body is framed towards the upstream. Never taken from the client's own framing fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    Chunked,
    Empty,
    Sized(u64),
}

/// A body that comes from a client, and how far it has come.
#[derive(Debug)]
pub(super) struct Upload {
    body: RequestBody,
    pub(super) framing: BodyFraming,
    /// How much may still come, and what happens if more does.
    left: u64,
    beyond: UploadFault,
    idle: Duration,
    /// A piece of it was taken.
    pub(super) has_begun: bool,
    /// Nothing further comes.
    is_over: bool,
    /// It will not arrive whole.
    failed: Option<UploadFault>,
    /// The client has sent nothing further yet.
    is_waiting: bool,
    /// When something last came, or was first waited for.
    last: Option<Instant>,
    pub(super) trailer_rules: Option<Box<TrailerRules>>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Piece {
    /// Bytes.
    Data(Bytes),
    /// The end, and what the client says behind it.
    End(Option<HeaderMap>),
}

/// Why a body did not arrive whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UploadFault {
    #[error("the client broke off")]
    BrokeOff,
    #[error("the body is too large")]
    TooLarge,
}

impl BodyFraming {
    pub(super) fn of(body: &RequestBody) -> Self {
        match body.size_hint().exact() {
            _ if body.is_end_stream() => Self::Empty,
            Some(0) => Self::Empty,
            Some(length) => Self::Sized(length),
            None => Self::Chunked,
        }
    }
}

impl Upload {
    /// The body of a request.
    ///
    /// # Errors
    /// [`ForwardError::BodyTooLarge`], if it says so beforehand.
    pub(super) fn new(body: RequestBody, max: Option<u64>, idle: Duration) -> Result<Self, ForwardError> {
        let framing = BodyFraming::of(&body);
        let (left, beyond) = match (framing, max) {
            (BodyFraming::Sized(length), Some(max)) if length > max => return Err(ForwardError::BodyTooLarge),
            (BodyFraming::Sized(length), _) => (length, UploadFault::BrokeOff),
            (BodyFraming::Chunked, Some(max)) => (max, UploadFault::TooLarge),
            (BodyFraming::Chunked, None) => (u64::MAX, UploadFault::TooLarge),
            (BodyFraming::Empty, _) => (0, UploadFault::BrokeOff),
        };
        let is_over = framing == BodyFraming::Empty;
        Ok(Self {
            body,
            framing,
            left,
            beyond,
            idle,
            has_begun: false,
            is_over,
            failed: None,
            is_waiting: false,
            last: None,
            trailer_rules: None,
        })
    }

    /// Whether nothing further comes.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next piece. Not to be asked again once it [is over](Self::is_over); after a fault that is all that comes.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, UploadFault>> {
        if let Some(fault) = self.failed {
            return Poll::Ready(Err(fault));
        }
        let next = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                self.is_waiting = true;
                self.last.get_or_insert_with(Instant::now);
                return Poll::Pending;
            }
        };
        self.moved();
        self.has_begun = true;
        let piece = match next {
            None => self.end(None),
            Some(Err(_)) => Err(UploadFault::BrokeOff),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.data(data),
                Err(frame) => self.end(frame.into_trailers().ok()),
            },
        };
        self.failed = piece.as_ref().err().copied();
        Poll::Ready(piece)
    }

    fn data(&mut self, data: Bytes) -> Result<Piece, UploadFault> {
        self.left = self.left.checked_sub(data.len() as u64).ok_or(self.beyond)?;
        self.is_over = match self.framing {
            BodyFraming::Sized(_) => self.left == 0,
            BodyFraming::Chunked | BodyFraming::Empty => self.body.is_end_stream(),
        };
        Ok(Piece::Data(data))
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<Piece, UploadFault> {
        if matches!(self.framing, BodyFraming::Sized(_)) && self.left > 0 {
            return Err(UploadFault::BrokeOff);
        }
        self.is_over = true;
        Ok(Piece::End(trailers))
    }

    /// Something came, or was taken by the upstream.
    pub(super) fn moved(&mut self) {
        self.is_waiting = false;
        // A request without a body, or with one that comes at once, needs no clock until somebody waits.
        if self.last.is_some() {
            self.last = Some(Instant::now());
        }
    }

    /// Until when the next thing must happen, and what it means if it does not. The upstream's time for an answer starts anew
    /// with every piece of the body, and does not run while the client is the one to wait for.
    pub(super) fn due(&mut self, response: Duration) -> (Instant, ForwardError) {
        let last = *self.last.get_or_insert_with(Instant::now);
        if self.is_waiting { (last + self.idle, ForwardError::ClientStalled) } else { (last + response, ForwardError::ResponseTimeout) }
    }

    /// Until when the client must send something; `None` if it is not the one to wait for.
    pub(super) fn stalls_at(&self) -> Option<Instant> {
        self.last.filter(|_| self.is_waiting).map(|last| last + self.idle)
    }
}
