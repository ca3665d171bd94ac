//! One client connection: which protocol it speaks, and what holds for all of them. HTTP/1.1, always.

use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use super::entrance::Admitted;
use super::house::House;
use super::http1::{self, Client, Desks};
use super::{ConnectionInfo, Limits, OnViolation};
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
    pub(super) fn new(limits: &Limits, on_violation: OnViolation) -> Self {
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
        let Admitted { stream, place, info, negotiated: _negotiated } = admitted;
        let (seat, vitals) = self.house.roll.seat();
        let house = Rc::clone(&self.house);
        let client = Client { stream, read: BytesMut::new(), place, info, house, vitals, seat };
        http1::serve(client, service, Rc::clone(&self.desks))
    }
}
