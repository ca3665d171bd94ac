//! One direction of a tunnel: bytes are carried as they come, and it is known where frames end, so that ours can follow
//! theirs.
//!
//! A tunnel that is quiet holds no buffer. Reading goes into one that all tunnels of a thread share; only what the other
//! side does not take at once is kept, and nothing more is read until it has taken that.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;

/// How much is read at once, and so kept at most, in bytes.
const BUFFER: usize = 32 * 1024;

thread_local! {
    /// What is read into. Taken out while it is in use.
    static SHARED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How far to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// To the end of what is said.
    End,
    /// To the end of the frame that has begun to pass.
    FrameEnd,
}

/// What is on its way in one direction.
#[derive(Debug)]
pub(super) struct Pump {
    /// What the other side has not taken yet.
    waiting: Bytes,
    course: Course,
    is_over: bool,
}

/// What has passed so far.
#[derive(Debug, Default)]
struct Course {
    frames: Frames,
    bytes: u64,
}

impl Pump {
    /// Begins with what has come already.
    pub(super) fn new(early: Bytes) -> Self {
        Self { waiting: early, course: Course::default(), is_over: false }
    }

    /// Carries. At the end of what is said, the other side is told so. A side that breaks off has said what it had to say.
    ///
    /// # Errors
    /// The other side takes nothing any more.
    pub(super) fn poll_carry<R, W>(&mut self, from: &mut R, to: &mut W, until: Until, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            let passed = self.course.pass(&self.waiting, to, until, cx)?;
            self.waiting.advance(passed);
            if self.course.has_come(until) {
                return Pin::new(to).poll_flush(cx);
            }
            if !self.waiting.is_empty() {
                return Poll::Pending;
            }
            // What was allocated for it goes.
            self.waiting = Bytes::new();
            if self.is_over {
                return Pin::new(to).poll_shutdown(cx);
            }
            let mut shared = SHARED.take();
            shared.resize(BUFFER, 0);
            let read = poll_read(from, &mut shared, cx);
            if let Poll::Ready(read) = read {
                let passed = self.course.pass(&shared[..read], to, until, cx)?;
                self.waiting = Bytes::copy_from_slice(&shared[passed..read]);
            }
            SHARED.set(shared);
            match read {
                Poll::Ready(read) => self.is_over = read == 0,
                Poll::Pending => {
                    ready!(Pin::new(&mut *to).poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Whether everything has been carried, and the end told.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many bytes have passed.
    pub(super) const fn passed(&self) -> u64 {
        self.course.bytes
    }

    /// How much the other side has not taken yet.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.waiting.len()
    }

    /// Whether any of a message has passed since this was last asked.
    pub(super) const fn has_spoken(&mut self) -> bool {
        self.course.frames.has_spoken()
    }
}

/// Hears somebody out to whom nothing more is said.
pub(super) fn poll_discard<R: AsyncRead + Unpin>(from: &mut R, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let mut shared = SHARED.take();
        shared.resize(BUFFER, 0);
        let read = poll_read(from, &mut shared, cx);
        SHARED.set(shared);
        if ready!(read) == 0 {
            return Poll::Ready(());
        }
    }
}

/// Reads once; 0 is the end, however it came.
fn poll_read<R: AsyncRead + Unpin>(from: &mut R, into: &mut [u8], cx: &mut Context<'_>) -> Poll<usize> {
    let mut free = ReadBuf::new(into);
    Pin::new(from).poll_read(cx, &mut free).map(|read| read.map_or(0, |()| free.filled().len()))
}

impl Course {
    fn has_come(&self, until: Until) -> bool {
        until == Until::FrameEnd && self.frames.is_between()
    }

    /// Writes what is taken at once, no further than allowed; how much that was. If it is less, there will be word.
    fn pass<W: AsyncWrite + Unpin>(&mut self, bytes: &[u8], to: &mut W, until: Until, cx: &mut Context<'_>) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.has_come(until) {
            let allowed = match until {
                Until::End => rest.len(),
                Until::FrameEnd => self.frames.clone().follow(rest),
            };
            match Pin::new(&mut *to).poll_write(cx, &rest[..allowed])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    let (mut passed, left) = rest.split_at(written);
                    while !passed.is_empty() {
                        passed = &passed[self.frames.follow(passed)..];
                    }
                    self.bytes += written as u64;
                    rest = left;
                }
                Poll::Pending => break,
            }
        }
        Ok(bytes.len() - rest.len())
    }
}
