//! Bytes on their way to the client: small pieces put together, large ones passed on uncopied, all in one write.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use crate::proxy::http1::response_head::{Base, write_number};
use crate::proxy::listen::vitals::Vitals;

/// Up to so many bytes are copied rather than given to the kernel as a piece of their own.
const COPIED: usize = 8 * 1024;
/// With so many bytes at hand nothing further is waited for.
const PLENTY: usize = 16 * 1024;

/// What is to be sent: a beginning, at most one large piece, and what follows that.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    front: Vec<u8>,
    large: Bytes,
    back: Vec<u8>,
    /// How many bytes of all that are gone.
    sent: usize,
    /// What is gone may still be on its way: TLS keeps what the socket does not take.
    is_unflushed: bool,
}

/// How a piece of content is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// Not at all.
    Plain,
    /// As a chunk (RFC 9112 §7.1).
    Chunk,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.large.is_empty() && !self.is_unflushed
    }

    /// Whether it is to be sent before more is put into it.
    pub(super) fn is_full(&self) -> bool {
        !self.large.is_empty() || self.front.len() >= PLENTY
    }

    /// Where heads, framing and trailers are written.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        if self.large.is_empty() { &mut self.front } else { &mut self.back }
    }

    /// Puts a piece of content in. Not while it [is full](Self::is_full).
    pub(super) fn push(&mut self, piece: Bytes, wrapping: Wrapping) {
        if piece.is_empty() {
            return;
        }
        if wrapping == Wrapping::Chunk {
            write_number(&mut self.front, piece.len() as u64, Base::Hexadecimal);
            self.front.extend_from_slice(b"\r\n");
        }
        if piece.len() <= COPIED {
            self.front.extend_from_slice(&piece);
        } else {
            self.large = piece;
        }
        if wrapping == Wrapping::Chunk {
            self.end().extend_from_slice(b"\r\n");
        }
    }

    /// Sends everything.
    pub(super) fn poll_send<T: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut T,
        vitals: &Vitals,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut skip = self.sent;
            let mut slices = [&self.front[..], &self.large, &self.back].map(|slice| {
                let gone = skip.min(slice.len());
                skip -= gone;
                &slice[gone..]
            });
            if slices.iter().all(|slice| slice.is_empty()) {
                self.forget();
                let flushed = Pin::new(stream).poll_flush(cx);
                if flushed.is_pending() {
                    vitals.write_blocks();
                } else {
                    vitals.write_flows();
                    self.is_unflushed = false;
                }
                return flushed;
            }
            let written = match &mut slices {
                [front, [], []] => Pin::new(&mut *stream).poll_write(cx, front),
                slices => Pin::new(&mut *stream).poll_write_vectored(cx, &slices.map(IoSlice::new)),
            };
            if written.is_pending() {
                vitals.write_blocks();
            } else {
                vitals.write_flows();
            }
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => {
                    self.sent += more;
                    self.is_unflushed = true;
                }
            }
        }
    }

    /// Forgets what is in it, and memory beyond the usual.
    pub(super) fn clear(&mut self) {
        self.forget();
        self.is_unflushed = false;
    }

    fn forget(&mut self) {
        self.front.clear();
        self.front.shrink_to(2 * PLENTY);
        self.large = Bytes::new();
        self.back.clear();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests;
