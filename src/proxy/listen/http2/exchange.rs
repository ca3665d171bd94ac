//! One stream: a request and its answer (RFC 9113 §8).

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use tokio::sync::oneshot;

use super::head::{self, Wish};
use super::watch::Open;
use crate::proxy::body::Body;
use crate::proxy::forward::download::DownloadError;
use crate::proxy::http2::duplex::Duplex;
use crate::proxy::http2::handshake;
use crate::proxy::http2::outlet::{Closed, Outlet};
use crate::proxy::listen::ConnectionInfo;
use crate::proxy::listen::house::House;
use crate::proxy::request_body::RequestBody;
use crate::proxy::request_body::http2::{Received, Respond};
use crate::proxy::upgrade::{OnUpgrade, Upgraded};

/// Fields that HTTP/2 has no place for (RFC 9113 §8.2.2).
const ABOUT_THE_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Everything about a stream but what it brings.
pub(super) struct Terms {
    pub(super) info: ConnectionInfo,
    pub(super) house: Rc<House>,
    pub(super) open: Open,
}

/// A client that asked for a WebSocket.
struct Applicant {
    key: HeaderValue,
    stream: RecvStream,
    told: oneshot::Sender<Upgraded>,
}

/// Answers one request. Dropped, or returned from early, it resets the stream.
pub(super) async fn answer<S, F>(request: Request<RecvStream>, respond: SendResponse<Bytes>, service: Rc<S>, terms: Terms)
where
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F,
    F: Future<Output = Response<Body>>,
{
    let (mut head, stream) = request.into_parts();
    let is_head = head.method == Method::HEAD;
    let respond = Rc::new(RefCell::new(respond));
    let (request, applicant) = match head::read(&mut head) {
        Ok(Wish::Answer) => {
            let body = RequestBody::http2(Received::new(stream, &head.headers, &respond));
            (Request::from_parts(head, body), None)
        }
        Ok(Wish::WebSocket) => {
            let key = head.headers.get(header::SEC_WEBSOCKET_KEY).cloned().unwrap_or_else(handshake::key);
            let (told, upgraded) = oneshot::channel();
            let body = RequestBody::upgradable(OnUpgrade::new(async { upgraded.await.ok() }));
            (Request::from_parts(head, body), Some(Applicant { key, stream, told }))
        }
        Err(violation) => {
            terms.house.count(violation);
            let status = StatusCode::from_u16(violation.status()).unwrap_or(StatusCode::BAD_REQUEST);
            return send(refused(status), is_head, &respond, terms).await;
        }
    };
    let Some(response) = unless_reset(service(request, terms.info), &respond).await else { return };
    match applicant {
        None => send(response, is_head, &respond, terms).await,
        Some(applicant) if response.status() == StatusCode::SWITCHING_PROTOCOLS => switch(response, applicant, &respond, terms),
        // Any 2xx would say that there is a WebSocket now (RFC 8441 §5).
        Some(_) if response.status().is_success() => send(refused(StatusCode::BAD_GATEWAY), is_head, &respond, terms).await,
        Some(_) => send(response, is_head, &respond, terms).await,
    }
}

/// The answer, unless the client is not interested any more: then nobody goes on working for it.
async fn unless_reset(answered: impl Future<Output = Response<Body>>, respond: &Respond) -> Option<Response<Body>> {
    let mut answered = pin!(answered);
    poll_fn(|cx| match answered.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending => respond.borrow_mut().poll_reset(cx).map(|_| None),
    })
    .await
}

/// Grants a WebSocket.
fn switch(response: Response<Body>, applicant: Applicant, respond: &Respond, terms: Terms) {
    let Applicant { key, stream, told } = applicant;
    let mut headers = response.into_parts().0.headers;
    if headers.remove(header::SEC_WEBSOCKET_ACCEPT).is_none_or(|accept| accept != handshake::accept(&key)) {
        let _ = respond.borrow_mut().send_response(bare(StatusCode::BAD_GATEWAY, HeaderMap::new(), &terms.house), true);
        return;
    }
    if let Ok(outlet) = respond.borrow_mut().send_response(bare(StatusCode::OK, headers, &terms.house), false) {
        let duplex = Duplex::new(Outlet::new(outlet, terms.house.limits.write_stall), stream, terms.open);
        // Whoever asked for it may be gone; then the stream goes as well.
        let _ = told.send(Box::pin(duplex));
    }
}

async fn send(response: Response<Body>, is_head: bool, respond: &Respond, terms: Terms) {
    let (head, body) = response.into_parts();
    let never_has_a_body = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut bare = bare(head.status, head.headers, &terms.house);
    // An answer to HEAD says how long one to GET would be (RFC 9110 §9.3.2).
    if let Some(length @ 1..) = body.size_hint().exact()
        && !never_has_a_body
    {
        bare.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    let is_all = is_head || never_has_a_body || body.is_end_stream();
    let sent = respond.borrow_mut().send_response(bare, is_all);
    terms.open.answered();
    match sent {
        Ok(_) if is_all => {}
        Ok(stream) => {
            let mut sending = Sending { body, outlet: Outlet::new(stream, terms.house.limits.write_stall), chunk: Bytes::new() };
            poll_fn(|cx| sending.poll(cx)).await;
        }
        // A status that is none, say.
        Err(_) => respond.borrow_mut().send_reset(Reason::INTERNAL_ERROR),
    }
}

/// A head without what HTTP/2 has no place for, dated.
fn bare(status: StatusCode, mut headers: HeaderMap, house: &House) -> Response<()> {
    for name in &ABOUT_THE_CONNECTION {
        headers.remove(name);
    }
    let date = || house.with_date(|date| HeaderValue::from_bytes(date).expect("names, digits and colons"));
    headers.entry(header::DATE).or_insert_with(date);
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Tiny, because whoever sent this does not read pages.
fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The request head is too large.\n",
        StatusCode::BAD_GATEWAY => "The upstream did not open a WebSocket.\n",
        _ => "The request could not be read.\n",
    }));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A body on its way to the client. Of what comes from an upstream, one piece is held at a time.
struct Sending {
    body: Body,
    outlet: Outlet,
    chunk: Bytes,
}

impl Sending {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outlet.is_reset(cx) {
            return Poll::Ready(());
        }
        loop {
            let step = if self.chunk.is_empty() { ready!(self.poll_body(cx)) } else { ready!(self.poll_chunk(cx)) };
            if matches!(step, Step::Over) {
                return Poll::Ready(());
            }
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            None => return self.over(|outlet| outlet.end(Bytes::new())),
            Some(Err(error)) => {
                self.outlet.reset(match error {
                    DownloadError::SessionEnded => Reason::CANCEL,
                    DownloadError::BrokeOff(_) | DownloadError::Reset(_) | DownloadError::Stalled => Reason::INTERNAL_ERROR,
                });
                return Poll::Ready(Step::Over);
            }
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(chunk) if chunk.is_empty() && self.body.is_end_stream() => self.over(|outlet| outlet.end(Bytes::new())),
            Ok(chunk) => {
                self.chunk = chunk;
                Poll::Ready(Step::Further)
            }
            Err(frame) => match frame.into_trailers() {
                Ok(trailers) => self.over(|outlet| outlet.end_with(trailers)),
                Err(_) => Poll::Ready(Step::Further),
            },
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Ok(room) = ready!(self.outlet.poll_room(self.chunk.len(), cx)) else { return Poll::Ready(Step::Over) };
        let piece = self.chunk.split_to(room);
        if self.chunk.is_empty() && self.body.is_end_stream() {
            return self.over(|outlet| outlet.end(piece));
        }
        Poll::Ready(if self.outlet.send(piece).is_ok() { Step::Further } else { Step::Over })
    }

    /// What cannot be sent any more needs no end.
    fn over(&mut self, end: impl FnOnce(&mut Outlet) -> Result<(), Closed>) -> Poll<Step> {
        let _ = end(&mut self.outlet);
        Poll::Ready(Step::Over)
    }
}

enum Step {
    Further,
    Over,
}
