//! One client connection: which protocol it speaks, and what holds for all of them.

use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use super::entrance::Admitted;
use super::house::House;
use super::http1::{self, Client, Desks};
use super::opening::{self, Spoken};
use super::{ConnectionInfo, Limits, Negotiated, OnViolation, http2};
use crate::proxy::body::Body;
use crate::proxy::request_body::RequestBody;

/// What the connections of one listening socket have in common. `F` is what their service makes of a request.
pub(super) struct Housing<F> {
    house: Rc<House>,
    desks: Rc<Desks<F>>,
}

impl<F> Clone for Housing<F> {
    fn clone(&self) -> Self {
        Self { house: Rc::clone(&self.house), desks: Rc::clone(&self.desks) }
    }
}

impl<F> Housing<F> {
    pub(super) fn new(limits: Limits, on_violation: OnViolation) -> Self {
        Self { house: Rc::new(House::new(limits, on_violation)), desks: Rc::default() }
    }

    /// Looks at all connections once a beat.
    pub(super) fn beats(&self, beat: Duration) -> impl Future<Output = ()> + use<F> {
        let house = Rc::clone(&self.house);
        async move {
            let mut beats = tokio::time::interval(beat);
            beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                beats.tick().await;
                house.beat();
            }
        }
    }

    /// Lets every connection end with the request it is at.
    pub(super) fn close(&self) {
        self.house.close();
    }

    /// Waits until no connection is left.
    pub(super) async fn emptied(&self) {
        self.house.roll.emptied().await;
    }

    /// Serves one connection. Its place is given back when the stream is closed, also by whoever it is upgraded to.
    pub(super) fn drive<T, S>(&self, admitted: Admitted<T>, service: Rc<S>) -> impl Future<Output = ()> + use<T, S, F>
    where
        T: AsyncRead + AsyncWrite + Unpin + 'static,
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
        F: Future<Output = Response<Body>> + 'static,
    {
        let Admitted { mut stream, place, info, negotiated } = admitted;
        let (seat, vitals) = self.house.roll.seat();
        let (house, desks) = (Rc::clone(&self.house), Rc::clone(&self.desks));
        async move {
            let (spoken, read) = match negotiated {
                Negotiated::Http2 => (Spoken::Http2, BytesMut::new()),
                Negotiated::Http1 => (Spoken::Http1, BytesMut::new()),
                Negotiated::Nothing => opening::read(&mut stream, &vitals, || house.is_closing()).await,
            };
            match spoken {
                Spoken::Http1 => http1::serve(Client { stream, read, place, info, house, vitals, seat }, service, desks).await,
                Spoken::Http2 => {
                    let setting = http2::Setting { vitals, house, info, service };
                    // Boxed: the task of an HTTP/1 connection shall not be as large as this.
                    Box::pin(http2::serve(stream, read, setting, (seat, place))).await;
                }
            }
        }
    }
}
