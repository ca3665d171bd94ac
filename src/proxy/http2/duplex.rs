//! A stream as bytes both ways: what an extended CONNECT becomes (RFC 8441 §5).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::RecvStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outlet::{Closed, Outlet};

/// Bytes both ways. Dropped before it is shut down, it resets its stream.
pub(in crate::proxy) struct Duplex<H> {
    outlet: Outlet,
    stream: RecvStream,
    /// Read, and not yet handed on.
    held: Bytes,
    is_shut: bool,
    /// Let go of when both directions are over.
    _holds: H,
}

impl<H> Duplex<H> {
    pub(in crate::proxy) const fn new(outlet: Outlet, stream: RecvStream, holds: H) -> Self {
        Self { outlet, stream, held: Bytes::new(), is_shut: false, _holds: holds }
    }
}

impl<H: Unpin> AsyncRead for Duplex<H> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.held.is_empty() {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => self.held = data,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.held.len().min(buffer.remaining());
        buffer.put_slice(&self.held[..length]);
        self.held.advance(length);
        let _ = self.stream.flow_control().release_capacity(length);
        Poll::Ready(Ok(()))
    }
}

impl From<Closed> for io::Error {
    fn from(Closed: Closed) -> Self {
        io::ErrorKind::BrokenPipe.into()
    }
}

impl<H: Unpin> AsyncWrite for Duplex<H> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(self.outlet.poll_room(bytes.len(), cx))?;
        self.outlet.send(Bytes::copy_from_slice(&bytes[..room]))?;
        Poll::Ready(Ok(room))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.is_shut, true) {
            self.outlet.end(Bytes::new())?;
        }
        Poll::Ready(Ok(()))
    }
}
