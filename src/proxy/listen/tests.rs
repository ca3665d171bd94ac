//! Connections over real sockets: order, limits, closing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use http_body_util::BodyExt;

use bytes::Bytes;

use super::*;
use crate::protocol::listen_address::ListenAddress;

const LOOPBACK: ListenAddress = ListenAddress::Tcp(SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0));
const GET: &[u8] = b"GET /ok HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// A running server with one worker, and what it has refused.
struct Running {
    workers: Option<Workers>,
    shutdown: CancellationToken,
    violations: Arc<Mutex<Vec<Violation>>>,
}

impl Running {
    fn start(workers: usize, limits: &Limits) -> Self {
        let violations = Arc::new(Mutex::new(Vec::new()));
        let shutdown = CancellationToken::new();
        let noted = Arc::clone(&violations);
        let on_violation: OnViolation = Arc::new(move |violation| noted.lock().expect("no panic").push(violation));
        let front = Front::new(limits.clone(), on_violation);
        let workers = Workers::start(workers, &[LOOPBACK], &front, &shutdown, |_| app).expect("a free port");
        Self { workers: Some(workers), shutdown, violations }
    }

    fn address(&self) -> SocketAddr {
        port_of(self.workers.as_ref().expect("running"))
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        stream
    }

    fn violations(&self) -> Vec<Violation> {
        self.violations.lock().expect("no panic").clone()
    }
}

fn port_of(workers: &Workers) -> SocketAddr {
    match workers.addresses() {
        [ListenAddress::Tcp(address)] => *address,
        others => panic!("one port, not {others:?}"),
    }
}

/// A front that grants what is usual and notes nothing.
fn front() -> Front {
    Front::new(Limits::default(), Arc::new(|_| {}))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
    }
}

/// Echoes path and body; `/ignore` answers without looking at the body, `/hold` never, `/switch` becomes an echo of bytes.
async fn app(mut request: Request<RequestBody>, _: ConnectionInfo) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if path == "/ignore" {
        return Response::new(Body::from("ignored"));
    }
    if path == "/hold" {
        return std::future::pending().await;
    }
    if path == "/switch" {
        let upgraded = request.body_mut().take_upgrade();
        tokio::task::spawn_local(async move {
            let mut client = upgraded.expect("asked for").await.expect("an upgrade");
            let mut byte = [0];
            while tokio::io::AsyncReadExt::read_exact(&mut client, &mut byte).await.is_ok() {
                tokio::io::AsyncWriteExt::write_all(&mut client, &byte).await.expect("a client");
            }
        });
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("upgrade"));
        response.headers_mut().insert(http::header::UPGRADE, http::HeaderValue::from_static("echo"));
        return response;
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes().len());
    let text = match body {
        Ok(length) => format!("{path}:{length}"),
        Err(_) => format!("{path}:broken"),
    };
    Response::new(Body::from(Bytes::from(text)))
}

/// Sends all and reads until the server closes.
fn say(mut stream: TcpStream, raw: &[u8]) -> String {
    stream.write_all(raw).expect("a connection");
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).expect("an end");
    String::from_utf8(answers).expect("ASCII")
}

/// Reads one answer with a body of known length.
fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        answer.extend_from_slice(&byte);
    }
    let head = String::from_utf8(answer).expect("ASCII").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    head + std::str::from_utf8(&body).expect("ASCII")
}

#[test]
fn a_good_connection_is_kept_and_a_bad_head_ends_it() {
    let server = Running::start(1, &Limits::default());
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(GET).expect("a connection");
        assert!(answer(&mut stream).ends_with("/ok:0"));
    }
    let last = say(stream, b"GET /bad HTTP/1.1\nHost: a.example\r\n\r\n");
    assert!(last.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{last}");
    assert!(last.contains("connection: close\r\n") && last.ends_with("\r\n\r\nThe request could not be read.\n"), "{last}");
    assert_eq!(server.violations(), [Violation::LineEnd]);
}

#[test]
fn a_bad_head_behind_good_ones_is_answered_last_and_never_served() {
    let server = Running::start(1, &Limits::default());
    let body = b"POST /one HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let smuggled = b"POST /two HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answers = say(server.connect(), &[body.as_slice(), GET, smuggled, GET].concat());
    let statuses: Vec<&str> = answers.matches("HTTP/1.1 200 OK").chain(answers.matches("HTTP/1.1 400 Bad Request")).collect();
    assert_eq!(statuses.len(), 3, "{answers}");
    assert!(answers.contains("/one:3") && answers.contains("/ok:0") && !answers.contains("/two"), "{answers}");
    assert!(answers.find("/ok:0") < answers.find("HTTP/1.1 400"), "{answers}");
}

#[test]
fn a_head_in_pieces_is_one_head() {
    let server = Running::start(1, &Limits::default());
    let mut stream = server.connect();
    stream.set_nodelay(true).expect("a socket");
    let raw = b"POST /ok HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nab";
    for byte in raw {
        stream.write_all(&[*byte]).expect("a connection");
    }
    assert!(answer(&mut stream).ends_with("/ok:2"));
    let large = format!("GET /ok HTTP/1.1\r\nHost: a.example\r\nX: {}\r\n\r\n", "y".repeat(60_000));
    stream.write_all(large.as_bytes()).expect("a connection");
    assert!(answer(&mut stream).ends_with("/ok:0"));
}

#[test]
fn too_large_a_head_is_told_so_even_while_it_is_sent() {
    let server = Running::start(1, &Limits::default());
    let large = format!("GET /ok HTTP/1.1\r\nHost: a.example\r\nX: {}\r\n\r\n", "y".repeat(500_000));
    let last = say(server.connect(), large.as_bytes());
    assert!(last.starts_with("HTTP/1.1 431 "), "{last}");
    let fields = format!("GET /ok HTTP/1.1\r\nHost: a.example\r\n{}\r\n", "X: y\r\n".repeat(100));
    assert!(say(server.connect(), fields.as_bytes()).starts_with("HTTP/1.1 431 "));
    assert_eq!(server.violations(), [Violation::TooLarge, Violation::TooManyFields]);
}

#[test]
fn a_bad_body_ends_early_for_the_service() {
    let server = Running::start(1, &Limits::default());
    let raw = b"POST /ok HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: b\r\n\r\n";
    let last = say(server.connect(), &[raw, GET].concat());
    assert!(last.ends_with("/ok:broken"), "{last}");
    assert_eq!(server.violations(), [Violation::Trailer]);
}

#[test]
fn an_answer_reaches_a_client_that_is_still_sending() {
    let server = Running::start(1, &Limits::default());
    let head = b"POST /ignore HTTP/1.1\r\nHost: a.example\r\nContent-Length: 900000\r\n\r\n";
    let last = say(server.connect(), &[head.as_slice(), &[b'x'; 900_000]].concat());
    assert!(last.ends_with("ignored"), "{last}");
}

#[test]
fn slow_heads_and_idle_connections_are_closed() {
    let soon = Duration::from_millis(40);
    let server = Running::start(1, &Limits { head: soon, keep_alive: soon, ..Limits::default() });
    let slow = say(server.connect(), b"GET /ok HTTP/1.1\r\nHost:");
    assert!(slow.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{slow}");
    assert_eq!(say(server.connect(), b""), "", "a silent one is closed in silence");
    let idle = say(server.connect(), GET);
    assert!(idle.starts_with("HTTP/1.1 200 OK\r\n") && idle.ends_with("/ok:0"), "{idle}");
    assert_eq!(server.violations(), []);
}

#[test]
fn all_workers_listen_on_the_one_port_that_was_chosen() {
    let server = Running::start(3, &Limits::default());
    for _ in 0..20 {
        let mut stream = server.connect();
        stream.write_all(GET).expect("a connection");
        assert!(answer(&mut stream).ends_with("/ok:0"));
    }
}

#[test]
fn a_taken_port_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = ListenAddress::from(taken.local_addr().expect("bound"));
    let started = Workers::start(2, std::slice::from_ref(&address), &front(), &CancellationToken::new(), |_| app);
    assert!(matches!(started, Err(ListenError::Bind { address: named, .. }) if named == address));
}

#[test]
fn a_port_that_other_workers_share_is_taken_as_well() {
    let first = Running::start(2, &Limits::default());
    let second = Workers::start(2, &[first.address().into()], &front(), &CancellationToken::new(), |_| app);
    assert!(matches!(second, Err(ListenError::Bind { address, .. }) if address == first.address().into()));
    let mut stream = first.connect();
    stream.write_all(GET).expect("a connection");
    assert!(answer(&mut stream).ends_with("/ok:0"), "the first goes on");
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let server = Running::start(1, &Limits { connections: 1, ..Limits::default() });
    let mut first = server.connect();
    first.write_all(GET).expect("a connection");
    assert!(answer(&mut first).ends_with("/ok:0"));
    let mut second = server.connect();
    second.write_all(GET).expect("room in the kernel");
    second.set_nonblocking(true).expect("a socket");
    assert_eq!(second.read(&mut [0]).map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    second.set_nonblocking(false).expect("a socket");
    drop(first);
    assert!(answer(&mut second).ends_with("/ok:0"));
}

const SWITCH: &[u8] = b"GET /switch HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

#[test]
fn a_connection_that_switched_protocols_keeps_its_place() {
    let server = Running::start(1, &Limits { connections: 1, ..Limits::default() });
    let mut first = server.connect();
    first.write_all(SWITCH).expect("a connection");
    assert!(answer(&mut first).starts_with("http/1.1 101 "));
    let mut second = server.connect();
    second.write_all(GET).expect("room in the kernel");
    // Each echo is one more round of the only worker, in which it could have taken the second connection.
    for byte in 0..50 {
        let mut echoed = [0];
        first.write_all(&[byte]).expect("a tunnel");
        first.read_exact(&mut echoed).expect("a tunnel");
        assert_eq!(echoed, [byte]);
    }
    second.set_nonblocking(true).expect("a socket");
    assert_eq!(second.read(&mut [0]).map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    second.set_nonblocking(false).expect("a socket");
    drop(first);
    assert!(answer(&mut second).ends_with("/ok:0"));
}

#[test]
fn an_upgrade_that_cannot_be_meant_does_not_release_the_bytes_behind_the_next_one() {
    let server = Running::start(1, &Limits::default());
    let mut stream = server.connect();
    // An HTTP/1.0 client cannot upgrade (RFC 9110 §7.8): the answer to it is no answer to the request behind it.
    let old = b"GET /ok HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\nUpgrade: echo\r\n\r\n";
    let held = b"GET /hold HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(&[old.as_slice(), held].concat()).expect("a connection");
    assert!(answer(&mut stream).ends_with("/ok:0"));
    assert_eq!(say(stream, GET), "", "the connection ends");
    assert_eq!(server.violations(), [Violation::BytesBeforeUpgrade]);
}

#[test]
fn closing_finishes_what_is_in_flight_and_nothing_else() {
    let shutdown = CancellationToken::new();
    let (entered, enters) = std::sync::mpsc::channel();
    let release = CancellationToken::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let (released, called) = (release.clone(), Arc::clone(&calls));
    let make = move |_| {
        let (entered, released, called) = (entered.clone(), released.clone(), Arc::clone(&called));
        move |_: Request<RequestBody>, _: ConnectionInfo| {
            let (entered, released) = (entered.clone(), released.clone());
            called.fetch_add(1, Ordering::SeqCst);
            async move {
                let _ = entered.send(());
                released.cancelled().await;
                let mut response = Response::new(Body::from("late"));
                *response.status_mut() = StatusCode::ACCEPTED;
                response
            }
        }
    };
    let workers = Workers::start(1, &[LOOPBACK], &front(), &shutdown, make).expect("a free port");
    let address = port_of(&workers);
    let mut idle = TcpStream::connect(address).expect("a listener");
    let mut busy = TcpStream::connect(address).expect("a listener");
    busy.write_all(GET).expect("a connection");
    enters.recv().expect("a request");
    shutdown.cancel();
    assert_eq!(idle.read(&mut [0]).expect("an end"), 0, "an idle connection is closed at once");
    release.cancel();
    let last = say(busy, b"");
    assert!(last.starts_with("HTTP/1.1 202 ") && last.contains("connection: close"), "{last}");
    workers.join();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}
