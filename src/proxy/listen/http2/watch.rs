//! What is known of a connection while the library reads and writes it: the bytes pass through here.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use h2::Reason;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::frames::{Frames, Purse, Room};
use crate::proxy::listen::rewound::Rewound;
use crate::proxy::listen::vitals::{Stage, Vitals};

/// More frames than this in one read, and everybody else has a turn before the next one.
const FRAMES: u32 = 32;
/// How long a connection is kept, unread, whose client was sent away: so long it is not back.
const PENALTY: Duration = Duration::from_secs(1);

/// What the parts of a connection tell each other.
#[derive(Debug)]
pub(super) struct Watch {
    vitals: Rc<Vitals>,
    /// Requests that may be under way at once.
    streams: u32,
    /// Requests and tunnels under way.
    open: Cell<u32>,
    /// Requests that were answered since this was last asked.
    answered: Cell<u32>,
    /// Whether bytes are to come that nothing works without: the first SETTINGS, or the rest of a request's head.
    awaits_head: Cell<bool>,
    is_closing: Cell<bool>,
    /// Whether anything has come since this was last asked.
    was_heard: Cell<bool>,
    fault: Cell<Option<Reason>>,
}

/// A request or a tunnel under way.
#[derive(Debug)]
pub(super) struct Open(Rc<Watch>);

impl Watch {
    pub(super) fn new(vitals: Rc<Vitals>, streams: u32) -> Rc<Self> {
        Rc::new(Self {
            vitals,
            streams,
            open: Cell::new(0),
            answered: Cell::new(0),
            awaits_head: Cell::new(true),
            is_closing: Cell::new(false),
            was_heard: Cell::new(false),
            fault: Cell::new(None),
        })
    }

    pub(super) fn open(self: &Rc<Self>) -> Open {
        self.open.set(self.open.get() + 1);
        self.settle();
        Open(Rc::clone(self))
    }

    /// From now on, this connection is only waited for.
    pub(super) fn close(&self) {
        self.is_closing.set(true);
        self.settle();
    }

    pub(super) fn take_heard(&self) -> bool {
        self.was_heard.take()
    }

    /// What the client did that ends its connection; told once.
    pub(super) fn take_fault(&self) -> Option<Reason> {
        self.fault.take()
    }

    fn settle(&self) {
        let stage = if self.awaits_head.get() {
            Stage::Head
        } else if self.open.get() > 0 {
            Stage::Busy
        } else if self.is_closing.get() {
            Stage::Lingering
        } else {
            Stage::Idle
        };
        if stage != self.vitals.stage() {
            self.vitals.enter(stage);
        }
    }
}

impl Open {
    /// It is answered.
    pub(super) fn answered(&self) {
        self.0.answered.set(self.0.answered.get().saturating_add(1));
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.settle();
    }
}

/// The client's stream, read along.
#[derive(Debug)]
pub(super) struct Watched<T> {
    stream: Rewound<T>,
    frames: Frames,
    purse: Purse,
    /// Whether the first frame has come, which must be SETTINGS (RFC 9113 §3.4).
    is_settled: bool,
    /// Nothing is read any more from a client that is sent away.
    is_over: bool,
    /// Everybody else has a turn.
    yields: bool,
    /// The client has ended it.
    is_left: bool,
    penalty: Option<Pin<Box<Sleep>>>,
    watch: Rc<Watch>,
}

impl<T> Watched<T> {
    pub(super) fn new(stream: T, before: BytesMut, watch: Rc<Watch>) -> Self {
        let purse = Purse::new(watch.vitals.beat(), watch.streams);
        Self {
            stream: Rewound::new(before, stream, ()),
            frames: Frames::default(),
            purse,
            is_settled: false,
            is_over: false,
            yields: false,
            is_left: false,
            penalty: None,
            watch,
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Option<Reason> {
        let (beat, mut fault, mut count) = (self.watch.vitals.beat(), None, 0);
        self.purse.answered(self.watch.answered.take());
        // Those that come with the same bytes are not counted yet; the library refuses them all the same.
        let room = if self.watch.open.get() < self.watch.streams { Room::Some } else { Room::None };
        self.frames.feed(bytes, |frame| {
            if !self.is_settled && !frame.is_settings() {
                fault = fault.or(Some(Reason::PROTOCOL_ERROR));
            }
            self.is_settled = true;
            count += 1;
            if !self.purse.pay(frame, room, beat) {
                fault = fault.or(Some(Reason::ENHANCE_YOUR_CALM));
            }
        });
        self.yields = count > FRAMES;
        self.watch.was_heard.set(true);
        let awaits_head = !self.is_settled || self.frames.is_in_fields();
        if self.watch.awaits_head.replace(awaits_head) != awaits_head {
            self.watch.settle();
        }
        fault
    }

    fn note(&mut self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.watch.vitals.write_blocks(),
            Poll::Ready(written) => {
                self.watch.vitals.write_flows();
                self.purse.earn(*written.as_ref().unwrap_or(&0));
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_over {
            return Poll::Pending;
        }
        if std::mem::take(&mut self.yields) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        self.is_left = read.is_err() || buffer.filled().len() == before;
        read?;
        if let Some(fault) = self.read(&buffer.filled()[before..]) {
            // The connection looks for a fault whenever the library has nothing more to do, which is now.
            self.is_over = true;
            self.watch.fault.set(Some(fault));
            buffer.set_filled(before);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS keeps what the socket does not take.
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        match flushed {
            Poll::Pending => self.watch.vitals.write_blocks(),
            Poll::Ready(_) => self.watch.vitals.write_flows(),
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever is sent away for what they sent could be back at once with as much again.
        if !self.is_left && !self.watch.is_closing.get() {
            ready!(self.penalty.get_or_insert_with(|| Box::pin(sleep(PENALTY))).as_mut().poll(cx));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::proxy::http1::tests::keeping::Keeping;
    use crate::proxy::listen::Limits;
    use crate::proxy::listen::vitals::{Order, Roll};

    #[test]
    fn a_client_takes_nothing_for_as_long_as_nothing_can_be_flushed_and_no_longer() {
        let mut cx = Context::from_waker(Waker::noop());
        for (is_blocked, order) in [(true, Order::Abort), (false, Order::None)] {
            let roll = Rc::new(Roll::new(&Limits::default()));
            let (_seat, vitals) = roll.seat();
            let watch = Watch::new(Rc::clone(&vitals), 100);
            watch.awaits_head.set(false);
            let _open = watch.open();
            let mut watched = Watched::new(Keeping { is_blocked: true, ..Keeping::default() }, BytesMut::new(), watch);
            assert!(matches!(Pin::new(&mut watched).poll_write(&mut cx, b"an answer"), Poll::Ready(Ok(9))));
            assert!(Pin::new(&mut watched).poll_flush(&mut cx).is_pending());
            watched.stream.get_mut().is_blocked = is_blocked;
            assert_eq!(Pin::new(&mut watched).poll_flush(&mut cx).is_pending(), is_blocked);
            (0..1000).for_each(|_| roll.sweep());
            assert_eq!(vitals.order(), order);
        }
    }
}
