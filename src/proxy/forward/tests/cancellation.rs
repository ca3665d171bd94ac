//! Whoever loses interest, at whatever moment, leaves no connection behind.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::Request;
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;

use super::super::Forwarder;
use super::super::upstreams::Group;
use super::support::*;
use crate::proxy::listen::{ConnectionInfo, Known};
use crate::proxy::request_body::RequestBody;

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

/// An upstream that counts the connections that are open to it.
async fn counting() -> (SocketAddr, Rc<Cell<usize>>) {
    let open = Rc::new(Cell::new(0));
    let counted = Rc::clone(&open);
    let (address, _) = upstream(move |mut peer| {
        let open = Rc::clone(&counted);
        async move {
            open.set(open.get() + 1);
            peer.stream.set_nodelay(true).expect("a socket");
            while peer.head().await.is_some() {
                for piece in PIECES {
                    peer.say(piece).await;
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                }
            }
            open.set(open.get() - 1);
        }
    })
    .await;
    (address, open)
}

async fn ask(forwarder: &Forwarder, group: &Group) -> bool {
    let here = (Ipv4Addr::LOCALHOST, 1).into();
    let info = ConnectionInfo { peer: here, local: here, known: Known::BySight };
    let answer = pass(forwarder, group, &Settings::default(), Request::new(RequestBody::empty()), info).await.expect("an answer");
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
fn a_request_that_is_dropped_at_any_await_leaves_no_connection_behind() {
    run(async {
        for warm in [false, true] {
            let mut times = 0;
            loop {
                let (address, open) = counting().await;
                let forwarder = Forwarder::new(std::sync::Arc::default(), CancellationToken::new());
                let group = group(&one(address, &Settings::default()), &Settings::default());
                if warm {
                    assert!(ask(&forwarder, &group).await);
                    assert_eq!(forwarder.pool.idle(), 1);
                }
                let done = polled(ask(&forwarder, &group), times).await;
                let idle = forwarder.pool.idle();
                assert_eq!(idle, usize::from(done.is_some() || (warm && times == 0)), "after {times} polls");
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
                assert!(ask(&forwarder, &group).await, "the next one is served");
                times += 1;
            }
            assert!(times > PIECES.len(), "{times} moments are not all there are");
        }
    });
}
