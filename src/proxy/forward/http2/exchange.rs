//! One request on a stream of its own, up to the head of its answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use h2::{Reason, RecvStream};
use http::{HeaderMap, Method, StatusCode, header};

use super::head;
use super::sending::{SendFault, Sending};
use super::session::into_io;
use crate::proxy::forward::Protocol;
use crate::proxy::forward::deadline::Deadline;
use crate::proxy::forward::errand::{Errand, Heard, NoAnswer, Sent};
use crate::proxy::forward::error::ForwardError;
use crate::proxy::forward::upload::Upload;

pub(in crate::proxy::forward) use super::session::Slot;

/// A request that is being answered.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Answered {
    pub(in crate::proxy::forward) status: StatusCode,
    pub(in crate::proxy::forward) headers: HeaderMap,
    /// Whether nothing follows.
    pub(in crate::proxy::forward) is_all: bool,
    /// How much follows, if that is known.
    pub(in crate::proxy::forward) length: Option<u64>,
    pub(super) stream: RecvStream,
    pub(super) sending: Sending,
    pub(super) slot: Slot,
}

impl Slot {
    /// Sends a request and waits for the head of its answer, which may come before the request is sent. Dropped, it resets
    /// its stream.
    pub(in crate::proxy::forward) async fn exchange(self, errand: &mut Errand<'_>, response: Duration) -> Result<Answered, NoAnswer> {
        if errand.protocol == Protocol::WebSocket && !self.session.takes_extended_connect() {
            return Err(NoAnswer { error: ForwardError::NoWebSockets, sent: Sent::Nothing, heard: Heard::Nothing });
        }
        let Some(request) = head::request(errand, self.session.member.upstream()) else {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "the request cannot be said in HTTP/2");
            return Err(NoAnswer { error: ForwardError::UpstreamBrokeOff(error), sent: Sent::Nothing, heard: Heard::Nothing });
        };
        let is_head = *errand.method == Method::HEAD;
        let is_over = errand.upload.is_over() && errand.protocol == Protocol::Http;
        let upload = &mut errand.upload;
        let (mut answer, stream) = match self.session.sender().send_request(request, is_over) {
            Ok(begun) => begun,
            Err(error) => {
                let error = ForwardError::UpstreamBrokeOff(into_io(error));
                return Err(NoAnswer { error, sent: again(Sent::Nothing, upload), heard: Heard::Nothing });
            }
        };
        let mut sending = Sending::new(stream, upload);
        let mut deadline = Deadline::default();
        // Once the upstream takes nothing any more, what it said by then still counts.
        let mut takes_more = true;
        let answered = poll_fn(|cx| {
            if takes_more {
                match sending.poll_send(upload, cx) {
                    Poll::Ready(Err(SendFault::Upload(fault))) => return Poll::Ready(Err(Fault::Ours(fault.into()))),
                    Poll::Ready(Ok(()) | Err(SendFault::Closed)) => takes_more = false,
                    Poll::Pending => {}
                }
            }
            if let Poll::Ready(answered) = Pin::new(&mut answer).poll(cx) {
                return Poll::Ready(answered.map_err(Fault::Theirs));
            }
            let (due, error) = upload.due(response);
            deadline.poll_passed(due, cx).map(|()| Err(Fault::Ours(error)))
        })
        .await;
        let (head, stream) = match answered {
            Ok(answer) => answer.into_parts(),
            Err(Fault::Ours(error)) => return Err(NoAnswer { error, sent: Sent::Something, heard: Heard::Nothing }),
            Err(Fault::Theirs(error)) => return Err(no_answer(error, upload)),
        };
        self.session.answered();
        let never_has_a_body = is_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let mut headers = head::cleaned(head.headers);
        if head.status == StatusCode::NO_CONTENT {
            headers.remove(header::CONTENT_LENGTH);
        }
        // The library has checked that it is a number, and holds the upstream to it.
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let is_all = never_has_a_body || stream.is_end_stream();
        Ok(Answered { status: head.status, headers, is_all, length, stream, sending, slot: self })
    }
}

enum Fault {
    Ours(ForwardError),
    Theirs(h2::Error),
}

/// What was taken from a body cannot be taken again.
const fn again(sent: Sent, upload: &Upload) -> Sent {
    if upload.has_begun { Sent::Something } else { sent }
}

/// A stream without an answer. The upstream may have said that it did nothing about it (RFC 9113 §6.8, §8.7); that its
/// connection is gone says nothing.
fn no_answer(error: h2::Error, upload: &Upload) -> NoAnswer {
    let is_unprocessed = error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM));
    let sent = if is_unprocessed { again(Sent::Unprocessed, upload) } else { Sent::Something };
    let heard = if error.is_io() { Heard::Nothing } else { Heard::Something };
    NoAnswer { error: ForwardError::UpstreamBrokeOff(into_io(error)), sent, heard }
}
