//! Where a route forwards, and how patiently.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::access::Admission;
use super::admin::{self, Admin};
use super::routes::Scope;
use super::{server, upstreams};
use crate::config::file::routes::{RouteKeys, RouteSection, TimeoutsSection};
use crate::config::file::setting::Setting;
use crate::config::file::upstream::{ByKind, ForwardSection, UpstreamSection};
use crate::config::problem::{Code, Problem, Span};
use crate::config::{AdminListen, UpstreamFiles};
use crate::domain::account::AccountKind;
use crate::domain::destination::{Destination, Forward, Upstream, UpstreamAddress};
use crate::domain::prefix::Prefix;
use crate::domain::route::{Access, Timeouts};

/// Where a route forwards, as far as it could be resolved, and what was read for it.
#[derive(Default)]
pub(crate) struct Resolved {
    pub(crate) destination: Option<Destination>,
    pub(crate) files: Vec<UpstreamFiles>,
}

pub(crate) fn destination(section: &RouteSection, admission: &Admission, scope: &Scope<'_>) -> Resolved {
    let mut files = Vec::new();
    let destination = match section.upstream.given() {
        None => None,
        Some(upstream) => match &upstream.value {
            UpstreamSection::One(written) => Some(Destination::One(forward(written, scope, &mut files))),
            UpstreamSection::ByKind(by_kind) => destination_by_kind(by_kind, upstream.at, section, admission, scope, &mut files),
        },
    };
    Resolved { destination, files }
}

fn destination_by_kind(
    by_kind: &ByKind,
    at: Span,
    section: &RouteSection,
    admission: &Admission,
    scope: &Scope<'_>,
    files: &mut Vec<UpstreamFiles>,
) -> Option<Destination> {
    let findings = scope.around.findings;
    match admission.access.as_ref()? {
        Access::Required(_) | Access::Shadowed { .. } => {}
        Access::Optional(_) | Access::Public => {
            let problem = Problem::new(Code::UpstreamMissing, at, "whoever is not signed in has no upstream here");
            findings.report(problem.label("upstreams by kind of account need auth = \"required\""));
            return None;
        }
    }
    let mut of_kind = |kind: AccountKind, setting: &Setting<ForwardSection>| {
        if let Some(problem) = problem_of_kind(kind, setting, admission, at) {
            findings.report(match section.keys.enforce.or(&scope.file.defaults.enforce).given() {
                Some(enforce) if matches!(admission.access, Some(Access::Shadowed { .. })) => {
                    problem.context(enforce.at, "so whoever can sign in is let in")
                }
                Some(_) | None => problem,
            });
        }
        setting.value().map(|written| forward(written, scope, files))
    };
    let ByKind { work, personal, customer } = by_kind;
    Some(Destination::ByKind {
        work: of_kind(AccountKind::Work, work),
        personal: of_kind(AccountKind::Personal, personal),
        customer: of_kind(AccountKind::Customer, customer),
    })
}

fn forward(written: &ForwardSection, scope: &Scope<'_>, files: &mut Vec<UpstreamFiles>) -> Forward {
    match written {
        ForwardSection::Redirect(url) => Forward::Redirect(url.clone()),
        ForwardSection::Upstreams(section) => {
            for member in &section.members {
                check_for_loop(&member.value, member.at, scope);
            }
            let (upstreams, read) = upstreams::resolve(section, scope.around);
            files.extend(read);
            Forward::Upstream(upstreams.into())
        }
    }
}

fn problem_of_kind(kind: AccountKind, setting: &Setting<ForwardSection>, admission: &Admission, at: Span) -> Option<Problem> {
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
fn check_for_loop(upstream: &Upstream, at: Span, scope: &Scope<'_>) {
    if let Some(written) = server::socket_files(scope.file).find(|socket| leads_to_file(&socket.value, upstream)) {
        let problem = Problem::new(Code::OwnUpstream, at, "this upstream is Homerealm itself").label(APP_INSTEAD);
        scope.around.findings.report(problem.context(written.at, "Homerealm listens here"));
    } else if let Some((address, written)) = server::ports(scope.file).find(|(address, _)| listens_for(*address, upstream)) {
        let problem = Problem::new(Code::OwnUpstream, at, "this upstream is Homerealm itself").label(APP_INSTEAD);
        scope.around.findings.report(match written {
            Some(written) => problem.context(written, "Homerealm listens here"),
            None => problem.note(format!("Homerealm listens on {address} unless `listen` says otherwise")),
        });
    } else if let Some((Admin::At(listen), written)) = admin::wanted(&scope.file.admin)
        && is_admin(&listen, upstream)
    {
        let problem = Problem::new(Code::OwnUpstream, at, "this upstream is Homerealm's admin listener").label(APP_INSTEAD);
        scope.around.findings.report(problem.context(written, format!("it listens on {listen}")));
    }
}

const APP_INSTEAD: &str = "write here where the app listens";

fn is_admin(listen: &AdminListen, upstream: &Upstream) -> bool {
    match listen {
        AdminListen::Tcp(address) => listens_for(*address, upstream),
        AdminListen::Unix(path) => leads_to_file(path, upstream),
    }
}

fn leads_to_file(ours: &Path, upstream: &Upstream) -> bool {
    matches!(&upstream.address, UpstreamAddress::Unix(theirs) if theirs == ours)
}

/// Whether a connection to an upstream ends at our own address. Names beside `localhost` are not looked up.
fn listens_for(ours: SocketAddr, upstream: &Upstream) -> bool {
    let UpstreamAddress::Tcp { host, port } = &upstream.address else { return false };
    let same_host = match host.parse::<IpAddr>().map(|theirs| theirs.to_canonical()) {
        // A connection to no address in particular ends on this machine.
        Ok(theirs) if ours.ip().is_unspecified() || theirs.is_unspecified() => {
            let is_here = |address: IpAddr| address.is_loopback() || address.is_unspecified();
            is_here(theirs) && is_here(ours.ip()) && (theirs.is_ipv4() || ours.is_ipv6())
        }
        Ok(theirs) => theirs == ours.ip().to_canonical(),
        Err(_) => host.trim_end_matches('.') == "localhost" && (ours.ip().is_unspecified() || ours.ip().is_loopback()),
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

/// What is taken off paths, if the route wants that and has a path of which something can be.
pub(crate) fn strip_prefix(section: &RouteSection, scope: &Scope<'_>) -> Option<Prefix> {
    let wanted = section.keys.strip_prefix.or(&scope.file.defaults.strip_prefix).given().filter(|wanted| wanted.value)?;
    let path = match &section.matched {
        Setting::Broken => return None,
        Setting::Absent => None,
        Setting::Given(matched) => match &matched.value.path {
            Setting::Broken => return None,
            Setting::Absent => None,
            Setting::Given(path) => Some(path),
        },
    };
    let prefix = path.and_then(|path| path.value.literal_prefix());
    if prefix.is_none() {
        let problem = Problem::new(Code::NoEffect, wanted.key, "`strip_prefix` has nothing to take off");
        let problem = problem.label("a prefix is literal segments in front of `/**`: match = { path = \"/x/**\" }");
        scope.around.findings.report(match path {
            Some(path) => problem.context(path.at, "no such path"),
            None => problem.context(section.at, "this route takes every path"),
        });
    }
    prefix
}
