//! The reading of requests held against a table of raw ones, cut in every way, and against two libraries that read the same
//! bytes.

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::content::{Content, Found};
use super::request_head::{HeadReader, MAX_FIELDS, RequestHead, Wishes};
use super::violation::Violation;
use table::{chunked, table};

pub(in crate::proxy) mod keeping;
mod table;

/// One connection's requests, read as a connection does it.
#[derive(Default)]
struct Reader {
    read: BytesMut,
    heads: HeadReader,
    content: Option<Content>,
    /// Each request, how much of its content has come, and whether that was all of it.
    requests: Vec<(RequestHead, usize, bool)>,
}

impl Reader {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.read.extend_from_slice(bytes);
        loop {
            let Some(content) = &mut self.content else {
                if self.read.is_empty() {
                    return Ok(());
                }
                let Some(mut head) = self.heads.next(&mut self.read)? else { return Ok(()) };
                self.content = Some(std::mem::replace(&mut head.content, Content::Done));
                self.requests.push((head, 0, false));
                continue;
            };
            let (_, length, is_whole) = self.requests.last_mut().expect("content belongs to a request");
            let found = content.take(&mut self.read)?;
            match found {
                Found::Data(data) => *length += data.len(),
                Found::Trailers(_) => {}
                Found::Nothing => return Ok(()),
                Found::End => {
                    *is_whole = true;
                    self.content = None;
                }
            }
        }
    }

    fn feed_all<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Violation> {
        pieces.into_iter().find_map(|piece| self.feed(piece).err())
    }

    fn is_between_requests(&self) -> bool {
        self.content.is_none() && self.read.is_empty()
    }
}

fn head(raw: &[u8]) -> RequestHead {
    let mut reader = Reader::default();
    reader.feed(raw).expect("a good head");
    reader.requests.pop().expect("a whole head").0
}

#[test]
fn every_row_of_the_table_is_judged_as_it_says() {
    let table = table();
    assert!(table.len() >= 80);
    for (name, raw, expected) in &table {
        let mut reader = Reader::default();
        assert_eq!(reader.feed(raw).err(), *expected, "{name}");
        if expected.is_none() {
            assert!(reader.is_between_requests() && reader.requests.len() == 1, "{name}");
        }
    }
}

#[test]
fn a_refused_head_makes_no_request() {
    for (name, raw, expected) in table() {
        let has_body = raw.windows(4).any(|end| end == b"\r\n\r\n") && name != "an empty line first";
        if expected.is_some() && !has_body {
            let mut reader = Reader::default();
            assert_eq!((reader.feed(&raw).err(), reader.requests.len()), (expected, 0), "{name}");
        }
    }
}

#[test]
fn where_the_bytes_are_cut_changes_nothing() {
    let told = |reader: &Reader| reader.requests.iter().map(|(head, length, _)| (format!("{:?}", head.parts), *length)).collect::<Vec<_>>();
    for (name, raw, expected) in table() {
        let mut bytewise = Reader::default();
        assert_eq!(bytewise.feed_all(raw.chunks(1)), expected, "{name}, byte by byte");
        // Long rows only differ in length: their beginnings and ends are enough.
        let cuts = (0..raw.len()).filter(|at| raw.len() < 1000 || *at < 100 || *at + 100 > raw.len());
        for at in cuts {
            let mut reader = Reader::default();
            assert_eq!(reader.feed_all([&raw[..at], &raw[at..]]), expected, "{name}, cut at {at}");
            assert_eq!(told(&reader), told(&bytewise), "{name}, cut at {at}");
        }
    }
}

#[test]
fn a_bad_request_behind_a_good_one_is_found_where_it_begins() {
    let before = chunked("5\r\nGET /\r\n0\r\n\r\n");
    let sized = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    for good in [before.as_slice(), sized.as_slice()] {
        for (name, raw, expected) in table() {
            let mut reader = Reader::default();
            assert_eq!(reader.feed(&[good, &raw].concat()).err(), expected, "{name}");
            assert!(reader.requests[0].2, "{name}");
        }
    }
}

#[test]
fn too_much_is_431_and_everything_else_400() {
    for (_, _, expected) in table() {
        let Some(violation) = expected else { continue };
        let too_much = matches!(violation, Violation::TooLarge | Violation::TooManyFields);
        assert_eq!(violation.status(), if too_much { 431 } else { 400 });
    }
}

#[test]
fn a_request_is_what_its_bytes_say() {
    let raw = b"POST /a?b HTTP/1.1\r\nHOST: a.example\r\nX-Y:  v\t\r\nx-y: w\r\nSEC-fetch-SITE: none\r\nContent-Length: 3\r\n\r\nabc";
    let RequestHead { parts, .. } = head(raw);
    assert_eq!((parts.method.as_str(), parts.uri.to_string().as_str()), ("POST", "/a?b"));
    assert_eq!((parts.version, parts.headers.len()), (http::Version::HTTP_11, 5));
    assert_eq!(parts.headers.get_all("x-y").into_iter().collect::<Vec<_>>(), ["v", "w"]);
    assert_eq!((&parts.headers["host"], &parts.headers["sec-fetch-site"]), (&"a.example".parse().expect("a"), &"none".parse().expect("a")));
}

#[test]
fn what_a_request_wants_of_its_connection() {
    let kept = Wishes { is_persistent: true, ..Wishes::default() };
    let cases = [
        ("1.1", "", kept),
        ("1.1", "Connection: keep-alive, x\r\n", kept),
        ("1.1", "Connection: x , Close\r\n", Wishes::default()),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", Wishes::default()),
        ("1.1", "Expect: 100-Continue\r\n", Wishes { expects_continue: true, ..kept }),
        ("1.1", "Expect: something\r\n", kept),
        ("1.1", "Upgrade: websocket\r\n", Wishes { asks_for_upgrade: true, ..kept }),
        ("1.1", "TE: gzip, trailers\r\n", Wishes { takes_trailers: true, ..kept }),
        ("1.1", "TE: gzip\r\n", kept),
        ("1.0", "", Wishes::default()),
        ("1.0", "Connection: Keep-Alive\r\n", kept),
        ("1.0", "Connection: keep-alive, close\r\n", Wishes::default()),
        ("1.0", "Connection: keep-alive\r\nExpect: 100-continue\r\nUpgrade: x\r\nTE: trailers\r\n", kept),
    ];
    for (version, lines, wishes) in cases {
        assert_eq!(head(format!("GET / HTTP/{version}\r\nHost: a\r\n{lines}\r\n").as_bytes()).wishes, wishes, "{version} {lines}");
    }
}

/// What a lenient parser makes of a head: method, target, version, fields.
type Seen = (String, String, u8, Vec<(String, Vec<u8>)>);

fn leniently(raw: &[u8]) -> Option<Seen> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    request.parse(raw).ok()?.is_complete().then_some(())?;
    let fields = request.headers.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.trim_ascii().to_vec())).collect();
    Some((request.method?.to_owned(), request.path?.to_owned(), request.version?, fields))
}

fn strictly(head: &RequestHead) -> Seen {
    let fields = head.parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let version = u8::from(head.parts.version == http::Version::HTTP_11);
    (head.parts.method.to_string(), head.parts.uri.to_string(), version, fields)
}

/// A map groups fields by name.
fn grouped((method, target, version, mut fields): Seen) -> Seen {
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    (method, target, version, fields)
}

#[test]
fn every_accepted_row_is_the_same_request_to_a_lenient_parser() {
    for (name, raw, expected) in table() {
        if expected.is_none() && !matches!(name, "absolute form with capitals") {
            assert_eq!(Some(grouped(strictly(&head(&raw)))), leniently(&raw).map(grouped), "{name}");
        }
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
    http.half_close(true).header_read_timeout(None);
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
    fn no_bytes_make_the_reader_panic(
        start in prop_oneof![Just(&b""[..]), Just(&b"GET / HTTP/1.1\r\nHost: a\r\n"[..]), Just(&b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"[..])],
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
    ) {
        let mut whole = Reader::default();
        let judged = whole.feed(&[start, &pieces.concat()].concat()).err();
        let mut cut = Reader::default();
        let judged_in_pieces = cut.feed_all(std::iter::once(start).chain(pieces.iter().map(Vec::as_slice)));
        prop_assert_eq!(judged, judged_in_pieces);
    }

    #[test]
    fn every_accepted_head_is_the_same_request_to_a_lenient_parser(raw in requests()) {
        let mut reader = Reader::default();
        let _ = reader.feed(&raw);
        if let Some((head, ..)) = reader.requests.first() {
            prop_assert_eq!(Some(grouped(strictly(head))), leniently(&raw).map(grouped));
        }
    }

    #[test]
    fn what_is_read_is_the_same_messages_to_the_library(
        stream in proptest::collection::vec(requests(), 1..4).prop_map(|requests| requests.concat()),
    ) {
        let mut reader = Reader::default();
        // Byte by byte, to see where each request ends.
        let (mut border, mut lengths) = (0, Vec::new());
        for (at, byte) in stream.iter().enumerate() {
            if reader.feed(&[*byte]).is_err() {
                break;
            }
            if reader.is_between_requests() {
                border = at + 1;
                lengths = reader.requests.iter().map(|(_, length, _)| Some(*length)).collect();
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        // The library consumed exactly these messages: each body ended where we saw its end.
        prop_assert_eq!(runtime.block_on(library(stream[..border].to_vec())), lengths);
    }
}
