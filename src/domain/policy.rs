//! The policy: a pure function of route, person and time. A typed address, a callback, every request and every bearer
//! token are judged here and nowhere else.
//!
//! The order of checks is the order of [`Check::ORDER`], each with a reason of its own. More requirements can only turn
//! admission into refusal, never the other way round (a property test holds that).

use super::account::{AccountKind, Home, Membership, TenantId};
use super::authority::AuthorityName;
use super::guid::Guid;
use super::principal::{Groups, Principal};
use super::reason::Reason;
use super::route::{Access, BearerRequirements, Guests, Position, Requirements, Route};
use super::time::Timestamp;

/// One step of the judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// `accounts`
    Kind,
    /// `authorities`
    Authority,
    /// `tenants`
    Tenant,
    /// `guests`
    Membership,
    /// `groups` and `roles`
    Groups,
    /// `bearer`
    Bearer,
}

impl Check {
    /// The order in which a person is judged: the first failure is the reason they read.
    pub const ORDER: [Self; 6] = [Self::Kind, Self::Authority, Self::Tenant, Self::Membership, Self::Groups, Self::Bearer];

    /// The check that refuses for this reason: each reason belongs to one check only.
    #[must_use]
    pub const fn of(reason: Reason) -> Option<Self> {
        match reason {
            Reason::CustomerAccountNotAllowed | Reason::PersonalAccountNotAllowed | Reason::WorkAccountNotAllowed => Some(Self::Kind),
            Reason::AuthorityNotAllowed => Some(Self::Authority),
            Reason::TenantNotAllowed => Some(Self::Tenant),
            Reason::GuestNotAllowed | Reason::MembershipUnknown | Reason::PersonalGuestNotAllowed => Some(Self::Membership),
            Reason::GroupRequired | Reason::GroupsOverage | Reason::GroupsUnavailable => Some(Self::Groups),
            Reason::InsufficientScope => Some(Self::Bearer),
            Reason::BadRequest
            | Reason::BodyTooLarge
            | Reason::Cancelled
            | Reason::Configuration
            | Reason::ConsentRequired
            | Reason::FlowExpired
            | Reason::HeadersTooLarge
            | Reason::IdentifierInvalid
            | Reason::IdpError
            | Reason::IdpUnavailable
            | Reason::InvalidToken
            | Reason::NoRoute
            | Reason::Public
            | Reason::RateLimited
            | Reason::SessionExpired
            | Reason::SessionStoreUnavailable
            | Reason::SignInRequired
            | Reason::SignedIn
            | Reason::UpstreamTimeout
            | Reason::UpstreamUnavailable => None,
        }
    }
}

/// An access token's claims about the API call, beside those about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    /// `aud`
    pub audiences: Vec<String>,
    /// `scp` (or `scope`), split at spaces.
    pub scopes: Vec<String>,
    /// `exp`: what was opened with the token ends then.
    pub expires_at: Timestamp,
}

/// Whom to judge.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The validated person.
    pub principal: &'a Principal,
    /// There when they came with an access token instead of a session.
    pub grant: Option<&'a AccessGrant>,
}

impl Route {
    /// Runs one check of those that the route states.
    ///
    /// # Errors
    /// The reason why it fails. A public route passes every check.
    pub fn run(&self, check: Check, subject: Subject<'_>) -> Result<(), Reason> {
        self.access.stated().map_or(Ok(()), |stated| self.run_by(stated, check, subject))
    }

    fn run_by(&self, wanted: &Requirements, check: Check, subject: Subject<'_>) -> Result<(), Reason> {
        let who = subject.principal;
        match check {
            Check::Kind => wanted.check_kind(who.kind),
            Check::Authority => wanted.check_authority(&who.authority),
            Check::Tenant => wanted.check_tenant(who.kind, who.tenant),
            Check::Membership => wanted.check_membership(who.kind, who.membership, who.home),
            Check::Groups => wanted.check_groups(&who.groups, &who.roles),
            Check::Bearer => match subject.grant {
                Some(grant) => check_bearer(self.bearer.as_ref(), grant, who),
                None => Ok(()),
            },
        }
    }

    /// Judges a validated person: every check in order, the first failure decides.
    ///
    /// # Errors
    /// The reason of the first check that fails.
    pub fn judge<'a>(&self, subject: Subject<'a>) -> Result<Permit<'a>, Reason> {
        let all = |wanted: &Requirements| Check::ORDER.into_iter().try_for_each(|check| self.run_by(wanted, check, subject));
        let would_be_refused = match &self.access {
            Access::Public => None,
            Access::Optional(wanted) | Access::Required(wanted) => all(wanted).map(|()| None)?,
            // What an access token may do is tried as well; that it is meant for us has to be so.
            Access::Shadowed { enforced, stated } => {
                let is_enforced = |check: &Check| *check != Check::Bearer;
                Check::ORDER.into_iter().filter(is_enforced).try_for_each(|check| self.run_by(enforced, check, subject))?;
                if let Some(grant) = subject.grant {
                    check_audience(self.bearer.as_ref(), grant)?;
                }
                all(stated).err()
            }
        };
        Ok(Permit { who: Some(subject.principal), would_be_refused })
    }

    /// The place in the file that decided, when somebody was refused for `reason`: the key that the failing check reads,
    /// or the route where no key says it.
    #[must_use]
    pub fn decided_at(&self, reason: Reason) -> Position {
        Check::of(reason).and_then(|check| self.written.of(check)).map_or(self.position, |written| written.position)
    }

    /// Decides a request from what it brought.
    #[must_use]
    pub fn decide<'a>(&self, presented: Presented<'_, 'a>) -> Decision<'a> {
        match &self.access {
            Access::Public => Decision::Allow(Permit::ANONYMOUS, Reason::Public),
            Access::Optional(_) => match self.decide_required(presented) {
                // A token that was sent on purpose and does not hold is an error even where none is needed.
                Decision::Deny { reason: reason @ Reason::InvalidToken, who } => Decision::Deny { reason, who },
                Decision::Allow(permit, reason) => Decision::Allow(permit, reason),
                Decision::Challenge(_) | Decision::Deny { .. } => Decision::Allow(Permit::ANONYMOUS, Reason::Public),
            },
            Access::Required(_) | Access::Shadowed { .. } => self.decide_required(presented),
        }
    }

    fn decide_required<'a>(&self, presented: Presented<'_, 'a>) -> Decision<'a> {
        match presented {
            Presented::Nothing => Decision::Challenge(Reason::SignInRequired),
            Presented::OnlyEnded => Decision::Challenge(Reason::SessionExpired),
            Presented::BadToken => Decision::Deny { reason: Reason::InvalidToken, who: None },
            Presented::Token { principal, grant } => match self.judge(Subject { principal, grant: Some(grant) }) {
                Ok(permit) => Decision::Allow(permit, Reason::SignedIn),
                Err(reason) => Decision::Deny { reason, who: Some(principal) },
            },
            Presented::Sessions(people) => {
                let (mut refused, mut tried) = (None, None);
                for &principal in people {
                    match self.judge(Subject { principal, grant: None }) {
                        Ok(permit) if permit.would_be_refused.is_none() => return Decision::Allow(permit, Reason::SignedIn),
                        // Whoever passes what is only tried comes first: they would, too, if it were enforced.
                        Ok(permit) => tried = tried.or(Some(permit)),
                        Err(reason) => refused = refused.or(Some((reason, principal))),
                    }
                }
                match (tried, refused) {
                    (Some(permit), _) => Decision::Allow(permit, Reason::SignedIn),
                    (None, Some((reason, principal))) => Decision::Deny { reason, who: Some(principal) },
                    (None, None) => Decision::Challenge(Reason::SignInRequired),
                }
            }
        }
    }
}

/// What a request brought.
#[derive(Debug, Clone, Copy)]
pub enum Presented<'s, 'a> {
    /// No session and no token.
    Nothing,
    /// Sessions, none of them live any more.
    OnlyEnded,
    /// Live sessions: whose they are, in the order the route prefers.
    Sessions(&'s [&'a Principal]),
    /// An access token that does not hold, or that this route does not accept.
    BadToken,
    /// A validated access token.
    Token {
        /// Whose it is.
        principal: &'a Principal,
        /// What for.
        grant: &'a AccessGrant,
    },
}

/// What is decided for a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Forward.
    Allow(Permit<'a>, Reason),
    /// A sign-in can change the answer.
    Challenge(Reason),
    /// Signing in with the same account again cannot.
    Deny {
        /// Why.
        reason: Reason,
        /// Who was judged, if anybody.
        who: Option<&'a Principal>,
    },
}

/// The proof that a request was judged and admitted. Only this module makes one; forwarding asks for one.
///
/// ```compile_fail
/// let forged = homerealm::domain::policy::Permit { who: None, would_be_refused: None };
/// ```
#[derive(Debug)]
#[must_use = "a permit is there to be forwarded with"]
pub struct Permit<'a> {
    who: Option<&'a Principal>,
    would_be_refused: Option<Reason>,
}

impl<'a> Permit<'a> {
    const ANONYMOUS: Self = Self { who: None, would_be_refused: None };

    /// The admitted person; `None` where a route lets everybody in.
    #[must_use]
    pub const fn principal(&self) -> Option<&'a Principal> {
        self.who
    }

    /// Why they would not have been admitted, if the route enforced what it states.
    #[must_use]
    pub const fn would_be_refused(&self) -> Option<Reason> {
        self.would_be_refused
    }
}

impl Requirements {
    /// Whether a session of this person counts here: one of the route's authorities vouched for them, or they have a kind of
    /// account that is not taken, and are told so instead of merely asked to sign in. A kind that is taken may sign in
    /// again, where the route says.
    #[must_use]
    pub fn heeds(&self, who: &Principal) -> bool {
        self.authorities.contains(&who.authority) || self.check_kind(who.kind).is_err()
    }

    /// `accounts`.
    ///
    /// # Errors
    /// The refusal of that kind.
    pub const fn check_kind(&self, kind: AccountKind) -> Result<(), Reason> {
        if self.kinds.contains(kind) {
            return Ok(());
        }
        Err(match kind {
            AccountKind::Customer => Reason::CustomerAccountNotAllowed,
            AccountKind::Personal => Reason::PersonalAccountNotAllowed,
            AccountKind::Work => Reason::WorkAccountNotAllowed,
        })
    }

    /// `authorities`.
    ///
    /// # Errors
    /// [`Reason::AuthorityNotAllowed`].
    pub fn check_authority(&self, authority: &AuthorityName) -> Result<(), Reason> {
        if self.authorities.contains(authority) { Ok(()) } else { Err(Reason::AuthorityNotAllowed) }
    }

    /// `tenants`, which speak of work accounts only.
    ///
    /// # Errors
    /// [`Reason::TenantNotAllowed`], also for a work account that names no tenant.
    pub fn check_tenant(&self, kind: AccountKind, tenant: Option<TenantId>) -> Result<(), Reason> {
        match kind {
            AccountKind::Customer | AccountKind::Personal => Ok(()),
            AccountKind::Work if self.tenants.is_empty() => Ok(()),
            AccountKind::Work => match tenant {
                Some(tenant) if self.tenants.contains(&tenant) => Ok(()),
                Some(_) | None => Err(Reason::TenantNotAllowed),
            },
        }
    }

    /// `guests`, which speak of work accounts only.
    ///
    /// # Errors
    /// The refusal that names what is known: a personal guest, a guest, or not known.
    pub const fn check_membership(&self, kind: AccountKind, membership: Membership, home: Home) -> Result<(), Reason> {
        match kind {
            AccountKind::Customer | AccountKind::Personal => return Ok(()),
            AccountKind::Work => {}
        }
        match (self.guests, membership, home) {
            (Guests::Allow, _, _) | (Guests::Deny | Guests::Work, Membership::Member, _) => Ok(()),
            (Guests::Work, Membership::Guest | Membership::Unknown, Home::OtherTenant | Home::ThisTenant) => Ok(()),
            (Guests::Deny | Guests::Work, Membership::Guest | Membership::Unknown, Home::Personal) => Err(Reason::PersonalGuestNotAllowed),
            (Guests::Work, Membership::Unknown, Home::EmailCode | Home::Social) => Err(Reason::GuestNotAllowed),
            (Guests::Deny | Guests::Work, Membership::Guest, _) => Err(Reason::GuestNotAllowed),
            (Guests::Deny | Guests::Work, Membership::Unknown, _) => Err(Reason::MembershipUnknown),
        }
    }

    /// `groups` and `roles`: one of either suffices.
    ///
    /// # Errors
    /// If the token left out the list that could have held a wanted group: [`Reason::GroupsUnavailable`] where asking could
    /// tell, [`Reason::GroupsOverage`] where it could not. Else [`Reason::GroupRequired`].
    pub fn check_groups(&self, groups: &Groups, roles: &[std::sync::Arc<str>]) -> Result<(), Reason> {
        if self.groups.is_empty() && self.roles.is_empty() {
            return Ok(());
        }
        if roles.iter().any(|role| self.roles.contains(role)) {
            return Ok(());
        }
        if groups.known().iter().any(|group| self.groups.contains(group)) {
            return Ok(());
        }
        let mut unknown = self.groups.iter().filter(|group| !groups.tell_of(group)).peekable();
        Err(match groups {
            _ if unknown.peek().is_none() => Reason::GroupRequired,
            // Whoever can be asked knows groups by their object ids only.
            Groups::Asked { .. } if unknown.any(|group| Guid::parse(group).is_ok()) => Reason::GroupsUnavailable,
            Groups::Asked { .. } | Groups::Listed(_) | Groups::Overage => Reason::GroupsOverage,
        })
    }
}

fn check_bearer(wanted: Option<&BearerRequirements>, grant: &AccessGrant, who: &Principal) -> Result<(), Reason> {
    let wanted = check_audience(wanted, grant)?;
    let scopes = wanted.scopes.iter().all(|scope| grant.scopes.iter().any(|granted| **granted == **scope));
    let roles = wanted.roles.is_empty() || who.roles.iter().any(|role| wanted.roles.contains(role));
    if scopes && roles { Ok(()) } else { Err(Reason::InsufficientScope) }
}

/// What the route asks of an access token, if the token is meant for it.
fn check_audience<'a>(wanted: Option<&'a BearerRequirements>, grant: &AccessGrant) -> Result<&'a BearerRequirements, Reason> {
    let wanted = wanted.ok_or(Reason::InvalidToken)?;
    let for_us = grant.audiences.iter().any(|audience| wanted.audiences.iter().any(|ours| **ours == **audience));
    if for_us { Ok(wanted) } else { Err(Reason::InsufficientScope) }
}

#[cfg(test)]
mod tests;
