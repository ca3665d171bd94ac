//! HTTP/1.1 towards an upstream (RFC 9112), spoken by us: one request after the other on a connection, each written from
//! one buffer and each answer read into one.
//!
//! Nothing runs in the background: whoever uses a connection drives it, in the task that serves the client. Dropping
//! what drives it closes it.

pub(super) mod answer;
pub(super) mod answer_head;
mod inbox;
pub(super) mod link;
pub(super) mod numerals;
mod outbox;
mod request;
