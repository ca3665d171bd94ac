//! Whose sessions ended before their time: a "not before" list. A session that began at or before a revocation that
//! means it is over, wherever it is kept; one that begins later is not touched.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::TenantId;
use super::authority::AuthorityName;
use super::session::{Session, SessionId, Summary};
use super::time::Timestamp;

/// The longest reason for a revocation, in characters.
pub const LONGEST_REASON: usize = 200;

/// Whom a revocation means.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Whom {
    /// Everybody.
    Everybody,
    /// Everybody of one organisation.
    Tenant(TenantId),
    /// One person in all their browsers, as logs name people in full: `oid@tid`, or `sub@host`.
    User(Arc<str>),
    /// The one session at an authority, by the `sid` that it gave it.
    AtProvider(AuthorityName, Arc<str>),
    /// One session of ours.
    Session(SessionId),
    /// One person at an authority in all their browsers, by its own name for them: `iss` and `sub` (OpenID Connect Core
    /// §5.7), which is all that a provider says of whom it signed out.
    Subject(AuthorityName, Arc<str>, Arc<str>),
}

impl Whom {
    /// The word for how many it means, in logs, lists and metrics.
    #[must_use]
    pub const fn scope(&self) -> &'static str {
        match self {
            Self::Everybody => "all",
            Self::Tenant(_) => "tenant",
            Self::User(_) => "user",
            Self::AtProvider(..) => "provider_session",
            Self::Session(_) => "session",
            Self::Subject(..) => "subject",
        }
    }
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Whom it means.
    pub whom: Whom,
    /// Sessions that began at or before this moment are over.
    pub at: Timestamp,
    /// Why, in the words of whoever did it; for lists and the audit log.
    pub why: Arc<str>,
}

/// How far a revocation that somebody ordered has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It was not carried out: there is no room for another.
    Nowhere,
    /// It counts in this process, until that ends. No other one knows of it: sessions are kept in cookies.
    Process,
    /// It counts in this process. The others that share the store were not told, or nobody knows whether they were.
    ProcessStoreFailed,
    /// It counts wherever the store is shared, for as long as it can mean anybody.
    Store,
}

impl Reach {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nowhere => "nowhere",
            Self::Process => "process",
            Self::ProcessStoreFailed => "process_store_failed",
            Self::Store => "store",
        }
    }
}

/// The list. Of several entries about the same, the latest counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    everybody: Option<Revocation>,
    others: Others,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Others {
    tenants: HashMap<TenantId, Revocation>,
    users: HashMap<Arc<str>, Revocation>,
    provider_sessions: HashMap<(AuthorityName, Arc<str>), Revocation>,
    sessions: HashMap<SessionId, Revocation>,
    subjects: HashMap<(AuthorityName, Arc<str>, Arc<str>), Revocation>,
}

impl Revocations {
    /// Nobody's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry. An earlier one about the same goes; a later one stays.
    pub fn add(&mut self, revocation: Revocation) {
        let Others { tenants, users, provider_sessions, sessions, subjects } = &mut self.others;
        match &revocation.whom {
            Whom::Everybody => {
                if self.everybody.as_ref().is_none_or(|known| known.at <= revocation.at) {
                    self.everybody = Some(revocation);
                }
            }
            Whom::Tenant(tenant) => keep_latest(tenants, *tenant, revocation),
            Whom::User(user) => keep_latest(users, Arc::clone(user), revocation),
            Whom::AtProvider(authority, sid) => keep_latest(provider_sessions, (authority.clone(), Arc::clone(sid)), revocation),
            Whom::Session(id) => keep_latest(sessions, *id, revocation),
            Whom::Subject(authority, issuer, subject) => {
                keep_latest(subjects, (authority.clone(), Arc::clone(issuer), Arc::clone(subject)), revocation);
            }
        }
    }

    /// Drops what cannot mean any session any more: entries from before `oldest`, the moment when the oldest session that
    /// may still be alive began.
    pub fn forget_before(&mut self, oldest: Timestamp) {
        let Others { tenants, users, provider_sessions, sessions, subjects } = &mut self.others;
        self.everybody.take_if(|known| known.at < oldest);
        tenants.retain(|_, known| known.at >= oldest);
        users.retain(|_, known| known.at >= oldest);
        provider_sessions.retain(|_, known| known.at >= oldest);
        sessions.retain(|_, known| known.at >= oldest);
        subjects.retain(|_, known| known.at >= oldest);
    }

    /// Adds all entries of another list.
    pub fn add_all(&mut self, others: &Self) {
        for revocation in others.iter() {
            self.add(revocation.clone());
        }
    }

    /// The entry about exactly this.
    #[must_use]
    pub fn of(&self, whom: &Whom) -> Option<&Revocation> {
        let Others { tenants, users, provider_sessions, sessions, subjects } = &self.others;
        match whom {
            Whom::Everybody => self.everybody.as_ref(),
            Whom::Tenant(tenant) => tenants.get(tenant),
            Whom::User(user) => users.get(user),
            Whom::AtProvider(authority, sid) => provider_sessions.get(&(authority.clone(), Arc::clone(sid))),
            Whom::Session(id) => sessions.get(id),
            Whom::Subject(authority, issuer, subject) => subjects.get(&(authority.clone(), Arc::clone(issuer), Arc::clone(subject))),
        }
    }

    /// The entry that ended this session.
    #[must_use]
    pub fn ended(&self, session: &Session) -> Option<&Revocation> {
        let who = &session.principal;
        let marks = Marks {
            id: session.id,
            authority: &who.authority,
            tenant: who.tenant,
            subject: Some((&who.issuer, &who.subject)),
            provider_session: session.provider_session.as_ref(),
            signed_in_at: session.signed_in_at,
        };
        self.meaning(&marks, || who.id().to_string().into())
    }

    /// The entry that ended the session of which a list tells this. Lists hold no `iss` and `sub`, so entries by these are
    /// passed over: what they end stays listed until it would have ended by itself.
    #[must_use]
    pub fn ended_listed(&self, summary: &Summary) -> Option<&Revocation> {
        let marks = Marks {
            id: summary.id,
            authority: &summary.authority,
            tenant: summary.tenant,
            subject: None,
            provider_session: summary.provider_session.as_ref(),
            signed_in_at: summary.signed_in_at,
        };
        self.meaning(&marks, || Arc::clone(&summary.user))
    }

    fn meaning(&self, marks: &Marks<'_>, user: impl FnOnce() -> Arc<str>) -> Option<&Revocation> {
        let means = |known: &&Revocation| marks.signed_in_at <= known.at;
        self.everybody.as_ref().filter(means).or_else(|| self.others.latest(marks, user).filter(means))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let Others { tenants, users, provider_sessions, sessions, subjects } = &self.others;
        let people = usize::from(self.everybody.is_some()) + tenants.len() + users.len() + subjects.len();
        people + provider_sessions.len() + sessions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Revocation> {
        let Others { tenants, users, provider_sessions, sessions, subjects } = &self.others;
        let people = tenants.values().chain(users.values()).chain(subjects.values());
        self.everybody.iter().chain(people).chain(provider_sessions.values()).chain(sessions.values())
    }
}

impl Others {
    /// The latest of the entries that name this session, its person or its organisation. While there are none, this costs a
    /// request five looks at a length.
    fn latest(&self, marks: &Marks<'_>, user: impl FnOnce() -> Arc<str>) -> Option<&Revocation> {
        let of_tenant = marks.tenant.and_then(|tenant| self.tenants.get(&tenant));
        let of_user = if self.users.is_empty() { None } else { self.users.get(&user()) };
        let of_subject = match marks.subject {
            Some((issuer, subject)) if !self.subjects.is_empty() => {
                self.subjects.get(&(marks.authority.clone(), Arc::clone(issuer), Arc::clone(subject)))
            }
            Some(_) | None => None,
        };
        let at_provider = match marks.provider_session {
            Some(sid) if !self.provider_sessions.is_empty() => self.provider_sessions.get(&(marks.authority.clone(), Arc::clone(sid))),
            Some(_) | None => None,
        };
        let named = [of_tenant, of_user, of_subject, at_provider, self.sessions.get(&marks.id)];
        named.into_iter().flatten().max_by_key(|known| known.at)
    }
}

/// By what entries know a session, beside its person.
struct Marks<'a> {
    id: SessionId,
    authority: &'a AuthorityName,
    tenant: Option<TenantId>,
    /// `iss` and `sub`, where they are known.
    subject: Option<(&'a Arc<str>, &'a Arc<str>)>,
    provider_session: Option<&'a Arc<str>>,
    signed_in_at: Timestamp,
}

fn keep_latest<K: Eq + std::hash::Hash>(of: &mut HashMap<K, Revocation>, key: K, revocation: Revocation) {
    let known = of.entry(key).or_insert_with(|| revocation.clone());
    if known.at < revocation.at {
        *known = revocation;
    }
}

#[cfg(test)]
mod tests;
