//! The body of an HTTP/2 request, as its stream brings it (RFC 9113 §8.1).

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};

use super::BrokenOff;

/// The way back to a client.
pub(in crate::proxy) type Respond = Rc<RefCell<SendResponse<Bytes>>>;

/// A body that comes by a stream.
pub(in crate::proxy) struct Received {
    stream: RecvStream,
    /// What is still to come, if the client has said how much, and anything. The library holds it to that: a body that
    /// was to be empty and has not ended may yet turn out not to be.
    left: Option<u64>,
    is_at_trailers: bool,
    /// A client that waits to be told to go on is told when somebody wants to read (RFC 9110 §10.1.1).
    waiting: Option<Respond>,
}

impl Received {
    pub(in crate::proxy) fn new(stream: RecvStream, headers: &HeaderMap, respond: &Respond) -> Self {
        let left = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).filter(|length| *length > 0);
        let waits = headers.get(header::EXPECT).is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        Self { stream, left, is_at_trailers: false, waiting: waits.then(|| Rc::clone(respond)) }
    }

    fn say_go_on(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            let mut go_on = Response::new(());
            *go_on.status_mut() = StatusCode::CONTINUE;
            // It fails when the answer is out: then nobody waits any more.
            let _ = waiting.borrow_mut().send_informational(go_on);
        }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        this.say_go_on();
        while !this.is_at_trailers {
            match ready!(this.stream.poll_data(cx)) {
                Some(Ok(data)) if data.is_empty() => {}
                Some(Ok(data)) => {
                    // Whoever polls has room for it: the client may send as much again.
                    let _ = this.stream.flow_control().release_capacity(data.len());
                    this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(_)) => return Poll::Ready(Some(Err(BrokenOff))),
                None => this.is_at_trailers = true,
            }
        }
        let trailers = ready!(this.stream.poll_trailers(cx));
        Poll::Ready(trailers.map_err(|_| BrokenOff).transpose().map(|trailers| trailers.map(Frame::trailers)))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
