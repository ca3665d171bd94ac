//! How connections begin and end.

use super::*;

const SOON: Duration = Duration::from_millis(40);
const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

async fn say(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("a listener");
    for byte in bytes.chunks(3) {
        stream.write_all(byte).await.expect("a connection");
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_first_bytes_tell_what_is_spoken() {
    run(async {
        let server = Server::start(Limits::default()).await;
        assert_eq!(ask(&mut server.connect().await, get("/x")).await.0, StatusCode::OK);
        assert!(say(&server, GET).await.starts_with("HTTP/1.1 200 "));
        for close in [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".as_slice(), b"PRI * HTTP/1.1\r\n\r\n", b"PUT"] {
            let mut said = close.to_vec();
            if close == b"PUT" {
                said.extend_from_slice(b" /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
            let expected = if close == b"PUT" { "HTTP/1.1 200 " } else { "HTTP/1.1 400 " };
            assert!(say(&server, &said).await.starts_with(expected), "{}", said.escape_ascii());
        }
    });
}

#[test]
fn a_preface_or_a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    run(async {
        let server = Server::start(soon(|limits| limits.head = SOON)).await;
        let half = &PREFACE[..10];
        let mut silent = TcpStream::connect(server.address).await.expect("a listener");
        silent.write_all(half).await.expect("a connection");
        let _ = silent.read_to_end(&mut Vec::new()).await;

        let mut unsettled = TcpStream::connect(server.address).await.expect("a listener");
        unsettled.write_all(PREFACE).await.expect("a connection");
        let _ = unsettled.read_to_end(&mut Vec::new()).await;

        let mut raw = server.raw().await;
        raw.send(&raw::frame(1, 0, 1, b"")).await;
        assert_eq!(raw.end().await, Some(0xb), "calm down");

        let mut raw = server.raw().await;
        raw.send(&raw::frame(1, 4, 1, &[0; 100])[..20]).await;
        assert_eq!(raw.end().await, Some(0xb), "calm down");
    });
}

#[test]
fn the_first_frame_is_settings() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut stream = TcpStream::connect(server.address).await.expect("a listener");
        stream.write_all(PREFACE).await.expect("a connection");
        let mut raw = Raw { stream };
        raw.send(&raw::frame(6, 0, 0, &[0; 8])).await;
        assert_eq!(raw.end().await, Some(1), "a protocol error");
    });
}

#[test]
fn a_connection_with_nothing_under_way_is_closed_and_others_are_not() {
    run(async {
        let mut server = Server::start(soon(|limits| (limits.keep_alive, limits.linger) = (SOON, SOON))).await;
        let mut busy = server.connect().await;
        let (answer, _stream) = busy.send_request(get("/hold"), true).expect("a stream");
        server.seen().await;
        // Does not answer the PING that asks for its agreement.
        let mut idle = server.raw().await;
        assert_eq!(idle.end().await, Some(0));
        assert!(server.drops.try_recv().is_err());
        drop(answer);
    });
}

#[test]
fn a_silent_client_is_asked_and_then_given_up() {
    run(async {
        let mut server = Server::start(soon(|limits| limits.write_stall = SOON)).await;
        let mut there = server.connect().await;
        let (_answer, _stream) = there.send_request(get("/hold"), true).expect("a stream");
        server.seen().await;
        let mut gone = server.raw().await;
        gone.headers(1, &fields(&[(":method", b"GET"), (":scheme", b"http"), (":authority", b"a"), (":path", b"/hold")])).await;
        assert!(gone.next_of(6).await.is_some(), "a PING");
        gone.end().await;
        server.drops.recv().await.expect("its request");
        assert_eq!(ask(&mut there, get("/x")).await.0, StatusCode::OK, "this one answers");
    });
}

#[test]
fn a_stream_that_takes_nothing_is_reset_and_the_others_go_on() {
    run(async {
        let mut server = Server::start(soon(|limits| limits.write_stall = SOON * 5)).await;
        let mut client = server.connect_with(h2::client::Builder::new().initial_window_size(100)).await;
        let (stuck, _stream) = client.send_request(get("/large"), true).expect("a stream");
        let mut body = stuck.await.expect("an answer").into_body();
        let mut came = 0;
        let end = loop {
            match body.data().await {
                // Never released: the window stays shut.
                Some(Ok(data)) => came += data.len(),
                end => break end,
            }
        };
        assert_eq!(end.and_then(Result::err).and_then(|error| error.reason()), Some(Reason::CANCEL));
        assert_eq!(came, 100);
        assert_eq!(ask(&mut client, get("/x")).await.2, b"0");
        server.seen().await;
    });
}

#[test]
fn what_is_under_way_is_finished_when_the_worker_closes() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let idle = server.connect().await;
        let (answer, mut stream) =
            client.send_request(Request::post("http://a.example/x").body(()).expect("a request"), false).expect("a stream");
        server.seen().await;
        server.shutdown.cancel();
        assert!(TcpStream::connect(server.address).await.is_err() || !server.ended.is_finished());
        stream.send_data(Bytes::from_static(b"abc"), true).expect("a stream");
        assert_eq!(whole(answer).await.2, b"3");
        server.ended.await.expect("an end");
        drop(idle);
    });
}

#[test]
fn a_connection_takes_its_place_until_it_ends() {
    run(async {
        let server = Server::start(soon(|limits| limits.connections = 1)).await;
        let mut first = server.connect().await;
        assert_eq!(ask(&mut first, get("/x")).await.0, StatusCode::OK);
        let second = tokio::task::spawn_local({
            let address = server.address;
            async move {
                let mut raw = Raw::open(TcpStream::connect(address).await.expect("a listener")).await;
                raw.next().await.is_some()
            }
        });
        assert_eq!(ask(&mut first, get("/x")).await.0, StatusCode::OK);
        assert!(!second.is_finished());
        drop(first);
        assert!(second.await.expect("no panic"));
    });
}
