//! What bounds the endpoints by which providers tell us that sessions have ended. Anybody can ask those, and nobody has to
//! sign in for it: so it costs each client little of our time, and leaves as little behind.

use std::net::IpAddr;
use std::num::NonZeroU32;

use super::rate_limit::{RateLimit, TooManyTries};
use crate::domain::time::Timestamp;
use crate::flow::logout::REPEATABLE_FOR;
use crate::protocol::consumed::{Consumed, Consumption};
use crate::protocol::logout_token::LogoutTokenId;

/// So many front-channel calls of one client a minute: people behind one address sign out too.
const CALLS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("not zero");

/// So many logout tokens of one client that do not hold a minute. Those that do are not counted: a provider may sign
/// everybody out at once.
const BAD_TOKENS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("not zero");

/// Across configurations: what was heard is heard.
#[derive(Debug)]
pub struct Hearing {
    calls: RateLimit,
    bad_tokens: RateLimit,
    heard: Consumed<LogoutTokenId>,
}

impl Default for Hearing {
    fn default() -> Self {
        Self {
            calls: RateLimit::new(CALLS_PER_MINUTE),
            bad_tokens: RateLimit::new(BAD_TOKENS_PER_MINUTE),
            heard: Consumed::for_a_time(REPEATABLE_FOR),
        }
    }
}

impl Hearing {
    /// Counts a front-channel call.
    ///
    /// # Errors
    /// [`TooManyTries`]
    pub(super) fn count_call(&self, client: IpAddr, now: Timestamp) -> Result<(), TooManyTries> {
        self.calls.count(client, now)
    }

    /// Counts a logout token before anything is done about it; [`was_good`](Self::was_good) takes that back.
    ///
    /// # Errors
    /// [`TooManyTries`]
    pub(super) fn count_token(&self, client: IpAddr, now: Timestamp) -> Result<(), TooManyTries> {
        self.bad_tokens.count(client, now)
    }

    /// The token that was counted holds, and is a new one.
    pub(super) fn was_good(&self, client: IpAddr) {
        self.bad_tokens.give_back(client);
    }

    /// Takes note of a token that holds: each is good once.
    pub(super) fn hear(&self, id: LogoutTokenId, now: Timestamp) -> Consumption {
        self.heard.take(id, now)
    }

    /// What the token asks for could not be done: its provider may send it again.
    pub(super) fn unhear(&self, id: LogoutTokenId) {
        self.heard.give_back(id);
    }
}
