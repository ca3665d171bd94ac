//! Whether a member is worth a request: what its health says, and what became of the last ones. Two words in memory,
//! which requests read and only a change writes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What is known of one member.
#[derive(Debug)]
pub(super) struct Standing {
    since: Instant,
    is_unwell: AtomicBool,
    /// Zero: nobody avoids it. Else until when it is avoided, in milliseconds since `since`, above a count of eight bits:
    /// how often it has failed in a row.
    avoided: AtomicU64,
}

/// What a request finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing speaks against it.
    Well,
    /// It failed, and the time to avoid it is over: one request may try.
    Due,
    /// It failed a short while ago.
    Avoided,
    /// It says itself that it is not well, or says nothing.
    Unwell,
}

/// What its health check says of a member that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    TurnedUnwell,
    TurnedWell,
}

impl Standing {
    /// Nothing is known: so it is well.
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, is_unwell: AtomicBool::new(false), avoided: AtomicU64::new(0) }
    }

    pub(super) fn condition(&self, now: Instant) -> Condition {
        let avoided = self.avoided.load(Ordering::Relaxed);
        if self.is_unwell.load(Ordering::Relaxed) {
            Condition::Unwell
        } else if avoided == 0 {
            Condition::Well
        } else if until(avoided) <= self.milliseconds(now) {
            Condition::Due
        } else {
            Condition::Avoided
        }
    }

    /// Whether the caller is the one request that tries again: nobody else does for as long as the last pause was. If it
    /// fails, that is to be [told](Self::failed_again); if its client gives up, nothing is known.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        let avoided = self.avoided.load(Ordering::Relaxed);
        avoided != 0 && until(avoided) <= self.milliseconds(now) && self.avoid(avoided, avoided & 0xff, now)
    }

    /// The request that tried again has failed.
    pub(super) fn failed_again(&self, now: Instant) {
        let avoided = self.avoided.load(Ordering::Relaxed);
        if avoided != 0 {
            self.avoid_longer(avoided, now);
        }
    }

    /// It failed. Whether that is news: those who were under way when it began to be avoided fail as well.
    pub(super) fn failed(&self, now: Instant) -> bool {
        let avoided = self.avoided.load(Ordering::Relaxed);
        until(avoided) <= self.milliseconds(now) && self.avoid_longer(avoided, now) && avoided == 0
    }

    /// It answered. Whether that is news.
    pub(super) fn worked(&self) -> bool {
        self.avoided.load(Ordering::Relaxed) != 0 && self.avoided.swap(0, Ordering::Relaxed) != 0
    }

    /// What its health check found out.
    pub(super) fn is_well(&self, is_well: bool) -> Change {
        match (self.is_unwell.swap(!is_well, Ordering::Relaxed), is_well) {
            (true, true) => {
                // What became of requests before it was well again says nothing any more.
                self.avoided.store(0, Ordering::Relaxed);
                Change::TurnedWell
            }
            (false, false) => Change::TurnedUnwell,
            (true, false) | (false, true) => Change::None,
        }
    }

    /// Avoids it as long as another does that knows the same member.
    pub(super) fn avoid_like(&self, known: &Self) {
        let avoided = known.avoided.load(Ordering::Relaxed);
        if avoided != 0 {
            let until = self.milliseconds(known.since + Duration::from_millis(until(avoided)));
            // The longest, if several know it: the time stands before the failures.
            self.avoided.fetch_max(until << 8 | avoided & 0xff, Ordering::Relaxed);
        }
    }

    /// 1 s, 2 s, 4 s … 30 s. Whether nobody else was faster.
    fn avoid_longer(&self, avoided: u64, now: Instant) -> bool {
        self.avoid(avoided, (avoided & 0xff).saturating_add(1).min(0xff), now)
    }

    fn avoid(&self, avoided: u64, failures: u64, now: Instant) -> bool {
        let next = (self.milliseconds(now) + milliseconds(pause_after(failures))) << 8 | failures;
        self.avoided.compare_exchange(avoided, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        milliseconds(now.saturating_duration_since(self.since))
    }
}

const fn until(avoided: u64) -> u64 {
    avoided >> 8
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX >> 16)
}

/// How long a member is avoided after so many failures in a row.
fn pause_after(failures: u64) -> Duration {
    const LONGEST: u64 = 30;
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
    Duration::from_secs((1 << doublings).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let pauses: Vec<_> = (1..=7).map(|failures| pause_after(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pause_after(u64::MAX).as_secs(), 30);
    }

    #[test]
    fn who_failed_is_avoided_until_one_request_tries_again() {
        let start = Instant::now();
        let standing = Standing::new(start);
        assert_eq!(standing.condition(start), Condition::Well);
        assert!(!standing.may_try(start), "there is nothing to try");

        assert!(standing.failed(start), "the first failure is news");
        assert!(!standing.failed(after(start, 10)), "those under way at the time are none");
        assert_eq!(standing.condition(after(start, 999)), Condition::Avoided);
        assert_eq!(standing.condition(after(start, 1000)), Condition::Due);
        assert!(standing.may_try(after(start, 1000)));
        assert!(!standing.may_try(after(start, 1000)), "one at a time");

        // Whoever tried has given up: another second.
        assert_eq!(standing.condition(after(start, 1999)), Condition::Avoided);
        assert!(standing.may_try(after(start, 2000)));
        // It is tried, and fails: two seconds since then.
        standing.failed_again(after(start, 2001));
        assert_eq!(standing.condition(after(start, 4000)), Condition::Avoided);
        assert_eq!(standing.condition(after(start, 4001)), Condition::Due);
        assert!(standing.may_try(after(start, 4001)));
        assert!(standing.worked(), "it is news that it works");
        assert!(!standing.worked());
        assert_eq!(standing.condition(after(start, 4002)), Condition::Well);
        assert!(standing.failed(after(start, 5000)), "and it is counted anew");
        assert_eq!(standing.condition(after(start, 6000)), Condition::Due);
    }

    #[test]
    fn of_several_who_know_a_member_the_longest_pause_counts() {
        let start = Instant::now();
        let [once, twice] = [1, 2].map(|times| {
            let known = Standing::new(start);
            assert!(known.failed(start));
            (1..times).for_each(|_| known.failed_again(start));
            known
        });
        for known in [[&once, &twice], [&twice, &once]] {
            let next = Standing::new(start);
            known.into_iter().for_each(|known| next.avoid_like(known));
            assert_eq!(next.condition(after(start, 1999)), Condition::Avoided);
        }
    }

    #[test]
    fn who_is_avoided_by_one_is_avoided_by_the_next_for_the_rest_of_the_time() {
        let start = Instant::now();
        let known = Standing::new(start);
        assert!(known.failed(start));
        known.failed_again(start);
        let next = |milliseconds: u64| {
            let next = Standing::new(after(start, milliseconds));
            next.avoid_like(&known);
            next
        };
        let early = next(500);
        assert_eq!(early.condition(after(start, 1999)), Condition::Avoided);
        assert_eq!(early.condition(after(start, 2000)), Condition::Due);
        let late = next(9_000);
        assert_eq!(late.condition(after(start, 9_000)), Condition::Due, "it has not answered since");
        late.failed_again(after(start, 9_000));
        assert_eq!(late.condition(after(start, 12_999)), Condition::Avoided, "the third time in a row");
        known.worked();
        assert_eq!(next(500).condition(after(start, 500)), Condition::Well);
    }

    #[test]
    fn its_own_word_is_told_once_and_clears_what_requests_found() {
        let start = Instant::now();
        let standing = Standing::new(start);
        assert_eq!(standing.is_well(true), Change::None);
        assert_eq!((standing.is_well(false), standing.is_well(false)), (Change::TurnedUnwell, Change::None));
        standing.failed(start);
        assert_eq!(standing.condition(start), Condition::Unwell);
        assert_eq!((standing.is_well(true), standing.is_well(true)), (Change::TurnedWell, Change::None));
        assert_eq!(standing.condition(start), Condition::Well);
    }
}
