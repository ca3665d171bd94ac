//! Groups that a token has no room for: the authority is asked about those that routes name, at the sign-in and whenever
//! the claims are had anew. What it answers is kept in the session. If it does not answer, the access token is kept, and a
//! later request that needs to know asks again. What routes did not name yet when it was asked, a refresh or a new sign-in
//! asks about.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::authority::{Authority, to_the_end};
use super::freshen::Freshened;
use super::keeper::{Keeper, Kept};
use super::ports::Clock;
use crate::domain::principal::{Groups, Principal};
use crate::domain::session::SessionId;
use crate::domain::time::Timestamp;
use crate::protocol::graph::{self, GroupsFailed};
use crate::protocol::secret::Secret;
use crate::protocol::session_record::SessionRecord;

#[cfg(test)]
mod tests;

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Completion {
    /// There is nothing left to ask.
    Done,
    /// The authority did not answer. The access token is to be kept, and nobody asks again before this much time.
    Postponed(Duration),
}

impl Completion {
    /// The access token, if it is still needed.
    #[must_use]
    pub fn still_needs(self, access_token: Option<Secret<String>>) -> Option<Secret<String>> {
        match self {
            Self::Done => None,
            Self::Postponed(_) => access_token,
        }
    }
}

/// Asks the authority about the groups that are `named`, if the token left its list out. All else stays as it is.
pub async fn complete(
    authority: &Authority,
    principal: &mut Principal,
    access_token: Option<&Secret<String>>,
    named: &[Arc<str>],
) -> Completion {
    let is_fresh = match &principal.groups {
        Groups::Listed(_) => return Completion::Done,
        Groups::Overage => true,
        Groups::Asked { .. } => false,
    };
    let Some(access_token) = access_token else { return Completion::Done };
    let about = askable(named);
    let error = match authority.provider.member_of(access_token, &about).await {
        Ok(member_of) => {
            principal.groups = Groups::Asked { about, member_of };
            return Completion::Done;
        }
        Err(error) => error,
    };
    let name = &authority.name;
    match error {
        GroupsFailed::NoGraph => principal.groups = Groups::Overage,
        GroupsFailed::Unavailable { ask_again, .. } => {
            tracing::warn!(authority = %name, fault = "provider", %error, "The groups of somebody at {name} could not be asked for");
            if is_fresh {
                principal.groups = Groups::NOT_ASKED;
            }
            return Completion::Postponed(ask_again);
        }
        // It has grown old: the next one may be better.
        GroupsFailed::TokenRefused if !is_fresh => {}
        GroupsFailed::NotPermitted | GroupsFailed::TokenRefused | GroupsFailed::Unusable(_) => {
            tracing::warn!(authority = %name, fault = "ours", %error, "The groups of people who are in too many for a token of {name} cannot be asked for");
            principal.groups = Groups::Overage;
        }
    }
    Completion::Done
}

fn askable(named: &[Arc<str>]) -> Vec<Arc<str>> {
    let known = named.iter().filter(|group| graph::knows(group));
    let left_out = known.clone().count().saturating_sub(graph::MOST_GROUPS);
    if left_out > 0 {
        tracing::warn!(left_out, "Routes name more groups than are asked about for people who are in too many for a token");
    }
    known.take(graph::MOST_GROUPS).cloned().collect()
}

/// How long an answer is remembered beside the session: until every request that was under way has seen it there.
const REMEMBERED: Duration = Duration::from_secs(60);

/// So many sessions with open questions are known at once; of any others the authority is asked more often.
const MOST_SESSIONS: u64 = 10_000;

/// For so long the answers to a sign-in or a refresh under the same configuration are taken as they are: another one would
/// bring no better.
const SETTLED: Duration = Duration::from_secs(60);

/// What is known of somebody's groups once it was tried to know more.
#[derive(Debug)]
pub enum Known {
    /// This is the session from now on.
    Anew(Kept),
    /// The authority has ended the session.
    Ended,
    /// No more than before, and only a new sign-in asks.
    OnlyAtSignIn,
    /// No more than before.
    Still,
}

/// The questions that are open: one at a time for each session, and none before its time.
pub struct OpenQuestions {
    /// Every group that some route names.
    pub named: Arc<[Arc<str>]>,
    clock: Arc<dyn Clock>,
    /// Since when these groups are named, as far as we know.
    since: Timestamp,
    turns: Cache<SessionId, Arc<tokio::sync::Mutex<Turn>>>,
}

/// What became of the last question for a session. Until then it stands.
struct Turn {
    until: Timestamp,
    answer: Option<Groups>,
}

impl OpenQuestions {
    /// None yet.
    #[must_use]
    pub fn new(named: Arc<[Arc<str>]>, clock: Arc<dyn Clock>) -> Self {
        let turns = Cache::builder().max_capacity(MOST_SESSIONS).time_to_idle(Duration::from_secs(10 * 60)).build();
        Self { named, since: clock.now(), clock, turns }
    }

    /// Notes that a question was asked for a session, and not answered.
    pub fn postpone(&self, session: SessionId, wait: Duration) {
        let turn = Turn { until: self.clock.now() + wait, answer: None };
        self.turns.insert(session, Arc::new(tokio::sync::Mutex::new(turn)));
    }

    /// Asks again about somebody's groups, if that is due, and keeps the answer.
    ///
    /// Whoever comes while the authority is being asked waits for that answer, which takes 3 s at the most.
    ///
    /// Without an access token there is nothing to ask with: everything was asked that routes named then, and some of them
    /// name another group by now. A refresh brings an access token, so the session is refreshed now; without a refresh token
    /// a new sign-in brings one, and "try again" would never come true. Neither is done twice for the same configuration
    /// within a minute, nor for groups about which nobody would be asked: people would go round in circles.
    pub async fn ask_again(&self, keeper: &Keeper, authority: &Arc<Authority>, kept: &Kept) -> Known {
        let tokens = &kept.record.tokens;
        if tokens.access_token.is_some() {
            let answered = self.ask_with_what_is_kept(keeper, authority, kept).await;
            return answered.map_or(Known::Still, Known::Anew);
        }
        let groups = &kept.session().principal.groups;
        if askable(&self.named).iter().all(|group| groups.tell_of(group)) {
            return Known::Still;
        }
        let now = self.clock.now();
        let is_settled = |at: Timestamp| at > self.since.max(now - SETTLED);
        match (&tokens.refresh_token, tokens.fresh_since) {
            // By the second of its refresh a session is told from what it was before.
            (Some(_), Some(since)) if is_settled(since) || since >= now => Known::Still,
            (Some(_), _) => match keeper.freshen_early(kept.clone(), authority, now).await {
                Freshened::Ended => Known::Ended,
                Freshened::Live(kept) => Known::Anew(kept),
            },
            (None, _) if is_settled(kept.session().signed_in_at) => Known::Still,
            (None, _) => Known::OnlyAtSignIn,
        }
    }

    async fn ask_with_what_is_kept(&self, keeper: &Keeper, authority: &Arc<Authority>, kept: &Kept) -> Option<Kept> {
        let access_token = kept.record.tokens.access_token.clone()?;
        let session = kept.session();
        let new = || Arc::new(tokio::sync::Mutex::new(Turn { until: Timestamp::from_unix_seconds(0), answer: None }));
        let turn = self.turns.get_with(session.id, new);
        let (authority, principal) = (Arc::clone(authority), session.principal.clone());
        let (named, clock) = (Arc::clone(&self.named), Arc::clone(&self.clock));
        let answered = to_the_end(async move {
            let mut turn = turn.lock().await;
            if turn.until <= clock.now() {
                *turn = ask(&authority, principal, &access_token, &named, &*clock).await;
            }
            turn.answer.clone()
        });
        let mut record = SessionRecord::clone(&kept.record);
        record.session.principal.groups = answered.await??;
        record.tokens.access_token = None;
        let kept_anew = keeper.replace(kept, record.clone()).await.unwrap_or_else(|error| {
            tracing::warn!(fault = "session store", %error, "What was learnt about somebody's groups could not be kept");
            // True all the same, for this request.
            Kept { record: Arc::new(record), ..kept.clone() }
        });
        Some(kept_anew)
    }
}

async fn ask(
    authority: &Authority,
    mut principal: Principal,
    access_token: &Secret<String>,
    named: &[Arc<str>],
    clock: &dyn Clock,
) -> Turn {
    let completion = complete(authority, &mut principal, Some(access_token), named).await;
    let now = clock.now();
    match completion {
        Completion::Done => Turn { until: now + REMEMBERED, answer: Some(principal.groups) },
        Completion::Postponed(wait) => Turn { until: now + wait, answer: None },
    }
}

impl std::fmt::Debug for OpenQuestions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenQuestions").field("named", &self.named.len()).finish_non_exhaustive()
    }
}
