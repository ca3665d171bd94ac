//! Keeping sessions: in the browser's cookies, or in a store to which the cookie is the ticket. Whether a session is over is
//! answered here, in one place: by its lifetimes, by the revocations, and by its record being gone.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::attendance::Attendance;
use super::freshen::Flights;
use super::groups::OpenQuestions;
use super::ports::{Clock, Cursor, Entropy, Inserted, Replaced, SessionStore, StoreFailed, Stored};
use super::revocations::{self, Full, RevocationList};
use crate::domain::revocation::{Revocation, Revocations, Whom};
use crate::domain::session::{Lifetimes, Session, Standing, Summary};
use crate::domain::time::Timestamp;
use crate::protocol::seal::{KeyRing, Purpose};
use crate::protocol::session_cookie::Carried;
use crate::protocol::session_record::{Handle, SessionRecord, Ticket, Tokens};

/// The use cases around sessions, with all they need. One per configuration; the store, the lists and what is under way
/// outlast it.
#[derive(Clone)]
pub struct Keeper {
    /// Where records are kept; `None`: in cookies.
    pub store: Option<Arc<dyn SessionStore>>,
    /// What was revoked while we run, here or by others who share the store.
    pub revocations: Arc<RevocationList>,
    /// What the configuration revokes.
    pub decreed: Arc<Revocations>,
    /// Who is here, of those who have something open.
    pub attendance: Arc<Attendance>,
    /// Refreshes, and what they brought.
    pub flights: Arc<Flights>,
    /// What an authority could not be asked about somebody.
    pub questions: Arc<OpenQuestions>,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// Seals what lists tell.
    pub keys: Arc<KeyRing>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// The name of no record: real ones are made by chance.
const NOBODYS: Handle = Handle([0; 16]);

/// A session that is good now, and where it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The session with its tokens. Requests of one browser may share it.
    pub record: Arc<SessionRecord>,
    /// Where.
    pub place: Place,
    /// What the browser has of it.
    pub copy: Copy,
}

/// Whether what the browser carries, or the store holds, says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// It is to be given another, with the next answer; likewise the store.
    Outdated,
    /// It does.
    UpToDate,
}

/// Where a session is kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// In the browser alone.
    Cookie,
    /// In the store.
    Store {
        /// The way to it.
        ticket: Ticket,
        /// The version that was read.
        version: u64,
    },
}

/// What was found behind what a browser carries.
#[derive(Debug)]
pub enum Opened {
    /// It is over: by its lifetimes, by a revocation, or because its record is gone.
    Ended,
    /// It is good.
    Live(Kept),
}

/// A revocation that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotRevoked {
    /// It counts in this process, but the others were not told.
    #[error("{0}")]
    Store(#[from] StoreFailed),
    /// There are too many.
    #[error("{0}")]
    Full(#[from] Full),
}

impl Kept {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.record.session
    }

    /// What the browser is to carry of it: no ID token, which is long and of little use to anybody but a store.
    #[must_use]
    pub fn carried(&self) -> Carried {
        match &self.place {
            Place::Cookie => {
                if self.record.tokens.id_token.is_none() {
                    return Carried::Whole(Arc::clone(&self.record));
                }
                let tokens = Tokens { id_token: None, ..self.record.tokens.clone() };
                Carried::Whole(Arc::new(SessionRecord { session: self.record.session.clone(), tokens }))
            }
            Place::Store { ticket, .. } => Carried::Ticket(ticket.clone()),
        }
    }
}

impl Keeper {
    /// Finds out what a browser's session is worth now.
    ///
    /// # Errors
    /// [`StoreFailed`]: nobody can tell now, which says nothing about the session.
    pub async fn open(&self, carried: Carried, now: Timestamp) -> Result<Opened, StoreFailed> {
        let kept = match carried {
            Carried::Whole(record) => Kept { record, place: Place::Cookie, copy: Copy::UpToDate },
            Carried::Ticket(ticket) => match self.read(ticket).await? {
                Some(kept) => kept,
                None => return Ok(Opened::Ended),
            },
        };
        // Judged as it came: what is known here of a later time does not bring it back to life.
        if kept.session().standing(self.lifetimes, now) == Standing::Ended || self.is_revoked(kept.session()) {
            return Ok(Opened::Ended);
        }
        let known = self.as_known(kept, now);
        // A refresh may have told by which name its authority ends it.
        Ok(if self.is_revoked(known.session()) { Opened::Ended } else { Opened::Live(known) })
    }

    /// Whether the session was ended before its time.
    #[must_use]
    pub fn is_revoked(&self, session: &Session) -> bool {
        self.revocations.has_ended(session) || self.decreed.ended(session).is_some()
    }

    /// Looks after a session on behalf of what it has open: when its person was last here, to the knowledge of all who share
    /// the store; `None` if it is kept no more. A store keeps a record only while it hears of its person, and what is open
    /// has heard from them `here`. While nobody can tell, that is all there is to know.
    pub async fn attend(&self, kept: &Kept, here: Timestamp) -> Option<Timestamp> {
        let Place::Store { ticket, .. } = &kept.place else { return Some(here) };
        let Ok(read) = self.read(ticket.clone()).await else { return Some(here) };
        let kept = read?;
        let mut session = kept.session().clone();
        if session.is_due_for_renewal(self.lifetimes, here) {
            session.last_seen = here;
            // If it fails, the next look comes soon.
            let _later = self.replace(&kept, SessionRecord { session, tokens: kept.record.tokens.clone() }).await;
            return Some(here);
        }
        Some(session.last_seen.max(here))
    }

    /// Takes care of a new session: puts it into the store, if there is one.
    ///
    /// # Errors
    /// [`StoreFailed`]: then nobody is signed in.
    pub async fn begin(&self, record: SessionRecord) -> Result<Kept, StoreFailed> {
        let Some(store) = &self.store else { return Ok(Kept { record: Arc::new(record), place: Place::Cookie, copy: Copy::Outdated }) };
        let ticket = Ticket::new(&mut |buffer| self.entropy.fill(buffer));
        let stored = self.stored(&record, &ticket, 1);
        store.insert(ticket.handle, &stored).await?;
        Ok(Kept { record: Arc::new(record), place: Place::Store { ticket, version: 1 }, copy: Copy::Outdated })
    }

    /// Notes that the person was here. A session from a cookie moves into the store, if there is one by now.
    ///
    /// # Errors
    /// [`StoreFailed`]: the session goes on all the same.
    pub async fn seen(&self, kept: &Kept, now: Timestamp) -> Result<Kept, StoreFailed> {
        self.attendance.note(kept.session().id);
        let mut record = SessionRecord::clone(&kept.record);
        record.session.last_seen = record.session.last_seen.max(now);
        match (&kept.place, &self.store) {
            // Its token is being spent: it moves with the next one.
            (Place::Cookie, Some(_)) if self.flights.is_under_way(kept.session().id) => Ok(kept.clone()),
            (Place::Cookie, Some(store)) => self.move_into(&**store, kept, record).await,
            (Place::Cookie, None) | (Place::Store { .. }, _) => self.replace(kept, record).await,
        }
    }

    /// Moves a session from its cookie into the store. Whoever comes second, with the same cookie or an older one, finds it
    /// there.
    async fn move_into(&self, store: &dyn SessionStore, kept: &Kept, record: SessionRecord) -> Result<Kept, StoreFailed> {
        let ticket = Ticket::of_moved(&kept.record, &self.keys);
        match store.insert(ticket.handle, &self.stored(&record, &ticket, 1)).await? {
            Inserted::Done => Ok(Kept { record: Arc::new(record), place: Place::Store { ticket, version: 1 }, copy: Copy::Outdated }),
            Inserted::Taken => {
                let there = store.read(ticket.handle).await?.record;
                let opened =
                    there.and_then(|there| Some((ticket.open(&there.sealed, &mut Zeroizing::new(Vec::new())).ok()?, there.version)));
                Ok(match opened {
                    Some((record, version)) => {
                        Kept { record: Arc::new(record), place: Place::Store { ticket, version }, copy: Copy::Outdated }
                    }
                    // It has just been taken away, or is none of ours.
                    None => kept.clone(),
                })
            }
        }
    }

    /// Puts a record in the place of the one that was read: in the store, or in the browser with the next answer.
    ///
    /// # Errors
    /// [`StoreFailed`]: the one that was read stays.
    pub async fn replace(&self, kept: &Kept, record: SessionRecord) -> Result<Kept, StoreFailed> {
        let (Place::Store { ticket, version }, Some(store)) = (&kept.place, &self.store) else {
            return Ok(Kept { record: Arc::new(record), place: kept.place.clone(), copy: Copy::Outdated });
        };
        let stored = self.stored(&record, ticket, version + 1);
        let version = match store.replace(ticket.handle, *version, &stored).await? {
            Replaced::Done => stored.version,
            // Somebody else was here as well, or has just signed out: what they wrote is the newer truth for the next request.
            Replaced::Gone | Replaced::Outdated => *version,
        };
        Ok(Kept { record: Arc::new(record), place: Place::Store { ticket: ticket.clone(), version }, copy: kept.copy })
    }

    /// Ends a session here and now: its record goes, and copies of its cookie are worth nothing.
    ///
    /// # Errors
    /// [`NotRevoked`]
    pub async fn end(&self, kept: &Kept, why: &str) -> Result<(), NotRevoked> {
        let revocation = || Revocation { whom: Whom::Session(kept.session().id), at: self.clock.now(), why: why.into() };
        match (&kept.place, &self.store) {
            (Place::Store { ticket, .. }, Some(store)) => {
                // Older cookies hold all of it, and would be good without the record. That comes first: if it fails, the record
                // is still there to try again with.
                if ticket.is_of_moved(kept.session().id, &self.keys) {
                    self.revoke(revocation()).await?;
                }
                store.remove(ticket.handle).await?;
                // What is still open here was opened while the record was there. Without room in the list it ends a little
                // later.
                if self.revocations.is_watched() {
                    let _later = self.revocations.add(revocation(), self.oldest());
                }
                Ok(())
            }
            (Place::Store { .. }, None) => Ok(()),
            (Place::Cookie, _) => self.revoke(revocation()).await,
        }
    }

    /// Ends sessions of others: here at once, and wherever the store is shared.
    ///
    /// # Errors
    /// [`NotRevoked`]
    pub async fn revoke(&self, revocation: Revocation) -> Result<(), NotRevoked> {
        self.revocations.add(revocation.clone(), self.oldest())?;
        self.tell(&revocation).await
    }

    /// Likewise, on the word of somebody who has proven nothing.
    ///
    /// # Errors
    /// [`NotRevoked`]; there is less room for these.
    pub async fn revoke_unproven(&self, revocation: Revocation) -> Result<(), NotRevoked> {
        if self.revocations.knows(&revocation) {
            return Ok(());
        }
        self.revocations.add_unproven(revocation.clone(), self.oldest())?;
        self.tell(&revocation).await
    }

    /// Tells all who share the store; if it fails, later.
    async fn tell(&self, revocation: &Revocation) -> Result<(), NotRevoked> {
        let Some(store) = &self.store else { return Ok(()) };
        let sealed = revocations::seal(revocation, &self.keys, &mut |buffer| self.entropy.fill(buffer));
        let told = store.revoke(&sealed, revocation.at + self.lifetimes.max).await;
        Ok(told.map(drop).inspect_err(|_| self.revocations.postpone(revocation.clone()))?)
    }

    /// Tells the store what it could not be told when it failed, for as long as it takes it.
    pub async fn tell_what_is_untold(&self) {
        while let Some(revocation) = self.revocations.next_untold() {
            if self.tell(&revocation).await.is_err() {
                return;
            }
        }
    }

    /// Asks the store whether others who share it have revoked anything. A look at a record that is not there costs it
    /// least, and comes with the answer.
    ///
    /// # Errors
    /// [`StoreFailed`]
    pub async fn look_for_revocations(&self) -> Result<(), StoreFailed> {
        let Some(store) = &self.store else { return Ok(()) };
        let read = store.read(NOBODYS).await?;
        self.revocations.catch_up(&**store, &self.keys, read.revocations, self.oldest()).await
    }

    /// When the oldest session that may still be alive began.
    fn oldest(&self) -> Timestamp {
        self.clock.now() - self.lifetimes.max
    }

    /// Some sessions of the store; `None` if there is no store that could list them.
    ///
    /// # Errors
    /// [`StoreFailed`]
    pub async fn list(&self, from: Option<Cursor>) -> Result<Option<(Vec<(Handle, Summary)>, Option<Cursor>)>, StoreFailed> {
        let Some(store) = &self.store else { return Ok(None) };
        let listed = store.list(from).await?;
        let opened = listed.records.into_iter().filter_map(|(handle, sealed)| Some((handle, self.opened(&sealed)?)));
        Ok(Some((opened.collect(), listed.next)))
    }

    pub(super) async fn read(&self, ticket: Ticket) -> Result<Option<Kept>, StoreFailed> {
        // The configuration says "cookie" by now: what the store held is out of reach.
        let Some(store) = &self.store else { return Ok(None) };
        let read = store.read(ticket.handle).await?;
        self.revocations.catch_up(&**store, &self.keys, read.revocations, self.oldest()).await?;
        let Some(stored) = read.record else { return Ok(None) };
        // A record that the only key does not open was not written by us: as good as none.
        let Ok(record) = ticket.open(&stored.sealed, &mut Zeroizing::new(Vec::new())) else { return Ok(None) };
        let place = Place::Store { ticket, version: stored.version };
        Ok(Some(Kept { record: Arc::new(record), place, copy: Copy::UpToDate }))
    }

    /// A record in the form that stores keep.
    pub(super) fn stored(&self, record: &SessionRecord, ticket: &Ticket, version: u64) -> Stored {
        let mut random = |buffer: &mut [u8]| self.entropy.fill(buffer);
        let summary = postcard::to_allocvec(&Summary::of(&record.session)).expect("strings and numbers can be written");
        Stored {
            version,
            // Longer than anybody can need it, by the renewal that comes once in a twentieth of the idle time.
            expires_at: record.session.ends_at(self.lifetimes),
            summary: self.keys.seal(Purpose::Summary, &[], &summary, &mut random).into(),
            sealed: ticket.seal(record, &mut random).into(),
        }
    }

    fn opened(&self, sealed: &str) -> Option<Summary> {
        let plaintext = self.keys.open(Purpose::Summary, &[], sealed).ok()?;
        postcard::from_bytes(&plaintext).ok()
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("lifetimes", &self.lifetimes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
