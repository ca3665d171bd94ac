//! Keys of a route that have no effect beside its `auth`, `enforce` and `upstream`.

use super::routes::Scope;
use crate::config::file::routes::{Auth, RouteKeys, RouteSection};
use crate::config::file::setting::Setting;
use crate::config::file::upstream::{ByKind, ForwardSection, UpstreamSection};
use crate::config::problem::{Code, Findings, Problem, Span};
use crate::domain::account::AccountKind;
use crate::domain::route::{Access, AccountKinds, Guests};

/// Reports what a route says about people whom it does not look at.
pub(crate) fn report_without_effect(section: &RouteSection, auth: Auth, scope: &Scope<'_>) {
    let keys = &section.keys;
    let about_people = [
        ("accounts", key_of(&keys.accounts)),
        ("tenants", key_of(&keys.tenants)),
        ("guests", key_of(&keys.guests)),
        ("groups", key_of(&keys.groups)),
        ("roles", key_of(&keys.roles)),
        ("authorities", key_of(&keys.authorities)),
        ("bearer", key_of(&keys.bearer)),
    ];
    let written = section.keys.auth.or(&scope.file.defaults.auth).given().map(|auth| auth.at);
    let report = |key: &str, at: Span, why: &str| {
        let problem = Problem::new(Code::NoEffect, at, format!("`{key}` has no effect on this route")).label("remove this key");
        scope.around.findings.report(match written {
            Some(auth) => problem.context(auth, why),
            None => problem,
        });
    };
    if let Some(at) = key_of(&keys.enforce) {
        report("enforce", at, "nobody who signs in is refused");
    }
    if auth == Auth::None {
        for (key, at) in about_people {
            if let Some(at) = at {
                report(key, at, "nobody is asked who they are");
            }
        }
    }
    if let Some(at) = key_of(&keys.unauthenticated) {
        report("unauthenticated", at, "nobody has to sign in");
    }
}

/// Reports `enforce = false` where it changes nothing: what the route states refuses nobody who can sign in there. `issued`
/// are the kinds that come, now that everybody is let in.
pub(crate) fn report_shadow_of_nothing(
    section: &RouteSection,
    access: &Access,
    issued: AccountKinds,
    defaults: &RouteKeys,
    findings: &Findings,
) {
    let (Some(enforce), Access::Shadowed { enforced, stated }) = (section.keys.enforce.given(), access) else { return };
    let takes_guests = stated.guests == Guests::Allow || !issued.contains(AccountKind::Work);
    // A token's audience is enforced either way, its scopes and roles are tried.
    let bearer = section.keys.bearer.or(&defaults.bearer).value();
    let is_empty = |list: &Setting<Vec<_>>| list.value().is_none_or(Vec::is_empty);
    let takes_every_token = bearer.is_none_or(|bearer| is_empty(&bearer.scopes) && is_empty(&bearer.roles));
    let refuses_nobody = takes_every_token
        && issued.iter().all(|kind| stated.kinds.contains(kind))
        && enforced.authorities.iter().all(|authority| stated.authorities.contains(authority))
        && (stated.tenants.is_empty() && stated.groups.is_empty() && stated.roles.is_empty() && takes_guests);
    if refuses_nobody {
        let problem = Problem::new(Code::NoEffect, enforce.key, "`enforce` has no effect on this route");
        findings.report(problem.label("remove this key: what the route states refuses nobody who can sign in"));
    }
}

/// Reports what a route says about forwarding where all it does is to send people elsewhere. `headers` are not among it:
/// the answers of the endpoint for proxies in front name them for all routes.
pub(crate) fn report_beside_redirect(section: &RouteSection, findings: &Findings) {
    let Some(upstream) = section.upstream.given().filter(|upstream| only_redirects(&upstream.value)) else { return };
    let about_forwarding = [
        ("strip_prefix", key_of(&section.keys.strip_prefix)),
        ("timeouts", key_of(&section.keys.timeouts)),
        ("max_body", key_of(&section.keys.max_body)),
        ("websocket", key_of(&section.keys.websocket)),
    ];
    for (key, at) in about_forwarding {
        if let Some(at) = at {
            let problem = Problem::new(Code::NoEffect, at, format!("`{key}` has no effect on this route")).label("remove this key");
            findings.report(problem.context(upstream.at, "nothing is forwarded"));
        }
    }
}

fn only_redirects(upstream: &UpstreamSection) -> bool {
    let redirects = |forward: &ForwardSection| matches!(forward, ForwardSection::Redirect(_));
    match upstream {
        UpstreamSection::One(forward) => redirects(forward),
        UpstreamSection::ByKind(by_kind) => {
            let ByKind { work, personal, customer } = by_kind.as_ref();
            [work, personal, customer].into_iter().all(|setting| setting.is_absent() || setting.value().is_some_and(redirects))
        }
    }
}

fn key_of<T>(setting: &Setting<T>) -> Option<Span> {
    setting.given().map(|located| located.key)
}
