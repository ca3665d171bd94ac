//! The client's socket, what was read from it and is not used yet, and the content of the present request, which its
//! [`RequestBody`](crate::proxy::request_body::RequestBody) reads when it is asked for more.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::outbox::Outbox;
use crate::proxy::http1::content::{Content, Found};
use crate::proxy::http1::request_head::RequestHead;
use crate::proxy::http1::violation::Violation;
use crate::proxy::listen::house::{House, PIECE};
use crate::proxy::listen::places::Place;
use crate::proxy::listen::rewound::Rewound;
use crate::proxy::listen::vitals::Vitals;
use crate::proxy::request_body::{Arriving, BrokenOff};

/// Less room than this is not worth a read, in bytes.
const ROOM: usize = 1024;
/// The most content that is read in one go, in bytes.
const LARGEST_PIECE: usize = 64 * 1024;
/// What is read of the requests behind the present one, in bytes: enough to see that the client is still there.
const AHEAD: usize = 4 * 1024;
/// Says that content is welcome (RFC 9110 §15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// One connection's input.
pub(super) struct Wire<T> {
    pub(super) stream: T,
    /// Read and not used yet. Holds no memory between requests.
    pub(super) read: BytesMut,
    /// What of the present request's content is to come.
    pub(super) content: Content,
    /// Counts requests, so that the body of an earlier one reads nothing of a later one.
    request: u32,
    /// Whether somebody has the body of the present request.
    pub(super) is_held: bool,
    /// Whether its framing does not hold, or the client ended in the middle of it.
    pub(super) is_broken: bool,
    /// Whether the next byte belongs to whatever the answer to a request to upgrade decides.
    awaits_switch: bool,
    /// How much of `100 Continue` is sent; `None` if it is not asked for any more.
    going_on: Option<usize>,
    house: Rc<House>,
    vitals: Rc<Vitals>,
    /// Dropped after the stream.
    place: Place,
}

/// What a wire is made of.
pub(super) struct Input<T> {
    pub(super) stream: T,
    pub(super) read: BytesMut,
    pub(super) place: Place,
}

/// Why nobody waits for an answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// The client has ended the connection.
    Ended,
    /// It went on as if its request to upgrade had been granted.
    TooEarly,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    pub(super) fn new(input: Input<T>, house: &Rc<House>, vitals: &Rc<Vitals>) -> Self {
        let Input { stream, read, place } = input;
        Self {
            stream,
            read,
            content: Content::Done,
            request: 0,
            is_held: false,
            is_broken: false,
            awaits_switch: false,
            going_on: None,
            house: Rc::clone(house),
            vitals: Rc::clone(vitals),
            place,
        }
    }

    /// Begins the content of a request; says which request it is.
    ///
    /// # Errors
    /// [`Gone::TooEarly`].
    pub(super) fn begin(&mut self, head: &mut RequestHead) -> Result<u32, Gone> {
        self.content = std::mem::replace(&mut head.content, Content::Done);
        self.is_held = !self.content.is_done();
        self.awaits_switch = head.wishes.asks_for_upgrade;
        self.going_on = (self.is_held && head.wishes.expects_continue).then_some(0);
        self.check_early()?;
        Ok(self.request)
    }

    fn check_early(&self) -> Result<(), Gone> {
        if !self.awaits_switch || !self.content.is_done() || self.read.is_empty() {
            return Ok(());
        }
        self.house.count(Violation::BytesBeforeUpgrade);
        Err(Gone::TooEarly)
    }

    /// Its answer begins: whether it switches is decided, and nobody says `100 Continue` any more. What is half said is
    /// said to its end. `true` if the client may or may not send its content now.
    pub(super) fn begin_answer(&mut self, outbox: &mut Outbox) -> bool {
        self.awaits_switch = false;
        let said = self.going_on.take();
        if let Some(said @ 1..) = said {
            outbox.end().extend_from_slice(&CONTINUE[said..]);
        }
        said == Some(0)
    }

    /// It is answered: its body, should anybody have it still, is over.
    pub(super) fn end_request(&mut self) {
        self.request = self.request.wrapping_add(1);
        self.is_held = false;
    }

    /// Reads what has come; 0 if nothing will any more. Makes room for `room` bytes if there is hardly any.
    pub(super) fn poll_read(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<usize> {
        if self.read.capacity() == 0 {
            self.read = self.house.lend_buffer();
        }
        // Not before the last room is used up: whoever has a piece of it holds on to all of it.
        if self.read.capacity() - self.read.len() < room.min(ROOM) {
            self.read.reserve(room);
        }
        // An error is an end as well: nothing comes behind it.
        pin!(self.stream.read_buf(&mut self.read)).poll(cx).map(|read| read.unwrap_or(0))
    }

    /// Reads the beginning or more of a head. While there is nothing of it, no memory is held.
    pub(super) fn poll_read_head(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        if self.read.is_empty() && self.read.capacity() > 0 {
            // Nobody has anything of the last request any more, most likely: then its memory serves again.
            self.read.reserve(PIECE);
        }
        let read = self.poll_read(PIECE, cx);
        if read.is_pending() && self.read.is_empty() {
            self.house.keep_buffer(std::mem::take(&mut self.read));
        }
        read
    }

    /// While a request is being answered: reads on a little, to notice the end of the client.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Gone> {
        loop {
            // Whoever has the body reads it, and notices.
            let is_read_elsewhere = self.is_held && !self.content.is_done();
            if is_read_elsewhere || self.is_broken || self.read.len() >= AHEAD {
                return Poll::Pending;
            }
            if ready!(self.poll_read(ROOM, cx)) == 0 {
                return Poll::Ready(Gone::Ended);
            }
            if let Err(gone) = self.check_early() {
                return Poll::Ready(gone);
            }
        }
    }

    /// The next part of the content.
    pub(super) fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            if self.is_broken {
                return Poll::Ready(Some(Err(BrokenOff)));
            }
            let found = self.content.take(&mut self.read);
            if self.content.is_done() {
                // From here on the connection's own task watches it.
                self.vitals.wake_from(cx);
            }
            match found {
                Ok(Found::Data(data)) => {
                    self.going_on = self.going_on.filter(|said| *said > 0);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Found::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Found::End) => return Poll::Ready(None),
                Ok(Found::Nothing) => {}
                Err(violation) => {
                    self.house.count(violation);
                    self.is_broken = true;
                    continue;
                }
            }
            ready!(self.poll_go_on(cx));
            let room = match self.content {
                Content::Sized(left) => usize::try_from(left).unwrap_or(LARGEST_PIECE).min(LARGEST_PIECE),
                Content::Chunked(_) | Content::Done => ROOM,
            };
            self.is_broken = ready!(self.poll_read(room, cx)) == 0;
        }
    }

    /// Says `100 Continue` to a client that waits for it.
    fn poll_go_on(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(said) = self.going_on {
            let rest = &CONTINUE[said..];
            let written = match rest {
                [] => ready!(Pin::new(&mut self.stream).poll_flush(cx)).map(|()| 0),
                rest => ready!(Pin::new(&mut self.stream).poll_write(cx, rest)),
            };
            self.going_on = match written {
                // What goes wrong here shows when it is read.
                Ok(0) | Err(_) => None,
                Ok(more) => Some(said + more),
            };
        }
        Poll::Ready(())
    }

    /// What the connection becomes if it is upgraded: the client's bytes, from the first behind its request. It keeps its
    /// place among the connections of the worker.
    pub(super) fn switch(mut self) -> Rewound<T, Place> {
        if self.read.is_empty() {
            self.house.keep_buffer(std::mem::take(&mut self.read));
        }
        Rewound::keeping(self.place, self.read, self.stream)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Arriving for RefCell<Wire<T>> {
    fn poll_part(&self, request: u32, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let mut wire = self.borrow_mut();
        if wire.request != request { Poll::Ready(Some(Err(BrokenOff))) } else { wire.poll_content(cx) }
    }

    fn let_go(&self, request: u32) {
        let mut wire = self.borrow_mut();
        if wire.request == request && wire.is_held {
            wire.is_held = false;
            if !wire.content.is_done() {
                wire.vitals.wake();
            }
        }
    }
}
