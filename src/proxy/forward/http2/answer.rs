//! The body of an answer, as its stream brings it: as much at a time as the client takes.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::exchange::Answered;
use super::session::Slot;
use crate::proxy::forward::deadline::Deadline;
use crate::proxy::forward::upload::Upload;
use crate::proxy::http2::duplex::Duplex;
use crate::proxy::http2::outlet::Outlet;

/// A body that is still coming. Dropped before its end, it resets its stream.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Answer {
    /// `None` once it is over.
    coming: Option<Coming>,
    /// How much is still to come, if the upstream has said so. The library holds it to that.
    left: Option<u64>,
    deadline: Deadline,
}

#[derive(Debug)]
struct Coming {
    stream: RecvStream,
    is_at_trailers: bool,
    /// Goes on sending the request, however slowly the client takes the answer; ends with it.
    _sending: Option<Aborting>,
    _slot: Slot,
}

/// Ends a task when dropped.
#[derive(Debug)]
struct Aborting(AbortHandle);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Answered {
    /// The head, and the body if anything follows. `upload` is what is left of the request, which ends with its answer.
    pub(in crate::proxy::forward) fn into_parts(self, upload: Upload) -> (StatusCode, HeaderMap, Option<Answer>) {
        if self.is_all {
            return (self.status, self.headers, None);
        }
        let sending = (!self.sending.is_over()).then(|| Aborting(tokio::task::spawn_local(self.sending.finish(upload)).abort_handle()));
        let coming = Coming { stream: self.stream, is_at_trailers: false, _sending: sending, _slot: self.slot };
        (self.status, self.headers, Some(Answer { coming: Some(coming), left: self.length, deadline: Deadline::default() }))
    }
}

impl Answered {
    /// The head, and bytes both ways. The upstream may not take any for as long as `stall`.
    pub(in crate::proxy::forward) fn into_socket(self, stall: Duration) -> (HeaderMap, Duplex<Slot>) {
        (self.headers, Duplex::new(Outlet::new(self.sending.into_stream(), stall), self.stream, self.slot))
    }
}

impl Answer {
    /// As [`http_body::Body::poll_frame`].
    pub(in crate::proxy::forward) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Some(coming) = &mut self.coming else { return Poll::Ready(None) };
        let next = ready!(coming.poll_frame(cx));
        match &next {
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                if frame.is_trailers() || coming.stream.is_end_stream() {
                    self.coming = None;
                }
            }
            Some(Err(_)) | None => self.coming = None,
        }
        Poll::Ready(next)
    }

    /// Ready once `due` has passed.
    pub(in crate::proxy::forward) fn poll_late(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.deadline.poll_passed(due, cx)
    }

    pub(in crate::proxy::forward) const fn is_end_stream(&self) -> bool {
        self.coming.is_none()
    }

    pub(in crate::proxy::forward) fn size_hint(&self) -> SizeHint {
        match (&self.coming, self.left) {
            (None, _) => SizeHint::with_exact(0),
            (Some(_), Some(left)) => SizeHint::with_exact(left),
            (Some(_), None) => SizeHint::default(),
        }
    }
}

impl Coming {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        while !self.is_at_trailers {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) if data.is_empty() && !self.stream.is_end_stream() => {}
                Some(Ok(data)) => {
                    // Whoever polls has room for it: the upstream may send as much again.
                    let _ = self.stream.flow_control().release_capacity(data.len());
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.is_at_trailers = true,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(cx));
        Poll::Ready(trailers.transpose().map(|trailers| trailers.map(Frame::trailers)))
    }
}
