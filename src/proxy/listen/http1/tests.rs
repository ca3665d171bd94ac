//! Conversations over streams in memory, byte for byte, and with a client that we did not write.

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::sync::Semaphore;

use super::*;
use crate::proxy::listen::connection::Housing;
use crate::proxy::listen::entrance::Admitted;
use crate::proxy::listen::places::Places;
use crate::proxy::listen::{Known, Limits, Negotiated};

const INFO: ConnectionInfo = ConnectionInfo {
    peer: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1),
    local: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2),
    known: Known::BySight,
};

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default()).expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await.expect("the test hangs") })
}

/// A connection that is ready to be served, and what tells that its place is free again.
fn connection<T, S, F>(stream: T, service: S) -> (impl Future<Output = ()>, Arc<Semaphore>)
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let places = Arc::new(Semaphore::new(1));
    let place = Arc::clone(&places).try_acquire_owned().expect("a place");
    let housing = Housing::new(Limits::default(), Arc::new(|_| {}));
    let admitted = Admitted { stream, place: Places::take_uncounted(place), info: INFO, negotiated: Negotiated::Nothing };
    (housing.drive(admitted, Rc::new(service)), places)
}

/// Serves one connection in the background; its other end.
fn serving<S, F>(service: S) -> DuplexStream
where
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let (client, server) = tokio::io::duplex(256 * 1024);
    tokio::task::spawn_local(connection(server, service).0);
    client
}

fn text(text: String) -> Response<Body> {
    Response::new(Body::from(Bytes::from(text)))
}

/// Tells the method, the target and what came of the body; `/unread` and below do not look at it.
async fn tell(request: Request<RequestBody>, _: ConnectionInfo) -> Response<Body> {
    let (head, body) = request.into_parts();
    if head.uri.path().starts_with("/unread") {
        return text("unread".into());
    }
    let told = match body.collect().await {
        Ok(body) => {
            let trailers = body.trailers().map_or(0, http::HeaderMap::len);
            format!("{} bytes, {trailers} trailers", body.to_bytes().len())
        }
        Err(_) => "broken".into(),
    };
    text(format!("{} {} {told}", head.method, head.uri))
}

async fn read_until(client: &mut DuplexStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        assert!(client.read_buf(&mut read).await.expect("a stream") > 0, "ended: {}", String::from_utf8_lossy(&read));
    }
    String::from_utf8(read).expect("ASCII")
}

async fn rest(client: &mut DuplexStream) -> String {
    let mut read = String::new();
    client.read_to_string(&mut read).await.expect("ASCII");
    read
}

#[test]
fn requests_are_answered_in_order_however_many_come_at_once() {
    run(async {
        let mut client = serving(tell);
        let requests = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n\
            POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
            POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: v\r\n\r\n\
            POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /\
            GET /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.write_all(requests.as_bytes()).await.expect("room");
        let answers = rest(&mut client).await;
        let told = ["GET /a 0 bytes, 0 t", "POST /b 3 bytes, 0 t", "POST /c 2 bytes, 1 t", "\r\n\r\nunread", "GET /d 0 bytes, 0 t"];
        let found: Vec<_> = told.iter().map(|told| answers.find(told)).collect();
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{answers}");
        assert_eq!((answers.matches("HTTP/1.1 200 OK").count(), answers.matches("connection: close").count()), (5, 1));
    });
}

#[test]
fn content_that_nobody_reads_is_waited_for_if_it_is_little() {
    run(async {
        let mut client = serving(tell);
        client.write_all(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n").await.expect("room");
        let answer = read_until(&mut client, "unread").await;
        assert!(!answer.contains("connection: close"), "{answer}");
        client.write_all(&[b'x'; 60_000]).await.expect("room");
        client.write_all(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("room");
        assert!(read_until(&mut client, "trailers").await.contains("GET /next"));

        for framing in ["Content-Length: 600000", "Transfer-Encoding: chunked"] {
            let mut client = serving(tell);
            client.write_all(format!("POST /unread HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").as_bytes()).await.expect("room");
            let answer = rest(&mut client).await;
            assert!(answer.contains("connection: close\r\n") && answer.ends_with("unread"), "{answer}");
        }
    });
}

#[test]
fn a_client_that_waits_is_told_to_go_on_when_its_content_is_wanted() {
    run(async {
        const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
        let ask = |path| format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
        let mut client = serving(tell);
        client.write_all(ask("/a").as_bytes()).await.expect("room");
        assert_eq!(read_until(&mut client, "\r\n\r\n").await, GO_ON);
        client.write_all(b"abc").await.expect("room");
        assert!(read_until(&mut client, "trailers").await.contains("POST /a 3 bytes"));

        // It has not waited: there is nothing to tell it.
        client.write_all((ask("/b") + "abc").as_bytes()).await.expect("room");
        let answer = read_until(&mut client, "trailers").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("POST /b 3 bytes"), "{answer}");

        // Nobody wants it, and nobody knows whether it comes: what follows could be either.
        client.write_all(ask("/unread").as_bytes()).await.expect("room");
        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("connection: close"), "{answer}");
    });
}

#[test]
fn framing_that_does_not_hold_breaks_the_body_and_the_connection() {
    run(async {
        for content in ["zz\r\n", "3\r\nabc\r\n0\r\nHost: b\r\n\r\n"] {
            let mut client = serving(tell);
            let raw =
                format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{content}GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
            client.write_all(raw.as_bytes()).await.expect("room");
            let answer = rest(&mut client).await;
            assert!(answer.contains("connection: close") && answer.ends_with("broken") && !answer.contains("next"), "{answer}");
        }
    });
}

/// Raises its flag when dropped.
struct Flag(Rc<Cell<u32>>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn the_end_of_the_client_ends_its_request() {
    run(async {
        let (dropped, asked) = (Rc::new(Cell::new(0)), Rc::new(tokio::sync::Notify::new()));
        let (told, calls) = (Rc::clone(&dropped), Rc::clone(&asked));
        let mut client = serving(move |_, _| {
            let (flag, asked) = (Flag(Rc::clone(&told)), Rc::clone(&calls));
            async move {
                let _flag = flag;
                asked.notify_one();
                std::future::pending().await
            }
        });
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("room");
        asked.notified().await;
        assert_eq!(dropped.get(), 0);
        drop(client);
        while dropped.get() == 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn dropping_a_connection_at_any_point_drops_all_that_belongs_to_it() {
    run(async {
        let raw = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
        let mut finished = false;
        for polls in 0.. {
            let (mut client, server) = tokio::io::duplex(64);
            let (begun, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let (starts, drops) = (Rc::clone(&begun), Rc::clone(&dropped));
            let service = move |request: Request<RequestBody>, info| {
                starts.set(starts.get() + 1);
                let flag = Flag(Rc::clone(&drops));
                async move {
                    let _flag = flag;
                    tokio::task::yield_now().await;
                    tell(request, info).await
                }
            };
            let (served, places) = connection(server, service);
            let mut served = Box::pin(served);
            for (at, byte) in raw.iter().chain(b"body").enumerate() {
                if at == polls {
                    break;
                }
                client.write_all(&[*byte]).await.expect("room");
                let _ = futures_util::poll!(served.as_mut());
            }
            // Room for a part of the answer only: the rest is stuck in the middle.
            for _ in raw.len() + 4..polls {
                let _ = futures_util::poll!(served.as_mut());
                finished |= client.read_u8().await.is_ok_and(|byte| byte == b's') && dropped.get() == 1;
            }
            drop(served);
            assert_eq!((dropped.get(), places.available_permits()), (begun.get(), 1), "after {polls} polls");
            let mut unread = Vec::new();
            client.read_to_end(&mut unread).await.expect("an end, not silence");
            if finished {
                break;
            }
        }
    });
}

#[test]
fn small_pieces_of_content_that_somebody_keeps_share_their_buffer() {
    run(async {
        let mut client = serving(async |request: Request<RequestBody>, _| {
            let (mut body, mut kept) = (request.into_body(), Vec::<Bytes>::new());
            while let Some(Ok(frame)) = body.frame().await {
                kept.extend(frame.into_data());
            }
            // Framing may stand between two pieces of one buffer.
            let is_far = |pair: &&[Bytes]| pair[1].as_ptr().addr().wrapping_sub(pair[0].as_ptr_range().end.addr()) > 16;
            text(format!("{} {}!", kept.len(), 1 + kept.windows(2).filter(is_far).count()))
        });
        let fifty = "x".repeat(50);
        for (framing, piece, end) in
            [("Content-Length: 300000", fifty.as_str(), ""), ("Transfer-Encoding: chunked", "1\r\nx\r\n", "0\r\n\r\n")]
        {
            client.write_all(format!("POST /a HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").as_bytes()).await.expect("room");
            for _ in 0..6000 {
                client.write_all(piece.as_bytes()).await.expect("room");
                tokio::task::yield_now().await;
            }
            client.write_all(end.as_bytes()).await.expect("room");
            let answer = read_until(&mut client, "!").await;
            let (pieces, buffers) = answer.rsplit("\r\n").next().and_then(|told| told.split_once(' ')).expect("two numbers");
            let number = |told: &str| told.parse::<u32>().expect("a number");
            let (pieces, buffers) = (number(pieces), number(buffers.trim_end_matches('!')));
            assert!(pieces > 1000 && buffers < 30, "{framing}: {pieces} in {buffers}");
        }
    });
}

/// Counts what would be system calls.
struct Counted {
    stream: DuplexStream,
    writes: Rc<Cell<u32>>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[test]
fn an_answer_is_one_write() {
    run(async {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let writes = Rc::new(Cell::new(0));
        let counted = Counted { stream: server, writes: Rc::clone(&writes) };
        tokio::task::spawn_local(connection(counted, async |_, _| text("x".repeat(1023) + "!")).0);
        for count in 1..=3 {
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("room");
            assert!(read_until(&mut client, "!").await.len() > 1024);
            assert_eq!(writes.get(), count);
        }
    });
}

#[test]
fn an_idle_connection_is_small() {
    run(async {
        let (mut client, server) = tokio::io::duplex(1024);
        // A service whose work takes much room.
        let (served, _) = connection(server, |_, _| async {
            let room = [0_u8; 64 * 1024];
            tokio::task::yield_now().await;
            text(format!("{}!", room.len()))
        });
        let sizes = [size_of_val(&served), size_of::<Wire<tokio::net::TcpStream>>(), size_of::<Vitals>()];
        assert!(sizes.iter().sum::<usize>() <= 640, "{sizes:?}");
        let mut served = pin!(served);
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("room");
        tokio::select! {
            () = &mut served => panic!("the connection stays"),
            answer = read_until(&mut client, "!") => assert!(answer.ends_with("65536!")),
        }
    });
}

#[test]
fn a_client_that_we_did_not_write_understands_every_answer() {
    run(async {
        let stream = serving(tell);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::task::spawn_local(connection);
        let pieces = |count: usize| (0..count).map(|_| Ok::<_, io::Error>(http_body::Frame::data(Bytes::from(vec![b'x'; 7_000]))));
        for count in [0, 1, 2, 40] {
            let chunked = StreamBody::new(futures_util::stream::iter(pieces(count)));
            let request = Request::post("/chunked").header(header::HOST, "a").body(chunked.boxed()).expect("a request");
            let answer = sender.send_request(request).await.expect("an answer").into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(answer, format!("POST /chunked {} bytes, 0 trailers", count * 7_000));
            let sized = Full::new(Bytes::from(vec![b'x'; count * 7_000])).map_err(|never| match never {});
            let request = Request::put("/sized").header(header::HOST, "a").body(sized.boxed()).expect("a request");
            let answer = sender.send_request(request).await.expect("an answer").into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(answer, format!("PUT /sized {} bytes, 0 trailers", count * 7_000));
        }
    });
}
