//! What the admin listener asks about sessions, and what it can order. Three answers are kept apart: nobody can list
//! sessions that are in cookies, a store may fail, and the list may be empty.

use async_trait::async_trait;

use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::decision::DecisionId;
use crate::domain::revocation::{Reach, Revocation, Whom};
use crate::domain::session::{SessionId, Summary};
use crate::domain::time::Timestamp;

/// The sessions of the running proxy, as far as they can be seen from inside.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Sessions that are good now: a part of them, and where to go on.
    ///
    /// # Errors
    /// [`NotListed`]
    async fn list(&self, wanted: &Wanted, from: Option<&str>) -> Result<Listed, NotListed>;

    /// The session of this id; `None`: it is over, or never was.
    ///
    /// # Errors
    /// [`NotListed`]
    async fn find(&self, id: SessionId) -> Result<Option<Known>, NotListed>;

    /// Ends sessions that have begun up to now, and writes that down.
    async fn revoke(&self, whom: Whom, why: &str) -> Revoked;

    /// The revocations in force.
    async fn revocations(&self) -> InForce;

    /// How many revocations are in force, as far as this process knows.
    fn counts(&self) -> Counts;
}

/// Why no session can be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotListed {
    /// Sessions are kept in cookies: only the browsers have them.
    InCookies,
    /// The store fails; why, for operators.
    Failed(String),
}

/// A part of the list.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The newest first.
    pub sessions: Vec<Known>,
    /// Where to go on; `None`: that was all.
    pub next: Option<String>,
}

/// A session that is good now.
#[derive(Debug, Clone)]
pub struct Known {
    /// What may be told of it.
    pub summary: Summary,
    /// What the audit log calls its person, if that is another name.
    pub pseudonym: Option<String>,
    /// When it ends by itself, if nobody comes.
    pub ends_at: Timestamp,
}

/// Which sessions are asked for. What is left out fits every one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this kind of account.
    pub kind: Option<AccountKind>,
    /// Of this authority.
    pub authority: Option<AuthorityName>,
    /// Of this organisation.
    pub tenant: Option<TenantId>,
    /// Of this person, by either name.
    pub user: Option<String>,
}

impl Wanted {
    /// Whether a session fits.
    #[must_use]
    pub fn fits(&self, known: &Known) -> bool {
        let Known { summary, pseudonym, .. } = known;
        self.kind.is_none_or(|kind| kind == summary.kind)
            && self.authority.as_ref().is_none_or(|authority| *authority == summary.authority)
            && self.tenant.is_none_or(|tenant| Some(tenant) == summary.tenant)
            && self.user.as_ref().is_none_or(|user| **user == *summary.user || Some(user) == pseudonym.as_ref())
    }
}

/// What became of an order.
#[derive(Debug, Clone)]
pub struct Revoked {
    /// By which the audit log has it.
    pub id: DecisionId,
    /// What was ordered.
    pub revocation: Revocation,
    /// How far it got.
    pub reach: Reach,
    /// What went wrong, if anything did; for operators.
    pub trouble: Option<String>,
}

/// The revocations in force.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// In no order.
    pub entries: Vec<(Source, Revocation)>,
    /// Why what others have revoked may be missing.
    pub trouble: Option<String>,
}

/// Where a revocation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `[session] not_before`
    Configuration,
    /// An order, a sign-out, or an authority, while the proxy ran.
    Running,
}

impl Source {
    /// The word for it in lists and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Running => "running",
        }
    }
}

/// How many revocations there are, by where they come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// [`Source::Configuration`]
    pub configuration: usize,
    /// [`Source::Running`]
    pub running: usize,
}
