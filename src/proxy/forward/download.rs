//! The response body on its way to the client: passed on frame by frame, timed, and, when it is complete, the end of its
//! connection's work for this request.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::leash::Held;
use super::link::Link;
use super::pool::Pool;

/// A response body that comes from an upstream.
#[derive(Debug)]
pub struct Download {
    body: Incoming,
    carrier: Carrier,
    idle: Duration,
    /// What a stream that could outlast its session hangs on.
    leash: Option<Held>,
    deadline: Deadline,
    quiet_since: Option<Instant>,
}

/// What drives the connection that the body comes from.
#[derive(Debug)]
pub(super) enum Carrier {
    /// This body does, and gives it back at its end.
    Own(Box<Link>, Rc<Pool>),
    /// A task of its own, because the request body is still on its way. It ends with this body: HTTP has no use for a
    /// request whose answer is complete.
    Task { _aborts: Aborting },
    /// Nothing any more.
    Spent,
}

/// Ends a task when dropped.
#[derive(Debug)]
pub(super) struct Aborting(pub(super) AbortHandle);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a response body did not arrive whole. The client sees its connection break: the head is out already.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The upstream broke off.
    #[error("the upstream broke off its answer: {0}")]
    BrokeOff(#[source] hyper::Error),
    /// The session that the stream belongs to has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The upstream stopped sending.
    #[error("the upstream stopped sending")]
    Stalled,
}

impl Download {
    pub(super) fn new(body: Incoming, carrier: Carrier, idle: Duration, leash: Option<Held>) -> Self {
        Self { body, carrier, idle, leash, deadline: Deadline::default(), quiet_since: None }
    }

    /// As [`Body::poll_frame`].
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        // First: a stream that never pauses ends as well.
        if self.leash.as_mut().is_some_and(|held| held.poll_ended(cx).is_ready()) {
            return Poll::Ready(Some(Err(DownloadError::SessionEnded)));
        }
        let mut next = Pin::new(&mut self.body).poll_frame(cx);
        if next.is_pending()
            && let Carrier::Own(link, _) = &mut self.carrier
        {
            // An end of the connection shows in the body, as its end or as its error.
            let is_over = link.poll_drive(cx).is_ready();
            if is_over {
                self.carrier = Carrier::Spent;
            }
            next = Pin::new(&mut self.body).poll_frame(cx);
        }
        if next.is_pending() {
            ready!(self.poll_late(cx));
            return Poll::Ready(Some(Err(DownloadError::Stalled)));
        }
        self.quiet_since = None;
        let is_last = match &next {
            Poll::Ready(Some(Ok(_))) => self.body.is_end_stream(),
            Poll::Ready(None | Some(Err(_))) | Poll::Pending => true,
        };
        if is_last && let Carrier::Own(link, pool) = std::mem::replace(&mut self.carrier, Carrier::Spent) {
            match &next {
                Poll::Ready(Some(Err(_))) => drop(link),
                Poll::Ready(Some(Ok(_)) | None) | Poll::Pending => pool.put(link, cx),
            }
        }
        next.map(|frame| frame.map(|frame| frame.map_err(DownloadError::BrokeOff)))
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let quiet_since = *self.quiet_since.get_or_insert_with(Instant::now);
        let due = quiet_since + self.idle;
        let deadline = match &mut self.carrier {
            Carrier::Own(link, _) => &mut link.deadline,
            Carrier::Task { .. } | Carrier::Spent => &mut self.deadline,
        };
        deadline.poll_passed(due, cx)
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
