//! Whoever loses interest, at whatever moment, leaves no connection behind.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;

use super::super::Forwarder;
use super::super::upstreams::Group;
use super::support::*;
use crate::domain::destination::Upstreams;
use crate::proxy::listen::{ConnectionInfo, Known};
use crate::proxy::request_body::RequestBody;
use crate::proxy::request_body::tests::Pieces;

/// Says so much at a time, so that there is something to wait for at every turn.
const PIECES: [&str; 8] = [
    "HTTP/1.1 103 Early Hints\r\n\r\nHTT",
    "P/1.1 200 OK\r\nTransfer-En",
    "coding: chunked\r\n",
    "\r\n3",
    "\r\none\r\n3\r\nt",
    "wo\r\n0\r\n",
    "x-sum: 1\r\n",
    "\r\n",
];

/// What a request says of its body, which comes in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    Nothing,
    Sized,
    Chunked,
}

/// When an upstream begins to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Before the body can have come.
    AtOnce,
    /// When it has all of the request.
    AtLast,
}

impl Sends {
    /// The request, and what its body comes from, which is to live for as long.
    pub(super) fn request(self, answers: Answers) -> (Request<RequestBody>, Rc<Pieces>) {
        let pieces = Pieces::new((0..Self::count(answers)).map(|_| Bytes::from_static(b"x")));
        let body = match self {
            Self::Nothing => return (Request::new(RequestBody::empty()), pieces),
            Self::Sized => pieces.body(Some(Self::count(answers) as u64)),
            Self::Chunked => pieces.body(None),
        };
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        (request, pieces)
    }

    const fn count(answers: Answers) -> usize {
        match answers {
            Answers::AtOnce => 60,
            Answers::AtLast => 3,
        }
    }

    /// How many bytes the body takes with its framing.
    const fn length(self, answers: Answers) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Sized => Self::count(answers),
            Self::Chunked => Self::count(answers) * b"1\r\nx\r\n".len() + b"0\r\n\r\n".len(),
        }
    }
}

/// An upstream that counts the connections that are open to it.
async fn counting(sends: Sends, answers: Answers) -> (SocketAddr, Rc<Cell<usize>>) {
    let open = Rc::new(Cell::new(0));
    let counted = Rc::clone(&open);
    let (address, _) = upstream(move |mut peer| {
        let open = Rc::clone(&counted);
        async move {
            open.set(open.get() + 1);
            peer.stream.set_nodelay(true).expect("a socket");
            let length = sends.length(answers);
            while peer.head().await.is_some() {
                if answers == Answers::AtLast && peer.body(length).await.len() < length {
                    break;
                }
                for piece in PIECES {
                    peer.say(piece).await;
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                }
                if answers == Answers::AtOnce && peer.body(length).await.len() < length {
                    break;
                }
            }
            open.set(open.get() - 1);
        }
    })
    .await;
    (address, open)
}

async fn ask(forwarder: &Forwarder, group: &Group, sends: Sends, answers: Answers) -> bool {
    let here = (Ipv4Addr::LOCALHOST, 1).into();
    let info = ConnectionInfo { peer: here, local: here, known: Known::BySight };
    let (request, _pieces) = sends.request(answers);
    let answer = pass(forwarder, group, &Settings::default(), request, info).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a whole body");
    body.trailers().is_some_and(|trailers| trailers.contains_key("x-sum")) && body.to_bytes() == "onetwo"
}

/// Polls a future so often, and drops it then.
pub(super) async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), times);
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[test]
fn a_request_that_is_dropped_at_any_await_leaves_no_connection_and_no_permit_behind() {
    use Answers::{AtLast, AtOnce};
    for (sends, answers) in
        [(Sends::Nothing, AtOnce), (Sends::Sized, AtLast), (Sends::Sized, AtOnce), (Sends::Chunked, AtLast), (Sends::Chunked, AtOnce)]
    {
        for is_warm in [false, true] {
            run(dropped_at_any_await(sends, answers, is_warm));
        }
    }
}

async fn dropped_at_any_await(sends: Sends, answers: Answers, is_warm: bool) {
    // An answer that overtakes its request ends it, and its connection with it.
    let is_kept = sends == Sends::Nothing || answers == Answers::AtLast;
    let mut times = 0;
    loop {
        let (address, open) = counting(sends, answers).await;
        let forwarder = Forwarder::new(std::sync::Arc::default(), CancellationToken::new());
        // If one connection were left behind, there would never be another one.
        let upstreams = Upstreams { max_connections: std::num::NonZeroU32::new(1), ..one(address, &Settings::default()) };
        let group = group(&upstreams, &Settings::default());
        if is_warm {
            assert!(ask(&forwarder, &group, sends, answers).await);
        }
        let before = usize::from(is_warm && is_kept);
        let done = polled(ask(&forwarder, &group, sends, answers), times).await;
        let idle = forwarder.pool.idle();
        match (times, done) {
            (0, _) => assert_eq!(idle, before),
            (_, None) => assert_eq!(idle, 0, "after {times} polls"),
            (_, Some(_)) => assert_eq!(idle, usize::from(is_kept), "after {times} polls"),
        }
        // What is not idle is closed: if it were not, this would not end.
        loop {
            tokio::task::yield_now().await;
            if open.get() == idle {
                break;
            }
        }
        if done.is_some() {
            assert_eq!(done, Some(true));
            break;
        }
        assert!(ask(&forwarder, &group, sends, answers).await, "the next one is served");
        times += 1;
    }
    assert!(times > PIECES.len(), "{times} moments are not all there are: {sends:?}, {answers:?}");
}
