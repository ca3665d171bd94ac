//! Sessions as the admin listener sees and ends them: what the keeper in force knows, told without names.

use std::cmp::Reverse;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::admin::control::sessions::{Counts, InForce as Revocations, Known, Listed, NotListed, Revoked, Sessions, Source, Wanted};
use crate::domain::decision::DecisionId;
use crate::domain::named_user::NamedUser;
use crate::domain::revocation::{Reach, Revocation, Revocations as List, Whom};
use crate::domain::session::{SessionId, Summary};
use crate::domain::time::Timestamp;
use crate::flow::keeper::{Keeper, NotRevoked};
use crate::flow::ports::{Cursor, StoreFailed};
use crate::proxy::audit::Naming;
use crate::proxy::generation::InForce;
use crate::proxy::shared::Shared;
use crate::telemetry::audit::orders::Ordered;
use crate::telemetry::logs::Logs;

/// So many sessions are enough for one answer.
const ENOUGH: usize = 100;
/// How long an answer may go on looking for sessions that fit. Each look at a store is bounded in itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where sessions are asked after, and ended.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    in_force: InForce,
    /// Whoever closes the logs must be the last who has them.
    logs: Weak<Logs>,
}

impl Desk {
    pub(super) fn new(in_force: InForce, logs: &Arc<Logs>) -> Self {
        Self { in_force, logs: Arc::downgrade(logs) }
    }

    async fn carry_out(self, whom: Whom, why: Arc<str>) -> Revoked {
        let shared = self.in_force.shared();
        let keeper = &shared.keeper;
        let revocation = Revocation { whom, at: keeper.clock.now(), why };
        let revoked = keeper.revoke(revocation.clone()).await;
        let reach = match (&revoked, &keeper.store) {
            (Ok(()), Some(_)) => Reach::Store,
            (Ok(()), None) => Reach::Process,
            (Err(NotRevoked::Store(_)), _) => Reach::ProcessStoreFailed,
            (Err(NotRevoked::Full(_)), _) => Reach::Nowhere,
        };
        let revoked = Revoked { id: new_id(keeper), revocation, reach, trouble: revoked.err().map(|error| error.to_string()) };
        self.write_down(&shared, &revoked);
        revoked
    }

    fn write_down(&self, shared: &Shared, revoked: &Revoked) {
        let Revoked { id, revocation, reach, trouble } = revoked;
        let (scope, reach_word) = (revocation.whom.scope(), reach.as_str());
        match trouble {
            None => tracing::info!(decision_id = %id, scope, reach = reach_word, "Sessions were revoked"),
            Some(error) => {
                tracing::error!(decision_id = %id, scope, reach = reach_word, %error, "Sessions were not revoked everywhere: {error}");
            }
        }
        if let (Some(naming), Some(logs)) = (shared.naming, self.logs.upgrade()) {
            let mut told = revocation.clone();
            if let Whom::User(user) = &revocation.whom {
                told.whom = Whom::User(name(shared, naming, user).into());
            }
            logs.tell(&Ordered { at: told.at, id: *id, revocation: told, reach: *reach, fingerprint: shared.fingerprint });
        }
    }
}

#[async_trait]
impl Sessions for Desk {
    async fn list(&self, wanted: &Wanted, from: Option<&str>) -> Result<Listed, NotListed> {
        let shared = self.in_force.shared();
        let mut walk = Walk::begin(&shared, from).await?;
        let mut sessions = Vec::new();
        while let Some(part) = walk.part().await? {
            sessions.extend(part.into_iter().filter(|known| wanted.fits(known)));
            if sessions.len() >= ENOUGH || walk.is_long_enough() {
                break;
            }
        }
        sessions.sort_by_key(|known| (Reverse(known.summary.signed_in_at), known.summary.id.0));
        // A store that changes while it is listed may tell of a record twice.
        sessions.dedup_by_key(|known| known.summary.id);
        Ok(Listed { sessions, next: walk.rest.cursor() })
    }

    async fn find(&self, id: SessionId) -> Result<Option<Known>, NotListed> {
        let shared = self.in_force.shared();
        let mut walk = Walk::begin(&shared, None).await?;
        while let Some(part) = walk.part().await? {
            if let Some(found) = part.into_iter().find(|known| known.summary.id == id) {
                return Ok(Some(found));
            }
            if walk.is_long_enough() {
                let why = format!("it holds more sessions than can be looked through in {} s", PATIENCE.as_secs());
                return Err(NotListed::Failed(why));
            }
        }
        Ok(None)
    }

    async fn revoke(&self, whom: Whom, why: &str) -> Revoked {
        // To its end, even if whoever ordered it does not wait: what was done is written down.
        let carried_out = tokio::spawn(self.clone().carry_out(whom, why.into()));
        carried_out.await.expect("nothing aborts it, and it does not panic")
    }

    async fn revocations(&self) -> Revocations {
        let shared = self.in_force.shared();
        let keeper = &shared.keeper;
        let trouble = keeper.look_for_revocations().await.err().map(|error| error.to_string());
        let oldest = keeper.clock.now() - keeper.lifetimes.max;
        let running = keeper.revocations.entries();
        let running = running.iter().filter(|entry| entry.at >= oldest).map(|entry| (Source::Running, entry.clone()));
        let decreed = keeper.decreed.iter().map(|entry| (Source::Configuration, entry.clone()));
        Revocations { entries: decreed.chain(running).collect(), trouble }
    }

    fn counts(&self) -> Counts {
        let shared = self.in_force.shared();
        Counts { configuration: shared.keeper.decreed.len(), running: shared.keeper.revocations.entries().len() }
    }
}

/// A look at one part of a store's list after the other.
struct Walk<'a> {
    shared: &'a Shared,
    /// As of one moment: those of this configuration come on top.
    revocations: Arc<List>,
    now: Timestamp,
    rest: Rest,
    until: Instant,
}

/// What has not been looked at yet.
enum Rest {
    From(Option<Cursor>),
    Nothing,
}

impl Rest {
    fn cursor(self) -> Option<String> {
        match self {
            Self::From(cursor) => cursor.map(|Cursor(text)| text),
            Self::Nothing => None,
        }
    }
}

impl<'a> Walk<'a> {
    async fn begin(shared: &'a Shared, from: Option<&str>) -> Result<Self, NotListed> {
        let keeper = &shared.keeper;
        keeper.look_for_revocations().await?;
        let rest = Rest::From(from.map(|text| Cursor(text.to_owned())));
        let (revocations, now) = (keeper.revocations.entries(), keeper.clock.now());
        Ok(Self { shared, revocations, now, rest, until: Instant::now() + PATIENCE })
    }

    /// The next sessions, without those that are over.
    async fn part(&mut self) -> Result<Option<Vec<Known>>, NotListed> {
        let Rest::From(cursor) = mem::replace(&mut self.rest, Rest::Nothing) else { return Ok(None) };
        let listed = self.shared.keeper.list(cursor).await?;
        let (records, next) = listed.ok_or(NotListed::InCookies)?;
        self.rest = next.map_or(Rest::Nothing, |next| Rest::From(Some(next)));
        Ok(Some(records.into_iter().filter_map(|(_, summary)| self.known(summary)).collect()))
    }

    fn is_long_enough(&self) -> bool {
        Instant::now() >= self.until
    }

    fn known(&self, summary: Summary) -> Option<Known> {
        let keeper = &self.shared.keeper;
        let ends_at = summary.ends_at(keeper.lifetimes);
        let is_revoked = self.revocations.ended_listed(&summary).or_else(|| keeper.decreed.ended_listed(&summary)).is_some();
        (ends_at > self.now && !is_revoked).then(|| Known { pseudonym: pseudonym_of(self.shared, &summary), summary, ends_at })
    }
}

/// What the audit log calls the person of a session, where that is not how they are listed.
fn pseudonym_of(shared: &Shared, summary: &Summary) -> Option<String> {
    match shared.naming? {
        Naming::Full => None,
        Naming::Hashed => {
            let user = NamedUser::parse(&summary.user).ok()?;
            let issuer = shared.rules.authority(&summary.authority).map(|authority| &authority.issuer);
            Some(shared.keys.pseudonym(user.id(issuer)?).to_string())
        }
    }
}

/// What an order calls somebody in the audit log. Where the text leaves open who is meant, so must the name: it is a hash of
/// the text, and nobody else's.
fn name(shared: &Shared, naming: Naming, user: &str) -> String {
    let hashed = || {
        let named = NamedUser::parse(user).ok();
        let issuers = shared.rules.directory.authorities.iter().map(|authority| &authority.issuer);
        let pseudonym = named.as_ref().and_then(|named| named.id(issuers)).map(|id| shared.keys.pseudonym(id).to_string());
        pseudonym.unwrap_or_else(|| {
            let mark = shared.keys.fingerprint(&format!("user:{user}"));
            format!("text:{:032x}", u128::from_be_bytes(mark))
        })
    };
    match naming {
        Naming::Full => user.to_owned(),
        Naming::Hashed => hashed(),
    }
}

fn new_id(keeper: &Keeper) -> DecisionId {
    let mut random = [0; 8];
    keeper.entropy.fill(&mut random);
    DecisionId::from_random(u64::from_be_bytes(random))
}

impl From<StoreFailed> for NotListed {
    fn from(error: StoreFailed) -> Self {
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests;
