//! Home realm discovery: from what was typed and the route to a place to sign in, a question, or a refusal. Always a
//! hint: what it finds chooses where to go, never who somebody is.
//!
//! Only the domain of an address is ever looked at. Whether somebody exists behind the `@` is not asked of anybody,
//! though Microsoft's own page has an endpoint that tells: a proxy that passed the question on would answer it to
//! everybody (user enumeration), and would show one provider the address of each visitor. So two addresses at one
//! domain always get the same answer on the same route, which a property test holds.
//!
//! Here are the words and the entry points; the rungs are in `ladder`, the choice between a route's authorities in
//! `candidates`, the built-in list in `consumer_domains`.

mod candidates;
mod consumer_domains;
mod ladder;

use self::candidates::Candidates;
use self::ladder::Ladder;
use super::account::{AccountKind, TenantId};
use super::address::{Domain, Identifier, Shape};
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
    /// The domain to ask the authority's tenant directory about, if the answer could matter: some answer must lead
    /// elsewhere than no answer does. The very ladder is asked, so the two cannot drift apart.
    #[must_use]
    pub fn lookup_needed<'t>(
        &self,
        typed: &'t Identifier,
        chosen: Option<AccountKind>,
        remembered: Option<AccountKind>,
        wanted: &Requirements,
    ) -> Option<&'t Domain> {
        let Shape::Email { domain } = typed.shape() else { return None };
        let ladder = Ladder::new(self, wanted);
        let goal = |answer| ladder.climb(typed, chosen, remembered, answer).goal();
        let without = goal(TenantOfDomain::Unknown);
        let matters = ladder.telling_answers().any(|answer| goal(answer) != without);
        matters.then_some(domain)
    }

    /// The ladder: first hit wins. `chosen` is what the person pressed on our page, `remembered` what this browser's
    /// cookie says; both settle the kind, and the address still settles which authority of that kind.
    #[must_use]
    pub fn discover(
        &self,
        typed: &Identifier,
        chosen: Option<AccountKind>,
        remembered: Option<AccountKind>,
        looked_up: TenantOfDomain,
        wanted: &Requirements,
    ) -> Realm {
        Ladder::new(self, wanted).climb(typed, chosen, remembered, looked_up)
    }

    /// The authority to go to without a question, if the route leaves only one: nothing that could be typed leads to
    /// another.
    #[must_use]
    pub fn only_authority<'d>(&'d self, wanted: &Requirements) -> Option<&'d KnownAuthority> {
        Candidates::new(self, wanted).only()
    }

    /// The authority for a kind, once the person has said which and nothing more is known.
    #[must_use]
    pub fn authority_of_kind<'d>(&'d self, kind: AccountKind, wanted: &Requirements) -> Option<&'d KnownAuthority> {
        Candidates::new(self, wanted).for_kind(kind)
    }
}

/// Where an answer leads, however it came about.
#[derive(PartialEq, Eq)]
enum Goal {
    Ask(Vec<AccountKind>),
    Go(AuthorityName),
    Stay(Reason),
}

impl Realm {
    fn goal(self) -> Goal {
        match self {
            Self::Ask(kinds) => Goal::Ask(kinds),
            Self::Known { authority, how: _ } => Goal::Go(authority),
            Self::Refused(reason) => Goal::Stay(reason),
        }
    }
}

#[cfg(test)]
mod tests;
