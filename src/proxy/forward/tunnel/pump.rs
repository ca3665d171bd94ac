//! One direction of a tunnel: bytes are carried as they come, and it is known where frames end, so that ours can follow
//! theirs.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;

/// How much is on its way at most, in bytes.
const BUFFER: usize = 16 * 1024;

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
    buffer: Box<[u8]>,
    /// Of the buffer, what is still to be written.
    written: usize,
    filled: usize,
    frames: Frames,
    is_over: bool,
}

impl Pump {
    /// Begins with what has come already.
    pub(super) fn new(early: &[u8]) -> Self {
        let mut buffer = vec![0; BUFFER.max(early.len())].into_boxed_slice();
        buffer[..early.len()].copy_from_slice(early);
        Self { buffer, written: 0, filled: early.len(), frames: Frames::default(), is_over: false }
    }

    /// Carries. At the end of what is said, the other side is told so.
    ///
    /// # Errors
    /// One of the two sides is gone.
    pub(super) fn poll_carry<R, W>(&mut self, from: &mut R, to: &mut W, until: Until, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            if until == Until::FrameEnd && self.frames.is_between() {
                return Pin::new(to).poll_flush(cx);
            }
            if self.written < self.filled {
                let waiting = &self.buffer[self.written..self.filled];
                let allowed = match until {
                    Until::End => waiting.len(),
                    Until::FrameEnd => self.frames.clone().follow(waiting),
                };
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &waiting[..allowed]))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                let mut passed = &waiting[..written];
                while !passed.is_empty() {
                    passed = &passed[self.frames.follow(passed)..];
                }
                self.written += written;
                continue;
            }
            if self.is_over {
                return Pin::new(to).poll_shutdown(cx);
            }
            let mut free = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut *from).poll_read(cx, &mut free)? {
                Poll::Ready(()) => {
                    (self.written, self.filled) = (0, free.filled().len());
                    self.is_over = self.filled == 0;
                }
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
}
