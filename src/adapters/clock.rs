//! The system's clock, read in this one place. Timers and time-outs are the runtime's business, not this module's.

use std::time::SystemTime;

use crate::domain::time::Timestamp;
use crate::flow::ports::Clock;

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time is fetched")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is one that was never set: to every token and attempt, the epoch is as wrong as it is.
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_seconds(since_epoch.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_tells_seconds_not_milliseconds() {
        let now = SystemClock.now();
        assert!(now > Timestamp::from_unix_seconds(1_700_000_000) && now < Timestamp::from_unix_seconds(100_000_000_000));
    }
}
