//! One client connection from the first byte to the last.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, ready};
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::guarded::{GuardedStream, refusal};
use super::head_guard::MAX_HEAD;
use super::opening::{self, Spoken};
use super::rewound::Rewound;
use super::vitals::{Order, Roll, Seat, Stage, Upgrade, Vitals};
use super::{ConnectionInfo, Limits, OnViolation, http2};
use crate::proxy::body::Body;
use crate::proxy::forward::download::DownloadError;
use crate::proxy::request_body::RequestBody;
use crate::proxy::upgrade::{OnUpgrade, Upgraded};

/// What the connections of one listening socket have in common.
#[derive(Clone)]
pub(super) struct Housing {
    http: http1::Builder,
    roll: Rc<Roll>,
    is_closing: Rc<Cell<bool>>,
    on_violation: OnViolation,
    write_stall: Duration,
}

impl Housing {
    pub(super) fn new(limits: &Limits, on_violation: OnViolation) -> Self {
        let mut http = http1::Builder::new();
        // The library's head timer also runs between requests and costs a timer per request: the sweep replaces it.
        // Its field limit (100) is left alone: the guard's is the same, and setting it would allocate per request.
        http.half_close(false).header_read_timeout(None).max_buf_size(MAX_HEAD + 16 * 1024);
        Self { http, roll: Rc::new(Roll::new(limits)), is_closing: Rc::default(), on_violation, write_stall: limits.write_stall }
    }

    /// Looks at all connections once a beat.
    pub(super) async fn beats(self, beat: Duration) {
        let mut beats = tokio::time::interval(beat);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            self.roll.sweep();
        }
    }

    /// Lets every connection end with the request it is at.
    pub(super) fn close(&self) {
        self.is_closing.set(true);
        self.roll.wake_all();
    }

    /// Waits until no connection is left.
    pub(super) async fn emptied(&self) {
        self.roll.emptied().await;
    }

    /// Serves one connection, in whichever HTTP it speaks. `place` is given back when the stream is closed, also by whoever
    /// it is upgraded to.
    pub(super) fn drive<S, F>(
        &self,
        mut stream: TcpStream,
        place: OwnedSemaphorePermit,
        info: ConnectionInfo,
        service: Rc<S>,
    ) -> impl Future<Output = ()> + use<S, F>
    where
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
        F: Future<Output = Response<Body>> + 'static,
    {
        let (seat, vitals) = self.roll.seat();
        let housing = self.clone();
        async move {
            let is_closing = Rc::clone(&housing.is_closing);
            let (spoken, before) = opening::read(&mut stream, &seat, &vitals, || is_closing.get()).await;
            let (on_violation, write_stall) = (Arc::clone(&housing.on_violation), housing.write_stall);
            match spoken {
                Spoken::Http1 => housing.http1(Rewound::new(before, stream), (seat, vitals), place, info, service).await,
                Spoken::Http2 => {
                    let setting = http2::Setting { seat, vitals, is_closing, info, service, on_violation, write_stall };
                    // Boxed: the task of an HTTP/1 connection shall not be as large as this.
                    Box::pin(http2::serve(stream, before, setting, place)).await;
                }
            }
        }
    }

    async fn http1<S, F>(
        self,
        stream: Rewound<TcpStream>,
        (seat, vitals): (Seat, Arc<Vitals>),
        place: OwnedSemaphorePermit,
        info: ConnectionInfo,
        service: Rc<S>,
    ) where
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
        F: Future<Output = Response<Body>> + 'static,
    {
        let guarded = GuardedStream::new(stream, Arc::clone(&vitals), Arc::clone(&self.on_violation), place);
        let answering = Arc::clone(&vitals);
        let answer = hyper::service::service_fn(move |request| answer(request, info, &*service, &answering));
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(guarded), answer).with_upgrades());
        let mut was_told = false;
        poll_fn(|cx| {
            seat.keep(cx.waker());
            let order = vitals.order();
            if order == Order::Abort {
                return Poll::Ready(());
            }
            if !was_told && (order == Order::Close || self.is_closing.get()) {
                was_told = true;
                connection.as_mut().graceful_shutdown();
            }
            // What goes wrong on a connection is the client's to notice: every request on it was answered or is
            // not wanted any more.
            connection.as_mut().poll(cx).map(drop)
        })
        .await;
    }
}

fn answer<S, F>(
    request: Request<Incoming>,
    info: ConnectionInfo,
    service: &S,
    vitals: &Arc<Vitals>,
) -> impl Future<Output = Result<Response<Tracked>, Infallible>> + use<S, F>
where
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F,
    F: Future<Output = Response<Body>>,
{
    let in_flight = InFlight::begin(vitals);
    // As the guard sees it: an older client cannot ask.
    let wants_upgrade = request.version() == Version::HTTP_11 && request.headers().contains_key(header::UPGRADE);
    let answer = match refusal(request.method(), request.uri()) {
        Some(status) => Either::Left(ready(refused(status))),
        None => Either::Right(service(with_body(request, wants_upgrade), info)),
    };
    async move {
        let response = answer.await;
        if wants_upgrade {
            in_flight.0.decide_upgrade(match response.status() {
                StatusCode::SWITCHING_PROTOCOLS => Upgrade::Switched,
                _ => Upgrade::Declined,
            });
        }
        Ok(response.map(|body| Tracked { body, _in_flight: in_flight }))
    }
}

fn with_body(mut request: Request<Incoming>, wants_upgrade: bool) -> Request<RequestBody> {
    if wants_upgrade && request.body().is_end_stream() {
        let upgraded = hyper::upgrade::on(&mut request);
        let upgraded = async move { upgraded.await.ok().map(|client| -> Upgraded { Box::pin(TokioIo::new(client)) }) };
        return request.map(|_| RequestBody::upgradable(OnUpgrade::new(upgraded)));
    }
    request.map(RequestBody::incoming)
}

/// Tiny, because whoever sent this does not read pages.
fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(match status {
        StatusCode::REQUEST_TIMEOUT => "The request took too long.\n",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The request head is too large.\n",
        _ => "The request could not be read.\n",
    }));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// From the head of a request to the last byte of its answer.
struct InFlight(Arc<Vitals>);

impl InFlight {
    fn begin(vitals: &Arc<Vitals>) -> Self {
        vitals.enter(Stage::Busy);
        Self(Arc::clone(vitals))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.enter(Stage::Idle);
    }
}

/// A body that tells when it is done with.
struct Tracked {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = DownloadError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
