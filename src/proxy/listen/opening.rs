//! Which protocol a connection speaks, by its first bytes: HTTP/2's preface is no beginning of any HTTP/1 request that
//! is let through (RFC 9113 §3.4).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

use super::http2::PREFACE;
use super::vitals::{Order, Vitals};

/// How much is read in one go, in bytes.
const PIECE: usize = 4096;

/// What a connection speaks, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Reads as much as is needed to tell, and no longer than a head may take. What was read belongs to whoever comes next.
pub(super) async fn read<T: AsyncRead + Unpin>(stream: &mut T, vitals: &Vitals, is_closing: impl Fn() -> bool) -> (Spoken, BytesMut) {
    let mut read = BytesMut::new();
    let spoken = poll_fn(|cx| {
        vitals.keep(cx.waker());
        loop {
            if read.starts_with(PREFACE) {
                return Poll::Ready(Spoken::Http2);
            }
            // Also what is too late, or over before it is complete: HTTP/1 has words for it.
            if !PREFACE.starts_with(&read) || vitals.order() != Order::None || is_closing() {
                return Poll::Ready(Spoken::Http1);
            }
            if ready!(poll_more(stream, &mut read, cx)) == 0 {
                return Poll::Ready(Spoken::Http1);
            }
        }
    });
    (spoken.await, read)
}

/// How many bytes came; 0 if none will.
fn poll_more<T: AsyncRead + Unpin>(stream: &mut T, read: &mut BytesMut, cx: &mut Context<'_>) -> Poll<usize> {
    let mut piece = [0; PIECE];
    let mut piece = ReadBuf::new(&mut piece);
    Poll::Ready(match ready!(Pin::new(stream).poll_read(cx, &mut piece)) {
        Ok(()) => {
            read.extend_from_slice(piece.filled());
            piece.filled().len()
        }
        Err(_) => 0,
    })
}
