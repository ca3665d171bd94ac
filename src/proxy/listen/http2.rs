//! HTTP/2 towards clients (RFC 9113), over any stream: the library below does frames, compression and flow control; here
//! is what it is told, what it is kept from, and when a connection ends.
//!
//! What one connection may make us hold: 512 KiB of request bodies that nobody has read yet; for each of its streams, 100
//! unless `http2_streams` says otherwise, a head of 64 KiB, 32 KiB of an answer that the library has taken and the socket has
//! not, and one piece of an upstream's answer.
//!
//! A connection ends when nothing is under way for as long as an HTTP/1 connection may be idle; when a field section, or
//! the first frame, is not complete within the time that a head may take; when its client takes nothing, or neither says
//! anything nor answers a PING, for as long as a write may stall; when it sends more of what carries nothing than anybody
//! needs; and, once the requests under way are answered, when the worker closes.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use h2::Reason;
use h2::server::Connection;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use super::ConnectionInfo;
use super::house::House;
use super::places::Place;
use super::vitals::{Order, Seat, Vitals};
use crate::proxy::body::Body;
use crate::proxy::http1::request_head::MAX_HEAD;
use crate::proxy::http1::violation::Violation;
use crate::proxy::request_body::RequestBody;
use exchange::Terms;
use pulse::Pulse;
use watch::{Watch, Watched};

mod exchange;
mod frames;
mod head;
mod pulse;
mod watch;

pub(super) use frames::PREFACE;

/// How much of the body of one request may come before somebody reads it, in bytes.
const STREAM_WINDOW: u32 = 256 * 1024;
/// How much of all bodies of a connection.
const CONNECTION_WINDOW: u32 = 512 * 1024;
/// How much of an answer the library takes before the socket does, in bytes.
const SEND_BUFFER: usize = 32 * 1024;
/// Requests that were reset before we looked at them; as many as may be under way, if that is more.
const RESET_UNSEEN: usize = 100;
/// Streams that the library itself had to reset, in a connection's life.
const RESET_BY_US: usize = 1024;

/// What a connection is served with.
pub(super) struct Setting<S> {
    pub(super) vitals: Rc<Vitals>,
    pub(super) house: Rc<House>,
    pub(super) info: ConnectionInfo,
    pub(super) service: Rc<S>,
}

/// Serves a connection to its end. `before` was read of it already; what it `holds` is given back after it.
pub(super) async fn serve<T, S, F>(stream: T, before: BytesMut, setting: Setting<S>, holds: (Seat, Place))
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let limits = &setting.house.limits;
    let watch = Watch::new(Rc::clone(&setting.vitals), limits.http2_streams);
    let mut handshake = pin!(library(limits.http2_streams).handshake(Watched::new(stream, before, Rc::clone(&watch))));
    let begun = poll_fn(|cx| {
        setting.vitals.keep(cx.waker());
        if setting.vitals.order() != Order::None || setting.house.is_closing() {
            return Poll::Ready(None);
        }
        handshake.as_mut().poll(cx).map(Result::ok)
    });
    let Some(mut connection) = begun.await else { return };
    let pulse = Pulse::new(connection.ping_pong(), setting.house.limits.write_stall / 2);
    let mut session = Session { connection, setting, watch, pulse, is_closed: false, is_ended: false };
    poll_fn(|cx| session.poll(cx)).await;
    drop(holds);
}

/// With so many requests at once on one connection.
fn library(streams: u32) -> h2::server::Builder {
    let mut library = h2::server::Builder::new();
    library
        .enable_connect_protocol()
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_window_size(STREAM_WINDOW)
        .max_concurrent_streams(streams)
        .max_header_list_size(u32::try_from(MAX_HEAD).expect("far less"))
        .max_local_error_reset_streams(Some(RESET_BY_US))
        .max_pending_accept_reset_streams(RESET_UNSEEN.max(streams as usize))
        .max_send_buffer_size(SEND_BUFFER);
    library
}

struct Session<T, S> {
    connection: Connection<Watched<T>, Bytes>,
    setting: Setting<S>,
    watch: Rc<Watch>,
    pulse: Pulse,
    is_closed: bool,
    is_ended: bool,
}

impl<T, S, F> Session<T, S>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    /// What goes wrong on a connection is the client's to notice: every request on it was answered or is not wanted.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.setting.vitals.keep(cx.waker());
        match self.setting.vitals.order() {
            Order::Abort => return Poll::Ready(()),
            Order::Close => self.close(),
            Order::TimeOut => self.end(Reason::ENHANCE_YOUR_CALM),
            Order::None if self.setting.house.is_closing() => self.close(),
            Order::None => {}
        }
        loop {
            let accepted = self.connection.poll_accept(cx);
            if let Some(reason) = self.watch.take_fault() {
                if reason == Reason::ENHANCE_YOUR_CALM {
                    self.setting.house.count(Violation::Flood);
                }
                self.end(reason);
                continue;
            }
            match accepted {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    let terms = Terms { info: self.setting.info, house: Rc::clone(&self.setting.house), open: self.watch.open() };
                    tokio::task::spawn_local(exchange::answer(request, respond, Rc::clone(&self.setting.service), terms));
                }
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        self.pulse.poll_gone(&self.watch, cx)
    }

    /// Takes no further requests; ends when those under way are answered.
    fn close(&mut self) {
        if !std::mem::replace(&mut self.is_closed, true) {
            self.connection.graceful_shutdown();
            self.watch.close();
        }
    }

    /// Sends the client away, whatever is under way.
    fn end(&mut self, reason: Reason) {
        if !std::mem::replace(&mut self.is_ended, true) {
            self.connection.abrupt_shutdown(reason);
        }
    }
}

#[cfg(test)]
mod tests;
