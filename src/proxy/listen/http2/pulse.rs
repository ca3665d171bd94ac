//! Whether a silent client is still there: PING is asked for an answer (RFC 9113 §6.7).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Instant, Sleep, sleep};

use super::watch::Watch;

/// Looks from time to time.
pub(super) struct Pulse {
    pings: Option<PingPong>,
    every: Duration,
    timer: Pin<Box<Sleep>>,
    is_asked: bool,
}

impl Pulse {
    pub(super) fn new(pings: Option<PingPong>, every: Duration) -> Self {
        Self { pings, every, timer: Box::pin(sleep(every)), is_asked: false }
    }

    /// Ready if the client has said nothing for twice the time, not even that it is there.
    pub(super) fn poll_gone(&mut self, watch: &Watch, cx: &mut Context<'_>) -> Poll<()> {
        let Some(pings) = &mut self.pings else { return Poll::Pending };
        loop {
            ready!(self.timer.as_mut().poll(cx));
            self.timer.as_mut().reset(Instant::now() + self.every);
            // Any frame will do, the answer to PING is one.
            if watch.take_heard() {
                self.is_asked = false;
                continue;
            }
            if self.is_asked {
                return Poll::Ready(());
            }
            self.is_asked = true;
            // One that was not answered yet is enough.
            let _ = pings.poll_pong(cx);
            let _ = pings.send_ping(Ping::opaque());
        }
    }
}
