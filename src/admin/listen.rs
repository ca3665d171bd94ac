//! Connections: few, short-lived, HTTP/1.1 only, and all of them bounded in time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::socket::{Socket, Stream};

/// Open connections; more wait in the kernel's queue.
const CONNECTIONS: u32 = 64;
/// From accepting a connection, or from an answer on it, to the last byte of the next head. Whoever is on this machine has
/// no long way to go, and half a head holds one of few places.
const HEAD: Duration = Duration::from_secs(2);
/// The longest request head, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How long a request may take: a reload reads files and runs tests.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a connection is kept, however busy it is: nobody holds a place for good.
const CONNECTION: Duration = Duration::from_secs(300);
/// How long a request under way may take once its connection is to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Answers until `stop`, then lets the requests under way end within [`CLOSING`].
pub(super) async fn serve(socket: Socket, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
            (socket.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(Some(stream)) => {
                let (router, stop) = (router.clone(), stop.clone());
                tokio::spawn(async move {
                    drive(stream, router, stop).await;
                    drop(place);
                });
            }
            Ok(None) => {}
            // Out of file descriptors, most likely: trying again at once would only burn the processor.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(socket);
    let _all_places_are_free_or_time_is_up = tokio::time::timeout(CLOSING, places.acquire_many(CONNECTIONS)).await;
}

/// Serves one connection. What goes wrong on it is the client's to notice.
async fn drive(stream: Box<dyn Stream>, router: Router, stop: CancellationToken) {
    let answer = service_fn(move |request| answer(router.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(CONNECTION) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended_or_time_is_up = tokio::time::timeout(CLOSING, connection).await;
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    match tokio::time::timeout(REQUEST, router.oneshot(request.map(Body::new))).await {
        Ok(answered) => answered,
        Err(_) => Ok((StatusCode::SERVICE_UNAVAILABLE, "This takes too long.\n").into_response()),
    }
}
