//! HTTP/1.1 as we read and write it, on both sides of us (RFC 9112). Sans-I/O: bytes in, messages out.
//!
//! It is our own because it is the border at which two readers of one stream could disagree: those places are where
//! requests are smuggled (RFC 9112 §11.2), and a lenient reader hides them from whoever comes after it.

pub mod chunked;
pub mod content;
mod field;
pub(super) mod grammar;
pub mod request_head;
pub(super) mod request_line;
pub mod response_head;
pub mod trailers;
pub mod violation;

#[cfg(test)]
pub(super) mod tests;
