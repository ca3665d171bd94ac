//! Passing an admitted request on to its upstream, and the answer back.
//!
//! Lives here: connections to upstreams and their reuse, both heads' fields, bodies in both directions, WebSockets.
//! Not here: who may ask for what. Forwarding takes a [`Permit`], which only the policy makes, and the normalised
//! [`Target`], so that what was judged is what is sent.
//!
//! The upstream sees the public host in `Host`, as with most proxies of this kind: an app builds its links from it.
//! Interim answers (1xx) of the upstream are not relayed.
//!
//! `errand` is what is asked, `line` where a connection comes from, `http1` and `http2` how it is said there,
//! `request_head` and `sieve` what an upstream is told.

pub(super) mod deadline;
mod dial;
pub mod download;
mod errand;
mod error;
mod hop_by_hop;
mod http1;
mod http2;
mod ids;
pub mod leash;
mod line;
mod pool;
mod request_head;
mod response_head;
mod sieve;
mod tunnel;
mod upload;
pub mod upstreams;
mod wire;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

pub use error::ForwardError;
pub use http1::answer_head::OddHead;
pub use tunnel::{asks_for_websocket, origin_is_ours};
pub use wire::{TlsError, upstream_tls};

use super::body::Body;
use super::http2::handshake;
use super::request_body::RequestBody;
use super::upgrade::OnUpgrade;
use super::visit::Peer;
use crate::domain::origin::Origin;
use crate::domain::policy::Permit;
use crate::domain::prefix::Prefix;
use crate::domain::route::{HeaderRules, Timeouts};
use crate::domain::target::Target;
use crate::telemetry::streams::{StreamKind, Streams};
use download::{Download, Incoming};
use errand::{Errand, NoAnswer};
use http1::answer::Answer;
use http1::answer_head::{After, AnswerHead, Framing};
use http1::link::Link;
use http2::exchange::Answered;
use http2::sessions::Sessions;
use ids::Ids;
use leash::Leash;
use line::Line;
use pool::Pool;
use request_head::Telling;
use sieve::TrailerRules;
use upload::{BodyFraming, Upload};
use upstreams::again::Failed;
use upstreams::course::Course;
use upstreams::desk::{Desk, UnderWay};
use upstreams::{Group, Member};
use wire::{Offer, Wire};

/// Forwards the requests of one worker thread; its connections never leave it.
#[derive(Debug, Clone)]
pub struct Forwarder {
    pool: Rc<Pool>,
    sessions: Rc<Sessions>,
    ids: Rc<Ids>,
    desk: Rc<Desk>,
    streams: Arc<Streams>,
    shutdown: CancellationToken,
}

/// Everything about one request but the request itself.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// Where it goes: to one of these.
    pub group: &'a Group,
    /// What was judged: its path and query are sent, behind the upstream's base path.
    pub target: &'a Target,
    /// What of its path the upstream does not get to see.
    pub strip_prefix: Option<&'a Prefix>,
    /// The route's header rules.
    pub rules: &'a HeaderRules,
    /// The route's timeouts.
    pub timeouts: Timeouts,
    /// The route's `max_body`, in bytes.
    pub max_body: Option<u64>,
    /// Whether the route passes WebSockets on.
    pub websocket: WebSocket,
    /// What WebSockets and answers without a known end hang on; `None`: nothing.
    pub leash: Option<Leash<'a>>,
    /// The other end of the client's connection.
    pub address: IpAddr,
    /// Whether that end may speak for others.
    pub peer: Peer,
    /// The origin that was asked: what `Host` and `X-Forwarded-*` say.
    pub origin: &'a Origin,
    /// How to tell our own cookies.
    pub cookies: OwnCookies,
}

/// Whether a route passes `Upgrade: websocket` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebSocket {
    /// Yes.
    Allowed,
    /// No: such a request is passed on as the plain GET it also is.
    Dropped,
}

/// How to tell our own cookies from the app's.
#[derive(Debug, Clone, Copy)]
pub struct OwnCookies {
    /// Appends what is left of a `Cookie` field without ours: all of it, some, or nothing.
    pub write_others: fn(&[u8], &mut Vec<u8>),
    /// Whether a `Set-Cookie` value names one of ours.
    pub is_own: fn(&[u8]) -> bool,
}

/// Connects to an upstream within `limit`, TLS included, and hangs up again: whether it is there.
///
/// # Errors
/// [`ForwardError::Connect`] and [`ForwardError::ConnectTimeout`].
pub async fn connect(member: &Arc<Member>, limit: Duration) -> Result<(), ForwardError> {
    Wire::open(member, None, Offer::of(member, Protocol::Http), limit).await.map(drop)
}

/// What an exchange is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    WebSocket,
}

impl Forwarder {
    /// A forwarder without connections. `streams` counts what stays open; `shutdown` ends WebSockets.
    #[must_use]
    pub fn new(streams: Arc<Streams>, shutdown: CancellationToken) -> Self {
        let ids = Ids::new();
        Self { pool: Rc::default(), sessions: Rc::default(), desk: Rc::new(Desk::new(ids.seed())), ids: Rc::new(ids), streams, shutdown }
    }

    /// Passes a request on and gives its answer back, whose body then comes as the upstream sends it. Runs on a
    /// [`tokio::runtime::LocalRuntime`]. Dropping it, or the answer's body, closes the connection to the upstream, or
    /// resets the stream.
    ///
    /// # Errors
    /// [`ForwardError`]; the upstream may have seen the request even so.
    pub async fn forward(
        &self,
        permit: &Permit<'_>,
        passage: Passage<'_>,
        request: Request<RequestBody>,
    ) -> Result<Response<Body>, ForwardError> {
        let (head, mut body) = request.into_parts();
        let client = body.take_upgrade();
        let mut upload = Upload::new(body, passage.max_body, passage.timeouts.idle)?;
        if upload.framing == BodyFraming::Chunked {
            upload.trailer_rules = Some(Box::new(TrailerRules::new(&head.headers, passage.rules, passage.peer)));
        }
        let protocol = match passage.websocket {
            WebSocket::Allowed if client.is_some() && asks_for_websocket(&head.method, &head.headers) => Protocol::WebSocket,
            WebSocket::Allowed | WebSocket::Dropped => Protocol::Http,
        };
        let telling = Telling::new(&head.headers, permit.principal(), &passage, &self.ids)?;
        let mut errand =
            Errand { method: &head.method, target: passage.target, strip_prefix: passage.strip_prefix, protocol, telling, upload };
        match self.ask(&passage, &mut errand).await? {
            Begun::Http1(link, answer) if answer.status == StatusCode::SWITCHING_PROTOCOLS => {
                self.switch(&passage, protocol, client, link, answer)
            }
            Begun::Http1(link, answer) => Ok(self.answer(&passage, link, answer, errand.upload)),
            Begun::Http2(answered) if protocol == Protocol::WebSocket && answered.status.is_success() => {
                let client = client.ok_or(ForwardError::UnaskedSwitch)?;
                // HTTP/2 answers without a key; whoever asked in the words of HTTP/1.1 wants it answered (RFC 6455 §4.2.2).
                let key = head.headers.get(header::SEC_WEBSOCKET_KEY).ok_or(ForwardError::UnaskedSwitch)?;
                let (mut headers, socket) = answered.into_socket(passage.timeouts.idle);
                headers.insert(header::SEC_WEBSOCKET_ACCEPT, handshake::accept(key));
                Ok(self.open(&passage, client, (socket, Bytes::new()), headers, None))
            }
            Begun::Http2(answered) => Ok(self.answer_by_stream(&passage, answered, errand)),
        }
    }

    /// Sends a request to one member after the other, until one answers or nothing more may be tried: what that is, is
    /// [`upstreams::again`]'s to say.
    async fn ask(&self, passage: &Passage<'_>, errand: &mut Errand<'_>) -> Result<Begun, ForwardError> {
        let (mut course, mut turn) = Course::begin(&self.desk, passage.group);
        loop {
            let (failed, error) = match self.line(&mut turn, errand.protocol, passage.timeouts.connect).await {
                Err(error) => (Failed::of_connecting(&error), error),
                Ok((line, connection)) => match exchange(line, errand, passage.timeouts.response).await {
                    Ok(asked) => {
                        turn.member.worked();
                        return Ok(asked);
                    }
                    Err(failed) => (errand.failed(&failed, connection), failed.error),
                },
            };
            let Some(next) = course.after(failed, &error) else { return Err(error) };
            turn = next;
        }
    }

    /// Hands an answer on. Its connection goes back to the pool once all of it is there, if all of the request is sent.
    fn answer(&self, passage: &Passage<'_>, mut link: Box<Link>, answer: AnswerHead, upload: Upload) -> Response<Body> {
        let AnswerHead { status, mut headers, framing, after, upgrade: _ } = answer;
        response_head::prepare(&mut headers, &passage.cookies);
        let unsent = Some(upload).filter(|upload| !link.has_sent(upload));
        let whole = match framing {
            Framing::Empty => Some(Body::Empty),
            Framing::Sized(length) => link.take_whole(length).map(Body::from),
            Framing::Chunked | Framing::UntilClose => None,
        };
        let body = match whole {
            Some(body) => {
                // What is left of the request ends with its answer, and its connection with it.
                self.pool.give_back(link, if unsent.is_none() { after } else { After::Close });
                body
            }
            None => {
                // An answer whose end nobody knows in advance is an open stream.
                let leash = passage.leash.filter(|_| matches!(framing, Framing::Chunked | Framing::UntilClose));
                let open = is(&headers, EVENT_STREAM).then(|| self.streams.begin(StreamKind::EventStream));
                let answer = Answer::new(link, unsent, framing, after, &self.pool);
                let incoming = Incoming::Http1(answer);
                Body::Upstream(Box::new(Download::new(incoming, passage.timeouts.idle, leash.map(Leash::hold), open)))
            }
        };
        respond(status, headers, body)
    }

    /// Likewise, from a stream.
    fn answer_by_stream(&self, passage: &Passage<'_>, answered: Box<Answered>, errand: Errand<'_>) -> Response<Body> {
        let length = answered.length;
        let (status, mut headers, answer) = answered.into_parts(errand.upload);
        response_head::prepare(&mut headers, &passage.cookies);
        let body = match answer {
            None => Body::Empty,
            Some(answer) => {
                let leash = passage.leash.filter(|_| length.is_none());
                let open = is(&headers, EVENT_STREAM).then(|| self.streams.begin(StreamKind::EventStream));
                let incoming = Incoming::Http2(Box::new(answer));
                let is_grpc = errand.telling.takes_trailers && is(&headers, GRPC);
                let open = if is_grpc { Some(self.streams.begin(StreamKind::Grpc)) } else { open };
                let download = Download::new(incoming, passage.timeouts.idle, leash.map(Leash::hold), open);
                Body::Upstream(Box::new(if is_grpc { download.ending_in_words() } else { download }))
            }
        };
        respond(status, headers, body)
    }

    fn switch(
        &self,
        passage: &Passage<'_>,
        protocol: Protocol,
        client: Option<OnUpgrade>,
        mut link: Box<Link>,
        answer: AnswerHead,
    ) -> Result<Response<Body>, ForwardError> {
        let (Protocol::WebSocket, Some(client), true) = (protocol, client, tunnel::is_accepted(answer.upgrade.as_ref())) else {
            return Err(ForwardError::UnaskedSwitch);
        };
        let under_way = link.under_way.take();
        Ok(self.open(passage, client, link.into_wire(), answer.headers, under_way))
    }

    /// Grants a WebSocket, which is `under_way` at its upstream for as long as it lives.
    fn open<W>(
        &self,
        passage: &Passage<'_>,
        client: OnUpgrade,
        upstream: (W, Bytes),
        mut headers: HeaderMap,
        under_way: Option<UnderWay>,
    ) -> Response<Body>
    where
        W: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        response_head::prepare(&mut headers, &passage.cookies);
        headers.insert(header::CONNECTION, http::HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, http::HeaderValue::from_static("websocket"));
        let open = self.streams.begin(StreamKind::WebSocket);
        let carried = tunnel::carry(client, upstream, passage.leash.map(Leash::hold), open, self.shutdown.clone());
        tokio::task::spawn_local(async move {
            carried.await;
            drop(under_way);
        });
        respond(StatusCode::SWITCHING_PROTOCOLS, headers, Body::Empty)
    }
}

/// A request whose answer has begun.
enum Begun {
    Http1(Box<Link>, AnswerHead),
    Http2(Box<Answered>),
}

async fn exchange(line: Line, errand: &mut Errand<'_>, response: Duration) -> Result<Begun, NoAnswer> {
    match line {
        Line::Http1(mut link) => link.exchange(errand, response).await.map(|answer| Begun::Http1(link, answer)),
        Line::Http2(slot) => slot.exchange(errand, response).await.map(Box::new).map(Begun::Http2),
    }
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

const EVENT_STREAM: &[u8] = b"text/event-stream";
const GRPC: &[u8] = b"application/grpc";

/// Whether an answer's content is of a kind, whatever stands behind that.
fn is(headers: &HeaderMap, kind: &[u8]) -> bool {
    let told = headers.get(header::CONTENT_TYPE).map(|told| told.as_bytes()).and_then(|told| told.split_at_checked(kind.len()));
    told.is_some_and(|(told, rest)| told.eq_ignore_ascii_case(kind) && matches!(rest, [] | [b';' | b'+' | b' ', ..]))
}

#[cfg(test)]
mod tests;
