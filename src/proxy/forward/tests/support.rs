//! A proxy on loopback in the test's own thread, raw clients, and upstreams that do exactly what they are told.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::leash::{Ending, Presence, Word};
use super::super::*;
use crate::domain::destination::{Upstream, UpstreamScheme, Upstreams};
use crate::domain::policy::{Decision, Presented};
use crate::domain::route::{Access, Matcher, made_up};
use crate::proxy::listen::{ConnectionInfo, Front, Limits, OnViolation, serve_connections};

/// Runs a test on a runtime like a worker's. Nothing in it waits this long unless something hangs.
pub(super) fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default()).expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await.expect("the test hangs") })
}

/// What a test's route says.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) rules: HeaderRules,
    pub(super) timeouts: Timeouts,
    pub(super) max_body: Option<u64>,
    pub(super) websocket: WebSocket,
    pub(super) ends_in: Duration,
    /// Ends when it is cancelled.
    pub(super) session: Session,
    pub(super) peer: Peer,
    pub(super) base_path: &'static str,
    pub(super) scheme: UpstreamScheme,
    pub(super) host: &'static str,
    pub(super) roots: Vec<rustls_pki_types::CertificateDer<'static>>,
    pub(super) who: Option<crate::domain::principal::Principal>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: HeaderRules::default(),
            timeouts: Timeouts::default(),
            max_body: None,
            websocket: WebSocket::Allowed,
            ends_in: Duration::from_secs(3600),
            session: Session::default(),
            peer: Peer::Stranger,
            base_path: "",
            scheme: UpstreamScheme::Http,
            host: "127.0.0.1",
            roots: Vec::new(),
            who: None,
        }
    }
}

/// A session that a test ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Session(pub(super) CancellationToken);

impl Ending for Session {
    fn word(&self, _presence: Presence) -> Word {
        Box::pin(self.0.clone().cancelled_owned())
    }
}

/// A running proxy.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    pub(super) shutdown: CancellationToken,
    pub(super) streams: Arc<Streams>,
    /// Why requests were not passed on.
    pub(super) faults: Rc<RefCell<Vec<String>>>,
}

impl Proxy {
    /// In front of one upstream.
    pub(super) async fn start(upstream: SocketAddr, settings: Settings) -> Self {
        Self::start_before(&one(upstream, &settings), settings).await
    }

    /// In front of several.
    pub(super) async fn start_before(upstreams: &Upstreams, settings: Settings) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shutdown = CancellationToken::new();
        let faults = Rc::new(RefCell::new(Vec::new()));
        let streams = Arc::<Streams>::default();
        let (forwarder, group) = (Forwarder::new(Arc::clone(&streams), shutdown.clone()), group(upstreams, &settings));
        let told = Rc::clone(&faults);
        let service = move |request: Request<RequestBody>, info: ConnectionInfo| {
            let (forwarder, group, settings, told) = (forwarder.clone(), Arc::clone(&group), settings.clone(), Rc::clone(&told));
            async move {
                match pass(&forwarder, &group, &settings, request, info).await {
                    Ok(response) => response,
                    Err(error) => {
                        told.borrow_mut().push(format!("{error:?}"));
                        let mut response = Response::new(Body::from(error.reason().code()));
                        *response.status_mut() = StatusCode::from_u16(error.reason().status()).expect("a status");
                        response
                    }
                }
            }
        };
        let nothing: OnViolation = Arc::new(|_| {});
        tokio::task::spawn_local(serve_connections(listener, Rc::new(service), Front::new(Limits::default(), nothing), shutdown.clone()));
        Self { address, shutdown, streams, faults }
    }

    /// One connection, one request, everything that comes back until the end. The request must ask to close.
    pub(super) async fn say(&self, raw: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("the proxy");
        stream.write_all(raw.as_ref()).await.expect("the proxy");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the proxy");
        String::from_utf8(answer).expect("ASCII")
    }

    /// So many of them, all at once.
    pub(super) async fn say_at_once(&self, times: usize, raw: &str) -> Vec<String> {
        futures_util::future::join_all((0..times).map(|_| self.say(raw))).await
    }
}

/// A single upstream.
pub(super) fn one(upstream: SocketAddr, settings: &Settings) -> Upstreams {
    let upstream = Upstream::at(settings.scheme, settings.host, upstream.port());
    Upstreams::one(Upstream { base_path: settings.base_path.to_owned(), ..upstream })
}

/// The upstreams at work.
pub(super) fn group(upstreams: &Upstreams, settings: &Settings) -> Arc<Group> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(settings.roots.clone());
    let tls = upstream_tls(Arc::new(roots), None).expect("trust roots");
    Arc::new(Group::new(upstreams, &tls).expect("a host"))
}

/// Passes one request on, as the proxy does.
pub(super) async fn pass(
    forwarder: &Forwarder,
    group: &Group,
    settings: &Settings,
    request: Request<RequestBody>,
    info: ConnectionInfo,
) -> Result<Response<Body>, ForwardError> {
    let origin = Origin::parse("https://orders.example.com").expect("an origin");
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
    let target = Target::parse("orders.example.com", &path).expect("a target");
    let passage = Passage {
        group,
        target: &target,
        strip_prefix: None,
        rules: &settings.rules,
        timeouts: settings.timeouts,
        max_body: settings.max_body,
        websocket: settings.websocket,
        leash: Some(Leash { until: Instant::now() + settings.ends_in, session: Some(&settings.session) }),
        address: info.peer.ip(),
        peer: settings.peer,
        origin: &origin,
        cookies: OwnCookies { write_others, is_own: |cookie| cookie.starts_with(b"__Host-homerealm-") },
    };
    let route = made_up::route("all", Matcher::default(), Access::Public);
    let permit = match &settings.who {
        Some(who) => route.judge(crate::domain::policy::Subject { principal: who, grant: None }).expect("a public route"),
        None => match route.decide(Presented::Nothing) {
            Decision::Allow(permit, _) => permit,
            Decision::Challenge(reason) | Decision::Deny { reason, .. } => panic!("a public route: {reason:?}"),
        },
    };
    forwarder.forward(&permit, passage, request).await
}

fn write_others(field: &[u8], out: &mut Vec<u8>) {
    if !field.starts_with(b"__Host-homerealm-") {
        out.extend_from_slice(field);
    }
}

/// An upstream whose connections are handled by a closure, and how many there have been.
pub(super) async fn upstream<H, F>(handle: H) -> (SocketAddr, Rc<Cell<usize>>)
where
    H: Fn(Peerless) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.set(counted.get() + 1);
            tokio::task::spawn_local(handle(Peerless { stream, number: counted.get(), rest: Vec::new() }));
        }
    });
    (address, count)
}

/// One raw connection to an upstream.
pub(super) struct Peerless {
    pub(super) stream: TcpStream,
    /// Counted from 1.
    pub(super) number: usize,
    /// What was read beyond the last head or body.
    pub(super) rest: Vec<u8>,
}

impl Peerless {
    /// The next request's head as it came; `None` at the end of the connection.
    pub(super) async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.rest.split_off(end + 4);
                let head = std::mem::replace(&mut self.rest, rest);
                return Some(String::from_utf8(head).expect("ASCII"));
            }
            if self.stream.read_buf(&mut self.rest).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// So many bytes of a body; fewer if the connection ends.
    pub(super) async fn body(&mut self, length: usize) -> Vec<u8> {
        while self.rest.len() < length && self.stream.read_buf(&mut self.rest).await.unwrap_or(0) > 0 {}
        let length = length.min(self.rest.len());
        let rest = self.rest.split_off(length);
        std::mem::replace(&mut self.rest, rest)
    }

    pub(super) async fn say(&mut self, raw: impl AsRef<[u8]>) {
        // Whether the proxy still listens is what some tests are about.
        let _ = self.stream.write_all(raw.as_ref()).await;
    }
}

/// Answers every request with `raw`, and tells each head.
pub(super) async fn answering(raw: &'static str) -> (SocketAddr, Rc<RefCell<Vec<String>>>) {
    let heads = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&heads);
    let (address, _) = upstream(move |mut peer| {
        let told = Rc::clone(&told);
        async move {
            while let Some(head) = peer.head().await {
                told.borrow_mut().push(head);
                peer.say(raw).await;
            }
        }
    })
    .await;
    (address, heads)
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A request that closes its connection.
pub(super) fn get(lines: &str) -> String {
    format!("GET /a?b=c HTTP/1.1\r\nHost: orders.example.com\r\nConnection: close\r\n{lines}\r\n")
}

/// The values of a field in a raw head.
pub(super) fn field<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// Reads one answer with a known length from a connection that stays open.
pub(super) async fn answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.expect("an answer"));
    }
    let head = String::from_utf8(read).expect("ASCII");
    let length = field(&head, "content-length").first().map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    head + std::str::from_utf8(&body).expect("ASCII")
}
