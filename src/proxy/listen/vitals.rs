//! What is known of each connection's life, and one sweep a second over all of a worker's connections in place of a
//! timer per connection: no clock is read and no timer is moved on the request path.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use super::Limits;

/// Counts the sweeps of a worker: its coarse clock. Starts at 1, so that 0 can mean "not at all".
#[derive(Debug, Clone)]
struct Pulse(Rc<Cell<u32>>);

impl Pulse {
    fn new() -> Self {
        Self(Rc::new(Cell::new(1)))
    }

    fn now(&self) -> u32 {
        self.0.get()
    }

    fn beat(&self) {
        self.0.set(self.0.get().saturating_add(1));
    }
}

/// One connection's state, written by the connection, read by the sweep.
#[derive(Debug)]
pub(super) struct Vitals {
    pulse: Pulse,
    stage: Cell<Stage>,
    /// The beat at which the stage began.
    since: Cell<u32>,
    /// The beat since which the client takes no bytes; 0 if it does.
    blocked_since: Cell<u32>,
    order: Cell<Order>,
    /// Wakes the connection's task.
    waker: RefCell<Option<Waker>>,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What the sweep wants a connection to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    fn new(pulse: Pulse) -> Self {
        Self {
            since: Cell::new(pulse.now()),
            pulse,
            stage: Cell::new(Stage::Head),
            blocked_since: Cell::new(0),
            order: Cell::new(Order::None),
            waker: RefCell::new(None),
        }
    }

    /// Begins a stage. What was ordered about the one before is void.
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        self.since.set(self.pulse.now());
        if self.order.get() != Order::Abort {
            self.order.set(Order::None);
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// The beat that it is.
    pub(super) fn beat(&self) -> u32 {
        self.pulse.now()
    }

    /// The client takes no more bytes for now.
    pub(super) fn write_blocks(&self) {
        if self.blocked_since.get() == 0 {
            self.blocked_since.set(self.pulse.now());
        }
    }

    /// The client took bytes.
    pub(super) fn write_flows(&self) {
        self.blocked_since.set(0);
    }

    pub(super) fn order(&self) -> Order {
        self.order.get()
    }

    /// Remembers how to wake the connection's task.
    pub(super) fn keep(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        match &mut *kept {
            Some(kept) => kept.clone_from(waker),
            None => *kept = Some(waker.clone()),
        }
    }

    /// Wakes the connection's task.
    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Wakes the connection's task, unless it is the one that asks.
    pub(super) fn wake_from(&self, cx: &Context<'_>) {
        if let Some(waker) = &*self.waker.borrow()
            && !waker.will_wake(cx.waker())
        {
            waker.wake_by_ref();
        }
    }

    /// What this connection has to do now, if that is news.
    fn judge(&self, beats: &Beats) -> Option<Order> {
        let now = self.pulse.now();
        let blocked_since = self.blocked_since.get();
        let age = now.saturating_sub(self.since.get());
        let order = if blocked_since != 0 && now.saturating_sub(blocked_since) > beats.stall {
            Order::Abort
        } else {
            match self.stage.get() {
                // Once more the same time for the 408 to be taken, then it is enough.
                Stage::Head if age > beats.head * 2 => Order::Abort,
                Stage::Head if age > beats.head => Order::TimeOut,
                Stage::Idle if age > beats.idle => Order::Close,
                Stage::Lingering if age > beats.linger => Order::Abort,
                Stage::Busy | Stage::Head | Stage::Idle | Stage::Lingering => Order::None,
            }
        };
        (self.order.replace(order) != order).then_some(order)
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
    seats: RefCell<Vec<Option<Rc<Vitals>>>>,
    free: RefCell<Vec<usize>>,
    /// Told when the last one leaves.
    empty: tokio::sync::Notify,
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

    pub(super) fn seat(self: &Rc<Self>) -> (Seat, Rc<Vitals>) {
        let vitals = Rc::new(Vitals::new(self.pulse.clone()));
        let seated = Some(Rc::clone(&vitals));
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
        for vitals in self.seats.borrow().iter().flatten() {
            if vitals.judge(&self.beats).is_some() {
                vitals.wake();
            }
        }
    }

    /// Wakes every connection, so that each sees that its worker is closing.
    pub(super) fn wake_all(&self) {
        self.seats.borrow().iter().flatten().for_each(|vitals| vitals.wake());
    }

    /// Waits until no connection is left.
    pub(super) async fn emptied(&self) {
        while self.seats.borrow().len() > self.free.borrow().len() {
            self.empty.notified().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Both are dropped after the borrows have ended: a waker may own the task that owns this seat.
        let left = self.roll.seats.borrow_mut().get_mut(self.at).and_then(Option::take);
        let waker = left.as_ref().and_then(|vitals| vitals.waker.borrow_mut().take());
        self.roll.free.borrow_mut().push(self.at);
        self.roll.empty.notify_one();
        drop((waker, left));
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
