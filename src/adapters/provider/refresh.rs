//! When a provider is asked again without anybody waiting for it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{HttpProvider, Wanted};

/// The times of the background work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// One attempt, metadata and keys together.
    pub(super) attempt: Duration,
    /// Between fetches that tokens with unknown keys ask for.
    pub(super) cool_down: Duration,
    /// After a failed attempt that somebody waited for, before the next one that somebody wants.
    pub(super) on_demand: Duration,
    /// Between refreshes, while all is well.
    pub(super) refresh: Duration,
    /// After the first failure; doubled by each that follows.
    pub(super) first_retry: Duration,
    /// The longest pause after failures.
    pub(super) longest_retry: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(5),
            cool_down: Duration::from_secs(60),
            on_demand: Duration::from_millis(100),
            refresh: Duration::from_secs(60 * 60),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(5 * 60),
        }
    }
}

impl Rhythm {
    /// The pause after so many failures in a row.
    fn pause(&self, failures: u32) -> Duration {
        match failures.checked_sub(1) {
            None => self.refresh,
            Some(doublings) => self.first_retry.saturating_mul(1 << doublings.min(16)).min(self.longest_retry),
        }
    }
}

impl HttpProvider {
    /// Reads metadata and keys now and keeps them fresh until `cancel`. Nothing waits for it: a provider that is down
    /// holds up neither start nor readiness.
    pub async fn run(&self, cancel: CancellationToken) {
        let mut failures = 0_u32;
        while let Some(outcome) = cancel.run_until_cancelled(self.attempt(Wanted::Everything)).await {
            self.shared.asked.cancel();
            failures = self.note(outcome.map_err(|error| error.to_string()), failures);
            let pause = jittered(self.shared.rhythm.pause(failures));
            if cancel.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Logs the changes, not each attempt of an outage that was told already. Returns the failures in a row.
    fn note(&self, outcome: Result<(), String>, failures: u32) -> u32 {
        let authority = &self.shared.settings.authority;
        match outcome {
            Ok(()) if failures > 0 => {
                tracing::info!(%authority, failures, "The provider of {authority} answers again");
                0
            }
            Ok(()) => 0,
            Err(error) if failures == 0 => {
                let keeps =
                    if self.shared.keys.load().is_some() { "the last good keys stay in use" } else { "nobody can sign in there yet" };
                tracing::warn!(%authority, fault = "provider", %error, "The provider of {authority} cannot be read: {keeps}");
                1
            }
            Err(_) => failures.saturating_add(1),
        }
    }
}

/// Up to a tenth shorter, so that many processes do not ask at the same moment.
#[expect(clippy::disallowed_methods, reason = "spread over time guards nothing: no reason to hand the port for secrets through")]
fn jittered(pause: Duration) -> Duration {
    let mut chance = [0_u8; 1];
    // Without chance all wait the full time: less spread, nothing worse.
    let _ = aws_lc_rs::rand::fill(&mut chance);
    pause - pause / 10 * u32::from(chance[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_lengthen_the_pause_up_to_a_bound() {
        let rhythm = Rhythm::default();
        let seconds: Vec<_> = [0, 1, 2, 3, 9, 10, 1000, u32::MAX].into_iter().map(|failures| rhythm.pause(failures).as_secs()).collect();
        assert_eq!(seconds, [3600, 1, 2, 4, 256, 300, 300, 300]);
    }

    #[test]
    fn jitter_takes_at_most_a_tenth() {
        let pause = Duration::from_secs(3600);
        assert!((0..100).all(|_| (pause - pause / 10..=pause).contains(&jittered(pause))));
    }
}
