//! A stream that keeps what it is given until it is flushed, as TLS may.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// Cannot flush while it is blocked.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Keeping {
    pub(in crate::proxy) kept: Vec<u8>,
    /// What was flushed.
    pub(in crate::proxy) gone: Vec<u8>,
    pub(in crate::proxy) is_blocked: bool,
}

impl AsyncWrite for Keeping {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_blocked {
            return Poll::Pending;
        }
        this.gone.append(&mut this.kept);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
