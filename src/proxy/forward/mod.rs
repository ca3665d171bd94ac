//! Passing an admitted request on to its upstream, and the answer back.
//!
//! Lives here: connections to upstreams and their reuse, both heads' fields, bodies in both directions, WebSockets.
//! Not here: who may ask for what. Forwarding takes a [`Permit`], which only the policy makes, and the normalised
//! [`Target`], so that what was judged is what is sent.
//!
//! The upstream sees the public host in `Host`, as with most proxies of this kind: an app builds its links from it.
//! HTTP/1.1 only; interim answers (1xx) of the upstream are not relayed.

mod deadline;
mod dial;
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
pub mod upstreams;
mod wire;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use error::ForwardError;
pub use tunnel::{asks_for_websocket, origin_is_ours};
pub use wire::{Identity, TlsError, upstream_tls};

use super::body::Body;
use super::request_body::RequestBody;
use super::upgrade::OnUpgrade;
use super::visit::Peer;
use crate::domain::destination::{HostField, Upstream};
use crate::domain::origin::Origin;
use crate::domain::policy::Permit;
use crate::domain::prefix::{Prefix, path_sent};
use crate::domain::route::{HeaderRules, Timeouts};
use crate::domain::target::Target;
use download::{Aborting, Carrier, Download};
use ids::Ids;
use leash::Leash;
use link::Link;
use pool::Pool;
use request_head::BodyFraming;
use upload::{Progress, Upload};
use upstreams::again::{Connection, Failed};
use upstreams::course::{Connections, Course, Turn};
use upstreams::desk::Desk;
use upstreams::{Group, Member};

/// Forwards the requests of one worker thread; its connections never leave it.
#[derive(Debug, Clone)]
pub struct Forwarder {
    pool: Rc<Pool>,
    ids: Rc<Ids>,
    desk: Rc<Desk>,
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

/// Connects to an upstream within `limit`, TLS included, and hangs up again: whether it is there.
///
/// # Errors
/// [`ForwardError::Connect`] and [`ForwardError::ConnectTimeout`].
pub async fn connect(member: &Arc<Member>, limit: Duration) -> Result<(), ForwardError> {
    Link::open(member, None, limit).await.map(drop)
}

/// What an exchange is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    WebSocket,
}

impl Forwarder {
    /// A forwarder without connections. `shutdown` ends WebSockets.
    #[must_use]
    pub fn new(shutdown: CancellationToken) -> Self {
        let ids = Ids::new();
        Self { pool: Rc::default(), desk: Rc::new(Desk::new(ids.seed())), ids: Rc::new(ids), shutdown }
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
            WebSocket::Allowed if framing == BodyFraming::Empty && asks_for_websocket(&head.method, head.version, &head.headers) => {
                Protocol::WebSocket
            }
            WebSocket::Allowed | WebSocket::Dropped => Protocol::Http,
        };
        request_head::prepare(&mut head.headers, &head.method, framing, protocol, permit, &passage, &self.ids)?;
        let client = body.take_upgrade();
        let (upload, progress) = Upload::new(body, passage.max_body, passage.timeouts.idle);
        let mut outgoing = Request::new(upload);
        *outgoing.method_mut() = head.method;
        *outgoing.headers_mut() = head.headers;

        let (link, answer) = self.ask(&passage, outgoing, progress.as_deref()).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(&passage, protocol, client, link, answer);
        }
        self.answer(&passage, link, answer, progress.as_deref()).await
    }

    /// Sends a request to one member after the other, until one answers or nothing more may be tried: what that is, is
    /// [`upstreams::again`]'s to say.
    async fn ask(
        &self,
        passage: &Passage<'_>,
        outgoing: Request<Upload>,
        progress: Option<&Progress>,
    ) -> Result<(Box<Link>, Response<Incoming>), ForwardError> {
        let mut outgoing = outgoing;
        let (mut course, mut turn) = Course::begin(&self.desk, passage.group);
        loop {
            address(&mut outgoing, passage, turn.member.upstream())?;
            let (mut link, connection) = match self.link(&mut turn, passage.timeouts.connect).await {
                Ok(found) => found,
                Err(error) => {
                    turn = course.after(Failed::of_connecting(&error), &error).ok_or(error)?;
                    continue;
                }
            };
            let spare = if course.may_need_copy(connection) { repeatable(&outgoing) } else { None };
            let failed = match link.exchange(outgoing, progress, passage.timeouts.response).await {
                Ok(answer) => {
                    turn.member.worked();
                    return Ok((link, answer));
                }
                Err(failed) => failed,
            };
            drop(link);
            let is_broken_off = matches!(failed.error, ForwardError::UpstreamBrokeOff(_));
            let (kind, again) = match (failed.unsent, spare.filter(|_| is_broken_off && !failed.was_heard)) {
                (Some(unsent), _) => (Failed::Unsent(connection), Some(unsent)),
                (None, Some(spare)) => (Failed::Unheard(connection), Some(spare)),
                (None, None) if is_broken_off => (Failed::BrokeOff(connection), None),
                (None, None) => (Failed::ForGood, None),
            };
            let next = course.after(kind, &failed.error);
            let (Some(next), Some(request)) = (next, again) else { return Err(failed.error) };
            (turn, outgoing) = (next, request);
        }
    }

    /// A connection for a request: one that is idle or comes back while it waits, or a new one.
    async fn link(&self, turn: &mut Turn, limit: Duration) -> Result<(Box<Link>, Connection), ForwardError> {
        let member = &turn.member;
        if turn.connections == Connections::Any
            && let Some(mut link) = self.pool.take(member).await
        {
            link.under_way = turn.under_way.take();
            return Ok((link, Connection::Old));
        }
        let (Some(bound), Some(under_way)) = (&member.bound, &turn.under_way) else {
            let mut link = Link::open(member, None, limit).await?;
            link.under_way = turn.under_way.take();
            return Ok((link, Connection::New));
        };
        let due = Instant::now() + limit;
        let waiting = under_way.wait(bound);
        let mut permit = std::pin::pin!(bound.permit());
        let found = loop {
            tokio::select! {
                biased;
                permit = &mut permit => break Ok(permit),
                () = waiting.returned() => if let Some(link) = self.pool.take(member).await {
                    break Err(link);
                },
                () = tokio::time::sleep_until(due) => return Err(ForwardError::NoConnectionFree),
            }
        };
        drop(waiting);
        let (mut link, connection) = match found {
            Ok(permit) => (Link::open(member, Some(permit), due.saturating_duration_since(Instant::now())).await?, Connection::New),
            Err(link) => (link, Connection::Old),
        };
        link.under_way = turn.under_way.take();
        Ok((link, connection))
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
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
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

/// Writes down what depends on the upstream that is asked.
fn address(outgoing: &mut Request<Upload>, passage: &Passage<'_>, upstream: &Upstream) -> Result<(), ForwardError> {
    let path = path_sent(&upstream.base_path, passage.target, passage.strip_prefix);
    *outgoing.uri_mut() = PathAndQuery::from_maybe_shared(path).map(Uri::from).map_err(|_| ForwardError::Unsendable)?;
    let host = match upstream.host {
        // It is there already, unless another member has just been asked.
        HostField::Public => passage.origin.authority().to_owned().into(),
        HostField::Own => upstream.host_field(passage.origin.authority()),
    };
    let host = HeaderValue::from_str(&host).map_err(|_| ForwardError::Unsendable)?;
    outgoing.headers_mut().insert(header::HOST, host);
    Ok(())
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
