//! The people × routes grid: what would become of everybody everywhere, computed by the very functions that decide it
//! when they really come.

use crate::config::Config;
use crate::dev_idp::authority::Authority as DevAuthority;
use crate::dev_idp::directory::{self, Person, TENANTS};
use crate::dev_idp::facts::{AskedBy, principal_of};
use crate::domain::account::AccountKind;
use crate::domain::address::{Domain, Identifier};
use crate::domain::authority::AuthorityName;
use crate::domain::policy::Subject;
use crate::domain::realm::{Realm, TenantOfDomain};
use crate::domain::reason::Reason;
use crate::domain::route::{Access, Requirements, Route, Unauthenticated};

/// What becomes of a person who comes to a route with nothing and types their address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Asked which account is meant; then this, by kind.
    Asked(Vec<(AccountKind, Ending)>),
    /// Never asked to sign in: everybody is let in.
    Open,
    /// Never asked to sign in: 401.
    Unauthorised,
    /// One way on, which ends like this.
    Sent(Ending),
}

/// How a sign-in ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The provider has no such account, and says so.
    NoSuchAccount,
    /// The provider fails.
    ProviderFails,
    /// By the policy: let in, or refused.
    Judged(Reason),
    /// Refused on our own page, before anybody left.
    RefusedEarly(Reason),
}

impl Ending {
    /// One word for tests and style sheets.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSuchAccount => "no_such_account",
            Self::ProviderFails => "provider_fails",
            Self::Judged(reason) | Self::RefusedEarly(reason) => reason.code(),
        }
    }

    /// A few words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoSuchAccount => "no account there",
            Self::ProviderFails => "provider fails",
            Self::Judged(reason) | Self::RefusedEarly(reason) => words(reason),
        }
    }
}

impl Cell {
    /// One word for tests, several joined by `+`.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Asked(endings) => {
                endings.iter().map(|(kind, ending)| format!("{}:{}", kind.as_str(), ending.code())).collect::<Vec<_>>().join("+")
            }
            Self::Open => Reason::Public.code().into(),
            Self::Unauthorised => Reason::SignInRequired.code().into(),
            Self::Sent(ending) => ending.code().into(),
        }
    }
}

/// The endings that the demo's routes know, in fewer words than a page has.
fn words(reason: Reason) -> &'static str {
    const SHORT: [(Reason, &str); 6] = [
        (Reason::GuestNotAllowed, "refused: guest"),
        (Reason::PersonalAccountNotAllowed, "refused: personal account"),
        (Reason::PersonalGuestNotAllowed, "refused: personal guest"),
        (Reason::SignedIn, "let in"),
        (Reason::TenantNotAllowed, "refused: other organisation"),
        (Reason::WorkAccountNotAllowed, "refused: work account"),
    ];
    SHORT.iter().find(|(known, _)| *known == reason).map_or(reason.title(), |(_, words)| words)
}

/// Computes one cell.
#[must_use]
pub fn cell(config: &Config, provider_origin: &str, person: &Person, route: &Route) -> Cell {
    let wanted = match &route.access {
        Access::Public | Access::Optional(_) => return Cell::Open,
        Access::Required(wanted) | Access::Shadowed { enforced: wanted, .. } => wanted,
    };
    match route.unauthenticated {
        Unauthenticated::Refuse => return Cell::Unauthorised,
        Unauthenticated::Auto | Unauthenticated::Redirect => {}
    }
    let Ok(typed) = Identifier::parse(person.sign_in_name) else { return Cell::Sent(Ending::RefusedEarly(Reason::IdentifierInvalid)) };
    let there = |authority: &AuthorityName| ending(config, provider_origin, person, route, authority);
    match discover(config, &typed, None, wanted) {
        Realm::Ask(kinds) => Cell::Asked(
            kinds
                .into_iter()
                .map(|kind| match discover(config, &typed, Some(kind), wanted) {
                    Realm::Known { authority, .. } => (kind, there(&authority)),
                    Realm::Refused(reason) => (kind, Ending::RefusedEarly(reason)),
                    Realm::Ask(_) => (kind, Ending::RefusedEarly(Reason::BadRequest)),
                })
                .collect(),
        ),
        Realm::Known { authority, .. } => Cell::Sent(there(&authority)),
        Realm::Refused(reason) => Cell::Sent(Ending::RefusedEarly(reason)),
    }
}

fn discover(config: &Config, typed: &Identifier, chosen: Option<AccountKind>, wanted: &Requirements) -> Realm {
    let looked_up = config.rules.directory.lookup_needed(typed, chosen, None, wanted).map_or(TenantOfDomain::Unknown, tenant_of);
    config.rules.directory.discover(typed, chosen, None, looked_up, wanted)
}

/// What the development identity provider's discovery documents say about a domain.
fn tenant_of(domain: &Domain) -> TenantOfDomain {
    let tenant = TENANTS.iter().find(|tenant| tenant.domain == Some(domain.as_str()));
    tenant.map_or(TenantOfDomain::NoTenant, |tenant| TenantOfDomain::Tenant(tenant.id))
}

fn ending(config: &Config, provider_origin: &str, person: &Person, route: &Route, authority: &AuthorityName) -> Ending {
    let Some(settings) = config.authorities.iter().find(|settings| settings.name == *authority) else {
        return Ending::RefusedEarly(Reason::Configuration);
    };
    let segment = settings.discovery.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default();
    let Some(account) = DevAuthority::parse(segment).and_then(|there| directory::account_at(person, there)) else {
        return Ending::NoSuchAccount;
    };
    if person.fails_at_provider {
        return Ending::ProviderFails;
    }
    let asked_by = AskedBy { authority, declared: settings.kind, pinning: settings.issuer.pinning() };
    let principal = principal_of(person, account, asked_by, provider_origin);
    match route.judge(Subject { principal: &principal, grant: None }) {
        Ok(_permit) => Ending::Judged(Reason::SignedIn),
        Err(reason) => Ending::Judged(reason),
    }
}
