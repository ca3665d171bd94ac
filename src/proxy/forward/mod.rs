//! Passing an admitted request on to its upstream, and the answer back.
//!
//! Lives here: connections to upstreams and their reuse, both heads' fields, bodies in both directions, WebSockets.
//! Not here: who may ask for what. Forwarding takes a [`Permit`], which only the policy makes, and the normalised
//! [`Target`], so that what was judged is what is sent.
//!
//! The upstream sees the public host in `Host`, as with most proxies of this kind: an app builds its links from it.
//! HTTP/1.1 only; interim answers (1xx) of the upstream are not relayed.

pub(super) mod deadline;
pub mod download;
mod error;
mod hop_by_hop;
mod ids;
pub mod leash;
mod link;
mod pool;
mod request_head;
mod response_head;
mod tunnel;
mod upload;
mod wire;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

pub use error::ForwardError;
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
use download::{Aborting, Carrier, Download};
use ids::Ids;
use leash::Leash;
use link::Link;
use pool::Pool;
use request_head::BodyFraming;
use upload::{Progress, Upload};

/// Forwards the requests of one worker thread; its connections never leave it.
#[derive(Debug, Clone)]
pub struct Forwarder {
    pool: Rc<Pool>,
    ids: Rc<Ids>,
    tls: Arc<ClientConfig>,
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
    /// Takes ours out of a request's `Cookie` fields.
    pub strip: fn(&mut HeaderMap),
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
    /// A forwarder without connections. `tls` is what [`upstream_tls`] made. `shutdown` ends WebSockets.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>, shutdown: CancellationToken) -> Self {
        Self { pool: Rc::default(), ids: Rc::new(Ids::new()), tls, shutdown }
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
        let (mut head, mut body) = request.into_parts();
        let framing = framing(&body);
        if let (BodyFraming::Sized(length), Some(max)) = (framing, passage.max_body)
            && length > max
        {
            return Err(ForwardError::BodyTooLarge);
        }
        let protocol = match passage.websocket {
            WebSocket::Allowed if body.is_upgradable() && asks_for_websocket(&head.method, &head.headers) => Protocol::WebSocket,
            WebSocket::Allowed | WebSocket::Dropped => Protocol::Http,
        };
        request_head::prepare(&mut head.headers, &head.method, framing, protocol, permit, &passage, &self.ids)?;
        let client = body.take_upgrade();
        let (upload, progress) = Upload::new(body, passage.max_body, passage.timeouts.idle);
        let mut outgoing = Request::new(upload);
        *outgoing.method_mut() = head.method;
        *outgoing.uri_mut() = uri(&passage, choose(passage.upstreams))?;
        *outgoing.headers_mut() = head.headers;

        let (link, answer) = self.ask(&passage, outgoing, progress.as_deref()).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(&passage, protocol, client, link, answer);
        }
        self.answer(&passage, link, answer, progress.as_deref()).await
    }

    /// Finds a connection, sends, and sends once more on a new connection if the first one turns out to be stale and
    /// the request is safe to repeat: not a byte of it left us, or it is idempotent (RFC 9110 §9.2.2), has no body, and
    /// not a byte came back.
    async fn ask(
        &self,
        passage: &Passage<'_>,
        outgoing: Request<Upload>,
        progress: Option<&Progress>,
    ) -> Result<(Box<Link>, Response<Incoming>), ForwardError> {
        let response = passage.timeouts.response;
        let mut outgoing = outgoing;
        let upstream = choose(passage.upstreams);
        if let Some(mut link) = self.pool.take(upstream).await {
            let spare = repeatable(&outgoing);
            let failed = match link.exchange(outgoing, progress, response).await {
                Ok(answer) => return Ok((link, answer)),
                Err(failed) => failed,
            };
            outgoing = match (failed.unsent, spare, &failed.error) {
                (Some(unsent), _, _) => unsent,
                (None, Some(spare), ForwardError::UpstreamBrokeOff(_)) if !failed.was_heard => spare,
                (None, _, _) => return Err(failed.error),
            };
        }
        let mut link = Link::open(upstream, &self.tls, passage.timeouts.connect).await?;
        match link.exchange(outgoing, progress, response).await {
            Ok(answer) => Ok((link, answer)),
            Err(failed) => Err(failed.error),
        }
    }

    async fn answer(
        &self,
        passage: &Passage<'_>,
        link: Box<Link>,
        answer: Response<Incoming>,
        progress: Option<&Progress>,
    ) -> Result<Response<Body>, ForwardError> {
        let (mut head, body) = answer.into_parts();
        // Two framings are a surprise: the coding counts (RFC 9112 §6.3), the length goes, and so does the connection.
        let is_framed_twice = [header::TRANSFER_ENCODING, header::CONTENT_LENGTH].iter().all(|name| head.headers.contains_key(name));
        if is_framed_twice {
            head.headers.remove(header::CONTENT_LENGTH);
        }
        response_head::prepare(&mut head.headers, &passage.cookies)?;
        let is_sound = progress.is_none_or(Progress::is_finished) && !is_framed_twice;
        let body = if body.is_end_stream() {
            // A request body that is still on its way ends with its answer, and its connection with it.
            if is_sound {
                let mut link = Some(link);
                std::future::poll_fn(|cx| std::task::Poll::Ready(link.take().map(|link| self.pool.put(link, cx)))).await;
            }
            Body::Empty
        } else {
            let carrier = if is_sound { Carrier::Own(link, Rc::clone(&self.pool)) } else { in_background(link) };
            let leash = passage.leash.filter(|_| is_event_stream(&head.headers));
            Body::Upstream(Download::new(body, carrier, passage.timeouts.idle, leash.map(Leash::hold)))
        };
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        Ok(response)
    }

    fn switch(
        &self,
        passage: &Passage<'_>,
        protocol: Protocol,
        client: Option<OnUpgrade>,
        link: Box<Link>,
        answer: Response<Incoming>,
    ) -> Result<Response<Body>, ForwardError> {
        let mut headers = answer.into_parts().0.headers;
        let (Protocol::WebSocket, Some(client), true) = (protocol, client, tunnel::is_accepted(StatusCode::SWITCHING_PROTOCOLS, &headers))
        else {
            return Err(ForwardError::UnaskedSwitch);
        };
        response_head::prepare(&mut headers, &passage.cookies)?;
        headers.insert(header::CONNECTION, http::HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, http::HeaderValue::from_static("websocket"));
        tokio::task::spawn_local(tunnel::carry(client, link, passage.leash.map(Leash::hold), self.shutdown.clone()));
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

fn framing(body: &RequestBody) -> BodyFraming {
    match body.size_hint().exact() {
        _ if body.is_end_stream() => BodyFraming::Empty,
        Some(length) => BodyFraming::Sized(length),
        None => BodyFraming::Chunked,
    }
}

/// The upstream for the next request.
fn choose(upstreams: &Upstreams) -> &Arc<Upstream> {
    &upstreams.members[0]
}

fn uri(passage: &Passage<'_>, upstream: &Upstream) -> Result<Uri, ForwardError> {
    let path = passage.target.path_and_query();
    let path = match upstream.base_path.as_str() {
        "" => Bytes::copy_from_slice(path.as_bytes()),
        base => format!("{base}{path}").into(),
    };
    PathAndQuery::from_maybe_shared(path).map(Uri::from).map_err(|_| ForwardError::Unsendable)
}

/// A second copy of a request that may be sent twice.
fn repeatable(outgoing: &Request<Upload>) -> Option<Request<Upload>> {
    let is_idempotent = matches!(*outgoing.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
    let is_bare = matches!(outgoing.body(), Upload::Empty) && !outgoing.headers().contains_key(header::UPGRADE);
    if !is_idempotent || !is_bare {
        return None;
    }
    let mut spare = Request::new(Upload::Empty);
    *spare.method_mut() = outgoing.method().clone();
    *spare.uri_mut() = outgoing.uri().clone();
    *spare.headers_mut() = outgoing.headers().clone();
    *spare.version_mut() = Version::HTTP_11;
    Some(spare)
}

/// Lets a connection go on sending while its answer is read, however slowly the client takes it.
fn in_background(mut link: Box<Link>) -> Carrier {
    let driven = tokio::task::spawn_local(async move {
        // What goes wrong shows in the answer's body.
        let _ = std::future::poll_fn(|cx| link.poll_drive(cx)).await;
    });
    Carrier::Task { _aborts: Aborting(driven.abort_handle()) }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"))
}

#[cfg(test)]
mod tests;
