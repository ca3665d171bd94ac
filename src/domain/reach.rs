//! Routes that no request reaches, because of those before them: taken by one earlier route, shared out among several,
//! or refused because an earlier route guards the same paths in other letter case.
//!
//! The answer is exact, and there is no false alarm: what a route matches is cut into cells of host, method and depth of
//! the path, and within a cell several routes together take everything only if one of them does. For a literal
//! segment takes one of endlessly many that `*` stands for, so that a path can always be made up that none but a `*` takes.

use std::collections::{BTreeSet, HashSet};

use http::Method;

use super::pattern::PathPattern;
use super::route::Matcher;

/// The hosts that we answer for; empty if they are not known.
pub type Hosts<'a> = BTreeSet<&'a str>;

/// More comparisons are not made for one route: then nothing is said about it.
const MOST_STEPS: usize = 100_000;

/// Which of the earlier routes together take everything that `later` matches: their numbers, ascending, one only where
/// one suffices. `None` if something is left for it, or if that would take too long to find out.
#[must_use]
pub fn takers<'m>(later: &'m Matcher, earlier: impl IntoIterator<Item = (usize, &'m Matcher)>, hosts: &Hosts<'m>) -> Option<Vec<usize>> {
    let everything = PathPattern::everything();
    let path = later.path.as_ref().unwrap_or(&everything);
    let rivals: Vec<_> = earlier.into_iter().filter(|(_, rival)| takes_some(rival, later, path)).collect();
    if rivals.is_empty() {
        return None;
    }
    let ground = Ground::of(later, path, &rivals, hosts);
    if let Some((number, _)) = rivals.iter().find(|(_, rival)| ground.is_taken_by(rival)) {
        return Some(vec![*number]);
    }
    if ground.size().saturating_mul(rivals.len()) > MOST_STEPS {
        return None;
    }
    let mut takers: Vec<(usize, &Matcher)> = Vec::new();
    for cell in ground.cells() {
        if !takers.iter().any(|(_, taker)| cell.is_taken_by(taker)) {
            takers.push(*rivals.iter().find(|(_, rival)| cell.is_taken_by(rival))?);
        }
    }
    let mut numbers: Vec<usize> = takers.into_iter().map(|(number, _)| number).collect();
    numbers.sort_unstable();
    Some(numbers)
}

/// Whether every request for `later` is refused because `guarded`, an earlier route that asks who somebody is, has its
/// paths in other letter case: as [`super::route::RouteTable::find`] does it.
#[must_use]
pub fn is_refused_for(later: &Matcher, guarded: &Matcher, hosts: &Hosts<'_>) -> bool {
    let (Some(path), Some(other)) = (&later.path, &guarded.path) else { return false };
    // Cheapest first: capitals are rare.
    (path.has_upper_case() || other.has_upper_case())
        && other.covers_in_any_case(path)
        && !other.covers(path)
        && !path.differs_in_case_only(other)
        && Ground::of(later, path, &[], hosts).is_taken_but_for_the_path_by(guarded)
}

/// Quick to say no: most routes of a file have nothing in common.
fn takes_some(rival: &Matcher, later: &Matcher, path: &PathPattern) -> bool {
    let on_the_way = |pattern: &PathPattern| pattern.covers_at(*path.depths_up_to(pattern.depth()).end(), path);
    let same_host = rival.host.is_none() || later.host.is_none() || rival.host == later.host;
    let same_method = later.methods.is_empty() || later.methods.iter().any(|method| rival.takes(method));
    same_host && same_method && rival.path.as_ref().is_none_or(on_the_way)
}

/// What a route matches, by its three dimensions, the least common first.
struct Ground<'a> {
    path: &'a PathPattern,
    /// `None`: any that is not known.
    hosts: Vec<Option<&'a str>>,
    /// `None`: any that no route names.
    methods: Vec<Option<&'a Method>>,
    depths: Vec<usize>,
}

/// One host, one method, all paths of one depth.
struct Cell<'a> {
    path: &'a PathPattern,
    host: Option<&'a str>,
    method: Option<&'a Method>,
    depth: usize,
}

impl<'a> Ground<'a> {
    fn of(later: &'a Matcher, path: &'a PathPattern, rivals: &[(usize, &'a Matcher)], hosts: &Hosts<'a>) -> Self {
        let hosts = match later.host.as_deref() {
            Some(host) => vec![Some(host)],
            None if hosts.is_empty() => vec![None],
            None => hosts.iter().copied().map(Some).collect(),
        };
        let mut methods: Vec<_> = if later.methods.is_empty() {
            let mut told = HashSet::new();
            let named = rivals.iter().flat_map(|(_, rival)| &rival.methods).filter(|method| told.insert(*method));
            std::iter::once(None).chain(named.map(Some)).collect()
        } else {
            later.methods.iter().map(Some).collect()
        };
        if methods.contains(&Some(&Method::GET)) && !methods.contains(&Some(&Method::HEAD)) {
            methods.push(Some(&Method::HEAD));
        }
        let written = rivals.iter().filter_map(|(_, rival)| rival.path.as_ref()).map(PathPattern::depth).max();
        // One more than anybody writes: from there on only `**` goes, and it goes all the way.
        Self { path, hosts, methods, depths: path.depths_up_to(written.map_or(0, |depth| depth + 1)).rev().collect() }
    }

    fn size(&self) -> usize {
        self.hosts.len().saturating_mul(self.methods.len()).saturating_mul(self.depths.len())
    }

    fn cells(&self) -> impl Iterator<Item = Cell<'a>> {
        self.methods.iter().flat_map(move |method| {
            self.depths.iter().flat_map(move |depth| {
                self.hosts.iter().map(move |host| Cell { path: self.path, host: *host, method: *method, depth: *depth })
            })
        })
    }

    fn is_taken_by(&self, rival: &Matcher) -> bool {
        self.is_taken_but_for_the_path_by(rival) && rival.path.as_ref().is_none_or(|pattern| pattern.covers(self.path))
    }

    fn is_taken_but_for_the_path_by(&self, rival: &Matcher) -> bool {
        self.hosts.iter().all(|host| takes_host(rival, *host)) && self.methods.iter().all(|method| takes_method(rival, *method))
    }
}

impl Cell<'_> {
    fn is_taken_by(&self, rival: &Matcher) -> bool {
        takes_host(rival, self.host)
            && takes_method(rival, self.method)
            && rival.path.as_ref().is_none_or(|pattern| pattern.covers_at(self.depth, self.path))
    }
}

fn takes_host(rival: &Matcher, host: Option<&str>) -> bool {
    rival.host.is_none() || rival.host.as_deref() == host && host.is_some()
}

fn takes_method(rival: &Matcher, method: Option<&Method>) -> bool {
    method.map_or(rival.methods.is_empty(), |method| rival.takes(method))
}

#[cfg(test)]
mod tests;
