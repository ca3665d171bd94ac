//! One answer on its way out: its head with what is there of its content in one write, then the content as it comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use tokio::sync::oneshot;

use super::outbox::{Outbox, Wrapping};
use crate::proxy::body::Body;
use crate::proxy::http1::request_head::Wishes;
use crate::proxy::http1::response_head::{self, Connection, ContentFraming};
use crate::proxy::http1::trailers;
use crate::proxy::upgrade::Upgraded;

/// An answer and what of the request matters for it.
pub(super) struct Answer<B = Body> {
    pub(super) outbox: Outbox,
    body: Option<B>,
    rest: Rest,
    is_to_head: bool,
    is_to_http10: bool,
    wishes: Wishes,
    /// Who gets the connection if the answer is 101.
    pub(super) switch: Option<oneshot::Sender<Upgraded>>,
    /// What happens to the connection behind it.
    pub(super) then: Then,
}

/// What of the content is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Sized(u64),
    Chunked,
    UntilClose,
    Over,
    /// There is no sending the rest. What is in the outbox still goes, so that the client sees how far it came.
    Failed,
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Complete,
    /// It cannot be completed: the connection is to be dropped, so that the client can tell.
    Failed,
    /// For its body.
    Waiting,
}

/// What happens to the connection behind an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Next,
    Close,
    Switch,
}

impl<B> Default for Answer<B> {
    fn default() -> Self {
        Self {
            outbox: Outbox::default(),
            body: None,
            rest: Rest::Over,
            is_to_head: false,
            is_to_http10: false,
            wishes: Wishes::default(),
            switch: None,
            then: Then::Close,
        }
    }
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Answer<B> {
    /// Forgets everything but the memory of its outbox.
    pub(super) fn clear(&mut self) {
        self.outbox.clear();
        *self = Self { outbox: std::mem::take(&mut self.outbox), ..Self::default() };
    }

    /// Notes what the request wants of its answer.
    pub(super) fn expect(&mut self, head: &Parts, wishes: Wishes, switch: Option<oneshot::Sender<Upgraded>>) {
        self.is_to_head = head.method == Method::HEAD;
        self.is_to_http10 = head.version == Version::HTTP_10;
        (self.wishes, self.switch) = (wishes, switch);
        self.then = if wishes.is_persistent { Then::Next } else { Then::Close };
    }

    /// Writes the head into the outbox.
    pub(super) fn begin(&mut self, response: Response<B>, date: &[u8]) {
        let (mut head, body) = response.into_parts();
        let mut body = Some(body);
        let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
        if is_switch && self.switch.is_some() {
            self.then = Then::Switch;
        } else if head.status.is_informational() {
            // Nobody asked for it, so it would be no answer.
            head.status = StatusCode::INTERNAL_SERVER_ERROR;
            head.headers = HeaderMap::new();
            body = None;
        } else if says_close(&head.headers) {
            self.then = Then::Close;
        }
        let framing = self.framing(head.status, &head.headers, body.as_ref());
        if framing == ContentFraming::UntilClose {
            self.then = Then::Close;
        }
        let connection = match self.then {
            Then::Switch => Connection::Switched,
            Then::Close => Connection::Closed,
            Then::Next if self.is_to_http10 => Connection::KeptAlive,
            Then::Next => Connection::Kept,
        };
        response_head::write(self.outbox.end(), head.status, &head.headers, framing, connection, date);
        self.rest = match framing {
            _ if self.is_to_head => Rest::Over,
            ContentFraming::Absent | ContentFraming::Sized(0) => Rest::Over,
            ContentFraming::Sized(length) => Rest::Sized(length),
            ContentFraming::Chunked => Rest::Chunked,
            ContentFraming::UntilClose => Rest::UntilClose,
        };
        self.body = body.filter(|_| self.rest != Rest::Over);
    }

    fn framing(&self, status: StatusCode, headers: &HeaderMap, body: Option<&B>) -> ContentFraming {
        let length = body.filter(|body| !body.is_end_stream()).map_or(Some(0), |body| body.size_hint().exact());
        if !response_head::may_tell_length(status) || status == StatusCode::NOT_MODIFIED {
            return ContentFraming::Absent;
        }
        match length {
            Some(length) if self.is_to_head && (length == 0 || headers.contains_key(header::CONTENT_LENGTH)) => ContentFraming::Absent,
            Some(length) => ContentFraming::Sized(length),
            None if self.is_to_head => ContentFraming::Absent,
            None if self.is_to_http10 => ContentFraming::UntilClose,
            None => ContentFraming::Chunked,
        }
    }

    /// How far it is, once nothing is left in the outbox.
    pub(super) fn progress(&self) -> Progress {
        match self.rest {
            Rest::Over => Progress::Complete,
            Rest::Failed => Progress::Failed,
            Rest::Sized(_) | Rest::Chunked | Rest::UntilClose => Progress::Waiting,
        }
    }

    /// Takes from the body what is there, until it is enough for one write. What is there at once goes out at once;
    /// nothing waits for more.
    pub(super) fn gather(&mut self, cx: &mut Context<'_>) {
        while !self.outbox.is_full() && !matches!(self.rest, Rest::Over | Rest::Failed) {
            let Some(body) = &mut self.body else { return self.finish(None) };
            let frame = Pin::new(&mut *body).poll_frame(cx);
            let is_last = matches!(frame, Poll::Ready(Some(Ok(_)))) && body.is_end_stream();
            match frame {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.push(data),
                    Err(frame) => self.finish(frame.trailers_ref()),
                },
                Poll::Ready(None) => self.finish(None),
                Poll::Ready(Some(Err(_))) => self.rest = Rest::Failed,
            }
            if is_last && self.rest != Rest::Over {
                self.finish(None);
            }
        }
    }

    fn push(&mut self, data: Bytes) {
        match &mut self.rest {
            Rest::Sized(left) => match left.checked_sub(data.len() as u64) {
                Some(0) => {
                    self.outbox.push(data, Wrapping::Plain);
                    self.rest = Rest::Over;
                }
                Some(further) => {
                    *left = further;
                    self.outbox.push(data, Wrapping::Plain);
                }
                None => self.rest = Rest::Failed,
            },
            Rest::Chunked => self.outbox.push(data, Wrapping::Chunk),
            Rest::UntilClose => self.outbox.push(data, Wrapping::Plain),
            Rest::Over | Rest::Failed => {}
        }
    }

    /// The content is complete.
    fn finish(&mut self, fields: Option<&HeaderMap>) {
        self.rest = match self.rest {
            // Shorter than its head said.
            Rest::Sized(_) | Rest::Failed => Rest::Failed,
            Rest::UntilClose | Rest::Over => Rest::Over,
            Rest::Chunked => {
                let out = self.outbox.end();
                out.extend_from_slice(b"0\r\n");
                for (name, value) in fields.into_iter().flatten().filter(|_| self.wishes.takes_trailers) {
                    if !trailers::changes_the_message(name) {
                        response_head::write_field(out, name.as_str().as_bytes(), value.as_bytes());
                    }
                }
                out.extend_from_slice(b"\r\n");
                Rest::Over
            }
        };
    }
}

fn says_close(headers: &HeaderMap) -> bool {
    headers.get(header::CONNECTION).is_some_and(|connection| connection.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// Tiny, because whoever sent what is refused does not read pages.
pub(super) fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(match status {
        StatusCode::REQUEST_TIMEOUT => "The request took too long.\n",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The request head is too large.\n",
        _ => "The request could not be read.\n",
    }));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
