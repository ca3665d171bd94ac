//! Where a route forwards, with which headers and how patiently.

use http::HeaderName;

use super::access::Admission;
use super::server::report_duplicate;
use crate::config::file::forms;
use crate::config::file::routes::{HeadersSection, RouteKeys, RouteSection, TimeoutsSection};
use crate::config::file::setting::{Located, Setting};
use crate::config::file::upstream::{ByKind, UpstreamSection};
use crate::config::problem::{Code, Findings, Problem, Shown, Span};
use crate::domain::account::AccountKind;
use crate::domain::identity_headers::{HeaderTemplate, is_owned};
use crate::domain::route::{Access, Destination, Forward, HeaderRules, Timeouts};

pub(crate) fn destination(section: &RouteSection, admission: &Admission, findings: &Findings) -> Option<Destination> {
    let upstream = section.upstream.given()?;
    let ByKind { work, personal, customer } = match &upstream.value {
        UpstreamSection::One(forward) => return Some(Destination::One(forward.clone())),
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
        check_kind(kind, setting, admission, upstream.at, findings);
    }
    let forward = |setting: &Setting<Forward>| setting.value().cloned();
    Some(Destination::ByKind { work: forward(work), personal: forward(personal), customer: forward(customer) })
}

fn check_kind(kind: AccountKind, setting: &Setting<Forward>, admission: &Admission, at: Span, findings: &Findings) {
    let word = kind.as_str();
    match setting {
        Setting::Absent if admission.kinds.contains(kind) => {
            let problem = Problem::new(Code::UpstreamMissing, at, format!("{word} accounts are admitted and have no upstream"));
            findings.report(problem.label(format!("add: {word} = \"http://…\"")));
        }
        Setting::Given(forward) if !admission.admitted.contains(kind) => {
            let problem = Problem::new(Code::UpstreamUnreached, forward.key, format!("{word} accounts are not admitted here"));
            findings.report(problem.label(format!("remove this upstream, or admit {word} accounts")));
        }
        Setting::Absent | Setting::Broken | Setting::Given(_) => {}
    }
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

pub(crate) fn headers(section: &RouteSection, defaults: &RouteKeys, findings: &Findings) -> Option<HeaderRules> {
    let headers = match section.keys.headers.or(&defaults.headers) {
        Setting::Absent => return Some(HeaderRules::default()),
        Setting::Broken => return None,
        Setting::Given(headers) => &headers.value,
    };
    let set = set_headers(headers, findings);
    let remove = removed_headers(headers, findings);
    Some(HeaderRules { preset: headers.preset.value().copied().unwrap_or_default(), set: set?, remove })
}

fn removed_headers(headers: &HeadersSection, findings: &Findings) -> Vec<HeaderName> {
    let names = headers.remove.value().map_or(&[][..], |names| names);
    for name in names.iter().filter(|name| is_owned(name.value.as_str())) {
        let title = format!("{} is one of Homerealm's own headers", Shown(name.value.as_str()));
        let label = "what clients send under it is removed anyway; preset = \"none\" sends no identity headers";
        findings.report(Problem::new(Code::OwnedHeader, name.at, title).label(label));
    }
    names.iter().map(|name| name.value.clone()).collect()
}

fn set_headers(headers: &HeadersSection, findings: &Findings) -> Option<Vec<(HeaderName, HeaderTemplate)>> {
    const MOST_HEADERS: usize = 32;
    let Some(given) = headers.set.given() else { return if headers.set.is_absent() { Some(Vec::new()) } else { None } };
    if given.value.len() > MOST_HEADERS {
        let problem = Problem::new(Code::TooMany, given.key, format!("more than {MOST_HEADERS} headers"));
        findings.report(problem.label("servers bound what they accept"));
        return None;
    }
    let parsed: Vec<_> = given.value.iter().map(|(name, value)| set_header(name, value, findings)).collect();
    for (index, (name, _)) in given.value.iter().enumerate() {
        let earlier = given.value[..index].iter().find(|(earlier, _)| folded(&earlier.value) == folded(&name.value));
        if let Some((earlier, _)) = earlier {
            report_duplicate("the header", name.key, earlier.key, findings);
        }
    }
    parsed.into_iter().collect()
}

fn set_header(name: &Located<String>, value: &str, findings: &Findings) -> Option<(HeaderName, HeaderTemplate)> {
    let header = match forms::header_name(&name.value) {
        Ok(header) => header,
        Err(refusal) => {
            let title = format!("{} cannot be set as a header", Shown(&name.value));
            findings.report(Problem::new(refusal.code, name.key, title).label(refusal.why));
            return None;
        }
    };
    if is_owned(header.as_str()) {
        let title = format!("{} is one of Homerealm's own headers", Shown(&name.value));
        let problem = Problem::new(Code::OwnedHeader, name.key, title);
        findings.report(problem.label("choose another name: upstreams rely on what stands under this one"));
        return None;
    }
    match HeaderTemplate::parse(value) {
        Ok(template) => Some((header, template)),
        Err(error) => {
            let title = format!("the value of the header {} cannot be used", Shown(&name.value));
            findings.report(Problem::new(Code::Malformed, name.at, title).label(error.to_string()));
            None
        }
    }
}

/// How upstreams may read a name: CGI and its heirs make one of `-`, `_` and `.`.
fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
