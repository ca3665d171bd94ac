//! Bodies, trailers, resets, WebSockets.

use super::*;

async fn send_all(stream: &mut SendStream<Bytes>, mut data: Bytes) {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        poll_fn(|cx| stream.poll_capacity(cx)).await.expect("a stream").expect("room");
        let piece = data.split_to(stream.capacity().min(data.len()));
        stream.send_data(piece, false).expect("a stream");
    }
}

fn post(path: &str) -> Request<()> {
    Request::post(format!("http://a.example{path}")).body(()).expect("a request")
}

#[test]
fn bodies_larger_than_any_window_go_both_ways() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let (answer, mut stream) = client.send_request(post("/x"), false).expect("a stream");
        send_all(&mut stream, Bytes::from(vec![7; 5_000_000])).await;
        stream.send_data(Bytes::new(), true).expect("a stream");
        assert_eq!(whole(answer).await.2, b"5000000");
        let (_, headers, body) = ask(&mut client, get("/large")).await;
        assert_eq!((headers["content-length"].as_bytes(), body.len()), (b"3000000".as_slice(), 3_000_000));
    });
}

#[test]
fn trailers_end_a_request() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let (answer, mut stream) = client.send_request(post("/x"), false).expect("a stream");
        stream.send_data(Bytes::from_static(b"abc"), false).expect("a stream");
        let mut trailers = http::HeaderMap::new();
        trailers.insert("sum", HeaderValue::from_static("6"));
        stream.send_trailers(trailers).expect("a stream");
        assert_eq!(whole(answer).await.2, b"3 sum=\"6\"");
    });
}

#[test]
fn answers_without_a_body_have_none_and_fields_about_the_connection_stay_here() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let head = Request::head("http://a.example/large").body(()).expect("a request");
        let (status, headers, body) = ask(&mut client, head).await;
        assert_eq!((status, headers["content-length"].as_bytes(), body.len()), (StatusCode::OK, b"3000000".as_slice(), 0));
        let (status, headers, body) = ask(&mut client, get("/204")).await;
        assert_eq!((status, headers.get("content-length"), body.len()), (StatusCode::NO_CONTENT, None, 0));
        let (_, headers, _) = ask(&mut client, get("/connection")).await;
        assert_eq!(headers.keys().map(header::HeaderName::as_str).collect::<Vec<_>>(), ["date"]);
    });
}

#[test]
fn nobody_works_for_a_client_that_has_reset_its_stream_or_is_gone() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let (answer, mut stream) = client.send_request(get("/hold"), true).expect("a stream");
        server.seen().await;
        stream.send_reset(Reason::CANCEL);
        server.drops.recv().await.expect("the request is dropped");
        drop((answer, stream));
        let (answer, stream) = client.send_request(get("/hold"), true).expect("a stream");
        server.seen().await;
        drop((answer, stream, client));
        server.drops.recv().await.expect("the request is dropped");
        assert_eq!(ask(&mut server.connect().await, get("/x")).await.0, StatusCode::OK);
    });
}

#[test]
fn a_body_that_breaks_off_or_does_not_hold_its_length_is_not_taken_for_whole() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let mut request = post("/x");
        request.headers_mut().insert("content-length", HeaderValue::from_static("5"));
        let (answer, mut stream) = client.send_request(request, false).expect("a stream");
        stream.send_data(Bytes::from_static(b"abc"), true).expect("a stream");
        assert_eq!(answer.await.err().and_then(|error| error.reason()), Some(Reason::PROTOCOL_ERROR));
    });
}

#[test]
fn a_client_that_waits_is_told_to_go_on_when_somebody_reads() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut raw = server.raw().await;
        let ask = |path: &'static [u8]| {
            fields(&[
                (":method", b"POST"),
                (":scheme", b"http"),
                (":authority", b"a.example"),
                (":path", path),
                ("expect", b"100-continue"),
            ])
        };
        raw.send(&raw::frame(1, 4, 1, &ask(b"/x"))).await;
        // A status that is not in the table: a literal with an indexed name.
        let told = raw.next_of(1).await.expect("an interim answer");
        assert!(told.payload.windows(3).any(|text| text == b"100") || told.payload.len() < 8, "{told:?}");
        raw.send(&raw::frame(0, 1, 1, b"abc")).await;
        assert_eq!(raw.next_of(0).await.expect("an answer").payload, b"3");
        raw.send(&raw::frame(1, 4, 3, &ask(b"/204"))).await;
        assert_eq!(raw.next_of(1).await.expect("an answer").payload[0], 0x89, "204, and nothing before");
    });
}

fn websocket(path: &str) -> Request<()> {
    let mut request =
        Request::connect(format!("http://a.example{path}")).header("sec-websocket-version", "13").header("origin", "http://a.example");
    request.extensions_mut().expect("a request").insert(h2::ext::Protocol::from_static("websocket"));
    request.body(()).expect("a request")
}

async fn read(stream: &mut RecvStream, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < count {
        let data = stream.data().await.expect("more").expect("a stream");
        stream.flow_control().release_capacity(data.len()).expect("taken");
        all.extend_from_slice(&data);
    }
    all
}

#[test]
fn an_extended_connect_is_a_websocket_for_everybody_else() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        ask(&mut client, get("/x")).await;
        server.seen().await;
        assert!(client.is_extended_connect_protocol_enabled());
        let (answer, mut stream) = client.send_request(websocket("/ws"), false).expect("a stream");
        let (head, mut body) = answer.await.expect("an answer").into_parts();
        assert_eq!(head.status, StatusCode::OK);
        assert_eq!(head.headers.keys().map(header::HeaderName::as_str).collect::<Vec<_>>(), ["date"]);
        let seen = server.seen().await;
        assert_eq!((seen.method.as_str(), seen.uri.as_str(), seen.all("host")), ("GET", "/ws", vec!["a.example"]));
        assert_eq!((seen.all("connection"), seen.all("upgrade")), (vec!["Upgrade"], vec!["websocket"]));
        assert_eq!((seen.all("sec-websocket-version"), seen.all("sec-websocket-key").len()), (vec!["13"], 1));
        let said: Vec<u8> = (0..=255).cycle().take(400_000).collect();
        let (_, heard) = tokio::join!(send_all(&mut stream, Bytes::from(said.clone())), read(&mut body, said.len()));
        assert_eq!(heard, said);
        stream.send_data(Bytes::new(), true).expect("a stream");
        while let Some(data) = body.data().await {
            assert_eq!(data.expect("an end, no reset"), b""[..], "its end comes back as well");
        }
    });
}

#[test]
fn what_is_no_websocket_is_not_taken_for_one() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        ask(&mut client, get("/x")).await;
        for (path, expected) in [("/ws-wrong", StatusCode::BAD_GATEWAY), ("/x", StatusCode::BAD_GATEWAY)] {
            let (answer, stream) = client.send_request(websocket(path), false).expect("a stream");
            assert_eq!(answer.await.expect("an answer").status(), expected, "{path}");
            drop(stream);
        }
        assert_eq!(ask(&mut client, get("/ws")).await.2, b"no websocket", "a GET is none");
    });
}
