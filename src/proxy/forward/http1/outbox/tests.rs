//! Requests on the wire, however much of them it takes at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use http::{HeaderMap, HeaderValue};
use tokio::io::AsyncWrite;

use super::*;
use crate::domain::route::HeaderRules;
use crate::proxy::forward::sieve::TrailerRules;
use crate::proxy::http1::tests::keeping::Keeping;
use crate::proxy::request_body::RequestBody;
use crate::proxy::request_body::tests::{Pieces, piece_of_a_buffer};
use crate::proxy::visit::Peer;

/// Takes so many bytes at a time, and tells how often it was asked to.
struct Narrow {
    takes: usize,
    calls: usize,
    taken: Vec<u8>,
}

impl AsyncWrite for Narrow {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.calls += 1;
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let count = all.len().min(self.takes);
        self.taken.extend_from_slice(&all[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn write(outbox: &mut Outbox, takes: usize) -> (String, usize) {
    let mut wire = Narrow { takes, calls: 0, taken: Vec::new() };
    let mut upload = Upload::new(RequestBody::empty(), None, std::time::Duration::ZERO).expect("nothing is not too much");
    let sent = outbox.poll_send(&mut wire, &mut upload, &mut Context::from_waker(Waker::noop()));
    assert!(matches!(sent, Poll::Ready(Ok(()))) && outbox.is_empty(), "{sent:?}");
    (String::from_utf8(wire.taken).expect("ASCII"), wire.calls)
}

fn upload(framing: BodyFraming) -> Upload {
    let mut upload = Upload::new(RequestBody::empty(), None, std::time::Duration::ZERO).expect("nothing is not too much");
    upload.framing = framing;
    let rules = HeaderRules { remove: vec![http::HeaderName::from_static("x-secret")], ..HeaderRules::default() };
    let head = HeaderMap::from_iter([(http::header::CONNECTION, HeaderValue::from_static("x-mine"))]);
    upload.trailer_rules = Some(Box::new(TrailerRules::new(&head, &rules, Peer::Stranger)));
    upload
}

#[test]
fn a_head_and_a_piece_of_a_body_leave_in_one_write_and_arrive_whole_in_many() {
    let upload = upload(BodyFraming::Chunked);
    for takes in [1, 2, 3, 7, 1000] {
        let mut outbox = Outbox::default();
        for _ in 0..2 {
            outbox.begin(|out| out.extend_from_slice(b"HEAD\r\n\r\n"));
            outbox.load(Piece::Data(Bytes::from_static(b"0123456789abcdefX")), &upload);
            let (sent, calls) = write(&mut outbox, takes);
            assert_eq!(sent, "HEAD\r\n\r\n11\r\n0123456789abcdefX\r\n0\r\n\r\n");
            assert_eq!(calls, sent.len().div_ceil(takes));
        }
    }
}

#[test]
fn trailers_go_on_if_they_would_have_in_a_head_and_change_nothing_that_was_judged() {
    let mut outbox = Outbox::default();
    outbox.begin(|_| {});
    let mut trailers = HeaderMap::new();
    for name in [
        "x-sum",
        "content-digest",
        "grpc-status",
        "x-forwarded-user",
        "x_forwarded_user",
        "x-forwarded-for",
        "x-account-kind",
        "remote-user",
        "host",
        "authorization",
        "cookie",
        "content-length",
        "transfer-encoding",
        "te",
        "connection",
        "trailer",
        "content-type",
        "if-match",
        "x-secret",
        "x-mine",
        "x-request-id",
        "traceparent",
        "tracestate",
        "forwarded",
        "x-http-method-override",
    ] {
        trailers.append(name, HeaderValue::from_static("1"));
    }
    outbox.load(Piece::End(Some(trailers)), &upload(BodyFraming::Chunked));
    assert_eq!(write(&mut outbox, 1000).0, "0\r\nx-sum: 1\r\ncontent-digest: 1\r\ngrpc-status: 1\r\n\r\n");
}

#[test]
fn an_empty_piece_is_not_the_last_chunk() {
    let mut moving = upload(BodyFraming::Chunked);
    let mut outbox = Outbox::default();
    outbox.begin(|_| {});
    outbox.load(Piece::Data(Bytes::new()), &moving);
    assert_eq!(write(&mut outbox, 1000).0, "0\r\n\r\n", "unless it is the last piece");
    moving = upload(BodyFraming::Sized(3));
    outbox.load(Piece::Data(Bytes::from_static(b"abc")), &moving);
    assert_eq!(write(&mut outbox, 1000).0, "abc");
}

#[test]
fn the_last_bytes_of_a_request_are_flushed_however_long_that_takes() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut upload = Upload::new(RequestBody::empty(), None, std::time::Duration::ZERO).expect("nothing is not too much");
    let (mut outbox, mut wire) = (Outbox::default(), Keeping { is_blocked: true, ..Keeping::default() });
    // The second time is that of another request on the same connection.
    for times in 1..=2 {
        wire.is_blocked = true;
        outbox.begin(|out| out.extend_from_slice(b"HEAD\r\n\r\n"));
        for _ in 0..3 {
            assert!(outbox.poll_send(&mut wire, &mut upload, &mut cx).is_pending());
            assert!(!outbox.is_empty() && outbox.has_begun, "it is not on its way yet");
        }
        wire.is_blocked = false;
        assert!(matches!(outbox.poll_send(&mut wire, &mut upload, &mut cx), Poll::Ready(Ok(()))));
        assert!(outbox.is_empty());
        assert_eq!(wire.gone, b"HEAD\r\n\r\n".repeat(times));
    }
}

#[test]
fn what_there_is_of_a_request_is_flushed_before_the_rest_is_waited_for() {
    let mut cx = Context::from_waker(Waker::noop());
    let pieces = Pieces::new([Bytes::from_static(b"one"), Bytes::from_static(b"two")]);
    let mut upload = Upload::new(pieces.body(Some(6)), None, std::time::Duration::ZERO).expect("not too much");
    let (mut outbox, mut wire) = (Outbox::default(), Keeping::default());
    outbox.begin(|out| out.extend_from_slice(b"HEAD "));
    for (is_blocked, gone, is_sent) in [
        (false, "HEAD ", false),
        (true, "HEAD ", false),
        (false, "HEAD one", false),
        (true, "HEAD one", false),
        (false, "HEAD onetwo", true),
    ] {
        wire.is_blocked = is_blocked;
        assert_eq!(outbox.poll_send(&mut wire, &mut upload, &mut cx).is_ready(), is_sent, "{gone}");
        assert_eq!(str::from_utf8(&wire.gone), Ok(gone));
        assert_eq!(outbox.is_empty(), !is_blocked, "{gone}");
    }
}

#[test]
fn a_piece_of_a_body_is_held_until_it_is_written_and_no_longer() {
    let (piece, buffer) = piece_of_a_buffer(1);
    let pieces = Pieces::new([piece, Bytes::from_static(b"y")]);
    let mut upload = Upload::new(pieces.body(Some(2)), None, std::time::Duration::ZERO).expect("not too much");
    let (mut outbox, mut wire) = (Outbox::default(), Keeping::default());
    outbox.begin(|out| out.extend_from_slice(b"HEAD\r\n\r\n"));
    let mut cx = Context::from_waker(Waker::noop());
    while !wire.gone.ends_with(b"x") {
        assert_eq!(Arc::strong_count(&buffer), 2);
        assert!(outbox.poll_send(&mut wire, &mut upload, &mut cx).is_pending(), "the second piece is not there");
    }
    assert_eq!(Arc::strong_count(&buffer), 1, "one byte holds no buffer");
}

#[test]
fn a_request_whose_body_went_wrong_gets_no_proper_end_however_often_it_is_sent() {
    let mut cx = Context::from_waker(Waker::noop());
    let pieces = Pieces::new([&b"abc"[..], b"defg", b"h"].map(Bytes::from_static));
    let mut upload = Upload::new(pieces.body(None), Some(5), std::time::Duration::ZERO).expect("it does not say how long it is");
    let (mut outbox, mut wire) = (Outbox::default(), Keeping::default());
    outbox.begin(|out| out.extend_from_slice(b"HEAD "));
    let mut ends = 0;
    for _ in 0..9 {
        if let Poll::Ready(sent) = outbox.poll_send(&mut wire, &mut upload, &mut cx) {
            assert!(matches!(sent, Err(SendFault::Upload(UploadFault::TooLarge))), "{sent:?}");
            ends += 1;
        }
    }
    assert!(ends > 2, "it was asked again");
    assert_eq!(wire.gone, b"HEAD 3\r\nabc\r\n");
}
