//! A request's body on its way: as much as the upstream has room for, and its trailers.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::HeaderMap;

use super::PIECE;
use crate::proxy::forward::deadline::Deadline;
use crate::proxy::forward::upload::{Piece, Upload, UploadFault};

/// What a body is sent through. Dropped before its end, it resets its stream.
#[derive(Debug)]
pub(super) struct Sending {
    stream: SendStream<Bytes>,
    /// Taken from the body, and not sent.
    chunk: Bytes,
    is_over: bool,
}

/// Why a body was not sent whole.
#[derive(Debug)]
pub(super) enum SendFault {
    /// By the client's fault.
    Upload(UploadFault),
    /// The upstream takes nothing any more. Why shows when its answer is read.
    Closed,
}

impl From<h2::Error> for SendFault {
    fn from(_: h2::Error) -> Self {
        Self::Closed
    }
}

impl Sending {
    /// Of a request that is over, nothing is sent any more.
    pub(super) const fn new(stream: SendStream<Bytes>, upload: &Upload) -> Self {
        Self { stream, chunk: Bytes::new(), is_over: upload.is_over() }
    }

    /// Whether all of it is on its way.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Sends the rest. Ready once all of it is on its way.
    pub(super) fn poll_send(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), SendFault>> {
        while !self.is_over {
            if self.chunk.is_empty() {
                match ready!(upload.poll_next(cx)).map_err(SendFault::Upload)? {
                    Piece::Data(data) if data.is_empty() && !upload.is_over() => {}
                    Piece::Data(data) if data.is_empty() => self.end(None)?,
                    Piece::Data(data) => self.chunk = data,
                    Piece::End(trailers) => {
                        let kept = trailers.zip(upload.trailer_rules.as_ref()).map(|(trailers, rules)| {
                            let mut kept = HeaderMap::new();
                            rules.sieve(&trailers, &mut kept);
                            kept
                        });
                        self.end(kept.filter(|kept| !kept.is_empty()))?;
                    }
                }
                continue;
            }
            let room = ready!(self.poll_room(cx))?;
            let piece = self.chunk.split_to(room);
            self.is_over = self.chunk.is_empty() && upload.is_over();
            self.stream.send_data(piece, self.is_over)?;
            upload.moved();
        }
        Poll::Ready(Ok(()))
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), SendFault> {
        self.is_over = true;
        match trailers {
            Some(trailers) => self.stream.send_trailers(trailers)?,
            None => self.stream.send_data(Bytes::new(), true)?,
        }
        Ok(())
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, SendFault>> {
        let wanted = self.chunk.len().min(PIECE);
        self.stream.reserve_capacity(wanted);
        loop {
            let room = self.stream.capacity().min(wanted);
            if room > 0 {
                return Poll::Ready(Ok(room));
            }
            match ready!(self.stream.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(Err(SendFault::Closed)),
            }
        }
    }

    /// Goes on sending a request whose answer has begun. If it cannot be sent whole, the upstream is told so.
    pub(super) async fn finish(mut self, mut upload: Upload) {
        let mut deadline = Deadline::default();
        let sent = std::future::poll_fn(|cx| match self.poll_send(&mut upload, cx) {
            Poll::Ready(sent) => Poll::Ready(sent.is_ok()),
            Poll::Pending => match upload.stalls_at() {
                Some(due) => deadline.poll_passed(due, cx).map(|()| false),
                None => Poll::Pending,
            },
        })
        .await;
        if !sent {
            self.stream.send_reset(Reason::CANCEL);
        }
    }

    /// The bare stream.
    pub(super) fn into_stream(self) -> SendStream<Bytes> {
        self.stream
    }
}
