//! The sending side of a stream: as much as the other side has room for, and not for ever.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;
use tokio::time::Instant;

use crate::proxy::forward::deadline::Deadline;

/// How much is sent of one stream before it is another one's turn, in bytes: a frame.
const PIECE: usize = 16 * 1024;

/// What a stream is sent through.
#[derive(Debug)]
pub(in crate::proxy) struct Outlet {
    stream: SendStream<Bytes>,
    /// How long there may be no room.
    stall: Duration,
    stalled_since: Option<Instant>,
    deadline: Deadline,
}

/// A stream that cannot be sent through any more: the other side has reset it, is gone, or took nothing for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) struct Closed;

impl Outlet {
    pub(in crate::proxy) fn new(stream: SendStream<Bytes>, stall: Duration) -> Self {
        Self { stream, stall, stalled_since: None, deadline: Deadline::default() }
    }

    /// Whether the other side has reset the stream; wakes the task when it does.
    pub(in crate::proxy) fn is_reset(&mut self, cx: &mut Context<'_>) -> bool {
        self.stream.poll_reset(cx).is_ready()
    }

    /// Waits for room for some of `wanted` bytes, which is not 0; says for how many there is.
    pub(in crate::proxy) fn poll_room(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<Result<usize, Closed>> {
        self.stream.reserve_capacity(wanted.min(PIECE));
        loop {
            let room = self.stream.capacity().min(wanted);
            if room > 0 {
                self.stalled_since = None;
                return Poll::Ready(Ok(room));
            }
            match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(Closed)),
                Poll::Pending => {
                    let since = *self.stalled_since.get_or_insert_with(Instant::now);
                    ready!(self.deadline.poll_passed(since + self.stall, cx));
                    self.reset(Reason::CANCEL);
                    return Poll::Ready(Err(Closed));
                }
            }
        }
    }

    /// Sends what there is room for.
    pub(in crate::proxy) fn send(&mut self, data: Bytes) -> Result<(), Closed> {
        self.stream.send_data(data, false).map_err(|_| Closed)
    }

    /// Sends what there is room for, and that this was all.
    pub(in crate::proxy) fn end(&mut self, data: Bytes) -> Result<(), Closed> {
        self.stream.send_data(data, true).map_err(|_| Closed)
    }

    /// Likewise, with trailers.
    pub(in crate::proxy) fn end_with(&mut self, trailers: HeaderMap) -> Result<(), Closed> {
        self.stream.reserve_capacity(0);
        self.stream.send_trailers(trailers).map_err(|_| Closed)
    }

    pub(in crate::proxy) fn reset(&mut self, reason: Reason) {
        self.stream.send_reset(reason);
    }
}
