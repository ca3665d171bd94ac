//! One refresh from its beginning to its end. Whatever the provider's answer says is known to this process before anything
//! else is done with it, and is written down for as long as the session lives.

use std::sync::Arc;
use std::time::Duration;

use super::ask::{Reply, ask};
use super::claim::{Claimed, Claims, Found, Settled};
use super::flights::{Asked, Cockpit, Whereabouts};
use super::timing::doubled;
use crate::domain::session::Standing;
use crate::domain::time::Timestamp;
use crate::flow::authority::Authority;
use crate::flow::keeper::{Keeper, Kept, Place};
use crate::flow::ports::{Before, SessionStore};
use crate::flow::tokens;
use crate::protocol::session_record::{SessionRecord, Ticket};

/// The longest pause between two attempts to write something down.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What one flight works with.
struct Crew {
    keeper: Keeper,
    authority: Arc<Authority>,
    cockpit: Cockpit,
}

/// Refreshes a session.
pub(super) async fn fly(keeper: Keeper, authority: Arc<Authority>, kept: Kept, cockpit: Cockpit) {
    let crew = Crew { keeper, authority, cockpit };
    // It may have ended since it was found good: no token is worth anything then.
    if crew.keeper.is_revoked(kept.session()) {
        return crew.cockpit.ended();
    }
    match (&kept.place, crew.keeper.store.clone()) {
        (Place::Store { ticket, .. }, Some(store)) => crew.in_store(&*store, ticket, &kept).await,
        (Place::Cookie, _) | (Place::Store { .. }, None) => crew.in_cookies(&kept).await,
    }
}

/// A record that is kept in the store, and claimed there.
#[derive(Clone, Copy)]
struct Custody<'a> {
    claims: &'a Claims<'a>,
    claim: &'a Claimed,
}

impl Crew {
    async fn in_cookies(&self, kept: &Kept) {
        self.refresh(kept, Before::Settled, None).await;
    }

    async fn in_store(&self, store: &dyn SessionStore, ticket: &Ticket, kept: &Kept) {
        let claims = Claims { store, ticket, keeper: &self.keeper };
        match claims.claim(&kept.record).await {
            Found::Elsewhere(record) => self.cockpit.renewed(&record, self.now()),
            Found::Gone => self.cockpit.ended(),
            Found::Nothing => self.cockpit.failed(Asked::InVain, self.now()),
            Found::Ours(claim) => {
                let custody = Custody { claims: &claims, claim: &claim };
                claims.prolonging(claim.holder, self.refresh(&claim.kept, claim.before, Some(custody))).await;
            }
        }
    }

    async fn refresh(&self, kept: &Kept, before: Before, custody: Option<Custody<'_>>) {
        let Some(token) = &kept.record.tokens.refresh_token else { return };
        let may_be_spent = before == Before::Abandoned || self.cockpit.setback().is_some_and(|setback| setback.asked == Asked::Unanswered);
        match ask(&self.keeper, &self.authority, &kept.record, token).await {
            Reply::Renewed(record) => self.keep(record, Cockpit::renewed, custody).await,
            Reply::Spoilt(record) => self.keep(record, Cockpit::spoilt, custody).await,
            Reply::Refused if may_be_spent => self.keep(self.unrefreshed(&kept.record), Cockpit::renewed, custody).await,
            Reply::Changed | Reply::Refused => self.end(kept).await,
            // The claim is left to run out: whoever claims next is to know that the token may be spent.
            Reply::Failed(Asked::Unanswered) => self.cockpit.failed(Asked::Unanswered, self.now()),
            Reply::Failed(Asked::InVain) => {
                if let Some(Custody { claims, claim }) = custody {
                    claims.release(claim.holder).await;
                }
                self.cockpit.failed(Asked::InVain, self.now());
            }
        }
    }

    /// Makes it known, then writes it down.
    async fn keep(&self, mut record: SessionRecord, tell: fn(&Cockpit, &Arc<SessionRecord>, Timestamp), custody: Option<Custody<'_>>) {
        let Some(Custody { claims, claim }) = custody else {
            // Cookies hold no ID tokens.
            record.tokens.id_token = None;
            return tell(&self.cockpit, &Arc::new(record), self.now());
        };
        tell(&self.cockpit, &Arc::new(record.clone()), self.now());
        let (mut known, mut failures) = (claim.version, 0);
        while self.lives(&claim.kept) {
            match claims.settle(claim.holder, known, &record).await {
                Ok(Settled::Done) => return,
                Ok(Settled::Gone) => return self.cockpit.ended(),
                Ok(Settled::Superseded(theirs)) => return self.cockpit.renewed(&theirs, self.now()),
                Ok(Settled::Outrun { version, last_seen }) => {
                    known = version;
                    record.session.last_seen = record.session.last_seen.max(last_seen);
                }
                Err(error) if failures == 0 => {
                    let session = self.cockpit.id;
                    tracing::error!(%session, fault = "session store", %error, "A refreshed session cannot be written: this process goes on with it, and writes it later");
                }
                Err(_) => {}
            }
            failures += 1;
            self.pause(failures).await;
        }
    }

    fn now(&self) -> Timestamp {
        self.keeper.clock.now()
    }

    /// The refresh token is spent, and what came for it is lost: our own doing, or nobody's. The session lives on to its
    /// end with what is known.
    fn unrefreshed(&self, record: &SessionRecord) -> SessionRecord {
        let session = record.session.id;
        tracing::warn!(%session, "An earlier refresh of a session came to nothing after it was asked for: the session is not refreshed any more");
        SessionRecord { session: record.session.clone(), tokens: tokens::without_refresh(&record.tokens, self.now()) }
    }

    async fn end(&self, kept: &Kept) {
        self.keeper.flights.say_farewell(Whereabouts::of_kept(kept), kept.session().clone());
        self.cockpit.ended();
        let mut failures = 0;
        while self.lives(kept) {
            let Err(error) = self.keeper.end(kept, "ended by its authority").await else { return };
            failures += 1;
            if failures == 1 {
                let session = self.cockpit.id;
                tracing::error!(%session, fault = "session store", %error, "A session that is over cannot be removed: this process refuses it, and removes it later");
            }
            self.pause(failures).await;
        }
    }

    fn lives(&self, kept: &Kept) -> bool {
        kept.session().standing(self.keeper.lifetimes, self.keeper.clock.now()) != Standing::Ended
    }

    async fn pause(&self, failures: u32) {
        tokio::time::sleep(doubled(self.keeper.flights.pace.first_pause, failures).min(LONGEST_PAUSE)).await;
    }
}
