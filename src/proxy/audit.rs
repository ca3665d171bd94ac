//! What of a decision the audit log is to tell: made where somebody signs in, is refused or signs out, and nowhere else,
//! so that a request which is simply served costs nothing. Names are made here, where the keys are.

use super::call::Verdict;
use super::respond::Told;
use super::shared::Shared;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::decision::Judged;
use crate::domain::policy::Permit;
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::route::Route;
use crate::domain::session::Session;
use crate::protocol::seal::KeyRing;
use crate::telemetry::audit::{Event, Happening, Person};

/// How the audit log names people: `telemetry.audit.identity`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By their identifiers.
    Full,
    /// By a keyed hash of them.
    Hashed,
}

impl Naming {
    fn name(self, who: &Principal, keys: &KeyRing) -> String {
        match self {
            Self::Full => who.id().to_string(),
            Self::Hashed => keys.pseudonym(who.id()).to_string(),
        }
    }
}

/// Something that happened, before anybody has been given a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incident<'a> {
    pub(super) happening: Happening,
    /// To whom, if that is known.
    pub(super) who: Option<&'a Principal>,
    /// At which authority, where nobody is known who would be its.
    pub(super) at: Option<&'a AuthorityName>,
    /// The kind of account that somebody said they would sign in with.
    pub(super) chosen: Option<AccountKind>,
}

impl<'a> Incident<'a> {
    /// Nothing more is known of it.
    pub(super) const fn new(happening: Happening) -> Self {
        Self { happening, who: None, at: None, chosen: None }
    }

    /// It happened to somebody.
    pub(super) const fn to(happening: Happening, who: &'a Principal) -> Self {
        Self { who: Some(who), ..Self::new(happening) }
    }

    /// It happened at an authority, to nobody knows whom.
    pub(super) const fn at(happening: Happening, authority: &'a AuthorityName) -> Self {
        Self { at: Some(authority), ..Self::new(happening) }
    }

    /// What the audit log is to tell, if there is one.
    fn event(self, shared: &Shared) -> Option<Event> {
        let naming = shared.naming?;
        let person = self.who.map(|who| Person { judged: Judged::of(who), name: naming.name(who, &shared.keys) });
        Some(Event { happening: self.happening, person, authority: self.at.cloned(), chosen: self.chosen })
    }
}

impl Verdict {
    /// Let in by this permit.
    #[must_use]
    pub(super) fn admitted(shared: &Shared, route: &Route, permit: &Permit<'_>, reason: Reason) -> Self {
        let verdict = Self::allow(reason).although(permit.would_be_refused()).on(route).about(permit.principal());
        match (permit.would_be_refused(), permit.principal()) {
            (Some(_), Some(who)) => verdict.telling(Incident::to(Happening::WouldBeRefused, who).event(shared)),
            (Some(_), None) | (None, _) => verdict,
        }
    }
}

impl Verdict {
    /// With the sessions that ended without anybody asking for it.
    #[must_use]
    pub(super) fn bidding_farewell(self, shared: &Shared, to: &[Session]) -> Self {
        to.iter().fold(self, |verdict, session| verdict.telling(Incident::to(Happening::SessionEnded, &session.principal).event(shared)))
    }
}

impl Told {
    /// The answer, with something for the audit log to tell.
    #[must_use]
    pub(super) fn audited(mut self, shared: &Shared, incident: Incident<'_>) -> Self {
        self.verdict = self.verdict.telling(incident.event(shared));
        self
    }
}
