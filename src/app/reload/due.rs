//! When a change is to be acted upon: once nobody is writing any more, but not never.

use std::time::{Duration, Instant};

use crate::adapters::watch::Change;

/// A file that is written all the time must not hold back the changes of all the others for longer.
const LONGEST: Duration = Duration::from_secs(10);

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Due {
    unsettled_since: Option<Instant>,
}

impl Due {
    /// Whether what was seen is to be acted upon now.
    pub(super) fn is_now(&mut self, change: Change, now: Instant) -> bool {
        let is_due = match change {
            Change::None => {
                self.unsettled_since = None;
                false
            }
            Change::Settled => true,
            Change::Unsettled => now.duration_since(*self.unsettled_since.get_or_insert(now)) >= LONGEST,
        };
        if is_due {
            self.unsettled_since = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settles_is_acted_upon_at_once_and_what_never_does_every_ten_seconds() {
        let start = Instant::now();
        let mut due = Due::default();
        for (second, change, expected) in [
            (0, Change::None, false),
            (1, Change::Unsettled, false),
            (2, Change::Settled, true),
            (3, Change::Unsettled, false),
            (8, Change::Unsettled, false),
            (9, Change::None, false),
            (14, Change::Unsettled, false),
            (23, Change::Unsettled, false),
            (24, Change::Unsettled, true),
            (25, Change::Unsettled, false),
            (34, Change::Unsettled, false),
            (35, Change::Unsettled, true),
            (36, Change::Settled, true),
        ] {
            assert_eq!(due.is_now(change, start + Duration::from_secs(second)), expected, "{second} {change:?}");
        }
    }
}
