//! One connection: opened, driven in a task of its own, looked at from time to time, and ended.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{CONNECTION_WINDOW, IDLE_LOOKS, LOOK_EVERY, MAX_HEAD, SEND_BUFFER, SMALL_FRAMES, STREAM_WINDOW, STREAMS};
use crate::proxy::forward::upstreams::Member;
use crate::proxy::forward::upstreams::desk::{Fate, UnderWay};
use crate::proxy::forward::upstreams::limit::Idle;
use crate::proxy::forward::wire::Wire;

/// What the library says of the upstream's limit before SETTINGS have come; no SETTINGS can say it.
const UNTOLD: usize = usize::MAX - 1;

/// A connection.
pub(super) struct Session {
    pub(super) member: Arc<Member>,
    /// Never used itself, only cloned: what it says of the connection is always of now.
    sender: RefCell<SendRequest<Bytes>>,
    /// Streams that are open.
    streams: Cell<usize>,
    is_retired: Cell<bool>,
    has_answered: Cell<bool>,
    /// Whether a request was sent since this was last asked.
    has_begun: Cell<bool>,
    /// Whether a byte came since this was last asked.
    heard: Rc<Cell<bool>>,
    ends: Notify,
    /// Told of every stream that ends.
    room: Rc<Notify>,
}

/// The right to one stream. Given back when it is dropped.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Slot {
    pub(super) session: Rc<Session>,
    /// What it is used for, where somebody counts.
    pub(in crate::proxy::forward) under_way: Option<UnderWay>,
}

impl Session {
    /// Begins to speak HTTP/2; ready once the upstream has. Drives itself from then on; `room` is told of streams that end.
    ///
    /// # Errors
    /// The upstream speaks something else, or ends the connection.
    pub(super) async fn open(member: &Arc<Member>, wire: Wire, room: Rc<Notify>) -> io::Result<Rc<Self>> {
        let heard = wire.heard();
        let (sender, mut connection) = library().handshake(wire).await.map_err(into_io)?;
        poll_fn(|cx| match pin!(&mut connection).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(into_io(error))),
            Poll::Pending if sender.current_max_send_streams() == UNTOLD => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await?;
        let session = Rc::new(Self {
            member: Arc::clone(member),
            sender: RefCell::new(sender),
            streams: Cell::new(0),
            is_retired: Cell::new(false),
            has_answered: Cell::new(false),
            has_begun: Cell::new(false),
            heard,
            ends: Notify::new(),
            room,
        });
        tokio::task::spawn_local(Rc::clone(&session).drive(connection));
        Ok(session)
    }

    /// The right to a stream, if there is one to have.
    pub(super) fn slot(self: &Rc<Self>) -> Option<Slot> {
        let most = self.sender.borrow().current_max_send_streams().min(STREAMS);
        if !self.is_alive() || self.streams.get() >= most {
            return None;
        }
        self.streams.set(self.streams.get() + 1);
        Some(Slot { session: Rc::clone(self), under_way: None })
    }

    /// Whether it takes further requests.
    pub(super) fn is_alive(&self) -> bool {
        let goes_on = || self.sender.borrow_mut().poll_ready(&mut Context::from_waker(Waker::noop()));
        if !self.is_retired.get() && matches!(goes_on(), Poll::Ready(Err(_))) {
            self.is_retired.set(true);
        }
        !self.is_retired.get()
    }

    /// For one request.
    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.has_begun.set(true);
        self.sender.borrow().clone()
    }

    /// Whether WebSockets are possible.
    pub(super) fn takes_extended_connect(&self) -> bool {
        self.sender.borrow().is_extended_connect_protocol_enabled()
    }

    /// A request was answered on it.
    pub(super) fn answered(&self) {
        self.has_answered.set(true);
    }

    /// Whether one was before.
    pub(super) const fn has_answered(&self) -> bool {
        self.has_answered.get()
    }

    /// How many streams are open.
    #[cfg(test)]
    pub(super) const fn streams(&self) -> usize {
        self.streams.get()
    }

    async fn drive(self: Rc<Self>, mut connection: Connection<Wire, Bytes>) {
        let pings = connection.ping_pong();
        let given_up = async {
            match &self.member.bound {
                Some(bound) => bound.serve_others(|| self.give_up()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            // After GOAWAY with its last stream, or broken.
            _ = &mut connection => {}
            () = self.ends.notified() => {}
            () = self.watch(pings) => {}
            () = given_up => {}
        }
        self.is_retired.set(true);
        // Its streams end with it, and its permit is given back, before anybody hears of it.
        drop(connection);
        self.room.notify_waiters();
    }

    /// Ends when it has been idle for too long, or is dead.
    async fn watch(&self, mut pings: Option<PingPong>) {
        let (mut idle, mut is_asked) = (0, false);
        loop {
            sleep(LOOK_EVERY).await;
            let (was_heard, has_begun) = (self.heard.take(), self.has_begun.take());
            if self.streams.get() == 0 {
                idle += 1;
                if idle >= IDLE_LOOKS {
                    return;
                }
                continue;
            }
            idle = 0;
            if was_heard {
                is_asked = false;
                // Whoever was heard before a request may be silent since.
                self.has_begun.set(has_begun);
            } else if is_asked {
                return;
            } else if has_begun && let Some(pings) = &mut pings {
                // One that was not answered yet is enough.
                is_asked = true;
                let _ = pings.poll_pong(&mut Context::from_waker(Waker::noop()));
                let _ = pings.send_ping(Ping::opaque());
            }
        }
    }

    /// Ends, if nothing is open, for somebody who waits for a connection.
    fn give_up(&self) -> Idle {
        if self.streams.get() > 0 {
            return Idle::Some;
        }
        self.is_retired.set(true);
        Idle::None
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let session = &self.session;
        session.streams.set(session.streams.get() - 1);
        let bounded = session.member.bound.as_ref().zip(self.under_way.take());
        if let Some((bound, under_way)) = bounded.filter(|_| session.streams.get() == 0)
            && under_way.fate(bound) == Fate::Closed
        {
            session.is_retired.set(true);
            session.ends.notify_one();
        }
        session.room.notify_one();
    }
}

fn library() -> Builder {
    let mut library = Builder::new();
    library
        .enable_push(false)
        .initial_max_send_streams(UNTOLD)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .data_frame_budget(SMALL_FRAMES)
        .max_header_list_size(MAX_HEAD)
        .max_send_buffer_size(SEND_BUFFER);
    library
}

/// What the library says, in words that all connections have in common.
pub(in crate::proxy::forward) fn into_io(error: h2::Error) -> io::Error {
    if error.is_io() { error.into_io().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()) } else { io::Error::other(error) }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("streams", &self.streams).field("is_retired", &self.is_retired).finish_non_exhaustive()
    }
}
