//! HTTP/2 upstreams over real sockets: heads, and bodies both ways.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};

use super::super::*;
use super::support::*;
use crate::domain::destination::{HostField, Upstream, UpstreamScheme, Upstreams};
use crate::domain::route::Timeouts;
use crate::proxy::listen::{ConnectionInfo, Known};

mod ends;
mod sharing;
mod silence;

/// A request as an upstream gets it.
pub(super) struct Asked {
    pub(super) head: http::request::Parts,
    pub(super) body: RecvStream,
    pub(super) respond: SendResponse<Bytes>,
    /// On its connection, counted from 1.
    pub(super) number: usize,
    /// Ends the connection, with what was begun.
    pub(super) goodbye: Rc<Cell<bool>>,
}

/// An upstream in HTTP/2: where it is, its connections so far, and its open streams.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) connections: Rc<Cell<usize>>,
    pub(super) open: Rc<Cell<usize>>,
    /// Connections that have not ended.
    pub(super) alive: Rc<Cell<usize>>,
}

pub(super) async fn served<H, F>(streams: u32, handle: H) -> Served
where
    H: Fn(Asked) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let served =
        Served { address: listener.local_addr().expect("bound"), connections: Rc::default(), open: Rc::default(), alive: Rc::default() };
    let (connections, open, alive) = (Rc::clone(&served.connections), Rc::clone(&served.open), Rc::clone(&served.alive));
    let handle = Rc::new(handle);
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.set(connections.get() + 1);
            // So that no small frame waits for what was sent before it to be acknowledged.
            stream.set_nodelay(true).expect("a socket");
            let (open, alive, handle) = (Rc::clone(&open), Rc::clone(&alive), Rc::clone(&handle));
            tokio::task::spawn_local(async move {
                let mut library = h2::server::Builder::new();
                let Ok(mut accepting) = library.max_concurrent_streams(streams).handshake::<_, Bytes>(stream).await else { return };
                alive.set(alive.get() + 1);
                let (mut number, goodbye) = (0, Rc::<Cell<bool>>::default());
                while let Some(Ok((request, respond))) = accepting.accept().await {
                    number += 1;
                    let (head, body) = request.into_parts();
                    let asked = Asked { head, body, respond, number, goodbye: Rc::clone(&goodbye) };
                    let (handled, open) = (handle(asked), Rc::clone(&open));
                    open.set(open.get() + 1);
                    tokio::task::spawn_local(async move {
                        handled.await;
                        open.set(open.get() - 1);
                    });
                    tokio::task::yield_now().await;
                    if goodbye.take() {
                        accepting.graceful_shutdown();
                    }
                }
                alive.set(alive.get() - 1);
            });
        }
    });
    served
}

impl Asked {
    /// Answers at once, without a body.
    pub(super) fn say(mut self, status: u16, fields: &[(&'static str, &'static str)]) {
        let _ = self.respond.send_response(response(status, fields), true);
    }

    /// Answers with a short body.
    pub(super) fn say_ok(mut self) {
        if let Ok(mut stream) = self.respond.send_response(response(200, &[("content-length", "2")]), false) {
            let _ = stream.send_data(Bytes::from_static(b"ok"), true);
        }
    }

    /// Sends everything back, piece by piece, and trailers behind it.
    pub(super) async fn echo(mut self) {
        let Ok(mut stream) = self.respond.send_response(response(200, &[("content-type", "application/grpc")]), false) else { return };
        while let Some(Ok(data)) = self.body.data().await {
            let _ = self.body.flow_control().release_capacity(data.len());
            stream.reserve_capacity(data.len());
            let mut left = data;
            while !left.is_empty() {
                let Some(Ok(room)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
                let piece = left.split_to(room.min(left.len()));
                let _ = stream.send_data(piece, false);
            }
        }
        let mut trailers = self.body.trailers().await.ok().flatten().unwrap_or_default();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        trailers.insert("set-cookie", HeaderValue::from_static("late=1"));
        let _ = stream.send_trailers(trailers);
    }

    /// Waits until the proxy resets the stream; tells why.
    pub(super) async fn reset(mut self) -> Reason {
        poll_fn(|cx| self.respond.poll_reset(cx)).await.expect("a reset and no end")
    }
}

pub(super) fn response(status: u16, fields: &[(&'static str, &'static str)]) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in fields {
        response.headers_mut().append(*name, HeaderValue::from_static(value));
    }
    response
}

/// What is known of a client of the test's own.
fn info() -> ConnectionInfo {
    let here = (std::net::Ipv4Addr::LOCALHOST, 1).into();
    ConnectionInfo { peer: here, local: here, known: Known::BySight }
}

pub(super) fn h2c() -> Settings {
    Settings { scheme: UpstreamScheme::H2c, ..Settings::default() }
}

/// A client that speaks HTTP/2.
pub(super) async fn client(proxy: &Proxy) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(proxy.address).await.expect("the proxy");
    let (sender, connection) = h2::client::handshake(stream).await.expect("a handshake");
    tokio::task::spawn_local(connection);
    sender
}

pub(super) fn request(method: Method, path: &str) -> Request<()> {
    let request = Request::builder().method(method).uri(format!("https://orders.example.com{path}")).header("te", "trailers");
    request.version(http::Version::HTTP_2).body(()).expect("a request")
}

/// Everything that still comes, and what stands behind it.
pub(super) async fn whole(body: &mut RecvStream) -> Result<(Vec<u8>, HeaderMap), h2::Error> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        let _ = body.flow_control().release_capacity(data.len());
        all.extend_from_slice(&data);
    }
    Ok((all, body.trailers().await?.unwrap_or_default()))
}

fn upstreams(members: &[(UpstreamScheme, SocketAddr)], max_connections: Option<u32>) -> Upstreams {
    let member = |(scheme, address): &(UpstreamScheme, SocketAddr)| Arc::new(Upstream::at(*scheme, "127.0.0.1", address.port()));
    Upstreams { members: members.iter().map(member).collect(), health: None, max_connections: max_connections.and_then(NonZeroU32::new) }
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn an_upstream_is_told_the_same_in_http_2_and_nothing_about_connections() {
    run(async {
        let heads = Rc::<RefCell<Vec<http::request::Parts>>>::default();
        let told = Rc::clone(&heads);
        let upstream = served(100, move |asked: Asked| {
            told.borrow_mut().push(asked.head.clone());
            asked.say(200, &[]);
            async {}
        })
        .await;
        let proxy = Proxy::start(upstream.address, Settings { base_path: "/base", ..h2c() }).await;
        proxy.say(get("X-Own: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nX-Forwarded-User: evil\r\nCookie: __Host-homerealm-s=1\r\n")).await;
        proxy.say(get("")).await;
        let mut own = upstreams(&[(UpstreamScheme::H2c, upstream.address)], None);
        own.members[0] = Arc::new(Upstream { host: HostField::Own, ..Upstream::clone(&own.members[0]) });
        Proxy::start_before(&own, Settings::default()).await.say(get("")).await;
        let heads = heads.borrow();
        assert_eq!(
            heads.iter().map(|head| head.uri.to_string()).collect::<Vec<_>>(),
            [
                "http://orders.example.com/base/a?b=c".to_owned(),
                "http://orders.example.com/base/a?b=c".to_owned(),
                format!("http://127.0.0.1:{}/a?b=c", upstream.address.port()),
            ]
        );
        let headers = &heads[0].headers;
        for (name, value) in
            [("te", "trailers"), ("x-own", "1"), ("x-forwarded-host", "orders.example.com"), ("x-forwarded-for", "127.0.0.1")]
        {
            assert_eq!(headers.get(name).map(HeaderValue::as_bytes), Some(value.as_bytes()), "{name}");
        }
        for name in ["host", "connection", "keep-alive", "x-forwarded-user", "cookie", "content-length"] {
            assert!(!headers.contains_key(name), "{name}");
        }
        assert!(!heads[1].headers.contains_key("te"), "nobody asked for trailers");
        assert_eq!(upstream.connections.get(), 2, "one for each group");
    });
}

#[test]
fn heads_of_answers_lose_what_would_reach_past_us_and_keep_their_length() {
    run(async {
        let upstream = served(100, |asked: Asked| {
            let status = asked.head.headers.get("x-status").and_then(|status| status.to_str().ok()?.parse().ok()).unwrap_or(200);
            asked.say(
                status,
                &[
                    ("content-length", if status == 200 { "0" } else { "7" }),
                    ("alt-svc", "h3"),
                    ("set-cookie", "__Host-homerealm-s=planted"),
                    ("set-cookie", "own=1"),
                    ("proxy-authenticate", "Basic"),
                ],
            );
            async {}
        })
        .await;
        let proxy = Proxy::start(upstream.address, h2c()).await;
        for (status, length) in [("200", vec!["0"]), ("304", vec!["7"]), ("204", vec![])] {
            let answer = proxy.say(get(&format!("X-Status: {status}\r\n"))).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert_eq!((field(&answer, "content-length"), field(&answer, "set-cookie")), (length, vec!["own=1"]), "{answer}");
            assert!(["alt-svc", "proxy-authenticate"].iter().all(|name| field(&answer, name).is_empty()), "{answer}");
        }
        let answer = proxy.say("HEAD /a HTTP/1.1\r\nHost: orders.example.com\r\nX-Status: 404\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    });
}

#[test]
fn bodies_go_both_ways_at_once_and_trailers_are_sieved() {
    run(async {
        let upstream = served(100, Asked::echo).await;
        let proxy = Proxy::start(upstream.address, h2c()).await;
        let mut client = client(&proxy).await.ready().await.expect("a connection");
        let (answer, mut sending) = client.send_request(request(Method::POST, "/a"), false).expect("a stream");
        sending.send_data(Bytes::from_static(b"one"), false).expect("a stream");
        let answer = answer.await.expect("a head");
        assert_eq!(answer.status(), StatusCode::OK);
        let mut body = answer.into_body();
        for next in [&b"two"[..], b"six"] {
            let first = body.data().await.expect("an answer to each").expect("a body");
            assert_eq!(first.len(), 3);
            sending.send_data(Bytes::from_static(next), false).expect("a stream");
        }
        let mut trailers = HeaderMap::new();
        for (name, value) in [("x-sum", "42"), ("x-forwarded-user", "evil"), ("authorization", "evil")] {
            trailers.insert(name, HeaderValue::from_static(value));
        }
        sending.send_trailers(trailers).expect("a stream");
        let (rest, trailers) = whole(&mut body).await.expect("a whole body");
        assert_eq!(rest, b"six");
        let mut names: Vec<_> = trailers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["grpc-status", "x-sum"]);
        until(|| upstream.open.get() == 0).await;
    });
}

#[test]
fn large_bodies_are_whole_and_a_slow_client_holds_its_upstream_up() {
    const SIZE: usize = 24 * 1024 * 1024;
    run(async {
        let sent = Rc::<Cell<usize>>::default();
        let told = Rc::clone(&sent);
        let upstream = served(100, move |mut asked: Asked| {
            let sent = Rc::clone(&told);
            async move {
                let Ok(mut stream) = asked.respond.send_response(response(200, &[]), false) else { return };
                while sent.get() < SIZE {
                    stream.reserve_capacity(64 * 1024);
                    let Some(Ok(room)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
                    let room = room.min(SIZE - sent.get());
                    stream.send_data(vec![b'x'; room].into(), false).expect("room");
                    sent.set(sent.get() + room);
                }
                stream.send_data(Bytes::new(), true).expect("an end");
            }
        })
        .await;
        let proxy = Proxy::start(upstream.address, h2c()).await;
        let mut client = client(&proxy).await.ready().await.expect("a connection");
        let (answer, _) = client.send_request(request(Method::GET, "/a"), true).expect("a stream");
        let mut body = answer.await.expect("a head").into_body();
        // Nothing is read: the upstream comes to a stop by itself.
        let (mut before, mut same) = (0, 0);
        while same < 1000 {
            tokio::task::yield_now().await;
            same = if sent.get() == before { same + 1 } else { 0 };
            before = sent.get();
        }
        assert!((1..1024 * 1024).contains(&before), "{before} bytes for a client that reads nothing");
        assert_eq!(whole(&mut body).await.expect("a whole body").0.len(), SIZE);
    });
}
