//! HTTP/1.1 with one client, from the first byte of its connection to the last: one request after the other, each read,
//! answered and done with before the next one is looked at (RFC 9112 §9.3.2). Heads are read by
//! [`crate::proxy::http1`], what may be asked is the service's business.
//!
//! Between two requests a connection holds no buffers; at work it sits at a [`Desk`].

mod answer;
mod closing;
mod desk;
mod outbox;
mod wire;

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use self::answer::{Progress, Then, refusal};
use self::desk::Desk;
pub(super) use self::desk::Desks;
use self::wire::{Gone, Input, Wire};
use super::ConnectionInfo;
use super::house::House;
use super::places::Place;
use super::vitals::{Order, Seat, Stage, Vitals};
use crate::proxy::body::Body;
use crate::proxy::http1::content::Content;
use crate::proxy::http1::request_head::{HeadReader, RequestHead};
use crate::proxy::request_body::{Arriving, RequestBody};
use crate::proxy::upgrade::{OnUpgrade, Upgraded};

/// A connection that was accepted.
pub(super) struct Client<T> {
    pub(super) stream: T,
    /// What was read from it already, to see which protocol it speaks.
    pub(super) read: BytesMut,
    /// Its place among the connections of the worker: given back with the stream.
    pub(super) place: Place,
    pub(super) info: ConnectionInfo,
    pub(super) house: Rc<House>,
    pub(super) vitals: Rc<Vitals>,
    pub(super) seat: Seat,
}

/// Serves a connection to its end. What it returns is small: there are many that idle.
pub(super) fn serve<T, S, F>(client: Client<T>, service: Rc<S>, desks: Rc<Desks<F>>) -> impl Future<Output = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F,
    F: Future<Output = Response<Body>>,
{
    let mut connection = Connection::new(client, service, desks);
    async move {
        let Err(end) = connection.converse().await;
        match end {
            End::Gone => {}
            End::Close => connection.close().await,
            End::Linger => connection.linger().await,
            End::Switch(waiting) => {
                // Bodies refer to it weakly: it is ours alone.
                if let Some(wire) = Rc::into_inner(connection.wire) {
                    let upgraded: Upgraded = Box::pin(wire.into_inner().switch());
                    let _ = waiting.send(upgraded);
                }
            }
        }
    }
}

struct Connection<T, S, F> {
    // In front of the socket: what answers a request is dropped before it.
    desk: Option<Box<Desk<F>>>,
    wire: Rc<RefCell<Wire<T>>>,
    heads: HeadReader,
    desks: Rc<Desks<F>>,
    service: Rc<S>,
    info: ConnectionInfo,
    house: Rc<House>,
    vitals: Rc<Vitals>,
    _seat: Seat,
}

/// How a conversation ends.
enum End {
    /// There is nobody to say anything to, or nothing that would not look like the rest of an answer.
    Gone,
    /// With everything said.
    Close,
    /// With the client still sending: see [`closing`].
    Linger,
    /// With another protocol.
    Switch(oneshot::Sender<Upgraded>),
}

impl<T, S, F> Connection<T, S, F>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F,
    F: Future<Output = Response<Body>>,
{
    fn new(client: Client<T>, service: Rc<S>, desks: Rc<Desks<F>>) -> Self {
        let Client { stream, read, place, info, house, vitals, seat } = client;
        let wire = Rc::new(RefCell::new(Wire::new(Input { stream, read, place }, &house, &vitals)));
        Self { desk: None, wire, heads: HeadReader::default(), desks, service, info, house, vitals, _seat: seat }
    }

    async fn converse(&mut self) -> Result<Infallible, End> {
        loop {
            poll_fn(|cx| self.step(cx, Self::poll_request)).await?;
            poll_fn(|cx| self.step(cx, Self::poll_answer)).await?;
            poll_fn(|cx| self.step(cx, Self::poll_sent)).await?;
            self.conclude()?;
            poll_fn(|cx| self.step(cx, Self::poll_rest)).await?;
            self.vitals.enter(Stage::Idle);
        }
    }

    /// Waits for the next request, and hands it to the service or refuses it.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let wire = Rc::clone(&self.wire);
        let mut wire = wire.borrow_mut();
        loop {
            if !wire.read.is_empty() {
                match self.heads.next(&mut wire.read) {
                    Ok(Some(head)) => {
                        drop(wire);
                        return Poll::Ready(self.begin(head));
                    }
                    Ok(None) if self.vitals.stage() == Stage::Idle => self.vitals.enter(Stage::Head),
                    Ok(None) => {}
                    Err(violation) => {
                        self.house.count(violation);
                        let status = StatusCode::from_u16(violation.status()).unwrap_or(StatusCode::BAD_REQUEST);
                        return Poll::Ready(self.refuse(status));
                    }
                }
            }
            match self.vitals.order() {
                // A silent connection is closed silently: browsers open some in reserve, and would show the answer.
                Order::TimeOut if !wire.read.is_empty() => return Poll::Ready(self.refuse(StatusCode::REQUEST_TIMEOUT)),
                Order::TimeOut | Order::Close => return Poll::Ready(Err(End::Close)),
                Order::None | Order::Abort => {}
            }
            if self.house.is_closing() && wire.read.is_empty() {
                return Poll::Ready(Err(End::Close));
            }
            if ready!(wire.poll_read_head(cx)) == 0 {
                return Poll::Ready(Err(End::Gone));
            }
        }
    }

    fn begin(&mut self, mut head: RequestHead) -> Result<(), End> {
        let request = self.wire.borrow_mut().begin(&mut head).map_err(|_| End::Linger)?;
        self.vitals.enter(Stage::Busy);
        let (body, switch) = self.body(&head, request);
        let mut desk = self.desks.take();
        desk.answer.expect(&head.parts, head.wishes, switch);
        desk.call.set(Some((self.service)(Request::from_parts(head.parts, body), self.info)));
        self.desk = Some(desk);
        Ok(())
    }

    fn body(&self, head: &RequestHead, request: u32) -> (RequestBody, Option<oneshot::Sender<Upgraded>>) {
        let length = match self.wire.borrow().content {
            Content::Done if head.wishes.asks_for_upgrade => {
                let (waiting, upgraded) = oneshot::channel();
                return (RequestBody::upgradable(OnUpgrade::new(async move { upgraded.await.ok() })), Some(waiting));
            }
            Content::Done => return (RequestBody::empty(), None),
            Content::Sized(length) => Some(length),
            Content::Chunked(_) => None,
        };
        let wire: Weak<RefCell<Wire<T>>> = Rc::downgrade(&self.wire);
        let wire: Weak<dyn Arriving> = wire;
        (RequestBody::http1(wire, request, length), None)
    }

    /// Answers what cannot be read; nothing is read behind it.
    fn refuse(&mut self, status: StatusCode) -> Result<(), End> {
        let mut desk = self.desks.take();
        self.house.with_date(|date| desk.answer.begin(refusal(status), date));
        self.desk = Some(desk);
        Ok(())
    }

    /// Waits until the service has answered, and looks after the client meanwhile.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let Some(desk) = &mut self.desk else { return Poll::Ready(Err(End::Gone)) };
        let Some(call) = desk.call.as_mut().as_pin_mut() else { return Poll::Ready(Ok(())) };
        let Poll::Ready(response) = call.poll(cx) else {
            return self.wire.borrow_mut().poll_gone(cx).map(|gone| {
                Err(match gone {
                    Gone::Ended => End::Gone,
                    Gone::TooEarly => End::Linger,
                })
            });
        };
        desk.call.set(None);
        let answer = &mut desk.answer;
        let can_go_on = {
            let mut wire = self.wire.borrow_mut();
            let is_content_uncertain = wire.begin_answer(&mut answer.outbox);
            wire.can_go_on(is_content_uncertain)
        };
        if answer.then == Then::Next && (self.house.is_closing() || !can_go_on) {
            answer.then = Then::Close;
        }
        self.house.with_date(|date| answer.begin(response, date));
        Poll::Ready(Ok(()))
    }

    /// Sends the answer, and looks after the client whenever nothing can be sent.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let Some(desk) = &mut self.desk else { return Poll::Ready(Err(End::Gone)) };
        loop {
            // The wire is left alone meanwhile: this may read the content of the request.
            desk.answer.gather(cx);
            let mut wire = self.wire.borrow_mut();
            let progress = desk.answer.progress();
            if progress == Progress::Waiting && desk.answer.outbox.is_empty() {
                return wire.poll_gone(cx).map(|_| Err(End::Gone));
            }
            match desk.answer.outbox.poll_send(&mut wire.stream, &self.vitals, cx) {
                Poll::Pending => return wire.poll_gone(cx).map(|_| Err(End::Gone)),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
                Poll::Ready(Ok(())) => {}
            }
            match progress {
                Progress::Complete => return Poll::Ready(Ok(())),
                Progress::Failed => return Poll::Ready(Err(End::Gone)),
                Progress::Waiting => {}
            }
        }
    }

    /// Is done with a request: its answer is out.
    fn conclude(&mut self) -> Result<(), End> {
        let Some(mut desk) = self.desk.take() else { return Err(End::Gone) };
        let (then, switch) = (desk.answer.then, desk.answer.switch.take());
        // With it goes whoever still reads the content of the request.
        self.desks.put(desk);
        let mut wire = self.wire.borrow_mut();
        wire.end_request();
        match (then, switch) {
            (Then::Switch, Some(waiting)) => Err(End::Switch(waiting)),
            (Then::Next, _) => Ok(()),
            (Then::Close | Then::Switch, _) => Err(if wire.is_still_sent_to() { End::Linger } else { End::Close }),
        }
    }
}

#[cfg(test)]
mod tests;
