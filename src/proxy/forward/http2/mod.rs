//! HTTP/2 towards an upstream (RFC 9113): h2c by prior knowledge, or over TLS if the upstream chooses it (ALPN). The
//! library does frames, compression and flow control; here is what it is told, whose turn it is, and when a connection ends.
//!
//! A worker has one connection to a member, and further ones while all streams of the others are taken. A connection is
//! made once the upstream's SETTINGS have come: from then on it is known that HTTP/2 is spoken, how many streams there may
//! be, and whether WebSockets are possible (RFC 8441). It is given no further request after GOAWAY or anything
//! unexpected, and goes with its last stream. Nobody else gets its permit of `max_connections` while a stream is open.
//!
//! What one connection may make us hold: for each of 100 streams 128 KiB of an answer that its client does not take.
//! The connection's own window is the sum of these, so that no slow client keeps others from their answers. What many
//! tiny frames cost beside their bytes is bounded for the connection as a whole.

pub(super) mod answer;
pub(super) mod exchange;
mod head;
mod sending;
mod session;
pub(super) mod sessions;

use std::time::Duration;

/// Streams of one connection, if the upstream takes that many.
const STREAMS: usize = 100;
/// Connections of a worker to one member.
const SESSIONS: usize = 32;
/// How much of one answer may come before its client takes any, in bytes.
const STREAM_WINDOW: u32 = 128 * 1024;
/// How much of all answers of a connection.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS as u32;
/// What small DATA frames that nobody has taken may cost beside their content, in bytes of a connection.
const SMALL_FRAMES: usize = 64 * 1024 * 1024;
/// How much of a request the library takes before the socket does, in bytes.
const SEND_BUFFER: usize = 64 * 1024;
/// How much is sent of one stream before it is another one's turn, in bytes: a frame.
const PIECE: usize = 16 * 1024;
/// The most bytes of an answer's head: more than anybody sends.
const MAX_HEAD: u32 = 64 * 1024;
/// So often a connection is looked at. After a request that has met with so much silence, and as much again, the upstream
/// is asked whether it is still there (PING), and given up if it is silent once more. Never without a request: some servers
/// end connections that ask for nothing else.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// After so many looks without a stream, a connection is closed.
const IDLE_LOOKS: u32 = 3;
