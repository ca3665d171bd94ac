//! What HTTP/2 is on either side of us: the sending half of a stream, a stream as bytes both ways, and what is left of the
//! WebSocket handshake. Connections are not here.

pub(super) mod duplex;
pub(super) mod handshake;
pub(super) mod outlet;
