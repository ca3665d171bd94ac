//! The one form that heads have, and what has none.

use super::*;

const GOOD: [(&str, &[u8]); 4] = [(":method", b"GET"), (":scheme", b"https"), (":authority", b"a.example"), (":path", b"/x")];

/// What it is called, what is different from the good head, and what answers it.
type Case = (&'static str, &'static [(&'static str, &'static [u8])], u16);

/// The good head with some fields in place of others, or added.
fn changed(changes: &[(&'static str, &'static [u8])]) -> Vec<u8> {
    let mut all = GOOD.to_vec();
    for (name, value) in changes {
        match all.iter_mut().find(|(known, _)| known == name && name.starts_with(':')) {
            Some(field) => field.1 = value,
            None => all.push((name, value)),
        }
    }
    fields(&all)
}

/// What answers a head: a status, or 0 for a stream that the library resets.
async fn status(server: &Server, section: &[u8]) -> u16 {
    let mut raw = server.raw().await;
    raw.headers(1, section).await;
    while let Some(came) = raw.next().await {
        match (came.stream, came.kind) {
            (1, 3) => return 0,
            // The first field is the status: indexed for the common ones (RFC 7541, appendix A), a literal otherwise.
            (1, 1) => {
                return match came.payload[..] {
                    [0x88, ..] => 200,
                    [0x8c, ..] => 400,
                    _ => 1,
                };
            }
            _ => {}
        }
    }
    0
}

#[test]
fn heads_that_can_be_read_two_ways_are_refused_before_the_service_sees_them() {
    let table: &[Case] = &[
        ("as it is", &[], 200),
        ("a host that agrees", &[("host", b"A.example")], 200),
        ("another host", &[("host", b"b.example")], 400),
        ("two hosts", &[("host", b"a.example"), ("host", b"a.example")], 400),
        ("a port", &[(":authority", b"a.example:8443")], 200),
        ("no authority", &[(":authority", b"")], 0),
        ("a user in the authority", &[(":authority", b"u@a.example")], 400),
        ("a path in the authority", &[(":authority", b"a.example/x")], 0),
        ("http", &[(":scheme", b"http")], 200),
        ("another scheme", &[(":scheme", b"javascript")], 400),
        ("a shouted scheme", &[(":scheme", b"HTTPS")], 400),
        ("no path", &[(":path", b"")], 0),
        ("a relative path", &[(":path", b"x")], 0),
        ("a whole URL for a path", &[(":path", b"http://b.example/x")], 0),
        ("a query alone", &[(":path", b"?x")], 400),
        ("a fragment alone", &[(":path", b"#x")], 400),
        ("the server as a whole", &[(":path", b"*")], 400),
        ("options of the server as a whole", &[(":path", b"*"), (":method", b"OPTIONS")], 200),
        ("a space in the path", &[(":path", b"/a b")], 0),
        ("a control byte in the path", &[(":path", b"/a\x01b")], 0),
        ("a line end in the path", &[(":path", b"/a\r\nx: y")], 0),
        ("more than ASCII in the path", &[(":path", b"/\xc3\xa4")], 400),
        ("a DEL in the path", &[(":path", b"/\x7f")], 0),
        ("a lower-case method", &[(":method", b"get")], 400),
        ("TRACE", &[(":method", b"TRACE")], 400),
        ("an extension method", &[(":method", b"PROPFIND")], 200),
        ("a method with a space", &[(":method", b"GET x")], 0),
        ("an unknown protocol", &[(":method", b"CONNECT"), (":protocol", b"connect-udp")], 400),
        ("a protocol without CONNECT", &[(":protocol", b"websocket")], 0),
        ("white space before a value", &[("x", b" y")], 400),
        ("white space behind a value", &[("x", b"y\t")], 400),
        ("white space in a value", &[("x", b"y z")], 200),
        ("a NUL in a value", &[("x", b"y\0")], 0),
        ("an upper-case name", &[("X", b"y")], 0),
        ("a name with a colon", &[("x:y", b"z")], 0),
        ("a connection field", &[("connection", b"x")], 0),
        ("chunks", &[("transfer-encoding", b"chunked")], 0),
        ("an upgrade", &[("upgrade", b"websocket")], 0),
        ("trailers taken", &[("te", b"trailers")], 200),
        ("other codings taken", &[("te", b"gzip")], 0),
        ("a length that does not hold", &[("content-length", b"5")], 0),
        ("no length to speak of", &[("content-length", b"0")], 200),
        ("the same length twice", &[("content-length", b"0"), ("content-length", b"0")], 400),
        ("a length with a sign", &[("content-length", b"+0")], 0),
    ];
    run(async {
        let mut server = Server::start(Limits::default()).await;
        for (name, changes, expected) in table {
            assert_eq!(status(&server, &changed(changes)).await, *expected, "{name}");
            assert_eq!(server.sees.try_recv().is_ok(), *expected == 200, "{name}");
        }
        let without = |name: &str| fields(&GOOD.into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>());
        for (name, expected) in [(":authority", 400), (":scheme", 0), (":path", 0), (":method", 0)] {
            assert_eq!(status(&server, &without(name)).await, expected, "without {name}");
        }
        let host_alone = [without(":authority"), fields(&[("host", b"a.example")])].concat();
        assert_eq!(status(&server, &host_alone).await, 400, "a scheme without an authority is lost, so it is none");
        let connect = fields(&[(":method", b"CONNECT"), (":authority", b"a.example:443")]);
        assert_eq!(status(&server, &connect).await, 400, "a tunnel to anywhere");
        assert!(server.sees.try_recv().is_err());
    });
}

#[test]
fn a_fragment_reaches_nobody() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let table: [(&[u8], &str); 4] = [
            (b"/public#/../admin", "/public"),
            (b"/public?q#?x", "/public?q"),
            (b"/public#\x01 \x7f", "/public"),
            (b"/public%23/x", "/public%23/x"),
        ];
        for (path, reaches) in table {
            let mut all = GOOD.to_vec();
            all[3].1 = path;
            assert_eq!(status(&server, &fields(&all)).await, 200, "{}", path.escape_ascii());
            assert_eq!(server.seen().await.uri, reaches);
        }
    });
}

#[test]
fn a_service_sees_a_head_as_http_1_would_bring_it() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        let request = Request::get("https://A.example:8443/x/y?z").header("cookie", "a=1").header("cookie", "b=2; c=3").header("x", "1");
        let (status, headers, body) = ask(&mut client, request.body(()).expect("a request")).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, b"0".as_slice()));
        assert_eq!(headers["date"].len(), 29);
        assert_eq!(headers["content-length"], "1");
        let seen = server.seen().await;
        assert_eq!((seen.method.as_str(), seen.uri.as_str()), ("GET", "/x/y?z"));
        assert_eq!((seen.all("host"), seen.all("cookie"), seen.all("x")), (vec!["A.example:8443"], vec!["a=1; b=2; c=3"], vec!["1"]));
    });
}

#[test]
fn cookies_that_are_cut_apart_are_one_field_again_however_many_they_are() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        // Together they are one of a hundred fields.
        for (others, crumbs, expected) in [(0, 60, 200), (0, 500, 200), (99, 500, 200), (100, 500, 431)] {
            let mut request = get("/x");
            for at in 0..others {
                request.headers_mut().append("x", HeaderValue::from(at));
            }
            let crumb = |at: usize| format!("c{at}={at}");
            for at in 0..crumbs {
                let crumb = HeaderValue::from_str(&crumb(at)).expect("ASCII");
                request.headers_mut().append("cookie", crumb);
            }
            assert_eq!(ask(&mut client, request).await.0, expected, "{others} fields and {crumbs} cookies");
            match expected {
                200 => assert_eq!(server.seen().await.all("cookie"), [(0..crumbs).map(crumb).collect::<Vec<_>>().join("; ")]),
                _ => assert!(server.sees.try_recv().is_err()),
            }
        }
    });
}

#[test]
fn cookies_that_are_cut_apart_count_like_everything_else_of_a_head() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        for (crumbs, expected) in [(500, StatusCode::OK), (800, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)] {
            let mut request = get("/x");
            for at in 0..crumbs {
                // Of 100 bytes each, as the protocol counts them.
                let crumb = HeaderValue::from_str(&format!("c{at:03}={}", "y".repeat(57))).expect("ASCII");
                request.headers_mut().append("cookie", crumb);
            }
            let (answer, _) = client.send_request(request, true).expect("a stream");
            assert_eq!(answer.await.expect("an answer").status(), expected, "{crumbs} cookies");
            assert_eq!(server.sees.try_recv().is_ok(), expected == StatusCode::OK);
        }
    });
}

#[test]
fn too_much_of_a_head_is_told_so() {
    run(async {
        let mut server = Server::start(Limits::default()).await;
        let mut client = server.connect().await;
        // The host makes one of them.
        for (count, expected) in [(99, StatusCode::OK), (101, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)] {
            let mut request = get("/x");
            for at in 0..count {
                request.headers_mut().append("x", HeaderValue::from(at));
            }
            assert_eq!(ask(&mut client, request).await.0, expected, "{count} fields");
        }
        assert_eq!(server.refuses.try_recv(), Ok(Violation::TooManyFields));
        for (size, expected) in [(60_000, StatusCode::OK), (70_000, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)] {
            let mut request = get("/x");
            request.headers_mut().insert("x", HeaderValue::from_str(&"y".repeat(size)).expect("ASCII"));
            let (answer, _) = client.send_request(request, true).expect("a stream");
            assert_eq!(answer.await.expect("an answer").status(), expected, "{size} bytes");
        }
    });
}
