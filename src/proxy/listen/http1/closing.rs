//! The end of a conversation, or of its present request: what the client still sends is read and thrown away, a little of
//! it. Closing with bytes unread would reset the connection and could take the last answer with it (RFC 9112 §9.6).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::wire::Wire;
use super::{Connection, End};
use crate::proxy::http1::content::{Content, Found};
use crate::proxy::listen::house::PIECE;
use crate::proxy::listen::vitals::{Order, Stage};

/// How much content that nobody wanted is read for the sake of the next request, in bytes.
const MAX_REST: u64 = 64 * 1024;
/// How much is read from a client that still sends after the last answer, in bytes.
const MAX_LINGER: usize = 1024 * 1024;

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    /// Whether more is to come than was answered, or has come already. A head that was refused is still here.
    pub(super) fn is_still_sent_to(&self) -> bool {
        !self.content.is_done() || !self.read.is_empty()
    }

    /// Throws away what is here of content that nobody wants.
    ///
    /// # Errors
    /// [`End::Linger`] if the rest is broken, or too large to be waited for.
    fn skim(&mut self) -> Result<(), End> {
        while !self.is_broken {
            match self.content.take(&mut self.read) {
                Ok(Found::Data(_) | Found::Trailers(_)) => {}
                Ok(Found::End) => return Ok(()),
                Ok(Found::Nothing) => return if self.may_be_waited_for() { Ok(()) } else { Err(End::Linger) },
                Err(_) => self.is_broken = true,
            }
        }
        Err(End::Linger)
    }

    /// Of chunks nobody knows how many will come.
    fn may_be_waited_for(&self) -> bool {
        matches!(self.content, Content::Done | Content::Sized(..=MAX_REST))
    }

    /// Whether a request can follow the present one, as far as can be seen when its answer begins.
    pub(super) fn can_go_on(&mut self, is_content_uncertain: bool) -> bool {
        let is_readable = (self.is_held && !self.is_broken) || self.skim().is_ok();
        is_readable && (self.content.is_done() || !is_content_uncertain)
    }

    /// Reads the rest of content that nobody wanted.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        loop {
            self.skim()?;
            if self.content.is_done() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_read(PIECE, cx)) == 0 {
                return Poll::Ready(Err(End::Gone));
            }
        }
    }

    fn poll_linger(&mut self, left: &mut usize, cx: &mut Context<'_>) -> Poll<()> {
        while *left > 0 {
            self.read.clear();
            let read = ready!(self.poll_read(PIECE, cx));
            *left = if read == 0 { 0 } else { left.saturating_sub(read) };
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, S, F> Connection<T, S, F> {
    /// Reads the rest of the content of a request that is answered, if it is little.
    pub(super) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let mut wire = self.wire.borrow_mut();
        if wire.content.is_done() && !wire.is_broken {
            return Poll::Ready(Ok(()));
        }
        if self.vitals.stage() != Stage::Lingering {
            self.vitals.enter(Stage::Lingering);
        }
        wire.poll_rest(cx)
    }

    /// Tells the client that nothing will follow.
    pub(super) async fn close(&mut self) {
        self.vitals.enter(Stage::Lingering);
        // Whether it heard that makes no difference any more.
        let _ = poll_fn(|cx| self.step(cx, Self::poll_shutdown)).await;
    }

    /// Tells the client that nothing will follow, and gives it time to read what came before.
    pub(super) async fn linger(&mut self) {
        // Nobody waits for an answer any more.
        self.desk = None;
        self.close().await;
        let mut left = MAX_LINGER;
        let _ = poll_fn(|cx| self.step(cx, |this, cx| this.wire.borrow_mut().poll_linger(&mut left, cx).map(Ok))).await;
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        Pin::new(&mut self.wire.borrow_mut().stream).poll_shutdown(cx).map(|_| Ok(()))
    }

    /// One step, unless the sweep has given the connection up.
    pub(super) fn step(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<Result<(), End>>,
    ) -> Poll<Result<(), End>> {
        self.vitals.keep(cx.waker());
        match self.vitals.order() {
            Order::Abort => Poll::Ready(Err(End::Gone)),
            Order::None | Order::Close | Order::TimeOut => poll(self, cx),
        }
    }
}
