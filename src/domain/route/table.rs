//! All routes in the order of the file: the first match wins, and no match is an answer of its own.
//!
//! A target is held against few of them: `index` knows which could match its path.

mod index;

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;

use self::index::Index;
use super::{Access, Route};
use crate::domain::target::Target;

/// All routes, in file order.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Vec<Route>,
    named_groups: Arc<[Arc<str>]>,
    index: Index,
}

/// Why no route can be named for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMatch {
    /// The path meets another route if it is read as some upstreams read it, which would serve what that route guards:
    /// without parameters (`;x=1`), or without regard to letter case.
    Ambiguous,
    /// None matches.
    NoRoute,
}

impl RouteTable {
    /// The table of these routes.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        let mut named_groups: Vec<Arc<str>> = Vec::new();
        let mut seen = HashSet::new();
        for group in routes.iter().filter_map(|route| route.access.stated()).flat_map(|stated| &stated.groups) {
            if seen.insert(Arc::clone(group)) {
                named_groups.push(Arc::clone(group));
            }
        }
        let index = Index::new(routes.iter().map(|route| &route.matcher));
        Self { routes, named_groups: named_groups.into(), index }
    }

    /// Every group that some route names, once each, in file order.
    #[must_use]
    pub const fn named_groups(&self) -> &Arc<[Arc<str>]> {
        &self.named_groups
    }

    /// The routes in file order.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.name.as_str() == name)
    }

    /// The first route that matches.
    ///
    /// # Errors
    /// [`NoMatch`]; nothing is forwarded by default.
    pub fn find(&self, target: &Target, method: &Method) -> Result<&Route, NoMatch> {
        let found = match target.path_without_parameters() {
            // Nearly always: all readings of the path have the same letters.
            None if !self.index.knows_case(target.path()) => self.first_of(target, method).ok_or(NoMatch::NoRoute),
            None => self.find_among(&self.index.candidates(&[target.path()], target.host()), target, method),
            Some(bare) => self.find_among(&self.index.candidates(&[target.path(), &bare], target.host()), target, method),
        };
        found.map(|at| &self.routes[at])
    }

    fn first_of(&self, target: &Target, method: &Method) -> Option<usize> {
        let mut first = None;
        self.index.visit(target.path(), target.host(), &mut |places| {
            let mut earlier = places.iter().copied().take_while(|at| first.is_none_or(|first| *at < first));
            first = earlier.find(|at| self.routes[*at].matcher.matches(target, method)).or(first);
        });
        first
    }

    /// The place of the first route that matches, where it is known that no other than those at these places (in
    /// ascending order) has the target's path, in whatever letter case: what [`Self::find`] finds then.
    ///
    /// # Errors
    /// [`NoMatch`]
    pub fn find_among(&self, places: &[usize], target: &Target, method: &Method) -> Result<usize, NoMatch> {
        find_in(places.iter().map(|at| &self.routes[*at]), target, method).map(|at| places[at])
    }
}

fn find_in<'a>(routes: impl Iterator<Item = &'a Route> + Clone, target: &Target, method: &Method) -> Result<usize, NoMatch> {
    let first =
        |path: &str| routes.clone().position(|route| route.matcher.matches_path(path) && route.matcher.matches_rest(target, method));
    let at = first(target.path());
    let bare = target.path_without_parameters();
    if bare.as_deref().is_some_and(|bare| first(bare) != at) {
        return Err(NoMatch::Ambiguous);
    }
    let at = at.ok_or(NoMatch::NoRoute)?;
    let path = bare.as_deref().unwrap_or(target.path());
    if is_guarded_in_another_case(routes, at, path, target, method) { Err(NoMatch::Ambiguous) } else { Ok(at) }
}

/// Whether a route before the one that was found, and that asks who somebody is, has the path in other letter case. An
/// upstream on IIS or Windows would serve that route's pages under it. Patterns that differ in nothing but case are meant
/// to differ.
fn is_guarded_in_another_case<'a>(
    routes: impl Iterator<Item = &'a Route> + Clone,
    found: usize,
    path: &str,
    target: &Target,
    method: &Method,
) -> bool {
    // The usual path and the usual patterns are in lower case: then there is no other case to look at.
    let is_mixed = path.bytes().any(|octet| octet.is_ascii_uppercase());
    let found_pattern = routes.clone().nth(found).and_then(|route| route.matcher.path.as_ref());
    routes.take(found).filter(|route| !matches!(route.access, Access::Public)).any(|route| {
        route.matcher.path.as_ref().is_some_and(|pattern| {
            (is_mixed || pattern.has_upper_case())
                && pattern.matches_in_any_case(path)
                && !found_pattern.is_some_and(|found| found.differs_in_case_only(pattern))
        }) && route.matcher.matches_rest(target, method)
    })
}

#[cfg(test)]
mod tests;
