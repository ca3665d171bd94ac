//! `[[routes]]`: names, what is matched, and the assembly of what the other modules resolve.

use std::collections::{HashMap, HashSet};

use super::authorities::Authority;
use super::server::{report_duplicate, report_repeated};
use super::{Surroundings, access, effects, forwarding, headers, reach, written::written};
use crate::config::UpstreamFiles;
use crate::config::file::File;
use crate::config::file::routes::RouteSection;
use crate::config::file::setting::Setting;
use crate::config::file::tenants::TenantSection;
use crate::config::problem::{Code, Problem, Shown, Span, did_you_mean};
use crate::config::report::RedirectUris;
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origins;
use crate::domain::pattern::PathPattern;
use crate::domain::route::{Access, BearerRequirements, Matcher, Route, RouteName, Unauthenticated};

/// What routes are resolved against. `None`: broken, and reported.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) file: &'a File,
    /// `[tenants]` by their keys.
    pub(crate) tenants: &'a HashMap<&'a str, &'a TenantSection>,
    pub(crate) authorities: &'a [Authority],
    pub(crate) origins: Option<&'a Origins>,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) around: &'a Surroundings<'a>,
}

/// A route as far as it could be resolved.
pub(crate) struct ResolvedRoute {
    pub(crate) at: Span,
    /// Those it uses, also where the rest is broken: they are not unused.
    pub(crate) authorities: Vec<AuthorityName>,
    /// What was read for its upstreams.
    pub(crate) upstream_files: Vec<UpstreamFiles>,
    pub(crate) route: Option<Route>,
}

const MOST_ROUTES: usize = 1000;

pub(crate) fn resolve(scope: &Scope<'_>) -> Vec<ResolvedRoute> {
    let findings = scope.around.findings;
    let Some(sections) = scope.file.routes.given() else { return Vec::new() };
    if sections.value.is_empty() {
        findings.report(Problem::new(Code::Empty, sections.at, "`routes` is empty").label("without a route nothing is forwarded"));
    }
    if sections.value.len() > MOST_ROUTES {
        let problem = Problem::new(Code::TooMany, sections.at, format!("more than {MOST_ROUTES} routes"));
        findings.report(problem.label("every request is held against them one by one"));
        return Vec::new();
    }
    let names = names(&sections.value, scope);
    let matchers: Vec<_> = sections.value.iter().map(|section| matcher(section, scope)).collect();
    reach::check(&sections.value, &names, &matchers, scope);
    let parts = sections.value.iter().zip(names).zip(matchers);
    parts.map(|((section, name), matcher)| route(section, name, matcher, scope)).collect()
}

/// Notes what to register for the authorities that routes use, whatever else is wrong with them.
pub(crate) fn register(scope: &Scope<'_>, routes: &[ResolvedRoute]) {
    let (Some(origins), Some(prefix)) = (scope.origins, scope.prefix) else { return };
    let used = |name: &&AuthorityName| routes.iter().any(|route| route.authorities.contains(name));
    let names = scope.authorities.iter().map(|authority| &authority.name).filter(used);
    scope.around.findings.register(RedirectUris::new(origins, prefix, names));
}

fn route(section: &RouteSection, name: Option<String>, matcher: Option<Matcher>, scope: &Scope<'_>) -> ResolvedRoute {
    let admission = access::resolve(section, scope);
    let authorities = admission.authorities.clone();
    let forwarding::Resolved { destination, files: upstream_files } = forwarding::destination(section, &admission, scope);
    let strip_prefix = forwarding::strip_prefix(section, scope);
    effects::report_beside_redirect(section, scope.around.findings);
    let headers = headers::resolve(section, &scope.file.defaults, scope.around.findings);
    let keys = (&section.keys, &scope.file.defaults);
    let assemble = || {
        Some(Route {
            name: RouteName::new(&name?),
            position: (scope.around.position)(section.at),
            matcher: matcher?,
            unauthenticated: keys.0.unauthenticated.or(&keys.1.unauthenticated).value().copied().unwrap_or(Unauthenticated::Auto),
            bearer: bearer(section, admission.access.as_ref()?, scope),
            access: admission.access?,
            destination: destination?,
            strip_prefix,
            headers: headers?,
            timeouts: forwarding::timeouts(section, &scope.file.defaults),
            max_body: keys.0.max_body.or(&keys.1.max_body).value().copied().flatten(),
            websocket: keys.0.websocket.or(&keys.1.websocket).value().copied().unwrap_or(true),
            written: written(section, &scope.file.defaults, scope.around),
        })
    };
    ResolvedRoute { at: section.at, authorities, upstream_files, route: assemble() }
}

fn bearer(section: &RouteSection, access: &Access, scope: &Scope<'_>) -> Option<BearerRequirements> {
    access.requirements()?;
    let bearer = section.keys.bearer.or(&scope.file.defaults.bearer).value()?;
    let texts = |setting| access::shared(setting).collect();
    Some(BearerRequirements { audiences: texts(&bearer.audiences), scopes: texts(&bearer.scopes), roles: texts(&bearer.roles) })
}

/// Every route's name: as given, or derived from its path and made unique.
fn names(sections: &[RouteSection], scope: &Scope<'_>) -> Vec<Option<String>> {
    let mut taken: HashSet<String> = HashSet::new();
    for (index, section) in sections.iter().enumerate() {
        let Some(name) = section.name.given() else { continue };
        if !taken.insert(name.value.clone()) {
            let first = sections[..index].iter().filter_map(|earlier| earlier.name.given()).find(|earlier| earlier.value == name.value);
            let what = format!("the route {}", Shown(&name.value));
            report_duplicate(&what, name.at, first.map_or(name.at, |first| first.at), scope.around.findings);
        }
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    sections
        .iter()
        .map(|section| match &section.name {
            Setting::Broken => None,
            Setting::Given(name) => Some(name.value.clone()),
            Setting::Absent => Some(unique(derived_name(section), &mut taken, &mut next)),
        })
        .collect()
}

fn derived_name(section: &RouteSection) -> String {
    const LONGEST: usize = 48;
    let path = section.matched.value().and_then(|matched| matched.path.value()).map_or("/", PathPattern::as_str);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").to_ascii_lowercase().chars().take(LONGEST).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "root".to_owned() } else { name.to_owned() }
}

/// `next`: the number that a name was last made unique with, and one.
fn unique(name: String, taken: &mut HashSet<String>, next: &mut HashMap<String, usize>) -> String {
    if taken.insert(name.clone()) {
        return name;
    }
    let number = next.entry(name.clone()).or_insert(2);
    loop {
        let candidate = format!("{name}-{number}");
        *number += 1;
        if taken.insert(candidate.clone()) {
            return candidate;
        }
    }
}

fn matcher(section: &RouteSection, scope: &Scope<'_>) -> Option<Matcher> {
    let matched = match &section.matched {
        Setting::Absent => return Some(Matcher::default()),
        Setting::Broken => return None,
        Setting::Given(matched) => &matched.value,
    };
    let broken =
        [matches!(matched.host, Setting::Broken), matches!(matched.path, Setting::Broken), matches!(matched.methods, Setting::Broken)];
    check_host(section, scope);
    check_prefix(section, scope);
    if let Some(methods) = matched.methods.given() {
        report_repeated(&methods.value, "the method", scope.around.findings);
        if methods.value.is_empty() {
            let problem = Problem::new(Code::Empty, methods.at, "`methods` is empty");
            scope.around.findings.report(problem.label("leave it out to match every method"));
        }
    }
    let methods = matched.methods.value().into_iter().flatten().map(|method| method.value.clone());
    let matcher = || Matcher { host: matched.host.value().cloned(), path: matched.path.value().cloned(), methods: methods.collect() };
    (!broken.contains(&true)).then(matcher)
}

fn check_host(section: &RouteSection, scope: &Scope<'_>) {
    let (Some(host), Some(origins)) = (section.matched.value().and_then(|matched| matched.host.given()), scope.origins) else { return };
    if origins.iter().all(|origin| origin.host() != host.value) {
        let title = format!("no public URL has the host {}", Shown(&host.value));
        let known: Vec<_> = origins.iter().map(|origin| origin.host().to_owned()).collect();
        let label = did_you_mean(&host.value, known.iter().map(String::as_str), "no request for it is ever answered");
        let problem = Problem::new(Code::ForeignHost, host.at, title).label(label);
        scope.around.findings.report(problem.note("every host that browsers use stands in `public_url` or `public_urls`"));
    }
}

fn check_prefix(section: &RouteSection, scope: &Scope<'_>) {
    let (Some(path), Some(prefix)) = (section.matched.value().and_then(|matched| matched.path.given()), scope.prefix) else { return };
    let ours = PathPattern::parse(&format!("{prefix}/**"));
    if ours.is_ok_and(|ours| ours.covers(&path.value)) {
        let title = format!("the path {} is under the prefix of Homerealm's own endpoints", Shown(path.value.as_str()));
        let problem = Problem::new(Code::PrefixOverlap, path.at, title).label("no request for it reaches this route");
        let problem = match scope.file.prefix.given() {
            Some(prefix) => problem.context(prefix.at, "the prefix"),
            None => problem.note(format!("the prefix is \"{prefix}\" unless `prefix` says otherwise")),
        };
        scope.around.findings.report(problem);
    }
}
