//! What is known of each connection's life, and one sweep a second over all of a worker's connections in place of a
//! timer per connection: no clock is read and no timer is moved on the request path.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::task::Waker;

use super::Limits;

/// Counts the sweeps of a worker: its coarse clock. Starts at 1, so that 0 can mean "not at all".
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<AtomicU32>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU32::new(1)))
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One connection's state, written by its stream and its service, read by the sweep. The atomics are there because the
/// library wants streams that could be sent to other threads; only one thread ever uses them.
#[derive(Debug)]
pub(super) struct Vitals {
    pulse: Pulse,
    stage: AtomicU8,
    /// The beat at which the stage began.
    since: AtomicU32,
    /// The beat since which the client takes no bytes; 0 if it does.
    blocked_since: AtomicU32,
    upgrade: AtomicU8,
    order: AtomicU8,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Waiting for the first bytes, or for the rest of a head.
    Head,
    /// A request is being answered.
    Busy,
    /// Between two requests.
    Idle,
    /// Answered and closed from our side; reading what the client still sends.
    Lingering,
}

/// What became of a request to upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Upgrade {
    Undecided,
    /// Answered with 101.
    Switched,
    /// Answered otherwise.
    Declined,
}

/// What the sweep wants a connection to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    /// Go on.
    None,
    /// Close when nothing is in flight.
    Close,
    /// Answer 408 and close.
    TimeOut,
    /// Close now.
    Abort,
}

impl Vitals {
    pub(super) fn new(pulse: Pulse) -> Self {
        Self {
            since: AtomicU32::new(pulse.now()),
            pulse,
            stage: AtomicU8::new(Stage::Head as u8),
            blocked_since: AtomicU32::new(0),
            upgrade: AtomicU8::new(Upgrade::Undecided as u8),
            order: AtomicU8::new(Order::None as u8),
        }
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.since.store(self.pulse.now(), Ordering::Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        const STAGES: [Stage; 4] = [Stage::Head, Stage::Busy, Stage::Idle, Stage::Lingering];
        STAGES[usize::from(self.stage.load(Ordering::Relaxed))]
    }

    /// The beat that it is.
    pub(super) fn beat(&self) -> u32 {
        self.pulse.now()
    }

    /// The client takes no more bytes for now.
    pub(super) fn write_blocks(&self) {
        if self.blocked_since.load(Ordering::Relaxed) == 0 {
            self.blocked_since.store(self.pulse.now(), Ordering::Relaxed);
        }
    }

    /// The client took bytes.
    pub(super) fn write_flows(&self) {
        self.blocked_since.store(0, Ordering::Relaxed);
    }

    pub(super) fn decide_upgrade(&self, upgrade: Upgrade) {
        self.upgrade.store(upgrade as u8, Ordering::Relaxed);
    }

    /// The decision, told once.
    pub(super) fn take_upgrade(&self) -> Upgrade {
        const DECISIONS: [Upgrade; 3] = [Upgrade::Undecided, Upgrade::Switched, Upgrade::Declined];
        let decision = DECISIONS[usize::from(self.upgrade.load(Ordering::Relaxed))];
        if decision != Upgrade::Undecided {
            self.decide_upgrade(Upgrade::Undecided);
        }
        decision
    }

    pub(super) fn order(&self) -> Order {
        const ORDERS: [Order; 4] = [Order::None, Order::Close, Order::TimeOut, Order::Abort];
        ORDERS[usize::from(self.order.load(Ordering::Relaxed))]
    }

    /// What this connection has to do now, if that is news.
    fn judge(&self, beats: &Beats) -> Option<Order> {
        let now = self.pulse.now();
        let blocked_since = self.blocked_since.load(Ordering::Relaxed);
        let age = now.saturating_sub(self.since.load(Ordering::Relaxed));
        let order = if blocked_since != 0 && now.saturating_sub(blocked_since) > beats.stall {
            Order::Abort
        } else {
            match self.stage() {
                // Once more the same time for the 408 to be taken, then it is enough.
                Stage::Head if age > beats.head * 2 => Order::Abort,
                Stage::Head if age > beats.head => Order::TimeOut,
                Stage::Idle if age > beats.idle => Order::Close,
                Stage::Lingering if age > beats.linger => Order::Abort,
                Stage::Busy | Stage::Head | Stage::Idle | Stage::Lingering => Order::None,
            }
        };
        if order == self.order() {
            return None;
        }
        self.order.store(order as u8, Ordering::Relaxed);
        Some(order)
    }
}

/// The limits in beats. One more than fits, so that no limit is ever shorter than asked for.
#[derive(Debug)]
struct Beats {
    head: u32,
    idle: u32,
    linger: u32,
    stall: u32,
}

/// All connections of a worker.
#[derive(Debug)]
pub(super) struct Roll {
    pulse: Pulse,
    beats: Beats,
    seats: RefCell<Vec<Option<Seated>>>,
    free: RefCell<Vec<usize>>,
    /// Told when the last one leaves.
    empty: tokio::sync::Notify,
}

#[derive(Debug)]
struct Seated {
    vitals: Arc<Vitals>,
    waker: Option<Waker>,
}

/// A connection's entry in the roll; leaves it when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    roll: Rc<Roll>,
    at: usize,
}

impl Roll {
    pub(super) fn new(limits: &Limits) -> Self {
        let beat = limits.beat();
        let beats = |span: std::time::Duration| u32::try_from(span.as_nanos().div_ceil(beat.as_nanos())).unwrap_or(u32::MAX / 4);
        Self {
            pulse: Pulse::new(),
            beats: Beats {
                head: beats(limits.head),
                idle: beats(limits.keep_alive),
                linger: beats(limits.linger),
                stall: beats(limits.write_stall),
            },
            seats: RefCell::default(),
            free: RefCell::default(),
            empty: tokio::sync::Notify::new(),
        }
    }

    pub(super) fn seat(self: &Rc<Self>) -> (Seat, Arc<Vitals>) {
        let vitals = Arc::new(Vitals::new(self.pulse.clone()));
        let seated = Some(Seated { vitals: Arc::clone(&vitals), waker: None });
        let mut seats = self.seats.borrow_mut();
        let at = match self.free.borrow_mut().pop() {
            Some(at) => {
                seats[at] = seated;
                at
            }
            None => {
                seats.push(seated);
                seats.len() - 1
            }
        };
        (Seat { roll: Rc::clone(self), at }, vitals)
    }

    /// One beat: looks at every connection once.
    pub(super) fn sweep(&self) {
        self.pulse.beat();
        for seated in self.seats.borrow().iter().flatten() {
            if seated.vitals.judge(&self.beats).is_some()
                && let Some(waker) = &seated.waker
            {
                waker.wake_by_ref();
            }
        }
    }

    /// Wakes every connection, so that each sees that its worker is closing.
    pub(super) fn wake_all(&self) {
        for waker in self.seats.borrow().iter().flatten().filter_map(|seated| seated.waker.as_ref()) {
            waker.wake_by_ref();
        }
    }

    /// Waits until no connection is left.
    pub(super) async fn emptied(&self) {
        while self.seats.borrow().len() > self.free.borrow().len() {
            self.empty.notified().await;
        }
    }
}

impl Seat {
    /// Remembers how to wake the connection's task.
    pub(super) fn keep(&self, waker: &Waker) {
        if let Some(Some(seated)) = self.roll.seats.borrow_mut().get_mut(self.at)
            && !seated.waker.as_ref().is_some_and(|kept| kept.will_wake(waker))
        {
            seated.waker = Some(waker.clone());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // The entry is dropped after the borrow has ended: a waker may own the task that owns this seat.
        let left = self.roll.seats.borrow_mut().get_mut(self.at).and_then(Option::take);
        self.roll.free.borrow_mut().push(self.at);
        self.roll.empty.notify_one();
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn roll() -> Rc<Roll> {
        let second = Duration::from_secs(1);
        let limits = Limits { head: second * 4, keep_alive: second * 5, write_stall: second * 6, linger: second * 4, ..Limits::default() };
        Rc::new(Roll::new(&limits))
    }

    fn after(beats: u32, arrange: impl Fn(&Vitals)) -> Order {
        let roll = roll();
        let (_seat, vitals) = roll.seat();
        arrange(&vitals);
        for _ in 0..beats {
            roll.sweep();
        }
        vitals.order()
    }

    #[test]
    fn each_stage_has_its_own_limit() {
        let cases = [
            (Stage::Head, 4, Order::None),
            (Stage::Head, 5, Order::TimeOut),
            (Stage::Head, 9, Order::Abort),
            (Stage::Idle, 5, Order::None),
            (Stage::Idle, 6, Order::Close),
            (Stage::Busy, 100, Order::None),
            (Stage::Lingering, 4, Order::None),
            (Stage::Lingering, 5, Order::Abort),
        ];
        for (stage, beats, order) in cases {
            assert_eq!(after(beats, |vitals| vitals.enter(stage)), order, "{stage:?} after {beats}");
        }
    }

    #[test]
    fn a_client_that_takes_no_bytes_is_dropped_in_every_stage() {
        let blocked = |vitals: &Vitals| {
            vitals.enter(Stage::Busy);
            vitals.write_blocks();
        };
        assert_eq!(after(6, blocked), Order::None);
        assert_eq!(after(7, blocked), Order::Abort);
        assert_eq!(
            after(7, |vitals| {
                blocked(vitals);
                vitals.write_flows();
            }),
            Order::None
        );
    }

    #[test]
    fn seats_are_used_again() {
        let roll = roll();
        drop(roll.seat());
        let (_seat, _) = roll.seat();
        assert_eq!(roll.seats.borrow().len(), 1);
    }
}
