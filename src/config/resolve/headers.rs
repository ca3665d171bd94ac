//! `headers`: what is set and removed on the way to an upstream, and the names that collide: with Homerealm's own, with
//! each other, and with what is sent under them anyway. Two names are compared as upstreams may read them: CGI and its
//! heirs make one of `-`, `_` and `.`.

use http::HeaderName;

use super::server::report_duplicate;
use crate::config::file::forms;
use crate::config::file::routes::{HeadersSection, RouteKeys, RouteSection};
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Findings, Problem, Shown, Span};
use crate::domain::identity_headers::{HeaderTemplate, are_alike, is_forwarding, is_owned, is_plain};
use crate::domain::route::HeaderRules;

const MOST_HEADERS: usize = 32;

pub(crate) fn resolve(section: &RouteSection, defaults: &RouteKeys, findings: &Findings) -> Option<HeaderRules> {
    let headers = match section.keys.headers.or(&defaults.headers) {
        Setting::Absent => return Some(HeaderRules::default()),
        Setting::Broken => return None,
        Setting::Given(headers) => &headers.value,
    };
    let set = set(headers, findings);
    let remove = removed(headers, findings);
    Some(HeaderRules { preset: headers.preset.value().copied().unwrap_or_default(), set: set?, remove })
}

fn removed(headers: &HeadersSection, findings: &Findings) -> Vec<HeaderName> {
    let names = headers.remove.value().map_or(&[][..], |names| names);
    for (index, name) in names.iter().enumerate() {
        let text = name.value.as_str();
        if let Some(first) = names[..index].iter().find(|earlier| are_alike(earlier.value.as_str(), text)) {
            report_duplicate("the header", name.at, first.at, findings);
        } else {
            check_removed(name, headers, findings);
        }
    }
    names.iter().map(|name| name.value.clone()).collect()
}

fn check_removed(name: &Located<HeaderName>, headers: &HeadersSection, findings: &Findings) {
    let text = name.value.as_str();
    let set_alike = headers.set.value().into_iter().flatten().map(|(set, _)| set).find(|set| are_alike(&set.value, text));
    if is_owned(text) {
        let label = "what clients send under it is removed anyway; preset = \"none\" sends no identity headers";
        report_owned(text, name.at, label, findings);
    } else if is_forwarding(text) {
        report_owned(text, name.at, "what clients send under it is removed or checked anyway", findings);
    } else if let Some(set) = set_alike {
        let problem = Problem::new(Code::Conflict, name.at, format!("{} is both set and removed", Shown(text)));
        let label = "leave it out here: what clients send under the name of a header that is set is removed anyway";
        findings.report(problem.label(label).context(set.key, "set here"));
    } else if !is_plain(text) {
        let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let problem = Problem::new(Code::NoEffect, name.at, format!("removing {} has no effect", Shown(text)));
        let note = "names with anything but letters, digits and hyphens are dropped from every request anyway";
        findings.report(problem.label(format!("did you mean `{plain}`?")).note(note));
    }
}

fn report_owned(name: &str, at: Span, label: &str, findings: &Findings) {
    let title = format!("{} is one of Homerealm's own headers", Shown(name));
    findings.report(Problem::new(Code::OwnedHeader, at, title).label(label));
}

fn set(headers: &HeadersSection, findings: &Findings) -> Option<Vec<(HeaderName, HeaderTemplate)>> {
    let Some(given) = headers.set.given() else { return if headers.set.is_absent() { Some(Vec::new()) } else { None } };
    if given.value.len() > MOST_HEADERS {
        let problem = Problem::new(Code::TooMany, given.key, format!("more than {MOST_HEADERS} headers"));
        findings.report(problem.label("servers bound what they accept"));
        return None;
    }
    let parsed: Vec<_> = given.value.iter().map(|(name, value)| set_one(name, value, findings)).collect();
    for (index, (name, _)) in given.value.iter().enumerate() {
        let earlier = given.value[..index].iter().find(|(earlier, _)| are_alike(&earlier.value, &name.value));
        if let Some((earlier, _)) = earlier {
            report_duplicate("the header", name.key, earlier.key, findings);
        }
    }
    parsed.into_iter().collect()
}

fn set_one(name: &Located<String>, value: &str, findings: &Findings) -> Option<(HeaderName, HeaderTemplate)> {
    let header = match forms::header_name(&name.value) {
        Ok(header) => header,
        Err(refusal) => {
            let title = format!("{} cannot be set as a header", Shown(&name.value));
            findings.report(Problem::new(refusal.code, name.key, title).label(refusal.why));
            return None;
        }
    };
    if is_owned(header.as_str()) || is_forwarding(header.as_str()) {
        report_owned(&name.value, name.key, "choose another name: upstreams rely on what stands under this one", findings);
        return None;
    }
    match HeaderTemplate::parse(value) {
        Ok(template) if template.is_constant() && carries_a_secret(header.as_str()) => {
            report_secret(name, findings);
            None
        }
        Ok(template) => Some((header, template)),
        Err(error) => {
            let title = format!("the value of the header {} cannot be used", Shown(&name.value));
            findings.report(Problem::new(Code::Malformed, name.at, title).label(error.to_string()));
            None
        }
    }
}

/// Whether a server takes what stands under a name for the proof of who is calling.
fn carries_a_secret(name: &str) -> bool {
    let folded = name.replace(['_', '.'], "-");
    folded == "authorization" || ["api-key", "apikey", "password", "secret"].iter().any(|end| folded.ends_with(end))
}

fn report_secret(name: &Located<String>, findings: &Findings) {
    findings.hide(name.at);
    let title = format!("a secret is in the configuration file itself: the header {}", Shown(&name.value));
    let problem = Problem::new(Code::SecretInFile, name.key, title).label("its value is hidden here");
    findings.report(problem.note("there is no key for a secret that is sent to upstreams: let them trust this proxy by where it stands"));
}
