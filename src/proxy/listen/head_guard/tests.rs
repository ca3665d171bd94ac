//! The guard held against a table of raw requests, cut in every way, and against the library behind it.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use table::{chunked, get, table};

mod table;

/// Feeds pieces; the violation, and how many bytes were passed on in all.
fn read<'a>(guard: &mut HeadGuard, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Option<Violation>, usize) {
    let (mut fed, mut passed) = (0, 0);
    for piece in pieces {
        let verdict = guard.feed(piece);
        if verdict.passable > 0 {
            passed = fed + verdict.passable;
        }
        fed += piece.len();
        if let Some((_, violation)) = verdict.fault {
            return (Some(violation), passed);
        }
    }
    (None, passed)
}

#[test]
fn every_row_of_the_table_is_judged_as_it_says() {
    let table = table();
    assert!(table.len() >= 80);
    for (name, raw, expected) in &table {
        let mut guard = HeadGuard::default();
        let (violation, passed) = read(&mut guard, [raw.as_slice()]);
        assert_eq!(violation, *expected, "{name}");
        if expected.is_none() {
            assert_eq!(passed, raw.len(), "{name}");
            assert!(guard.is_between_messages(), "{name}");
        }
    }
}

#[test]
fn a_refused_head_passes_no_byte() {
    for (name, raw, expected) in table() {
        let has_body = raw.windows(4).any(|end| end == b"\r\n\r\n") && name != "an empty line first";
        if expected.is_some() && !has_body {
            assert_eq!(read(&mut HeadGuard::default(), [raw.as_slice()]).1, 0, "{name}");
        }
    }
}

#[test]
fn where_the_bytes_are_cut_changes_nothing() {
    for (name, raw, expected) in table() {
        let bytewise = read(&mut HeadGuard::default(), raw.chunks(1));
        assert_eq!(bytewise.0, expected, "{name}, byte by byte");
        // Long rows only differ in length: their beginnings and ends are enough.
        let cuts = (0..raw.len()).filter(|at| raw.len() < 1000 || *at < 100 || *at + 100 > raw.len());
        for at in cuts {
            let (violation, passed) = read(&mut HeadGuard::default(), [&raw[..at], &raw[at..]]);
            assert_eq!(violation, expected, "{name}, cut at {at}");
            // How much of a bad body is passed on depends on the pieces. Of a bad head it is nothing, always.
            assert_eq!(passed == 0, bytewise.1 == 0, "{name}, cut at {at}");
        }
    }
}

#[test]
fn a_bad_request_behind_a_good_one_is_found_where_it_begins() {
    let before = chunked("5\r\nGET /\r\n0\r\n\r\n");
    let sized = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    for good in [before.as_slice(), sized.as_slice()] {
        for (name, raw, expected) in table() {
            let stream = [good, &raw].concat();
            let (violation, passed) = read(&mut HeadGuard::default(), [stream.as_slice()]);
            assert_eq!(violation, expected, "{name}");
            assert!(passed >= good.len(), "{name}");
        }
    }
}

#[test]
fn nothing_may_follow_a_request_to_upgrade_before_its_answer() {
    let upgrade = get("Connection: upgrade\r\nUpgrade: websocket\r\n");
    let early = [upgrade.as_slice(), b"\x81\x00"].concat();
    assert_eq!(HeadGuard::default().feed(&early).fault, Some((Part::Body, Violation::BytesBeforeUpgrade)));

    let mut switched = HeadGuard::default();
    switched.feed(&upgrade);
    switched.switches();
    assert_eq!(switched.feed(b"\x81\x00"), Verdict { passable: 2, fault: None });

    let mut stayed = HeadGuard::default();
    stayed.feed(&upgrade);
    stayed.stays();
    assert_eq!(stayed.feed(&get("")).fault, None);
    assert_eq!(stayed.feed(b"\x81\x00").fault, Some((Part::Head, Violation::Method)));
}

#[test]
fn a_connection_that_was_refused_stays_refused() {
    let mut guard = HeadGuard::default();
    guard.feed(b"get ");
    assert_eq!(guard.feed(&get("")), Verdict { passable: 0, fault: Some((Part::Head, Violation::Method)) });
}

#[test]
fn too_much_is_431_and_everything_else_400() {
    for (_, _, expected) in table() {
        let Some(violation) = expected else { continue };
        let too_much = matches!(violation, Violation::TooLarge | Violation::TooManyFields);
        assert_eq!(violation.status(), if too_much { 431 } else { 400 });
    }
}

/// What the library makes of a stream: the body length of each request, as long as all is well.
async fn library(stream: Vec<u8>) -> Vec<Option<usize>> {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let told = told.clone();
        async move {
            let body = request.into_body().collect().await.ok().map(|body| body.to_bytes().len());
            let _ = told.send(body);
            Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.half_close(true).header_read_timeout(None).max_buf_size(MAX_HEAD + 16 * 1024);
    let serve = http.serve_connection(TokioIo::new(server), service);
    let talk = async move {
        client.write_all(&stream).await.expect("room in memory");
        client.shutdown().await.expect("a stream in memory");
        let mut answers = Vec::new();
        let _ = client.read_to_end(&mut answers).await;
    };
    let _ = tokio::join!(serve, talk);
    let mut bodies = Vec::new();
    while let Some(body) = heard.recv().await {
        bodies.push(body);
    }
    bodies
}

/// What the guard makes of it: the same, from the borders it sees.
fn guarded(stream: &[u8]) -> (Vec<usize>, bool) {
    let mut guard = HeadGuard::default();
    let mut borders = Vec::new();
    for (at, byte) in stream.iter().enumerate() {
        let was_between = guard.is_between_messages();
        if guard.feed(&[*byte]).fault.is_some() {
            return (borders, false);
        }
        if guard.is_between_messages() && !was_between {
            borders.push(at + 1);
        }
    }
    let ends_between = guard.is_between_messages();
    (borders, ends_between)
}

/// Pieces that make requests, good and bad, when strung together.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let method = prop_oneof![4 => Just("GET"), 4 => Just("POST"), 1 => Just("get"), 1 => Just("OPTIONS")];
    let target = prop_oneof![4 => Just("/"), 2 => Just("/a?b"), 1 => Just("http://a/b"), 1 => Just("/a#b"), 1 => Just("*")];
    let end = prop_oneof![12 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")];
    let field = prop_oneof![
        6 => Just("X: y"),
        2 => Just("Content-Length: 3"),
        2 => Just("Transfer-Encoding: chunked"),
        1 => Just("Transfer-Encoding: chunked, chunked"),
        1 => Just("Content-Length: 03"),
        1 => Just("Content-Length : 3"),
        1 => Just("Expect: 100-continue"),
        1 => Just(" folded"),
    ];
    let body = prop_oneof![
        3 => Just(""),
        3 => Just("abc"),
        3 => Just("3\r\nabc\r\n0\r\n\r\n"),
        2 => Just("2;x=y\r\nab\r\n0\r\nT: v\r\n\r\n"),
        1 => Just("3\nabc\r\n0\r\n\r\n"),
    ];
    (method, target, end.clone(), proptest::collection::vec((field, end), 0..4), body).prop_map(|(method, target, end, fields, body)| {
        let mut raw = format!("{method} {target} HTTP/1.1{end}Host: a\r\n");
        for (field, end) in fields {
            raw.push_str(field);
            raw.push_str(end);
        }
        raw.push_str("\r\n");
        raw.push_str(body);
        raw.into_bytes()
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_guard_panic(
        start in prop_oneof![Just(&b""[..]), Just(&b"GET / HTTP/1.1\r\nHost: a\r\n"[..]), Just(&b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"[..])],
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
    ) {
        let mut guard = HeadGuard::default();
        guard.feed(start);
        for piece in pieces {
            let verdict = guard.feed(&piece);
            prop_assert!(verdict.passable <= piece.len());
        }
    }

    #[test]
    fn what_the_guard_lets_through_is_the_same_messages_to_the_library(
        stream in proptest::collection::vec(requests(), 1..4).prop_map(|requests| requests.concat()),
    ) {
        let (borders, is_whole) = guarded(&stream);
        let passed = stream[..borders.last().copied().unwrap_or(0)].to_vec();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let bodies = runtime.block_on(library(passed.clone()));
        prop_assert_eq!(bodies.len(), borders.len(), "{:?} {:?}", String::from_utf8_lossy(&passed), is_whole);
        // The library consumed exactly these messages: each body ended where the guard saw its end.
        for (body, raw) in bodies.iter().zip(split(&passed, &borders)) {
            prop_assert_eq!(*body, Some(body_length(raw)), "{:?}", String::from_utf8_lossy(raw));
        }
    }
}

fn split<'a>(stream: &'a [u8], borders: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    borders.iter().scan(0, |start, end| Some(&stream[std::mem::replace(start, *end)..*end]))
}

/// The length of the body in one raw message of the strategy above.
fn body_length(raw: &[u8]) -> usize {
    let head = raw.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
    let is_chunked = String::from_utf8_lossy(&raw[..head]).contains("Transfer-Encoding");
    match &raw[head..] {
        chunked if is_chunked && chunked.starts_with(b"3") => 3,
        chunked if is_chunked && chunked.starts_with(b"2") => 2,
        plain => plain.len(),
    }
}
