//! The time that stores in this process go by.

use std::time::{Duration, Instant};

use crate::adapters::clock::SystemClock;
use crate::domain::time::Timestamp;
use crate::flow::ports::Clock as _;

/// Two clocks: the calendar, for what expires; and one that nobody can set, for leases.
pub trait Time: Send + Sync {
    /// What the calendar says.
    fn now(&self) -> Timestamp;

    /// How long it has been since some moment.
    fn elapsed(&self) -> Duration;
}

/// This machine's.
#[derive(Debug, Clone, Copy)]
pub struct MachineTime {
    started: Instant,
}

impl Default for MachineTime {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Time for MachineTime {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
