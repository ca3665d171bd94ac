//! Answers byte for byte, from bodies that say exactly what they are told to.

use std::collections::VecDeque;
use std::task::Waker;

use http::Request;
use http_body::{Frame, SizeHint};

use super::*;
use crate::proxy::listen::vitals::Roll;

/// Frames that come one by one; `None` is a pause.
#[derive(Default)]
struct Script {
    frames: VecDeque<Option<Result<Frame<Bytes>, ()>>>,
    length: Option<u64>,
}

impl http_body::Body for Script {
    type Data = Bytes;
    type Error = ();

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
        match self.frames.pop_front() {
            Some(Some(frame)) => Poll::Ready(Some(frame)),
            Some(None) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

fn data(text: &'static str) -> Option<Result<Frame<Bytes>, ()>> {
    Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))
}

fn trailers(fields: &[(&'static str, &'static str)]) -> Option<Result<Frame<Bytes>, ()>> {
    let fields = fields.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
    Some(Ok(Frame::trailers(fields.collect())))
}

fn script(length: Option<u64>, frames: impl IntoIterator<Item = Option<Result<Frame<Bytes>, ()>>>) -> Script {
    Script { frames: frames.into_iter().collect(), length }
}

const KEPT: Wishes = Wishes { is_persistent: true, expects_continue: false, asks_for_upgrade: false, takes_trailers: false };

/// What is written, write by write, and how it ends.
fn written(method: Method, version: Version, wishes: Wishes, response: Response<Script>) -> (Vec<String>, Progress, Then) {
    let (mut head, ()) = Request::new(()).into_parts();
    (head.method, head.version) = (method, version);
    let mut answer = Answer::default();
    answer.expect(&head, wishes, None);
    answer.begin(response, b"today");
    let (_, vitals) = std::rc::Rc::new(Roll::new(&crate::proxy::listen::Limits::default())).seat();
    let (mut cx, mut writes) = (Context::from_waker(Waker::noop()), Vec::new());
    loop {
        answer.gather(&mut cx);
        let progress = answer.progress();
        if !answer.outbox.is_empty() {
            let mut out = Vec::new();
            assert!(answer.outbox.poll_send(&mut out, &vitals, &mut cx).is_ready());
            writes.push(String::from_utf8(out).expect("ASCII"));
        }
        if progress != Progress::Waiting {
            return (writes, progress, answer.then);
        }
    }
}

fn get(script: Script) -> (Vec<String>, Progress, Then) {
    written(Method::GET, Version::HTTP_11, KEPT, Response::new(script))
}

#[test]
fn what_is_there_at_once_goes_out_at_once_and_nothing_waits_for_more() {
    let (writes, progress, then) = get(script(None, [data("one"), data("two"), None, data("three")]));
    let first = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ndate: today\r\n\r\n3\r\none\r\n3\r\ntwo\r\n";
    assert_eq!(writes, [first, "5\r\nthree\r\n0\r\n\r\n"]);
    assert_eq!((progress, then), (Progress::Complete, Then::Next));

    let (writes, ..) = get(script(Some(3), [None, data("one")]));
    assert_eq!(writes, ["HTTP/1.1 200 OK\r\ncontent-length: 3\r\ndate: today\r\n\r\n", "one"], "a head does not wait for its content");
}

#[test]
fn large_pieces_are_passed_on_whole() {
    let large: &'static str = "x".repeat(100_000).leak();
    let (writes, ..) = get(script(None, [data("small"), data(large), data("small")]));
    let framed = format!("5\r\nsmall\r\n186a0\r\n{large}\r\n");
    assert!(writes[0].ends_with(&framed) && writes.len() == 2, "{}", writes.len());
    assert_eq!(writes[1], "5\r\nsmall\r\n0\r\n\r\n");
}

#[test]
fn trailers_go_to_who_welcomes_them() {
    let frames = || [data("one"), trailers(&[("grpc-status", "0"), ("set-cookie", "a=b")])];
    let welcome = Wishes { takes_trailers: true, ..KEPT };
    for (wishes, length, end) in [
        (welcome, None, "3\r\none\r\n0\r\ngrpc-status: 0\r\n\r\n"),
        (KEPT, None, "3\r\none\r\n0\r\n\r\n"),
        (welcome, Some(3), "\r\n\r\none"),
    ] {
        let (writes, progress, _) = written(Method::GET, Version::HTTP_11, wishes, Response::new(script(length, frames())));
        assert!(writes.concat().ends_with(end) && progress == Progress::Complete, "{writes:?}");
    }
}

#[test]
fn content_that_fails_is_not_ended() {
    let cases = [
        (script(None, [data("one"), Some(Err(()))]), "\r\n\r\n3\r\none\r\n"),
        (script(Some(5), [data("one"), Some(Err(()))]), "\r\n\r\none"),
        (script(Some(5), [data("one")]), "\r\n\r\none"),
        (script(Some(2), [data("one")]), "\r\n\r\n"),
    ];
    for (script, end) in cases {
        let (writes, progress, _) = get(script);
        assert!(writes.concat().ends_with(end), "{writes:?}");
        assert_eq!(progress, Progress::Failed);
    }
}

#[test]
fn framing_follows_method_version_and_status() {
    let none = || script(Some(0), []);
    let three = || script(Some(3), [data("one")]);
    let unknown = || script(None, [data("one")]);
    let status = |status: u16, body: Script| {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response
    };
    let told = |body: Script| {
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
        response
    };
    let once = Wishes::default();
    let (old, new) = (Version::HTTP_10, Version::HTTP_11);
    let cases = [
        (Method::GET, new, KEPT, status(200, none()), "200 OK\r\ncontent-length: 0\r\n", ""),
        (Method::GET, new, once, status(200, three()), "200 OK\r\ncontent-length: 3\r\nconnection: close\r\n", "one"),
        (Method::GET, new, KEPT, told(three()), "200 OK\r\ncontent-length: 3\r\n", "one"),
        (Method::HEAD, new, KEPT, status(200, three()), "200 OK\r\ncontent-length: 3\r\n", ""),
        (Method::HEAD, new, KEPT, told(none()), "200 OK\r\ncontent-length: 7\r\n", ""),
        (Method::HEAD, new, KEPT, status(200, none()), "200 OK\r\n", ""),
        (Method::HEAD, new, KEPT, status(200, unknown()), "200 OK\r\n", ""),
        (Method::GET, new, KEPT, status(204, none()), "204 No Content\r\n", ""),
        (Method::GET, new, KEPT, status(304, none()), "304 Not Modified\r\n", ""),
        (Method::GET, old, KEPT, status(200, three()), "200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n", "one"),
        (Method::GET, old, KEPT, status(200, unknown()), "200 OK\r\nconnection: close\r\n", "one"),
        (Method::GET, new, KEPT, status(101, none()), "500 Internal Server Error\r\ncontent-length: 0\r\n", ""),
    ];
    for (method, version, wishes, response, head, content) in cases {
        let (writes, progress, then) = written(method.clone(), version, wishes, response);
        assert_eq!(writes.concat(), format!("HTTP/1.1 {head}date: today\r\n\r\n{content}"), "{method} {version:?}");
        assert_eq!(progress, Progress::Complete);
        assert_eq!(then == Then::Close, head.contains("connection: close"), "{method} {version:?}");
    }
}
