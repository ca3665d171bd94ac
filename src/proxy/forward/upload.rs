//! The request body on its way to the upstream: counted, timed, without trailers, and never copied.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::deadline::Deadline;
use crate::proxy::request_body::RequestBody;

/// What a connection to an upstream sends.
#[derive(Debug)]
pub(super) enum Upload {
    Empty,
    Streaming(Box<Streaming>),
}

/// A body that comes from a client.
#[derive(Debug)]
pub(super) struct Streaming {
    body: RequestBody,
    /// How much may still come.
    left: u64,
    idle: Duration,
    deadline: Deadline,
    progress: Rc<Progress>,
}

/// How far a body has come: shared with whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Progress {
    state: Cell<State>,
    last: Cell<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The upstream takes it as it comes.
    Moving,
    /// The client has sent nothing further yet.
    Waiting,
    Finished,
    Failed(UploadFault),
}

/// Why a body did not arrive whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UploadFault {
    #[error("the client broke off")]
    BrokeOff,
    #[error("the client stopped sending")]
    Stalled,
    #[error("the body is too large")]
    TooLarge,
}

impl Upload {
    /// The body of a request, and where to see how far it is; `None` for an empty one.
    pub(super) fn new(body: RequestBody, max: Option<u64>, idle: Duration) -> (Self, Option<Rc<Progress>>) {
        if body.is_end_stream() {
            return (Self::Empty, None);
        }
        let progress = Rc::new(Progress { state: Cell::new(State::Moving), last: Cell::new(Instant::now()) });
        let streaming =
            Streaming { body, left: max.unwrap_or(u64::MAX), idle, deadline: Deadline::default(), progress: Rc::clone(&progress) };
        (Self::Streaming(Box::new(streaming)), Some(progress))
    }
}

impl Progress {
    pub(super) fn is_finished(&self) -> bool {
        self.state.get() == State::Finished
    }

    pub(super) fn fault(&self) -> Option<UploadFault> {
        match self.state.get() {
            State::Failed(fault) => Some(fault),
            State::Moving | State::Waiting | State::Finished => None,
        }
    }

    /// Until when the upstream may leave a request unanswered: its time starts anew with every piece of the body, and
    /// does not run while the client is the one to wait for.
    pub(super) fn response_due(&self, response: Duration) -> Option<Instant> {
        match self.state.get() {
            State::Moving | State::Finished | State::Failed(_) => Some(self.last.get() + response),
            State::Waiting => None,
        }
    }
}

impl Streaming {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UploadFault>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers end the body and go no further: nobody has judged what is in them.
                let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
                self.progress.last.set(Instant::now());
                self.progress.state.set(State::Moving);
                Poll::Ready(Some(match self.left.checked_sub(data.len() as u64) {
                    Some(left) => {
                        self.left = left;
                        Ok(data)
                    }
                    None => Err(UploadFault::TooLarge),
                }))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(UploadFault::BrokeOff))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                self.progress.state.set(State::Waiting);
                ready!(self.deadline.poll_passed(self.progress.last.get() + self.idle, cx));
                Poll::Ready(Some(Err(UploadFault::Stalled)))
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        let Self::Streaming(streaming) = self.get_mut() else { return Poll::Ready(None) };
        let next = ready!(streaming.poll_next(cx));
        match next {
            Some(Err(fault)) => streaming.progress.state.set(State::Failed(fault)),
            None => streaming.progress.state.set(State::Finished),
            Some(Ok(_)) if streaming.body.is_end_stream() => streaming.progress.state.set(State::Finished),
            Some(Ok(_)) => {}
        }
        Poll::Ready(next.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streaming(streaming) => streaming.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streaming(streaming) => streaming.body.size_hint(),
        }
    }
}
