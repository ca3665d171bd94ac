//! What would become of a made-up person's request. Nothing is decided here: routes are found, people judged and
//! answers chosen by the functions that do it when somebody really comes.

use http::Method;

use crate::domain::account::{AccountKind, Membership};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::decision::Outcome;
use crate::domain::destination::Forward;
use crate::domain::interaction::Interaction;
use crate::domain::made_up::{MadeUp, Someone};
use crate::domain::policy::{AccessGrant, Decision, Permit, Presented, Subject};
use crate::domain::principal::Principal;
use crate::domain::realm::KnownAuthority;
use crate::domain::reason::Reason;
use crate::domain::route::{BearerRequirements, NoMatch, Requirements, Route};
use crate::domain::rules::Rules;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::domain::trace::Trace;

/// What would become of a request.
#[derive(Debug)]
pub struct Judgement<'r> {
    /// Let in, asked to sign in, refused.
    pub outcome: Outcome,
    /// What Homerealm would answer; 200 stands for whatever the upstream says.
    pub status: u16,
    /// Why.
    pub reason: Reason,
    /// Why it would have been refused, had the route enforced what it states.
    pub would_refuse: Option<Reason>,
    /// The route that takes the request.
    pub route: Option<&'r Route>,
    /// The route that would take it if that one were not there.
    pub next: Option<&'r Route>,
    /// Who was judged.
    pub who: Option<Principal>,
    /// The judgement, check by check. Also of somebody whose session does not count here, and who is asked to sign in.
    pub trace: Option<Trace>,
    /// Whether there can be such a person, and whether they would be signed in here.
    pub vouched: Vouched,
}

/// Whether an authority of the configuration could sign somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// None could: what is told is what the rules would say if one did.
    ByNobody,
    /// One whose sessions do not count on the route.
    Elsewhere,
    /// One whose sessions count there; or nobody came.
    Here,
}

/// A moment like any other: made-up people have just signed in.
const NOW: Timestamp = Timestamp::from_unix_seconds(0);

/// Judges the request of somebody: a browser's navigation, or an access token if that is what they come with.
#[must_use]
pub fn judge<'r>(rules: &'r Rules, someone: &Someone, method: &Method, target: &Target) -> Judgement<'r> {
    if rules.is_own(target.path()) {
        return Judgement::answered(Outcome::Allow, Reason::Public);
    }
    let route = match rules.routes.find(target, method) {
        Ok(route) => route,
        Err(NoMatch::Ambiguous) => return Judgement::answered(Outcome::Deny, Reason::BadRequest),
        Err(NoMatch::NoRoute) => return Judgement::answered(Outcome::Deny, Reason::NoRoute),
    };
    let later = rules.routes.routes().iter().skip_while(|other| !std::ptr::eq(*other, route)).skip(1);
    let next = later.into_iter().find(|other| other.matcher.matches(target, method));
    let judgement = match someone {
        Someone::Nobody => Judgement::of(route, route.decide(Presented::Nothing), method, browsing(method)),
        Someone::Person(made_up) => of_person(rules, route, made_up, method),
    };
    Judgement { next, ..judgement }
}

fn of_person<'r>(rules: &Rules, route: &'r Route, made_up: &MadeUp, method: &Method) -> Judgement<'r> {
    let Some(wanted) = route.access.requirements() else {
        return Judgement::of(route, route.decide(Presented::Nothing), method, browsing(method));
    };
    match (made_up.grant(NOW), &route.bearer) {
        (None, _) => by_session(rules, route, wanted, made_up, method),
        (Some(grant), Some(accepted)) => by_token(rules, route, accepted, made_up, &grant, method),
        // Where no access token is accepted, none is read.
        (Some(_), None) => Judgement::of(route, route.decide(Presented::Nothing), method, Interaction::Program),
    }
}

fn by_session<'r>(rules: &Rules, route: &'r Route, wanted: &Requirements, made_up: &MadeUp, method: &Method) -> Judgement<'r> {
    let voucher = voucher(rules, wanted, made_up);
    let is_vouched_for = voucher.is_some();
    let principal = made_up.principal(voucher.unwrap_or_else(|| stand_in(rules, wanted, made_up.kind)));
    let subject = Subject { principal: &principal, grant: None };
    let (vouched, counts) = match (is_vouched_for, wanted.heeds(&principal)) {
        (true, true) => (Vouched::Here, true),
        (true, false) => (Vouched::Elsewhere, false),
        // Nobody is let in whom nobody vouches for. Why they would be refused is worth more than that.
        (false, _) => (Vouched::ByNobody, route.judge(subject).is_err()),
    };
    let people = [&principal];
    let presented = if counts { Presented::Sessions(&people) } else { Presented::Nothing };
    let judgement = Judgement::of(route, route.decide(presented), method, browsing(method));
    let trace = (counts || is_vouched_for).then(|| route.trace(subject));
    Judgement { vouched, trace, who: Some(principal), ..judgement }
}

fn by_token<'r>(
    rules: &Rules,
    route: &'r Route,
    accepted: &BearerRequirements,
    made_up: &MadeUp,
    grant: &AccessGrant,
    method: &Method,
) -> Judgement<'r> {
    let wanted = route.access.requirements();
    let voucher = wanted.and_then(|wanted| voucher(rules, wanted, made_up).filter(|name| wanted.authorities.contains(name)));
    let is_for_us = grant.audiences.iter().any(|audience| accepted.audiences.iter().any(|ours| **ours == **audience));
    // A token for somebody else, or of an authority that nobody expects here, does not hold: its bearer is not judged.
    let Some(principal) = voucher.filter(|_| is_for_us).map(|name| made_up.principal(name)) else {
        return Judgement::of(route, route.decide(Presented::BadToken), method, Interaction::Program);
    };
    let judgement = Judgement::of(route, route.decide(Presented::Token { principal: &principal, grant }), method, Interaction::Program);
    let trace = route.trace(Subject { principal: &principal, grant: Some(grant) });
    Judgement { trace: Some(trace), who: Some(principal), ..judgement }
}

/// What a browser's top-level request of this method is: one that submits a form is never redirected.
pub(super) const fn browsing(method: &Method) -> Interaction {
    match *method {
        Method::GET | Method::HEAD => Interaction::Navigation,
        _ => Interaction::Submission,
    }
}

/// Where they sign in: as they say, or at the first authority of the route that would vouch for them, else at any other.
fn voucher(rules: &Rules, wanted: &Requirements, who: &MadeUp) -> Option<AuthorityName> {
    let of_route = wanted.authorities.iter().filter_map(|name| rules.authority(name));
    let is_meant = |authority: &&KnownAuthority| who.authority.as_ref().is_none_or(|meant| authority.name == *meant);
    let mut known = of_route.chain(&rules.directory.authorities).filter(is_meant);
    known.find(|authority| would_vouch(rules, authority, who)).map(|authority| authority.name.clone())
}

/// The name under which the route knows such accounts, for somebody for whom nobody vouches.
fn stand_in(rules: &Rules, wanted: &Requirements, kind: AccountKind) -> AuthorityName {
    let of_kind = |name: &&AuthorityName| rules.authority(name).is_some_and(|authority| authority.kind == kind);
    wanted.authorities.iter().find(of_kind).cloned().unwrap_or_else(|| match kind {
        AccountKind::Personal => AuthorityName::personal(),
        AccountKind::Customer | AccountKind::Work => AuthorityName::work(),
    })
}

/// Whether an authority's tokens could describe such a person.
fn would_vouch(rules: &Rules, authority: &KnownAuthority, who: &MadeUp) -> bool {
    authority.kind == who.kind
        && match &authority.issuer {
            // Everybody is sent home to their own tenant: nobody is a guest there.
            ExpectedIssuer::Organizations { .. } => who.membership() != Membership::Guest,
            ExpectedIssuer::Tenant { tenant, .. } => who.tenant == Some(*tenant) || (who.tenant.is_none() && who.kind != AccountKind::Work),
            ExpectedIssuer::Exact(_) => who.tenant.is_none(),
            // `[tenants]` may tell whose a domain is; only the metadata would otherwise.
            ExpectedIssuer::TenantOfDomain { domain, .. } => {
                let mut tenants = rules.directory.tenants.iter();
                let owner = tenants.find(|tenant| tenant.domains.iter().any(|known| known.as_str() == domain));
                owner.is_none_or(|owner| who.tenant == Some(owner.id))
            }
            ExpectedIssuer::Consumers { .. } | ExpectedIssuer::Template { .. } => true,
        }
}

impl<'r> Judgement<'r> {
    const fn answered(outcome: Outcome, reason: Reason) -> Self {
        Self {
            outcome,
            status: reason.status(),
            reason,
            would_refuse: None,
            route: None,
            next: None,
            who: None,
            trace: None,
            vouched: Vouched::Here,
        }
    }

    fn of(route: &'r Route, decision: Decision<'_>, method: &Method, interaction: Interaction) -> Self {
        let judgement = match decision {
            Decision::Allow(permit, reason) => Self::admitted(route, &permit, reason),
            Decision::Challenge(reason) => {
                let leads = interaction.leads_to_sign_in(route.unauthenticated, method);
                Self { status: if leads { 302 } else { reason.status() }, ..Self::answered(Outcome::Challenge, reason) }
            }
            Decision::Deny { reason, .. } => Self::answered(Outcome::Deny, reason),
        };
        Self { route: Some(route), ..judgement }
    }

    fn admitted(route: &Route, permit: &Permit<'_>, reason: Reason) -> Self {
        let would_refuse = permit.would_be_refused();
        match route.destination.of(permit.principal().map(|who| who.kind)) {
            Some(Forward::Upstream(_)) => Self { would_refuse, ..Self::answered(Outcome::Allow, reason) },
            Some(Forward::Redirect(_)) => Self { would_refuse, status: 302, ..Self::answered(Outcome::Allow, reason) },
            None => Self::answered(Outcome::Deny, Reason::NoRoute),
        }
    }
}

#[cfg(test)]
mod tests;
