//! Reading: one buffer per connection, which is used again once nobody holds a slice of it.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::answer_head::{self, AnswerHead, Asked, MAX_HEAD, OddHead};

/// How much room a read has at first: enough for most answers.
const USUAL: usize = 8 * 1024;
/// How much it has at most, for long bodies.
const MOST: usize = 64 * 1024;
/// Interim answers before the real one.
const MAX_INTERIM: u8 = 16;

/// What was read and not used yet.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) buffer: BytesMut,
    room: usize,
    /// How much of the buffer holds no end of a head.
    searched: usize,
    interim: u8,
}

/// Why there is no head.
#[derive(Debug)]
pub(super) enum HeadFault {
    Odd(OddHead),
    Wire(io::Error),
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { buffer: BytesMut::new(), room: USUAL, searched: 0, interim: 0 }
    }

    /// Gets ready for another answer.
    pub(super) fn begin(&mut self) {
        // Nobody has anything of the last answer any more, most likely: then its memory serves again.
        self.buffer.reserve(self.room);
        (self.searched, self.interim) = (0, 0);
    }

    /// Makes room for a body of which so much is still to come. One byte more than that: a read that leaves room free tells
    /// the runtime that there was no more, without asking the system again.
    pub(super) fn expect(&mut self, length: u64) {
        let missing = usize::try_from(length).unwrap_or(MOST).saturating_sub(self.buffer.len());
        self.room = missing.saturating_add(1).clamp(USUAL, MOST);
    }

    /// Lets go of what only a long body needed.
    pub(super) fn relax(&mut self) {
        if self.room > USUAL {
            *self = Self::new();
        }
    }

    /// Takes bytes from the front. They must be there.
    pub(super) fn take(&mut self, length: usize) -> Bytes {
        self.buffer.split_to(length).freeze()
    }

    /// Reads once. 0 is the end of the connection.
    pub(super) fn poll_fill<R: AsyncRead + Unpin>(&mut self, wire: &mut R, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Not before the last room is used up: whoever has a piece of it holds on to all of it.
        if self.buffer.capacity() - self.buffer.len() < self.room / 4 {
            self.buffer.reserve(self.room);
        }
        let offered = self.buffer.capacity() - self.buffer.len();
        let read = ready!(pin!(wire.read_buf(&mut self.buffer)).poll(cx))?;
        if read == offered {
            self.room = MOST.min(self.room * 2);
        }
        Poll::Ready(Ok(read))
    }

    /// Reads the head of an answer. Interim ones are passed over.
    pub(super) fn poll_head<R: AsyncRead + Unpin>(
        &mut self,
        wire: &mut R,
        asked: Asked,
        cx: &mut Context<'_>,
    ) -> Poll<Result<AnswerHead, HeadFault>> {
        loop {
            while let Some(end) = self.end_of_head() {
                let raw = self.take(end);
                self.searched = 0;
                let head = answer_head::read(&raw, asked).map_err(HeadFault::Odd)?;
                if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                    return Poll::Ready(Ok(head));
                }
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return Poll::Ready(Err(HeadFault::Odd(OddHead::Interim)));
                }
            }
            if !answer_head::can_begin(&self.buffer) {
                return Poll::Ready(Err(HeadFault::Odd(OddHead::StatusLine)));
            }
            if self.buffer.len() > MAX_HEAD {
                return Poll::Ready(Err(HeadFault::Odd(OddHead::TooLarge)));
            }
            if ready!(self.poll_fill(wire, cx)).map_err(HeadFault::Wire)? == 0 {
                return Poll::Ready(Err(HeadFault::Wire(io::ErrorKind::UnexpectedEof.into())));
            }
        }
    }

    fn end_of_head(&mut self) -> Option<usize> {
        if self.buffer.len() < self.searched + 4 {
            return None;
        }
        let found = memmem::find(&self.buffer[self.searched..], b"\r\n\r\n");
        let end = found.map(|at| self.searched + at + 4).filter(|end| *end <= MAX_HEAD);
        if found.is_none() {
            // The last three bytes may begin what ends it.
            self.searched = self.buffer.len().saturating_sub(3);
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::Waker;

    use tokio::io::ReadBuf;

    use super::*;

    /// Says so much at a time, without end.
    struct Says(usize);

    impl AsyncRead for Says {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let length = buffer.remaining().min(self.0);
            buffer.put_slice(&vec![b'x'; length]);
            Poll::Ready(Ok(()))
        }
    }

    /// How many buffers pieces are in that are read one after the other and all kept.
    fn buffers(says: usize, pieces: usize) -> usize {
        let mut inbox = Inbox::new();
        inbox.begin();
        let mut cx = Context::from_waker(Waker::noop());
        let kept: Vec<Bytes> = (0..pieces)
            .map(|_| {
                assert!(matches!(inbox.poll_fill(&mut Says(says), &mut cx), Poll::Ready(Ok(read)) if read > 0));
                inbox.take(inbox.buffer.len())
            })
            .collect();
        1 + kept.windows(2).filter(|pair| pair[0].as_ptr_range().end != pair[1].as_ptr()).count()
    }

    #[test]
    fn small_pieces_that_somebody_keeps_share_their_buffer() {
        // Three quarters of a buffer are used before there is another one.
        assert_eq!(buffers(10, USUAL * 3 / 4 / 10), 1);
        assert!(buffers(10, 10 * USUAL / 10) <= 14);
        assert_eq!(buffers(MOST, 4), 4, "where much comes at a time, each has its own");
    }

    #[test]
    fn memory_that_nobody_holds_any_more_serves_again() {
        let (mut inbox, mut cx) = (Inbox::new(), Context::from_waker(Waker::noop()));
        inbox.begin();
        let memory = inbox.buffer.as_ptr();
        for _ in 0..3 {
            for _ in 0..USUAL / 2000 {
                assert!(inbox.poll_fill(&mut Says(1000), &mut cx).is_ready());
                drop(inbox.take(inbox.buffer.len()));
            }
            inbox.begin();
            assert_eq!(inbox.buffer.as_ptr(), memory);
        }
        inbox.expect(1 << 20);
        inbox.begin();
        assert!(inbox.buffer.capacity() >= MOST);
        inbox.relax();
        assert_eq!(inbox.buffer.capacity(), 0, "what only a long body needed");
    }
}
