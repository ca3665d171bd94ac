//! Passing an admitted request on to its upstream, and the answer back.
//!
//! Lives here: connections to upstreams and their reuse, both heads' fields, bodies in both directions, WebSockets.
//! Not here: who may ask for what. Forwarding takes a [`Permit`], which only the policy makes, and the normalised
//! [`Target`], so that what was judged is what is sent.
//!
//! The upstream sees the public host in `Host`, as with most proxies of this kind: an app builds its links from it.
//! HTTP/1.1 only; interim answers (1xx) of the upstream are not relayed.
//!
//! [`errand`] is what is asked, [`http1`] how it is said, [`request_head`] and [`sieve`] what an upstream is told.

pub(super) mod deadline;
pub mod download;
mod errand;
mod error;
mod hop_by_hop;
mod http1;
mod ids;
pub mod leash;
mod pool;
mod request_head;
mod response_head;
mod sieve;
mod tunnel;
mod upload;
mod wire;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode, header};
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

pub use error::ForwardError;
pub use http1::answer_head::OddHead;
pub use tunnel::{asks_for_websocket, origin_is_ours};
pub use wire::{TlsError, upstream_tls};

use super::body::Body;
use super::request_body::RequestBody;
use super::upgrade::OnUpgrade;
use super::visit::Peer;
use crate::domain::destination::{Upstream, Upstreams};
use crate::domain::origin::Origin;
use crate::domain::policy::Permit;
use crate::domain::route::{HeaderRules, Timeouts};
use crate::domain::target::Target;
use crate::telemetry::streams::{StreamKind, Streams};
use download::Download;
use errand::Errand;
use http1::answer::Answer;
use http1::answer_head::{After, AnswerHead, Framing};
use http1::link::Link;
use ids::Ids;
use leash::Leash;
use pool::Pool;
use request_head::Telling;
use sieve::TrailerRules;
use upload::{BodyFraming, Upload};

/// Forwards the requests of one worker thread; its connections never leave it.
#[derive(Debug, Clone)]
pub struct Forwarder {
    pool: Rc<Pool>,
    ids: Rc<Ids>,
    tls: Arc<ClientConfig>,
    streams: Arc<Streams>,
    shutdown: CancellationToken,
}

/// Everything about one request but the request itself.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// Where it goes: to one of these.
    pub upstreams: &'a Arc<Upstreams>,
    /// What was judged: its path and query are sent, behind the upstream's base path.
    pub target: &'a Target,
    /// The route's header rules.
    pub rules: &'a HeaderRules,
    /// The route's timeouts.
    pub timeouts: Timeouts,
    /// The route's `max_body`, in bytes.
    pub max_body: Option<u64>,
    /// Whether the route passes WebSockets on.
    pub websocket: WebSocket,
    /// What WebSockets and event streams hang on; `None`: nothing.
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

/// Connects to an upstream within `limit`, TLS included, and hangs up again: whether it is there. `tls` is what
/// [`upstream_tls`] made.
///
/// # Errors
/// [`ForwardError::Connect`] and [`ForwardError::ConnectTimeout`].
pub async fn connect(upstream: &Arc<Upstream>, tls: &Arc<ClientConfig>, limit: Duration) -> Result<(), ForwardError> {
    Link::open(upstream, tls, limit).await.map(drop)
}

/// What an exchange is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    WebSocket,
}

impl Forwarder {
    /// A forwarder without connections. `tls` is what [`upstream_tls`] made. `streams` counts what stays open; `shutdown`
    /// ends WebSockets.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>, streams: Arc<Streams>, shutdown: CancellationToken) -> Self {
        Self { pool: Rc::default(), ids: Rc::new(Ids::new()), tls, streams, shutdown }
    }

    /// Passes a request on and gives its answer back, whose body then comes as the upstream sends it. Runs on a
    /// [`tokio::runtime::LocalRuntime`]. Dropping it, or the answer's body, closes the connection to the upstream.
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
        let mut errand = Errand { method: &head.method, target: passage.target, protocol, telling, upload };
        let (link, answer) = self.ask(&passage, &mut errand).await?;
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(&passage, protocol, client, link, answer);
        }
        Ok(self.answer(&passage, link, answer, errand.upload))
    }

    /// Finds a connection, sends, and sends once more on a new connection if the first one turns out to be stale and the
    /// request [may be repeated](Errand::may_be_repeated).
    async fn ask(&self, passage: &Passage<'_>, errand: &mut Errand<'_>) -> Result<(Box<Link>, AnswerHead), ForwardError> {
        let response = passage.timeouts.response;
        let upstream = choose(passage.upstreams);
        if let Some(mut link) = self.pool.take(upstream) {
            match link.exchange(errand, response).await {
                Ok(answer) => return Ok((link, answer)),
                Err(failed) if errand.may_be_repeated(&failed) => {}
                Err(failed) => return Err(failed.error),
            }
        }
        let mut link = Link::open(upstream, &self.tls, passage.timeouts.connect).await?;
        match link.exchange(errand, response).await {
            Ok(answer) => Ok((link, answer)),
            Err(failed) => Err(failed.error),
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
                let open = is_event_stream(&headers).then(|| self.streams.begin(StreamKind::EventStream));
                let answer = Answer::new(link, unsent, framing, after, &self.pool);
                Body::Upstream(Download::new(answer, passage.timeouts.idle, leash.map(Leash::hold), open))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    fn switch(
        &self,
        passage: &Passage<'_>,
        protocol: Protocol,
        client: Option<OnUpgrade>,
        link: Box<Link>,
        answer: AnswerHead,
    ) -> Result<Response<Body>, ForwardError> {
        let (Protocol::WebSocket, Some(client), true) = (protocol, client, tunnel::is_accepted(answer.upgrade.as_ref())) else {
            return Err(ForwardError::UnaskedSwitch);
        };
        let mut headers = answer.headers;
        response_head::prepare(&mut headers, &passage.cookies);
        headers.insert(header::CONNECTION, http::HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, http::HeaderValue::from_static("websocket"));
        let open = self.streams.begin(StreamKind::WebSocket);
        tokio::task::spawn_local(tunnel::carry(client, link, passage.leash.map(Leash::hold), open, self.shutdown.clone()));
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// The upstream for the next request.
fn choose(upstreams: &Upstreams) -> &Arc<Upstream> {
    &upstreams.members[0]
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    const KIND: &[u8] = b"text/event-stream";
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().get(..KIND.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(KIND)))
}

#[cfg(test)]
mod tests;
