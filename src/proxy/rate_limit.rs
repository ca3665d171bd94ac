//! `rate_limit`: how often one client may post to the sign-in endpoints. A token bucket per client, so a few tries in
//! a row are fine and a stream of them is not: it keeps the sign-in page from being a way to ask about domain after
//! domain. What the limit is about (which endpoints; what providers say of sessions is bounded in the same way) is not
//! decided here, and the time is an argument.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::domain::time::Timestamp;

/// How many clients are remembered. Beyond that the ones not seen for longest are forgotten.
const MAX_CLIENTS: u64 = 100_000;
/// What a try costs. With this unit a limit of n a minute fills a bucket by n each second, without fractions.
const PRICE: u64 = 60;

/// The limit and what each client has left of it.
pub struct RateLimit {
    per_minute: u64,
    buckets: Cache<Client, Bucket>,
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tries, the next one in {retry_after_seconds} s")]
pub struct TooManyTries {
    /// How long to wait, in whole seconds, at least one: `Retry-After` (RFC 9110 §10.2.3).
    pub retry_after_seconds: u64,
}

/// One IPv4 address, or the first half of an IPv6 address: a household has 2^64 of the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Client(IpAddr);

/// What is left, and when it was counted. A client without one has a full one.
#[derive(Clone, Copy)]
struct Bucket {
    level: u64,
    counted_at: Timestamp,
}

impl RateLimit {
    /// Lets each client try `per_minute` times at once, and as many times a minute after that.
    #[must_use]
    pub fn new(per_minute: NonZeroU32) -> Self {
        // Untouched for a minute, a bucket is full again and need not be remembered.
        let buckets = Cache::builder()
            .max_capacity(MAX_CLIENTS)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(Duration::from_secs(2 * 60))
            .build();
        Self { per_minute: per_minute.get().into(), buckets }
    }

    /// Counts a try of `client`. A refused one is not counted: waiting as long as told is enough.
    ///
    /// # Errors
    /// [`TooManyTries`] with the time to wait.
    pub fn count(&self, client: IpAddr, now: Timestamp) -> Result<(), TooManyTries> {
        let mut outcome = Ok(());
        self.buckets.entry(Client::of(client)).and_compute_with(|entry| {
            let full = Bucket { level: self.per_minute * PRICE, counted_at: now };
            let bucket = entry.map_or(full, |entry| self.refilled(entry.into_value(), now));
            match bucket.level.checked_sub(PRICE) {
                Some(level) => Op::Put(Bucket { level, ..bucket }),
                None => {
                    let retry_after_seconds = (PRICE - bucket.level).div_ceil(self.per_minute);
                    outcome = Err(TooManyTries { retry_after_seconds });
                    Op::Nop
                }
            }
        });
        outcome
    }

    /// Takes back a try that was counted and turned out to be none of those that are limited.
    pub fn give_back(&self, client: IpAddr) {
        let full = self.per_minute * PRICE;
        self.buckets.entry(Client::of(client)).and_compute_with(|entry| match entry.map(moka::Entry::into_value) {
            Some(bucket) => Op::Put(Bucket { level: (bucket.level + PRICE).min(full), ..bucket }),
            None => Op::Nop,
        });
    }

    /// A clock that goes back refills nothing and takes nothing away.
    fn refilled(&self, bucket: Bucket, now: Timestamp) -> Bucket {
        let gained = now.since(bucket.counted_at).as_secs().saturating_mul(self.per_minute);
        let level = bucket.level.saturating_add(gained).min(self.per_minute * PRICE);
        Bucket { level, counted_at: bucket.counted_at.max(now) }
    }
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit").field("per_minute", &self.per_minute).finish_non_exhaustive()
    }
}

impl Client {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit of so many a minute.
    fn limit(per_minute: u32) -> RateLimit {
        RateLimit::new(NonZeroU32::new(per_minute).expect("not zero"))
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000 + second)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn wait(seconds: u64) -> Result<(), TooManyTries> {
        Err(TooManyTries { retry_after_seconds: seconds })
    }

    #[test]
    fn the_eleventh_try_in_a_minute_waits_for_its_turn() {
        let (limit, client) = (limit(10), address("192.0.2.1"));
        for _ in 0..10 {
            assert_eq!(limit.count(client, at(0)), Ok(()));
        }
        assert_eq!(limit.count(client, at(0)), wait(6));
        assert_eq!(limit.count(client, at(1)), wait(5));
        assert_eq!(limit.count(client, at(5)), wait(1));
        // As long as told, and refused tries have cost nothing.
        assert_eq!(limit.count(client, at(6)), Ok(()));
        assert_eq!(limit.count(client, at(6)), wait(6));
    }

    #[test]
    fn a_try_that_is_given_back_was_none() {
        let (limit, client) = (limit(2), address("192.0.2.1"));
        for _ in 0..10 {
            assert_eq!(limit.count(client, at(0)), Ok(()));
            limit.give_back(client);
        }
        assert_eq!([limit.count(client, at(0)), limit.count(client, at(0)), limit.count(client, at(0))], [Ok(()), Ok(()), wait(30)]);
        limit.give_back(address("192.0.2.9"));
        assert_eq!(limit.count(client, at(0)), wait(30));
    }

    #[test]
    fn a_bucket_fills_up_to_the_limit_and_no_further() {
        let (limit, client) = (limit(10), address("192.0.2.1"));
        for begin in [0, 60, 100_000] {
            for _ in 0..10 {
                assert_eq!(limit.count(client, at(begin)), Ok(()));
            }
            assert_eq!(limit.count(client, at(begin)), wait(6));
        }
    }

    #[test]
    fn waiting_as_long_as_told_is_enough_and_a_second_less_is_not() {
        for per_minute in [1, 7, 10, 59, 60, 61, 1_000] {
            let (limit, client) = (limit(per_minute), address("192.0.2.1"));
            for _ in 0..per_minute {
                assert_eq!(limit.count(client, at(0)), Ok(()));
            }
            let refused = limit.count(client, at(0)).expect_err("an empty bucket");
            assert!(refused.retry_after_seconds >= 1);
            assert!(limit.count(client, at(refused.retry_after_seconds - 1)).is_err(), "{per_minute}");
            assert_eq!(limit.count(client, at(refused.retry_after_seconds)), Ok(()), "{per_minute}");
        }
    }

    #[test]
    fn clients_do_not_pay_for_one_another() {
        let limit = limit(1);
        for client in ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1", "::1"] {
            assert_eq!(limit.count(address(client), at(0)), Ok(()), "{client}");
        }
    }

    #[test]
    fn addresses_of_one_household_are_one_client() {
        let limit = limit(1);
        assert_eq!(limit.count(address("2001:db8:0:1::1"), at(0)), Ok(()));
        assert_eq!(limit.count(address("2001:db8:0:1:ffff:ffff:ffff:ffff"), at(0)), wait(60));
        // The same IPv4 address, as a listener for both families reports it.
        assert_eq!(limit.count(address("192.0.2.1"), at(0)), Ok(()));
        assert_eq!(limit.count(address("::ffff:192.0.2.1"), at(0)), wait(60));
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_tries_away() {
        let (limit, client) = (limit(1), address("192.0.2.1"));
        assert_eq!(limit.count(client, at(100)), Ok(()));
        assert_eq!(limit.count(client, at(0)), wait(60));
        assert_eq!(limit.count(client, at(159)), wait(1));
        assert_eq!(limit.count(client, at(160)), Ok(()));
    }

    #[test]
    fn more_clients_than_are_remembered_are_no_more_entries() {
        let limit = limit(1);
        for number in 0..(MAX_CLIENTS as u32 + 5_000) {
            assert_eq!(limit.count(std::net::Ipv4Addr::from_bits(number).into(), at(0)), Ok(()));
        }
        limit.buckets.run_pending_tasks();
        assert!(limit.buckets.entry_count() <= MAX_CLIENTS);
        // The latest are among those that are remembered.
        assert_eq!(limit.count(std::net::Ipv4Addr::from_bits(MAX_CLIENTS as u32 + 4_999).into(), at(0)), wait(60));
    }
}
