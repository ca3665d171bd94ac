//! The response body on its way to the client: passed on piece by piece, timed, and ended with its session.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

pub use super::http1::answer::BrokenAnswer;

use super::http1::answer::Answer;
use super::http2;
use super::leash::Held;
use super::response_head;
use crate::domain::reason::Reason;
use crate::proxy::problem;
use crate::telemetry::streams::{Ending, OpenStream};

/// A response body that comes from an upstream.
#[derive(Debug)]
pub struct Download {
    incoming: Incoming,
    idle: Duration,
    /// What a stream that could outlast its session hangs on.
    leash: Option<Held>,
    /// Counts an event stream.
    open: Option<OpenStream>,
    quiet_since: Option<Instant>,
    cut_off: CutOff,
}

/// How a client is told that its answer is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CutOff {
    /// By a reset or the end of its connection.
    Silently,
    /// By trailers, as gRPC does it: a status that is not 0 says that messages are missing, and why. A reset would look like
    /// the client's own doing, or the network's. A message that has begun is never taken for a whole one.
    InWords,
}

/// What a body comes by.
#[derive(Debug)]
pub(super) enum Incoming {
    Over,
    Http1(Box<Answer>),
    Http2(Box<http2::answer::Answer>),
}

/// Why a response body did not arrive whole. The client sees its connection break: the head is out already.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The upstream broke off.
    #[error("the upstream broke off its answer: {0}")]
    BrokeOff(#[source] BrokenAnswer),
    /// The upstream reset its stream, or its connection ended.
    #[error("the upstream reset its answer: {0}")]
    Reset(#[source] h2::Error),
    /// The session that the stream belongs to has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The upstream stopped sending.
    #[error("the upstream stopped sending")]
    Stalled,
}

impl Download {
    pub(super) const fn new(incoming: Incoming, idle: Duration, leash: Option<Held>, open: Option<OpenStream>) -> Self {
        Self { incoming, idle, leash, open, quiet_since: None, cut_off: CutOff::Silently }
    }

    /// Of a gRPC answer, whose client takes trailers.
    pub(super) fn ending_in_words(self) -> Self {
        Self { cut_off: CutOff::InWords, ..self }
    }

    /// As [`http_body::Body::poll_frame`].
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        let next = ready!(self.poll_next(cx));
        Poll::Ready(match (next, self.cut_off) {
            (Some(Err(error)), CutOff::InWords) => {
                // What is left upstream is reset.
                self.incoming = Incoming::Over;
                Some(Ok(Frame::trailers(problem::grpc_trailers(error.reason()))))
            }
            (next, CutOff::InWords | CutOff::Silently) => next,
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        if matches!(self.incoming, Incoming::Over) {
            return Poll::Ready(None);
        }
        // First: a stream that never pauses ends as well.
        if self.leash.as_mut().is_some_and(|held| held.poll_ended(cx).is_ready()) {
            if let Some(open) = self.open.take() {
                open.ended_by(Ending::Session);
            }
            return Poll::Ready(Some(Err(DownloadError::SessionEnded)));
        }
        let Poll::Ready(next) = self.incoming.poll_frame(cx) else {
            let due = *self.quiet_since.get_or_insert_with(Instant::now) + self.idle;
            ready!(self.incoming.poll_late(due, cx));
            return Poll::Ready(Some(Err(DownloadError::Stalled)));
        };
        self.quiet_since = None;
        Poll::Ready(match next {
            None => None,
            Some(Err(error)) => Some(Err(error)),
            Some(Ok(frame)) => match frame.into_trailers() {
                Err(data) => Some(Ok(data)),
                Ok(trailers) => {
                    Some(response_head::prepare_trailers(trailers)).filter(|kept| !kept.is_empty()).map(|kept| Ok(Frame::trailers(kept)))
                }
            },
        })
    }

    pub(crate) const fn is_end_stream(&self) -> bool {
        match &self.incoming {
            Incoming::Over => true,
            Incoming::Http1(answer) => answer.is_end_stream(),
            Incoming::Http2(answer) => answer.is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match &self.incoming {
            Incoming::Over => SizeHint::with_exact(0),
            Incoming::Http1(answer) => answer.size_hint(),
            Incoming::Http2(answer) => answer.size_hint(),
        }
    }
}

impl DownloadError {
    /// What the client is told, if it can be told anything.
    const fn reason(&self) -> Reason {
        match self {
            Self::SessionEnded => Reason::SessionExpired,
            Self::BrokeOff(_) | Self::Reset(_) => Reason::UpstreamUnavailable,
            Self::Stalled => Reason::UpstreamTimeout,
        }
    }
}

impl Incoming {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        match self {
            Self::Over => Poll::Ready(None),
            Self::Http1(answer) => answer.poll_frame(cx).map_err(DownloadError::BrokeOff),
            Self::Http2(answer) => answer.poll_frame(cx).map_err(DownloadError::Reset),
        }
    }

    /// Ready once `due` has passed.
    fn poll_late(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Over => Poll::Pending,
            Self::Http1(answer) => answer.poll_late(due, cx),
            Self::Http2(answer) => answer.poll_late(due, cx),
        }
    }
}
