//! `max_connections`: a bound on the connections of this process to one member. A permit comes with a connection, stays
//! with it, and is given back by dropping it, wherever that happens.
//!
//! Whoever waits for a permit while workers keep idle connections gets one of theirs: [`Bound::serve_others`].

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// The bound, shared by all workers.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Bound {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    wanted: Notify,
}

/// The right to one connection.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// Whether a worker still keeps idle connections to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Idle {
    None,
    Some,
}

/// Counts somebody who waits, for as long as that is.
struct Waiting<'a>(&'a Bound);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Bound {
    pub(super) fn new(most: NonZeroU32) -> Self {
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), waiting: AtomicUsize::new(0), wanted: Notify::new() }
    }

    /// Whether a new connection would have to wait.
    pub(super) fn is_full(&self) -> bool {
        self.free.available_permits() == 0
    }

    /// A permit, after everybody who came first. Gives its place up when it is dropped.
    pub(in crate::proxy::forward) async fn permit(&self) -> Permit {
        match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => return Permit { _permit: permit },
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {}
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(self);
        self.wanted.notify_waiters();
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("nobody closes it");
        Permit { _permit: permit }
    }

    /// How many wait for a connection to end, at all workers together.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Whether somebody does.
    pub(in crate::proxy::forward) fn is_wanted(&self) -> bool {
        self.waiting() > 0
    }

    /// Tells again that somebody waits, if that is so.
    pub(super) fn remind(&self) {
        if self.is_wanted() {
            self.wanted.notify_waiters();
        }
    }

    /// Lets one idle connection go whenever somebody begins to wait. `give_up` closes one, and says whether there is
    /// another one left; ends when there is none.
    pub(in crate::proxy::forward) async fn serve_others(&self, mut give_up: impl FnMut() -> Idle) {
        loop {
            let mut wanted = pin!(self.wanted.notified());
            // From here on nobody begins to wait unheard.
            wanted.as_mut().enable();
            if self.is_wanted() && give_up() == Idle::None {
                return;
            }
            wanted.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::task::{Context, Waker};

    use super::*;

    fn bound(most: u32) -> Bound {
        Bound::new(NonZeroU32::new(most).expect("not zero"))
    }

    #[test]
    fn permits_are_as_many_as_the_bound_and_come_back_when_dropped() {
        let bound = bound(2);
        let mut cx = Context::from_waker(Waker::noop());
        let claim = || {
            let mut claim = Box::pin(bound.permit());
            match claim.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                std::task::Poll::Ready(permit) => Some(permit),
                std::task::Poll::Pending => None,
            }
        };
        let (one, two) = (claim(), claim());
        assert!(one.is_some() && two.is_some() && bound.is_full() && !bound.is_wanted());
        assert!(claim().is_none(), "a third one waits");
        assert!(!bound.is_wanted(), "and is forgotten when it is dropped");

        let mut waiting = Box::pin(bound.permit());
        assert!(waiting.as_mut().poll(&mut cx).is_pending() && bound.is_wanted());
        drop(one);
        let third = waiting.as_mut().poll(&mut cx);
        assert!(third.is_ready() && !bound.is_wanted());
        drop((two, third));
        assert_eq!(bound.free.available_permits(), 2);
    }

    #[test]
    fn no_permit_is_lost_wherever_its_claim_is_dropped() {
        let bound = bound(1);
        let mut cx = Context::from_waker(Waker::noop());
        for polls in 0..4 {
            let held = Box::pin(bound.permit()).as_mut().poll(&mut cx);
            let mut claim = Box::pin(bound.permit());
            for poll in 0..polls {
                if poll == 1 {
                    // The permit is the claim's from here on, whether it looks or not.
                    assert!(held.is_ready());
                }
                assert!(claim.as_mut().poll(&mut cx).is_pending());
            }
            drop(held);
            drop(claim);
            assert!(!bound.is_full() && !bound.is_wanted(), "after {polls} polls");
        }
    }

    #[test]
    fn whoever_keeps_idle_connections_lets_one_go_for_each_that_waits() {
        let bound = bound(1);
        let mut cx = Context::from_waker(Waker::noop());
        let given_up = std::cell::Cell::new(0);
        let mut serving = Box::pin(bound.serve_others(|| {
            given_up.set(given_up.get() + 1);
            if given_up.get() == 2 { Idle::None } else { Idle::Some }
        }));
        assert!(serving.as_mut().poll(&mut cx).is_pending());
        let held = Box::pin(bound.permit()).as_mut().poll(&mut cx);
        assert!(held.is_ready() && serving.as_mut().poll(&mut cx).is_pending() && given_up.get() == 0, "there was one to spare");
        let mut one = Box::pin(bound.permit());
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(serving.as_mut().poll(&mut cx).is_pending() && given_up.get() == 1);
        assert!(serving.as_mut().poll(&mut cx).is_pending() && given_up.get() == 1, "one for each");
        let mut two = Box::pin(bound.permit());
        assert!(two.as_mut().poll(&mut cx).is_pending());
        assert!(serving.as_mut().poll(&mut cx).is_ready() && given_up.get() == 2);
    }
}
