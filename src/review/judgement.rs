//! What would become of a made-up person's request. Nothing is decided here: routes are found, people judged and
//! answers chosen by the functions that do it when somebody really comes.

use http::Method;

use crate::domain::account::{AccountKind, Membership};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::decision::Outcome;
use crate::domain::interaction::Interaction;
use crate::domain::made_up::{MadeUp, Someone};
use crate::domain::policy::{Decision, Permit, Presented, Subject};
use crate::domain::principal::Principal;
use crate::domain::realm::KnownAuthority;
use crate::domain::reason::Reason;
use crate::domain::route::{Forward, NoMatch, Route};
use crate::domain::rules::Rules;
use crate::domain::session::{Session, SessionId};
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
    /// The judgement, check by check.
    pub trace: Option<Trace>,
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

/// What a browser's top-level request of this method is: one that submits a form is never redirected.
const fn browsing(method: &Method) -> Interaction {
    match *method {
        Method::GET | Method::HEAD => Interaction::Navigation,
        _ => Interaction::Submission,
    }
}

fn of_person<'r>(rules: &Rules, route: &'r Route, made_up: &MadeUp, method: &Method) -> Judgement<'r> {
    let principal = made_up.principal(authority_of(rules, route, made_up));
    let grant = made_up.grant(NOW);
    let session =
        [Session { id: SessionId([0; 16]), principal: principal.clone(), signed_in_at: NOW, last_seen: NOW, sign_out_hint: None }];
    let (presented, interaction) = match (&grant, &route.bearer) {
        (Some(grant), Some(accepted))
            if grant.audiences.iter().any(|audience| accepted.audiences.iter().any(|ours| **ours == **audience)) =>
        {
            (Presented::Token { principal: &principal, grant }, Interaction::Program)
        }
        // A token for somebody else is found not to hold before anybody is judged.
        (Some(_), Some(_)) => (Presented::BadToken, Interaction::Program),
        // Where no access token is accepted, none is read.
        (Some(_), None) => (Presented::Nothing, Interaction::Program),
        (None, _) => (Presented::Sessions(&session), browsing(method)),
    };
    let mut judgement = Judgement::of(route, route.decide(presented), method, interaction);
    if matches!(presented, Presented::Sessions(_) | Presented::Token { .. }) && route.access.stated().is_some() {
        judgement.trace = Some(route.trace(Subject { principal: &principal, grant: grant.as_ref() }));
        judgement.who = Some(principal);
    }
    judgement
}

/// Where they would sign in: at the first authority of the route that would vouch for them, else at any other, else at
/// one that there is not.
fn authority_of(rules: &Rules, route: &Route, who: &MadeUp) -> AuthorityName {
    if let Some(authority) = &who.authority {
        return authority.clone();
    }
    let of_route = route.access.requirements().into_iter().flat_map(|wanted| &wanted.authorities).filter_map(|name| rules.authority(name));
    let known = of_route.chain(&rules.directory.authorities).find(|authority| would_vouch(authority, who));
    known.map_or_else(|| nowhere(who.kind), |authority| authority.name.clone())
}

fn nowhere(kind: AccountKind) -> AuthorityName {
    match kind {
        AccountKind::Personal => AuthorityName::personal(),
        AccountKind::Work => AuthorityName::work(),
        AccountKind::Customer => AuthorityName::parse("customer").unwrap_or_else(|_| AuthorityName::work()),
    }
}

/// Whether an authority's tokens could describe such a person.
fn would_vouch(authority: &KnownAuthority, who: &MadeUp) -> bool {
    authority.kind == who.kind
        && match &authority.issuer {
            // Everybody is sent home to their own tenant: nobody is a guest there.
            ExpectedIssuer::Organizations { .. } => who.membership() != Membership::Guest,
            ExpectedIssuer::Tenant { tenant, .. } => who.tenant == Some(*tenant) || (who.tenant.is_none() && who.kind != AccountKind::Work),
            ExpectedIssuer::Exact(_) => who.tenant.is_none(),
            ExpectedIssuer::Consumers { .. } | ExpectedIssuer::Template { .. } | ExpectedIssuer::TenantOfDomain { .. } => true,
        }
}

impl<'r> Judgement<'r> {
    const fn answered(outcome: Outcome, reason: Reason) -> Self {
        Self { outcome, status: reason.status(), reason, would_refuse: None, route: None, next: None, who: None, trace: None }
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
