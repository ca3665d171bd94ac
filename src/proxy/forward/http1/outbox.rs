//! Writing: the head and the first of the body in one go, then the body as it comes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite;

use super::numerals::write_hexadecimal;
use super::request;
use crate::proxy::forward::upload::{BodyFraming, Piece, Upload, UploadFault};

/// The largest buffer that is kept for the next request.
const MAX_KEPT: usize = 16 * 1024;

/// What is to be written: our own bytes, a piece of the body, and what ends it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lead: Vec<u8>,
    written: usize,
    data: Bytes,
    tail: &'static [u8],
    /// What was written may still be on its way: TLS keeps what the socket does not take.
    is_unflushed: bool,
    /// Whether the connection took a single byte of this request.
    pub(super) has_begun: bool,
}

/// Why a request was not sent whole.
#[derive(Debug)]
pub(super) enum SendFault {
    /// By the client's fault.
    Upload(UploadFault),
    /// The upstream takes nothing any more. Why shows when its answer is read.
    Wire,
}

impl Outbox {
    /// Begins a request whose head is written by `write`.
    pub(super) fn begin(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.lead.capacity() > MAX_KEPT {
            self.lead = Vec::new();
        }
        self.lead.clear();
        (self.written, self.data, self.tail, self.has_begun) = (0, Bytes::new(), b"", false);
        write(&mut self.lead);
    }

    /// Whether all that was to be written is.
    pub(super) fn is_empty(&self) -> bool {
        self.is_written() && !self.is_unflushed
    }

    fn is_written(&self) -> bool {
        self.lead.is_empty() && self.data.is_empty() && self.tail.is_empty()
    }

    fn poll_flush<W: AsyncWrite + Unpin>(&mut self, wire: &mut W, cx: &mut Context<'_>) -> Poll<Result<(), SendFault>> {
        ready!(Pin::new(wire).poll_flush(cx)).map_err(|_| SendFault::Wire)?;
        self.is_unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Sends the rest of a request. Ready once all of it is on its way.
    pub(super) fn poll_send<W: AsyncWrite + Unpin>(
        &mut self,
        wire: &mut W,
        upload: &mut Upload,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendFault>> {
        loop {
            if !upload.is_over() && self.data.is_empty() && self.tail.is_empty() {
                match upload.poll_next(cx) {
                    Poll::Ready(Ok(piece)) => self.load(piece, upload),
                    Poll::Ready(Err(fault)) => return Poll::Ready(Err(SendFault::Upload(fault))),
                    Poll::Pending => {
                        if self.lead.is_empty() {
                            ready!(self.poll_flush(wire, cx))?;
                            return Poll::Pending;
                        }
                    }
                }
            }
            if self.is_written() {
                if upload.is_over() {
                    return self.poll_flush(wire, cx);
                }
                continue;
            }
            match ready!(self.poll_write(wire, cx)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(SendFault::Wire)),
                Ok(count) => self.advance(count),
            }
            (self.has_begun, self.is_unflushed) = (true, true);
            upload.moved();
        }
    }

    fn load(&mut self, piece: Piece, upload: &Upload) {
        match (piece, upload.framing) {
            // An empty chunk would be the last one.
            (Piece::Data(data), BodyFraming::Chunked) if data.is_empty() => {
                if upload.is_over() {
                    self.tail = b"0\r\n\r\n";
                }
            }
            (Piece::Data(data), BodyFraming::Chunked) => {
                write_hexadecimal(data.len() as u64, &mut self.lead);
                self.lead.extend_from_slice(b"\r\n");
                self.data = data;
                self.tail = if upload.is_over() { b"\r\n0\r\n\r\n" } else { b"\r\n" };
            }
            (Piece::Data(data), BodyFraming::Sized(_) | BodyFraming::Empty) => self.data = data,
            (Piece::End(trailers), BodyFraming::Chunked) => {
                self.lead.extend_from_slice(b"0\r\n");
                if let (Some(trailers), Some(rules)) = (trailers, &upload.trailer_rules) {
                    request::write_trailers(&mut self.lead, &trailers, rules);
                }
                self.lead.extend_from_slice(b"\r\n");
            }
            (Piece::End(_), BodyFraming::Sized(_) | BodyFraming::Empty) => {}
        }
    }

    fn poll_write<W: AsyncWrite + Unpin>(&self, wire: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let lead = &self.lead[self.written..];
        match (lead, &self.data[..], self.tail) {
            (only, [], []) | ([], only, []) | ([], [], only) => Pin::new(wire).poll_write(cx, only),
            (lead, data, tail) => Pin::new(wire).poll_write_vectored(cx, &[IoSlice::new(lead), IoSlice::new(data), IoSlice::new(tail)]),
        }
    }

    fn advance(&mut self, mut count: usize) {
        let of_lead = count.min(self.lead.len() - self.written);
        self.written += of_lead;
        count -= of_lead;
        if self.written == self.lead.len() {
            self.lead.clear();
            self.written = 0;
        }
        let of_data = count.min(self.data.len());
        self.data.advance(of_data);
        count -= of_data;
        self.tail = &self.tail[count..];
        if self.data.is_empty() {
            // The client's buffer is not held any longer than needed.
            self.data = Bytes::new();
        }
    }
}

#[cfg(test)]
mod tests;
