//! Home realm discovery: from what was typed and the route to a place to sign in, a question, or a refusal. Always a
//! hint: what it finds chooses where to go, never who somebody is.

use super::account::{AccountKind, TenantId};
use super::address::{Domain, Identifier};
use super::authority::{AuthorityName, ExpectedIssuer};
use super::reason::Reason;
use super::route::Requirements;

/// `detect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detect {
    /// Configured and consumer domains, and the syntax.
    #[default]
    Domains,
    /// Also asks the authority whether the domain is a tenant.
    Lookup,
    /// Nothing is read off an address.
    Off,
}

/// `ambiguous`: an address that may be both kinds, on a route that takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ambiguous {
    /// Ask the person.
    #[default]
    Ask,
    /// Personal.
    Personal,
    /// Work or school.
    Work,
}

/// What an authority's own tenant directory says about a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantOfDomain {
    /// Some organisation has verified it.
    Tenant(TenantId),
    /// No organisation has.
    NoTenant,
    /// The question was not answered.
    Unknown,
}

/// An authority as far as discovery needs it.
#[derive(Debug, Clone)]
pub struct KnownAuthority {
    /// Its name.
    pub name: AuthorityName,
    /// What it issues.
    pub kind: AccountKind,
    /// For which issuer.
    pub issuer: ExpectedIssuer,
    /// `domains`: typed addresses that go here.
    pub domains: Vec<Domain>,
}

/// A tenant as far as discovery needs it.
#[derive(Debug, Clone)]
pub struct KnownTenant {
    /// Its id.
    pub id: TenantId,
    /// `domains`
    pub domains: Vec<Domain>,
}

/// Everything that discovery knows, put together once per configuration.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// All authorities.
    pub authorities: Vec<KnownAuthority>,
    /// `[tenants]`
    pub tenants: Vec<KnownTenant>,
    /// `personal_domains`
    pub personal_domains: Vec<Domain>,
    /// `detect`
    pub detect: Detect,
    /// `ambiguous`
    pub ambiguous: Ambiguous,
}

/// How discovery came to its answer; a metric label and a line of `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// The person chose on the page.
    Chosen,
    /// The built-in list of consumer domains, or `personal_domains`.
    ConsumerDomain,
    /// `domains` of an authority or a tenant.
    Domains,
    /// The authority's tenant directory.
    Lookup,
    /// The route has one possible authority.
    OnlyOne,
    /// Chosen earlier in this browser.
    Remembered,
    /// Phone number or Skype name.
    Syntax,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Realm {
    /// Ask the person which of these kinds (never fewer than two).
    Ask(Vec<AccountKind>),
    /// Go there.
    Known {
        /// Where.
        authority: AuthorityName,
        /// Why there.
        how: How,
    },
    /// The route does not take it; say so before leaving.
    Refused(Reason),
}

impl Directory {
    /// The domain to ask the authority's tenant directory about, if the answer could matter.
    #[must_use]
    pub fn lookup_needed(
        &self,
        _typed: &Identifier,
        _chosen: Option<AccountKind>,
        _remembered: Option<AccountKind>,
        _wanted: &Requirements,
    ) -> Option<&Domain> {
        todo!()
    }

    /// The ladder: first hit wins.
    #[must_use]
    pub fn discover(
        &self,
        _typed: &Identifier,
        _chosen: Option<AccountKind>,
        _remembered: Option<AccountKind>,
        _looked_up: TenantOfDomain,
        _wanted: &Requirements,
    ) -> Realm {
        todo!()
    }

    /// The authority to go to without a question, if the route leaves only one.
    #[must_use]
    pub fn only_authority(&self, _wanted: &Requirements) -> Option<&KnownAuthority> {
        todo!()
    }

    /// The authority for a kind, once the person has said which.
    #[must_use]
    pub fn authority_of_kind(&self, _kind: AccountKind, _wanted: &Requirements) -> Option<&KnownAuthority> {
        todo!()
    }
}
