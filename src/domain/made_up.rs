//! People who do not exist, to hold a policy against: in `[[tests]]`, `explain --as` and `diff`. A made-up person says
//! what a token would have said; whatever is left out is filled in as the least surprising person of that kind.

use std::sync::Arc;

use super::account::{AccountKind, Home, Membership, TenantId};
use super::authority::AuthorityName;
use super::policy::AccessGrant;
use super::principal::{Groups, Principal};
use super::time::Timestamp;

/// Who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Someone {
    /// Nobody is signed in.
    Nobody,
    /// Somebody who signed in.
    Person(MadeUp),
}

/// A made-up person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeUp {
    /// Personal, work or customer.
    pub kind: AccountKind,
    /// For showing; decides nothing.
    pub email: Option<String>,
    /// The tenant that issues the token. Left out, a work account comes from a tenant that no configuration names.
    pub tenant: Option<TenantId>,
    /// Left out: a member.
    pub membership: Option<Membership>,
    /// Left out: the issuing tenant for members, another tenant for guests, the consumer tenant for personal accounts.
    pub home: Option<Home>,
    /// Object ids of groups.
    pub groups: Groups,
    /// App roles.
    pub roles: Vec<Arc<str>>,
    /// The authority they sign in with. Left out: the first one of the route that would vouch for them.
    pub authority: Option<AuthorityName>,
    /// There if they come with an access token instead of a session.
    pub bearer: Option<Bearer>,
}

/// What an access token is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bearer {
    /// `aud`
    pub audiences: Vec<String>,
    /// `scp`
    pub scopes: Vec<String>,
}

/// The tenant of work accounts that belong to nobody's organisation: no tenant can be given this id.
pub const SOME_TENANT: TenantId = match TenantId::parse("5ca1ab1e-0000-4000-8000-000000000000") {
    Ok(tenant) => tenant,
    Err(_) => panic!("a GUID literal, evaluated at compile time"),
};

impl MadeUp {
    /// Somebody of this kind, of whom nothing else is said.
    #[must_use]
    pub const fn of(kind: AccountKind) -> Self {
        Self {
            kind,
            email: None,
            tenant: None,
            membership: None,
            home: None,
            groups: Groups::Listed(Vec::new()),
            roles: Vec::new(),
            authority: None,
            bearer: None,
        }
    }

    /// The tenant that issues their tokens.
    #[must_use]
    pub const fn issuing_tenant(&self) -> Option<TenantId> {
        match (self.kind, self.tenant) {
            (AccountKind::Personal, _) => Some(TenantId::CONSUMERS),
            (AccountKind::Customer | AccountKind::Work, Some(tenant)) => Some(tenant),
            (AccountKind::Work, None) => Some(SOME_TENANT),
            (AccountKind::Customer, None) => None,
        }
    }

    /// Member, guest or unknown.
    #[must_use]
    pub fn membership(&self) -> Membership {
        match self.kind {
            AccountKind::Customer | AccountKind::Personal => Membership::Unknown,
            AccountKind::Work => self.membership.unwrap_or(Membership::Member),
        }
    }

    /// Where their identity lives.
    #[must_use]
    pub fn home(&self) -> Home {
        match (self.kind, self.home, self.membership()) {
            (AccountKind::Personal, _, _) => Home::Personal,
            (AccountKind::Customer | AccountKind::Work, Some(home), _) => home,
            (AccountKind::Customer, None, _) => Home::Unknown,
            (AccountKind::Work, None, Membership::Member) => Home::ThisTenant,
            (AccountKind::Work, None, Membership::Guest) => Home::OtherTenant,
            (AccountKind::Work, None, Membership::Unknown) => Home::Unknown,
        }
    }

    /// The person that a token of this authority would describe.
    #[must_use]
    pub fn principal(&self, authority: AuthorityName) -> Principal {
        let tenant = self.issuing_tenant();
        let email: Option<Arc<str>> = self.email.as_deref().map(Arc::from);
        Principal {
            authority,
            issuer: tenant.map_or_else(|| "https://issuer.invalid".into(), |tenant| format!("https://issuer.invalid/{tenant}").into()),
            subject: "somebody".into(),
            tenant,
            object: None,
            kind: self.kind,
            membership: self.membership(),
            home: self.home(),
            name: None,
            preferred_username: email.clone(),
            verified_email: email,
            groups: self.groups.clone(),
            roles: self.roles.clone(),
        }
    }

    /// What their access token is good for, if they come with one.
    #[must_use]
    pub fn grant(&self, now: Timestamp) -> Option<AccessGrant> {
        let Bearer { audiences, scopes } = self.bearer.clone()?;
        Some(AccessGrant { audiences, scopes, expires_at: now })
    }
}
