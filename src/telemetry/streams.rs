//! Counts of what stays open: WebSockets, event streams and gRPC answers, and what ended them. Touched when a stream begins and when it
//! ends, never in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of all workers.
#[derive(Debug, Default)]
pub struct Streams {
    websockets: Count,
    event_streams: Count,
    grpc: Count,
}

#[derive(Debug, Default)]
struct Count {
    begun: AtomicU64,
    /// By [`Ending`].
    ended: [AtomicU64; Ending::ALL.len()],
}

/// What stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// `text/event-stream`
    EventStream,
    /// An answer in gRPC, of one message or many.
    Grpc,
    /// A WebSocket.
    WebSocket,
}

/// What ended a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// One of its two sides.
    Peer,
    /// The end of the session that opened it.
    Session,
    /// The end of the process.
    Shutdown,
}

impl StreamKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::EventStream, Self::Grpc, Self::WebSocket];

    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventStream => "event_stream",
            Self::Grpc => "grpc",
            Self::WebSocket => "websocket",
        }
    }
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 3] = [Self::Peer, Self::Session, Self::Shutdown];

    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Session => "session_ended",
            Self::Shutdown => "shutdown",
        }
    }
}

impl Streams {
    /// Counts a stream that is open from now on, until the guard is dropped.
    #[must_use]
    pub fn begin(self: &Arc<Self>, kind: StreamKind) -> OpenStream {
        self.of(kind).begun.fetch_add(1, Ordering::Relaxed);
        OpenStream { streams: Arc::clone(self), kind, ending: Ending::Peer }
    }

    /// How many are open now.
    #[must_use]
    pub fn open(&self, kind: StreamKind) -> u64 {
        // What ended is read first: what ends in between was begun before.
        let ended: u64 = Ending::ALL.into_iter().map(|ending| self.ended(kind, ending)).sum();
        self.of(kind).begun.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// How many have ended this way.
    #[must_use]
    pub fn ended(&self, kind: StreamKind, ending: Ending) -> u64 {
        self.of(kind).ended[ending as usize].load(Ordering::Relaxed)
    }

    const fn of(&self, kind: StreamKind) -> &Count {
        match kind {
            StreamKind::EventStream => &self.event_streams,
            StreamKind::Grpc => &self.grpc,
            StreamKind::WebSocket => &self.websockets,
        }
    }
}

/// A stream that is open.
#[derive(Debug)]
pub struct OpenStream {
    streams: Arc<Streams>,
    kind: StreamKind,
    ending: Ending,
}

impl OpenStream {
    /// It ends now, by this.
    pub fn ended_by(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.of(self.kind).ended[self.ending as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_counted_by_what_ended_it() {
        let streams = Arc::<Streams>::default();
        let (first, second) = (streams.begin(StreamKind::WebSocket), streams.begin(StreamKind::WebSocket));
        let third = streams.begin(StreamKind::EventStream);
        first.ended_by(Ending::Session);
        drop(third);
        assert_eq!((streams.open(StreamKind::WebSocket), streams.open(StreamKind::EventStream)), (1, 0));
        assert_eq!(streams.ended(StreamKind::WebSocket, Ending::Session), 1);
        assert_eq!(streams.ended(StreamKind::EventStream, Ending::Peer), 1);
        second.ended_by(Ending::Shutdown);
        assert_eq!(streams.open(StreamKind::WebSocket), 0);
    }
}
