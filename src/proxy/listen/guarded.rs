//! The client's socket with the guard in front of it. The HTTP library behind it sees complete, checked heads and the
//! bodies that belong to them; never a byte of a head that is refused.
//!
//! A refused head is replaced by a request that no client can send: its method is lower case, which the guard never lets
//! through. It takes its turn behind the requests in flight, the service answers it without asking anybody, and the
//! answer closes the connection. So there is one writer, and no race between it and us.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::OnViolation;
use super::head_guard::{HeadGuard, Part};
use super::places::Place;
use super::vitals::{Order, Stage, Upgrade, Vitals};

/// The method of the request that stands for a refused one.
const REFUSED: &str = "refused";
/// How much is read in one go while a head is incomplete, in bytes.
const PIECE: usize = 4096;
/// How much is read and thrown away from a client that still sends after its answer, in bytes. Closing at once would
/// reset the connection and could take the answer with it (RFC 9112 §9.6).
const MAX_LINGER: usize = 1024 * 1024;

/// A client's connection.
pub(super) struct GuardedStream<T> {
    stream: T,
    guard: HeadGuard,
    /// Bytes that were read and not yet handed on.
    held: BytesMut,
    /// So many of them may be handed on.
    ready: usize,
    flow: Flow,
    lingered: usize,
    vitals: Arc<Vitals>,
    on_violation: OnViolation,
    /// Its place among the connections of the worker. Here, because the stream outlives the HTTP connection when that
    /// becomes a WebSocket.
    _place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Open,
    /// A head is to be refused with this status, once what came before it is handed on.
    Refusing(u16),
    /// A head was refused: nothing is read any more, and the end is not told before the answer is out.
    Refused,
    /// A body was refused: the library sees it end early.
    Cut,
}

/// The status with which a request that stands for a refused one is answered; `None` for every real request.
pub(super) fn refusal(method: &http::Method, uri: &http::Uri) -> Option<StatusCode> {
    if method.as_str() != REFUSED {
        return None;
    }
    Some(uri.path().get(1..).and_then(|code| code.parse().ok()).unwrap_or(StatusCode::BAD_REQUEST))
}

impl<T: AsyncRead + AsyncWrite + Unpin> GuardedStream<T> {
    pub(super) fn new(stream: T, vitals: Arc<Vitals>, on_violation: OnViolation, place: Place) -> Self {
        let (guard, held) = (HeadGuard::default(), BytesMut::new());
        Self { stream, guard, held, ready: 0, flow: Flow::Open, lingered: 0, vitals, on_violation, _place: place }
    }

    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.ready.min(buffer.remaining());
        buffer.put_slice(&self.held[..length]);
        self.held.advance(length);
        self.ready -= length;
    }

    fn refuse(&mut self, status: u16) {
        self.held.clear();
        self.held.extend_from_slice(format!("{REFUSED} /{status} HTTP/1.1\r\n\r\n").as_bytes());
        self.ready = self.held.len();
        self.flow = Flow::Refused;
    }

    /// Feeds the guard; says how many of the bytes may be handed on.
    fn check(&mut self, bytes: &[u8]) -> usize {
        let verdict = self.guard.feed(bytes);
        match verdict.fault {
            Some((part, violation)) => {
                (self.on_violation)(violation);
                self.flow = match part {
                    Part::Head => Flow::Refusing(violation.status()),
                    Part::Body => Flow::Cut,
                };
            }
            None if self.guard.is_in_head() && self.vitals.stage() == Stage::Idle => self.vitals.enter(Stage::Head),
            None => {}
        }
        verdict.passable
    }

    /// Reads while nothing is held back: straight into the library's buffer.
    fn poll_read_whole(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<Progress>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        if read == 0 {
            return Poll::Ready(Ok(Progress::Done));
        }
        let passable = self.check(&buffer.filled()[before..]);
        if self.flow == Flow::Open {
            self.held.extend_from_slice(&buffer.filled()[before + passable..]);
        }
        buffer.set_filled(before + passable);
        Poll::Ready(Ok(if passable == 0 { Progress::More } else { Progress::Done }))
    }

    /// Reads the rest of a head whose beginning is held back.
    fn poll_read_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Progress>> {
        let mut piece = [0; PIECE];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
        if piece.filled().is_empty() {
            return Poll::Ready(Ok(Progress::Done));
        }
        let held = self.held.len();
        let passable = self.check(piece.filled());
        self.held.extend_from_slice(piece.filled());
        self.ready = if passable == 0 { 0 } else { held + passable };
        Poll::Ready(Ok(Progress::More))
    }
}

/// Whether a read is over.
enum Progress {
    Done,
    More,
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for GuardedStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match this.vitals.take_upgrade() {
            Upgrade::Undecided => {}
            Upgrade::Switched => this.guard.switches(),
            Upgrade::Declined => this.guard.stays(),
        }
        loop {
            if this.ready > 0 {
                this.hand_on(buffer);
                return Poll::Ready(Ok(()));
            }
            match this.flow {
                Flow::Open if this.vitals.order() == Order::TimeOut => {
                    // A silent connection is closed silently: browsers open some in reserve, and would show the answer.
                    this.flow = if this.guard.is_in_head() { Flow::Refusing(408) } else { Flow::Cut };
                }
                Flow::Open => {
                    let progress = match this.held.is_empty() {
                        true => ready!(this.poll_read_whole(cx, buffer))?,
                        false => ready!(this.poll_read_rest(cx))?,
                    };
                    match progress {
                        Progress::Done => return Poll::Ready(Ok(())),
                        Progress::More => {}
                    }
                }
                Flow::Refusing(status) => this.refuse(status),
                Flow::Refused => return Poll::Pending,
                Flow::Cut => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> GuardedStream<T> {
    fn note<R>(&self, written: Poll<R>) -> Poll<R> {
        if written.is_pending() {
            self.vitals.write_blocks();
        } else {
            self.vitals.write_flows();
        }
        written
    }

    fn is_still_sent_to(&self) -> bool {
        self.flow != Flow::Open || self.guard.is_in_body() || self.guard.is_in_head()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GuardedStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.vitals.stage() != Stage::Lingering {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.is_still_sent_to() {
                return Poll::Ready(Ok(()));
            }
            this.vitals.enter(Stage::Lingering);
        }
        while this.lingered < MAX_LINGER {
            let mut piece = [0; PIECE];
            let mut piece = ReadBuf::new(&mut piece);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece)) {
                Ok(()) if !piece.filled().is_empty() => this.lingered += piece.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
