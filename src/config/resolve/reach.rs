//! Routes that can never be reached, because an earlier one takes all that they match.

use std::collections::BTreeSet;

use http::Method;

use super::routes::Scope;
use crate::config::file::routes::RouteSection;
use crate::config::problem::{Code, Problem};
use crate::domain::pattern::PathPattern;
use crate::domain::route::Matcher;

/// Reports every route that an earlier one covers.
pub(crate) fn check(sections: &[RouteSection], names: &[Option<String>], matchers: &[Option<Matcher>], scope: &Scope<'_>) {
    let Ok(everything) = PathPattern::parse("/**") else { return };
    let hosts: BTreeSet<&str> = scope.origins.into_iter().flat_map(|origins| origins.iter()).map(|origin| origin.host()).collect();
    let cover = Cover { everything, hosts };
    for (index, later) in matchers.iter().enumerate() {
        let Some(later) = later else { continue };
        let earlier = matchers[..index].iter().enumerate().filter_map(|(by, earlier)| Some((by, earlier.as_ref()?)));
        if let Some((by, earlier)) = earlier.into_iter().find(|(_, earlier)| cover.covers(earlier, later)) {
            let width = if cover.covers(later, earlier) { Width::Same } else { Width::Narrower };
            report((&sections[index], names[index].as_deref()), (&sections[by], names[by].as_deref()), width, scope);
        }
    }
}

/// What a route matches that is never reached, beside what the one before it takes.
#[derive(Clone, Copy)]
enum Width {
    Narrower,
    /// Moving it would only leave the other one without requests.
    Same,
}

fn report((section, name): (&RouteSection, Option<&str>), (by, by_name): (&RouteSection, Option<&str>), width: Width, scope: &Scope<'_>) {
    let (name, by_name) = (name.unwrap_or("?"), by_name.unwrap_or("?"));
    let at = section.matched.given().map_or(section.at, |matched| matched.at);
    let context = by.matched.given().map_or(by.at, |matched| matched.at);
    let problem = Problem::new(Code::Unreachable, at, format!("route \"{name}\" can never be reached"));
    let way_out = match width {
        Width::Narrower => format!("move this route above \"{by_name}\""),
        Width::Same => format!("leave one of the two out, or let this one match less and move it above \"{by_name}\""),
    };
    let problem = problem.label(way_out).context(context, format!("route \"{by_name}\" takes all of it"));
    scope.around.findings.report(problem.note("the first route that matches wins, in the order of the file"));
}

struct Cover<'a> {
    everything: PathPattern,
    /// All hosts that we answer for.
    hosts: BTreeSet<&'a str>,
}

impl Cover<'_> {
    /// Whether everything that `later` matches is matched by `earlier`.
    fn covers(&self, earlier: &Matcher, later: &Matcher) -> bool {
        self.covers_host(earlier.host.as_deref(), later.host.as_deref())
            && self.covers_path(earlier.path.as_ref(), later.path.as_ref())
            && covers_methods(&earlier.methods, &later.methods)
    }

    fn covers_host(&self, earlier: Option<&str>, later: Option<&str>) -> bool {
        match (earlier, later) {
            (None, _) => true,
            (Some(earlier), Some(later)) => earlier == later,
            // Where we have one host, naming it changes nothing.
            (Some(earlier), None) => self.hosts.len() == 1 && self.hosts.contains(earlier),
        }
    }

    fn covers_path(&self, earlier: Option<&PathPattern>, later: Option<&PathPattern>) -> bool {
        earlier.is_none_or(|earlier| earlier.covers(later.unwrap_or(&self.everything)))
    }
}

/// A route for GET takes HEAD as well.
fn covers_methods(earlier: &[Method], later: &[Method]) -> bool {
    let takes = |method: &Method| earlier.contains(method) || (*method == Method::HEAD && earlier.contains(&Method::GET));
    earlier.is_empty() || (!later.is_empty() && later.iter().all(takes))
}
