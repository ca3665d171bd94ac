//! Routes that no request reaches, and hosts that no route is for. What takes what is [`crate::domain::reach`]'s
//! business; here are the words.

use super::routes::Scope;
use crate::config::file::routes::{Auth, RouteSection};
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Shown, Span};
use crate::domain::origin::Origin;
use crate::domain::reach::{Hosts, is_refused_for, takers};
use crate::domain::route::Matcher;

/// More places are not pointed at.
const MOST_SHOWN: usize = 4;

/// More names are not told.
const MOST_NAMED: usize = 10;

/// Reports every route that earlier ones leave nothing to, and every host that no route is for.
pub(crate) fn check(sections: &[RouteSection], names: &[Option<String>], matchers: &[Option<Matcher>], scope: &Scope<'_>) {
    let hosts: Hosts<'_> = scope.origins.into_iter().flat_map(|origins| origins.iter()).map(Origin::host).collect();
    let parts = sections.iter().zip(names).zip(matchers);
    let known = parts.filter_map(|((section, name), matcher)| {
        Some(Known { section, name: name.as_deref().unwrap_or("?"), matcher: matcher.as_ref()?, is_guarded: is_guarded(section, scope) })
    });
    let known: Vec<_> = known.collect();
    for (index, later) in known.iter().enumerate() {
        let earlier = &known[..index];
        let numbered = earlier.iter().enumerate().map(|(number, route)| (number, route.matcher));
        if let Some(takers) = takers(later.matcher, numbered, &hosts) {
            let takers: Vec<_> = takers.into_iter().map(|number| &earlier[number]).collect();
            report_taken(later, &takers, &hosts, scope);
        } else if let Some(guarded) = earlier.iter().find(|route| route.is_guarded && is_refused_for(later.matcher, route.matcher, &hosts))
        {
            report_other_case(later, guarded, scope);
        }
    }
    // What a broken `match` was meant for is not known.
    if !known.is_empty() && known.len() == sections.len() {
        warn_of_unserved(&known, scope);
    }
}

/// A route of which it is known what it matches.
struct Known<'a> {
    section: &'a RouteSection,
    name: &'a str,
    matcher: &'a Matcher,
    is_guarded: bool,
}

impl Known<'_> {
    /// What is to be looked at: its `match`, or the route.
    fn at(&self) -> Span {
        self.section.matched.given().map_or(self.section.at, |matched| matched.at)
    }
}

fn is_guarded(section: &RouteSection, scope: &Scope<'_>) -> bool {
    match section.keys.auth.or(&scope.file.defaults.auth) {
        Setting::Absent => true,
        Setting::Broken => false,
        Setting::Given(auth) => auth.value != Auth::None,
    }
}

fn report_taken(route: &Known<'_>, takers: &[&Known<'_>], hosts: &Hosts<'_>, scope: &Scope<'_>) {
    let problem = Problem::new(Code::Unreachable, route.at(), format!("route \"{}\" can never be reached", route.name));
    // Moving it up would only leave those without requests that it takes all of.
    let is_wider = takers.iter().all(|taker| crate::domain::reach::takers(taker.matcher, [(0, route.matcher)], hosts).is_some());
    let mut problem = match (takers, is_wider) {
        ([only], true) => {
            problem.label(format!("leave one of the two out, or let this one match less and move it above \"{}\"", only.name))
        }
        ([first, ..], false) => problem.label(format!("move this route above \"{}\"", first.name)),
        (_, _) => problem.label("leave this route out, or let the others match less"),
    };
    let share = if takers.len() == 1 { "all of it" } else { "a part of it" };
    for taker in takers.iter().take(MOST_SHOWN) {
        problem = problem.context(taker.at(), format!("route \"{}\" takes {share}", taker.name));
    }
    if let Some(others) = takers.get(MOST_SHOWN..).filter(|others| !others.is_empty()) {
        let names: Vec<_> = others.iter().take(MOST_NAMED).map(|taker| format!("\"{}\"", taker.name)).collect();
        let more = if others.len() > MOST_NAMED { ", …" } else { "" };
        problem = problem.note(format!("the rest goes to {}{more}", names.join(", ")));
    }
    scope.around.findings.report(problem.note("the first route that matches wins, in the order of the file"));
}

fn report_other_case(route: &Known<'_>, guarded: &Known<'_>, scope: &Scope<'_>) {
    let title = format!("every request for route \"{}\" is refused", route.name);
    let problem = Problem::new(Code::OtherCase, route.at(), title);
    let problem = problem
        .label(format!("write both in the same letter case, or move this route above \"{}\"", guarded.name))
        .context(guarded.at(), format!("route \"{}\" asks who people are, and has these paths in other letter case", guarded.name));
    scope.around.findings.report(problem.note(
        "some upstreams know no letter case and would serve guarded pages under the other spelling: such requests get 400 bad_request",
    ));
}

fn warn_of_unserved(routes: &[Known<'_>], scope: &Scope<'_>) {
    let others = scope.file.public_urls.value().into_iter().flatten();
    let is_ours = |named: &str| scope.origins.is_some_and(|origins| origins.iter().any(|origin| origin.host() == named));
    if routes.iter().filter_map(|route| host_of(route.section)).any(|named| !is_ours(&named.value)) {
        // Most likely the one that is missed, misspelt; it has been told.
        return;
    }
    for url in scope.file.public_url.given().into_iter().chain(others) {
        let host = url.value.host();
        let hosts: Vec<_> = routes.iter().filter_map(|route| host_of(route.section)).collect();
        if hosts.len() < routes.len() || hosts.iter().any(|named| named.value == host) {
            continue;
        }
        let problem = Problem::new(Code::UnservedHost, url.at, format!("no route is for the host {}", Shown(host)));
        let mut problem = problem.label("every request there is answered with 404");
        for named in hosts.iter().take(MOST_SHOWN) {
            problem = problem.context(named.at, "this route is for another host");
        }
        scope.around.findings.report(problem.note("add a route for it, let one match every host, or leave this URL out"));
    }
}

fn host_of(section: &RouteSection) -> Option<&Located<String>> {
    section.matched.value()?.host.given()
}
