//! What a client's connection, or HTTP/2 stream, becomes when its request to change protocols is granted: bytes both ways.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Duplex for T {}

/// The other end of what was upgraded.
pub type Upgraded = Pin<Box<dyn Duplex>>;

/// Resolves once the answer that grants the upgrade is on its way; to `None` if that never happens.
pub struct OnUpgrade(Pin<Box<dyn Future<Output = Option<Upgraded>>>>);

impl OnUpgrade {
    /// What this future will resolve to.
    pub fn new(upgraded: impl Future<Output = Option<Upgraded>> + 'static) -> Self {
        Self(Box::pin(upgraded))
    }
}

impl Future for OnUpgrade {
    type Output = Option<Upgraded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for OnUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnUpgrade")
    }
}
