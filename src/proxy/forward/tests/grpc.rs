//! How gRPC answers end that were begun and cannot be finished: with a status, for clients that take trailers.

use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::Method;

use super::http2::{Asked, client, h2c, request, response, served, whole};
use super::support::*;
use crate::domain::route::Timeouts;
use crate::telemetry::streams::{Ending, StreamKind};

/// Half a message.
const HALF: &[u8] = b"\0\0\0\0\x0ahello";

/// Begins an answer, and then goes on as its path says.
async fn begin(mut asked: Asked) {
    let kind = if asked.head.uri.path().starts_with("/plain") { "application/octet-stream" } else { "application/grpc+proto" };
    let Ok(mut stream) = asked.respond.send_response(response(200, &[("content-type", kind)]), false) else { return };
    let _ = stream.send_data(Bytes::from_static(HALF), false);
    tokio::task::yield_now().await;
    if asked.head.uri.path().ends_with("/reset") {
        return stream.send_reset(Reason::INTERNAL_ERROR);
    }
    let _ = std::future::poll_fn(|cx| stream.poll_reset(cx)).await;
}

async fn open(proxy: &Proxy, path: &str) -> RecvStream {
    let mut sender = client(proxy).await.ready().await.expect("a connection");
    let answer = sender.send_request(request(Method::POST, path), true).expect("a stream").0;
    answer.await.expect("a head").into_body()
}

#[test]
fn a_grpc_answer_that_is_cut_off_says_why() {
    run(async {
        let upstream = served(100, begin).await;
        let timeouts = Timeouts { idle: Duration::from_millis(50), ..Timeouts::default() };
        for (path, is_over, timeouts, status) in [
            ("/grpc/hold", true, Timeouts::default(), "16"),
            ("/grpc/reset", false, Timeouts::default(), "14"),
            ("/grpc/hold", false, timeouts, "4"),
        ] {
            let settings = Settings { timeouts, ..h2c() };
            let proxy = Proxy::start(upstream.address, settings.clone()).await;
            let mut body = open(&proxy, path).await;
            assert_eq!(body.data().await.expect("half a message").expect("a stream"), HALF);
            if is_over {
                settings.session.0.cancel();
            }
            let (rest, trailers) = whole(&mut body).await.expect("trailers");
            assert_eq!((rest.len(), trailers["grpc-status"].as_bytes()), (0, status.as_bytes()), "{path}");
            assert!(trailers.contains_key("grpc-message"));
            if is_over {
                assert_eq!(proxy.streams.ended(StreamKind::Grpc, Ending::Session), 1);
            }
            while upstream.open.get() > 0 {
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn anything_else_that_is_cut_off_is_reset() {
    run(async {
        let upstream = served(100, begin).await;
        for (path, reason) in [("/plain/hold", Reason::CANCEL), ("/plain/reset", Reason::INTERNAL_ERROR)] {
            let settings = h2c();
            let proxy = Proxy::start(upstream.address, settings.clone()).await;
            let mut body = open(&proxy, path).await;
            assert_eq!(body.data().await.expect("half").expect("a stream"), HALF);
            if path.ends_with("/hold") {
                settings.session.0.cancel();
            }
            assert_eq!(whole(&mut body).await.expect_err("a reset").reason(), Some(reason));
        }
    });
}
