//! What has been spent and must not be spent again. Sign-in attempts: the same callback twice, in parallel, must spend one
//! code. The provider refuses a spent code too (RFC 6749 §4.1.2) and some then revoke what they gave for it, so the second
//! request must not even be made. And logout tokens, which are good once (OpenID Connect Back-Channel Logout 1.0 §2.6).
//!
//! A memory of this process. Several of them behind one address share none: there the provider's refusal is what is
//! left, and the second callback ends on a page with a way on; a logout token that comes again ends what has ended.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::attempt::{AttemptId, LIFETIME};
use crate::domain::time::Timestamp;

/// So many are remembered at once; 24 bytes or so each, twice.
const CAPACITY: usize = 100_000;

/// Whether something may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it is spent only by the first"]
pub enum Consumption {
    /// It has been spent before.
    Again,
    /// It is spent now.
    First,
}

/// What was spent within a time; what is older is refused for its age.
#[derive(Debug)]
pub struct Consumed<K = AttemptId> {
    // One lock: it is taken once per sign-in, for the time of a few look-ups.
    spent: Mutex<Spent<K>>,
    capacity: usize,
    lifetime: Duration,
}

#[derive(Debug)]
struct Spent<K> {
    ids: HashSet<K>,
    in_order: VecDeque<(Timestamp, K)>,
}

impl Default for Consumed {
    fn default() -> Self {
        Self::new()
    }
}

impl Consumed {
    /// No attempt is spent yet.
    #[must_use]
    pub fn new() -> Self {
        Self::for_a_time(LIFETIME)
    }
}

impl<K: Copy + Eq + Hash> Consumed<K> {
    /// Nothing is spent yet. What is, is remembered for this long.
    #[must_use]
    pub fn for_a_time(lifetime: Duration) -> Self {
        let spent = Spent { ids: HashSet::new(), in_order: VecDeque::new() };
        Self { spent: Mutex::new(spent), capacity: CAPACITY, lifetime }
    }

    /// Spends something. Before anything is done with it.
    pub fn take(&self, id: K, now: Timestamp) -> Consumption {
        // A thread that died here left at most an id that counts as spent.
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.forget_expired(now, self.lifetime);
        if !spent.ids.insert(id) {
            return Consumption::Again;
        }
        spent.in_order.push_back((now, id));
        // Full of those of the last minutes: somebody is flooding us with their own. The oldest is forgotten rather than
        // everybody else turned away; a code is still the provider's to refuse.
        if spent.in_order.len() > self.capacity {
            spent.forget_oldest();
        }
        Consumption::First
    }

    /// It was not spent after all: it may be tried again.
    pub fn give_back(&self, id: K) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.ids.remove(&id) {
            spent.in_order.retain(|(_, other)| *other != id);
        }
    }
}

impl<K: Copy + Eq + Hash> Spent<K> {
    fn forget_expired(&mut self, now: Timestamp, lifetime: Duration) {
        while self.in_order.front().is_some_and(|(spent_at, _)| now.since(*spent_at) >= lifetime) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.in_order.pop_front() {
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn id(number: u8) -> AttemptId {
        AttemptId::for_test([number; 16])
    }

    fn len(consumed: &Consumed) -> (usize, usize) {
        let spent = consumed.spent.lock().unwrap_or_else(PoisonError::into_inner);
        (spent.ids.len(), spent.in_order.len())
    }

    #[test]
    fn of_eight_callbacks_at_once_one_is_first() {
        for round in 0..50 {
            let (consumed, start) = (Consumed::new(), Barrier::new(8));
            let firsts = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            consumed.take(id(round), NOW)
                        })
                    })
                    .collect();
                let results = threads.into_iter().map(|thread| thread.join().expect("no panic"));
                results.filter(|result| *result == Consumption::First).count()
            });
            assert_eq!(firsts, 1);
        }
    }

    #[test]
    fn different_attempts_do_not_meet() {
        let consumed = Consumed::new();
        assert_eq!([1, 2, 1].map(|at| consumed.take(id(at), NOW)), [Consumption::First, Consumption::First, Consumption::Again]);
    }

    #[test]
    fn an_attempt_is_remembered_for_as_long_as_it_could_live() {
        let consumed = Consumed::new();
        assert_eq!(consumed.take(id(1), NOW), Consumption::First);
        assert_eq!(consumed.take(id(1), NOW + LIFETIME - Duration::from_secs(1)), Consumption::Again);
        assert_eq!(consumed.take(id(2), NOW + LIFETIME), Consumption::First);
        assert_eq!(len(&consumed), (1, 1), "the expired one is forgotten");
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let consumed = Consumed { capacity: 3, ..Consumed::new() };
        for number in 0..10 {
            assert_eq!(consumed.take(id(number), NOW), Consumption::First);
        }
        assert_eq!(len(&consumed), (3, 3));
        assert_eq!([7, 8, 9].map(|number| consumed.take(id(number), NOW)), [Consumption::Again; 3]);
        assert_eq!(consumed.take(id(6), NOW), Consumption::First);
    }

    #[test]
    fn what_is_given_back_is_spent_once_more() {
        let consumed = Consumed::new();
        assert_eq!([1, 2].map(|at| consumed.take(id(at), NOW)), [Consumption::First; 2]);
        consumed.give_back(id(1));
        consumed.give_back(id(3));
        assert_eq!(len(&consumed), (1, 1));
        assert_eq!([1, 1, 2].map(|at| consumed.take(id(at), NOW)), [Consumption::First, Consumption::Again, Consumption::Again]);
    }
}
