//! Where a typed address would lead: told by the ladder of home realm discovery itself. Nobody is asked anything; where
//! the proxy would ask an authority about a domain, every answer is gone through.

mod told;

use http::Method;

use super::judgement::browsing;
use crate::domain::account::AccountKind;
use crate::domain::address::{Domain, Identifier};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::made_up::SOME_TENANT;
use crate::domain::realm::{How, KnownAuthority, Realm, TenantOfDomain};
use crate::domain::reason::Reason;
use crate::domain::route::{Access, AccountKinds, Guests, NoMatch, Requirements, Route};
use crate::domain::rules::Rules;
use crate::domain::target::Target;

/// Where a typed address would lead.
#[derive(Debug)]
pub struct Routing<'a> {
    /// The route that takes the request.
    pub route: &'a Route,
    /// How the request of somebody who is not signed in is answered.
    pub start: Start,
    /// The authority to which `page = "auto"` sends people without a page of ours.
    pub at_once: Option<&'a KnownAuthority>,
    /// What becomes of the address on our page.
    pub typed: Typed<'a>,
    /// What the address alone tells of itself, whatever the route admits.
    pub clue: Option<How>,
}

/// How the request of somebody who is not signed in is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With a redirect to the sign-in.
    Led,
    /// With what the route serves: nobody has to sign in, but a link may lead there.
    Let,
    /// With a 401 that names the sign-in.
    Told,
}

/// What becomes of an address on our page.
#[derive(Debug)]
pub enum Typed<'a> {
    /// An authority is asked about the domain first; what comes then depends on the answer.
    Asked {
        /// About which domain.
        domain: Domain,
        /// Every answer that there can be, with what comes of it.
        answers: Vec<(Answer<'a>, Way)>,
    },
    /// The domain and the route tell.
    Known(Way),
}

/// What an authority's directory may say about a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// One of these organisations of `[tenants]` has it; their names.
    Tenants(Vec<&'a str>),
    /// Any other organisation has it.
    AnotherTenant,
    /// No organisation has it.
    NoTenant,
    /// It does not answer.
    Silence,
}

/// Where the ladder leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To the question which kind of account it is, with what comes of each answer.
    Ask(Vec<(AccountKind, End)>),
    /// Straight to its end.
    Straight(End),
}

/// Where it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// At an authority.
    Go {
        /// Which.
        authority: AuthorityName,
        /// Why there.
        how: How,
    },
    /// On our own page, with a refusal.
    Refused(Reason),
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSignIn {
    /// No route takes the request, or it cannot be read one way only.
    NoRoute(Reason),
    /// The path is one of Homerealm's own endpoints.
    Own,
    /// The route asks nobody who they are.
    Public,
}

impl<'a> Routing<'a> {
    /// Where this address leads whoever types it on their way to `target`, in a browser that knows nothing of them.
    ///
    /// # Errors
    /// [`NoSignIn`] if nobody signs in there.
    pub fn of(rules: &'a Rules, typed: &Identifier, method: &Method, target: &Target) -> Result<Self, NoSignIn> {
        if rules.is_own(target.path()) {
            return Err(NoSignIn::Own);
        }
        let route = rules.routes.find(target, method).map_err(|none| match none {
            NoMatch::Ambiguous => NoSignIn::NoRoute(Reason::BadRequest),
            NoMatch::NoRoute => NoSignIn::NoRoute(Reason::NoRoute),
        })?;
        let wanted = route.access.requirements().ok_or(NoSignIn::Public)?;
        let ladder = Ladder { rules, typed, wanted };
        Ok(Self {
            route,
            start: start(route, method),
            at_once: rules.directory.only_authority(wanted),
            typed: ladder.typed(),
            clue: clue(rules, typed),
        })
    }
}

fn start(route: &Route, method: &Method) -> Start {
    let interaction = browsing(method);
    match &route.access {
        Access::Public | Access::Optional(_) => Start::Let,
        Access::Required(_) | Access::Shadowed { .. } if interaction.leads_to_sign_in(route.unauthenticated, method) => Start::Led,
        Access::Required(_) | Access::Shadowed { .. } => Start::Told,
    }
}

struct Ladder<'a, 't> {
    rules: &'a Rules,
    typed: &'t Identifier,
    wanted: &'a Requirements,
}

impl<'a> Ladder<'a, '_> {
    fn typed(&self) -> Typed<'a> {
        let Some(domain) = self.rules.directory.lookup_needed(self.typed, None, None, self.wanted) else {
            return Typed::Known(self.way(TenantOfDomain::Unknown));
        };
        let another = self.way(TenantOfDomain::Tenant(SOME_TENANT));
        let mut answers: Vec<(Answer<'a>, Way)> = Vec::new();
        for tenant in &self.rules.tenants {
            let way = self.way(TenantOfDomain::Tenant(tenant.id));
            if way == another {
                continue;
            }
            match answers.iter_mut().find(|(_, known)| *known == way) {
                Some((Answer::Tenants(names), _)) => names.push(&tenant.name),
                Some(_) | None => answers.push((Answer::Tenants(vec![&tenant.name]), way)),
            }
        }
        answers.push((Answer::AnotherTenant, another));
        answers.push((Answer::NoTenant, self.way(TenantOfDomain::NoTenant)));
        answers.push((Answer::Silence, self.way(TenantOfDomain::Unknown)));
        Typed::Asked { domain: domain.clone(), answers }
    }

    fn way(&self, looked_up: TenantOfDomain) -> Way {
        match self.rules.directory.discover(self.typed, None, None, looked_up, self.wanted) {
            Realm::Ask(kinds) => Way::Ask(kinds.into_iter().map(|kind| (kind, self.chosen(kind, looked_up))).collect()),
            Realm::Known { authority, how } => Way::Straight(End::Go { authority, how }),
            Realm::Refused(reason) => Way::Straight(End::Refused(reason)),
        }
    }

    fn chosen(&self, kind: AccountKind, looked_up: TenantOfDomain) -> End {
        match self.rules.directory.discover(self.typed, Some(kind), None, looked_up, self.wanted) {
            Realm::Known { authority, how } => End::Go { authority, how },
            Realm::Refused(reason) => End::Refused(reason),
            // The kind is settled: there is nothing left to ask.
            Realm::Ask(_) => End::Refused(Reason::Configuration),
        }
    }
}

/// The ladder on a route that admits everybody, at authorities for both kinds: what it goes by there is what the address
/// tells.
fn clue(rules: &Rules, typed: &Identifier) -> Option<How> {
    let mut directory = rules.directory.clone();
    let origin = || "https://issuer.invalid".to_owned();
    directory.authorities.extend([
        KnownAuthority {
            name: AuthorityName::work(),
            kind: AccountKind::Work,
            issuer: ExpectedIssuer::Organizations { origin: origin() },
            domains: Vec::new(),
        },
        KnownAuthority {
            name: AuthorityName::personal(),
            kind: AccountKind::Personal,
            issuer: ExpectedIssuer::Consumers { origin: origin() },
            domains: Vec::new(),
        },
    ]);
    let everybody = Requirements {
        kinds: AccountKinds::ANY,
        authorities: directory.authorities.iter().map(|authority| authority.name.clone()).collect(),
        tenants: Vec::new(),
        guests: Guests::Allow,
        groups: Vec::new(),
        roles: Vec::new(),
    };
    match directory.discover(typed, None, None, TenantOfDomain::Unknown, &everybody) {
        Realm::Known { how, .. } => Some(how),
        Realm::Ask(_) | Realm::Refused(_) => None,
    }
}

#[cfg(test)]
mod tests;
