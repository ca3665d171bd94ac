//! Where a route forwards, and how patiently.

use std::net::{IpAddr, SocketAddr};

use super::access::Admission;
use super::admin::{self, Admin};
use super::routes::Scope;
use super::server;
use crate::config::AdminListen;
use crate::config::file::routes::{RouteKeys, RouteSection, TimeoutsSection};
use crate::config::file::setting::Setting;
use crate::config::file::upstream::{ByKind, UpstreamSection};
use crate::config::problem::{Code, Problem, Span};
use crate::domain::account::AccountKind;
use crate::domain::destination::{Destination, Forward, Upstream, UpstreamAddress};
use crate::domain::route::{Access, Timeouts};

pub(crate) fn destination(section: &RouteSection, admission: &Admission, scope: &Scope<'_>) -> Option<Destination> {
    let findings = scope.around.findings;
    let upstream = section.upstream.given()?;
    let ByKind { work, personal, customer } = match &upstream.value {
        UpstreamSection::One(forward) => {
            check_for_loop(forward, upstream.at, scope);
            return Some(Destination::One(forward.clone()));
        }
        UpstreamSection::ByKind(by_kind) => by_kind.as_ref(),
    };
    match admission.access.as_ref()? {
        Access::Required(_) | Access::Shadowed { .. } => {}
        Access::Optional(_) | Access::Public => {
            let problem = Problem::new(Code::UpstreamMissing, upstream.at, "whoever is not signed in has no upstream here");
            findings.report(problem.label("upstreams by kind of account need auth = \"required\""));
            return None;
        }
    }
    for kind in AccountKind::ALL {
        let setting = match kind {
            AccountKind::Customer => customer,
            AccountKind::Personal => personal,
            AccountKind::Work => work,
        };
        if let Some(problem) = problem_of_kind(kind, setting, admission, upstream.at) {
            findings.report(match section.keys.enforce.or(&scope.file.defaults.enforce).given() {
                Some(enforce) if matches!(admission.access, Some(Access::Shadowed { .. })) => {
                    problem.context(enforce.at, "so whoever can sign in is let in")
                }
                Some(_) | None => problem,
            });
        }
        if let Some(forward) = setting.given() {
            check_for_loop(&forward.value, forward.at, scope);
        }
    }
    let forward = |setting: &Setting<Forward>| setting.value().cloned();
    Some(Destination::ByKind { work: forward(work), personal: forward(personal), customer: forward(customer) })
}

fn problem_of_kind(kind: AccountKind, setting: &Setting<Forward>, admission: &Admission, at: Span) -> Option<Problem> {
    let word = kind.as_str();
    match setting {
        Setting::Absent if admission.kinds.contains(kind) => {
            let problem = Problem::new(Code::UpstreamMissing, at, format!("{word} accounts are admitted and have no upstream"));
            Some(problem.label(format!("add: {word} = \"http://…\"")))
        }
        Setting::Given(forward) if !admission.admitted.contains(kind) => {
            let problem = Problem::new(Code::UpstreamUnreached, forward.key, format!("{word} accounts are not admitted here"));
            Some(problem.label(format!("remove this upstream, or admit {word} accounts")))
        }
        Setting::Absent | Setting::Broken | Setting::Given(_) => None,
    }
}

/// Reports an upstream that is one of our own addresses. Where the public listens, every request would come back to us
/// for ever; behind the admin listener's, the public would read every decision.
fn check_for_loop(forward: &Forward, at: Span, scope: &Scope<'_>) {
    let Forward::Upstream(upstreams) = forward else { return };
    for upstream in &upstreams.members {
        check_member(upstream, at, scope);
    }
}

fn check_member(upstream: &Upstream, at: Span, scope: &Scope<'_>) {
    if let Some((address, written)) = server::ports(scope.file).find(|(address, _)| listens_for(*address, upstream)) {
        let problem = Problem::new(Code::OwnUpstream, at, "this upstream is Homerealm itself").label(APP_INSTEAD);
        scope.around.findings.report(match written {
            Some(written) => problem.context(written, "Homerealm listens here"),
            None => problem.note(format!("Homerealm listens on {address} unless `listen` says otherwise")),
        });
    } else if let Some((Admin::At(AdminListen::Tcp(address)), written)) = admin::wanted(&scope.file.admin)
        && listens_for(address, upstream)
    {
        let problem = Problem::new(Code::OwnUpstream, at, "this upstream is Homerealm's admin listener").label(APP_INSTEAD);
        scope.around.findings.report(problem.context(written, format!("it listens on {address}")));
    }
}

const APP_INSTEAD: &str = "write here where the app listens";

/// Whether a connection to an upstream ends at our own address. Names beside `localhost` are not looked up.
fn listens_for(ours: SocketAddr, upstream: &Upstream) -> bool {
    let UpstreamAddress::Tcp { host, port } = &upstream.address else { return false };
    let same_host = match host.parse::<IpAddr>() {
        Ok(theirs) if ours.ip().is_unspecified() => theirs.is_loopback() && (theirs.is_ipv4() || ours.is_ipv6()),
        Ok(theirs) => theirs == ours.ip(),
        Err(_) => host == "localhost" && (ours.ip().is_unspecified() || ours.ip().is_loopback()),
    };
    same_host && *port == ours.port()
}

pub(crate) fn timeouts(section: &RouteSection, defaults: &RouteKeys) -> Timeouts {
    let usual = Timeouts::default();
    let Some(TimeoutsSection { connect, response, idle }) = section.keys.timeouts.or(&defaults.timeouts).value() else { return usual };
    Timeouts {
        connect: connect.value().copied().unwrap_or(usual.connect),
        response: response.value().copied().unwrap_or(usual.response),
        idle: idle.value().copied().unwrap_or(usual.idle),
    }
}
