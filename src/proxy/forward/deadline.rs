//! A timer that is moved as seldom as possible. Deadlines of a connection follow one another: the timer is set for the
//! first and looked at again when it rings, so that a request that is answered in time never touches it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer for one deadline after the other.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Ready once `due` has passed. `due` may be another one each time.
    pub(in crate::proxy) fn poll_passed(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            // It rang for an earlier deadline, which was met.
            timer.as_mut().reset(due);
        }
    }
}
