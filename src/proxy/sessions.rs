//! The sessions of a request: one per authority, side by side, read from its cookies in the order a route prefers.

use std::sync::Arc;

use futures_util::future::join_all;

use super::opening::Opening;
use super::respond::Reply;
use super::shared::Shared;
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::flow::freshen::{Freshened, Whereabouts};
use crate::flow::keeper::{Copy, Kept, Opened};
use crate::protocol::cookies::{OwnCookies, SetCookie};
use crate::protocol::session_cookie::{self, Carried, Sealed, TooLarge, fitting};
use crate::protocol::session_record::SessionRecord;

/// What the cookies hold.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Sessions that are good now.
    pub live: Vec<Kept>,
    /// Whether there was one that has ended.
    pub past: Past,
    /// Where those were that have ended.
    ended: Vec<Whereabouts>,
    /// Those that their authority has ended, of which nobody has told yet.
    pub farewells: Vec<Session>,
}

/// Whether a session was found that is not good any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Past {
    /// Yes: "your session has ended" is the truth.
    Ended,
    /// No: they were never signed in, or nobody can tell.
    #[default]
    None,
}

impl Sessions {
    /// Reads the sessions at these authorities. A cookie that cannot be opened is nobody's: it means the same as none. So
    /// does a session that another provider vouched for, when its authority's name meant that one.
    ///
    /// # Errors
    /// [`Reason::SessionStoreUnavailable`]: nobody can tell now. The cookies stay as they are.
    pub(super) async fn read<'a>(
        shared: &Shared,
        opening: &impl Opening,
        own: &OwnCookies<'_>,
        origin: &Arc<Origin>,
        authorities: impl IntoIterator<Item = &'a AuthorityName>,
        now: Timestamp,
    ) -> Result<Self, Reason> {
        let mut sessions = Self::default();
        if own.names().next().is_none() {
            return Ok(sessions);
        }
        for authority in authorities {
            let Sealed::Whole(sealed) = session_cookie::find(own, authority) else { continue };
            let Some(carried) = opening.open(&sealed, authority, origin, &shared.keys, now) else { continue };
            let whereabouts = Whereabouts::of(&carried);
            let opened = shared.keeper.open(carried, now).await.map_err(|error| {
                // The store itself says when it fails, and when it is back: once, and not for every request.
                tracing::debug!(fault = "session store", %error, "A session could not be read");
                Reason::SessionStoreUnavailable
            })?;
            match opened {
                Opened::Live(kept) if vouched_for(shared, authority, &kept.session().principal) => sessions.live.push(kept),
                Opened::Live(_) => {}
                Opened::Ended => sessions.end(whereabouts),
            }
        }
        Ok(sessions)
    }

    /// The same sessions once their claims have been seen to: for a route that is about to judge them. Whoever asks for this
    /// tells the [`Self::farewells`], which are yielded once.
    pub async fn freshened(self, shared: &Shared, now: Timestamp) -> Self {
        // Of nearly every request.
        if self.ended.is_empty() && self.live.iter().all(|kept| kept.is_fresh(now)) {
            return self;
        }
        // What is seldom needed is not to make the task of every request larger.
        Box::pin(self.seen_to(shared, now)).await
    }

    async fn seen_to(mut self, shared: &Shared, now: Timestamp) -> Self {
        let live = std::mem::take(&mut self.live).into_iter().map(async |kept| {
            let whereabouts = Whereabouts::of_kept(&kept);
            let freshened = match shared.sign_in.authorities.get(&kept.session().principal.authority) {
                Some(authority) => shared.keeper.freshen(kept, authority, now).await,
                None => Freshened::Live(kept),
            };
            (whereabouts, freshened)
        });
        for (whereabouts, freshened) in join_all(live).await {
            match freshened {
                Freshened::Live(kept) => self.live.push(kept),
                Freshened::Ended => self.end(whereabouts),
            }
        }
        self.farewells = self.ended.iter().filter_map(|&at| shared.keeper.flights.farewell(at)).collect();
        self
    }

    /// One of these has just been found to have ended, perhaps by its authority.
    pub(super) fn ended_late(&mut self, whereabouts: Whereabouts, shared: &Shared) {
        self.end(whereabouts);
        self.farewells.extend(shared.keeper.flights.farewell(whereabouts));
    }

    /// One of these is as good as none: only a new sign-in helps.
    pub(super) const fn outgrown(&mut self) {
        self.past = Past::Ended;
    }

    fn end(&mut self, whereabouts: Whereabouts) {
        self.past = Past::Ended;
        self.ended.push(whereabouts);
    }
}

fn vouched_for(shared: &Shared, authority: &AuthorityName, who: &Principal) -> bool {
    who.authority == *authority && shared.sign_in.authorities.get(authority).is_some_and(|authority| authority.vouches_for(who))
}

/// The session's cookies. Of a session that does not fit, the largest of its smaller forms that does.
///
/// # Errors
/// [`TooLarge`]: none fits.
pub fn cookies(shared: &Shared, kept: &Kept, own: &OwnCookies<'_>, origin: &Origin) -> Result<Vec<SetCookie>, TooLarge> {
    let authority = &kept.session().principal.authority;
    let mut random = |buffer: &mut [u8]| shared.sign_in.entropy.fill(buffer);
    let mut write = |carried: &Carried| session_cookie::write(carried, authority, own, origin, &shared.keys, &mut random);
    let carried = kept.carried();
    let (too_large, record) = match (write(&carried), carried) {
        (Err(too_large), Carried::Whole(record)) => (too_large, SessionRecord::clone(&record)),
        (written, _) => return written,
    };
    for (left_out, smaller) in fitting::smaller_forms(record, &shared.sign_in.questions.named) {
        if let Ok(written) = write(&Carried::Whole(Arc::new(smaller))) {
            // Once for as long as its claims stay: what is read from its cookies from now on fits.
            tracing::warn!(%authority, bytes = too_large.length, "A session does not fit into cookies: {left_out}. A store ([session] store) keeps all of it");
            return Ok(written);
        }
    }
    Err(too_large)
}

/// The session's cookies written again, if what the browser has says something else.
pub fn rewritten(reply: Reply<'_>, kept: &Kept, own: &OwnCookies<'_>) -> Vec<SetCookie> {
    match kept.copy {
        Copy::Outdated => cookies(reply.shared, kept, own, &reply.visit.origin).unwrap_or_default(),
        Copy::UpToDate => Vec::new(),
    }
}

/// Whether the browser's copy is old enough to be worth writing it again, or says something else.
#[must_use]
pub fn wants_renewal(reply: Reply<'_>, kept: &Kept) -> bool {
    kept.copy == Copy::Outdated || kept.session().is_due_for_renewal(reply.shared.lifetimes, reply.call.now)
}

/// The session's cookies written again.
pub async fn renewal(reply: Reply<'_>, kept: &Kept, own: &OwnCookies<'_>) -> Vec<SetCookie> {
    let Reply { shared, call, visit } = reply;
    match shared.keeper.seen(kept, call.now).await {
        // What was read from cookies fits into them, and what grew since stays as it was.
        Ok(seen) => cookies(shared, &seen, own, &visit.origin).unwrap_or_default(),
        Err(error) => {
            tracing::debug!(fault = "session store", %error, "It could not be noted that somebody is here");
            Vec::new()
        }
    }
}
