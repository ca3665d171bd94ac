//! The requests of a change in words: from single examples back to the pattern, methods and hosts they stand for.
//!
//! The pattern is the narrowest that holds all of them; earlier routes may take a part of it, as they do of the routes
//! themselves.

use http::Method;

use super::paths::spell;
use super::requests::{Reach, Requests};
use crate::domain::pattern::PathPattern;
use crate::domain::route::Route;
use crate::review::words::lists::listed;

/// Requests that fare alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Hosts, with ports that are not the scheme's own. Empty: every one.
    pub hosts: Vec<String>,
    /// Methods. Empty: every one.
    pub methods: Vec<String>,
    /// The path; `None`: every one.
    pub pattern: Option<String>,
    /// Whether there are other routes, which may take some of these.
    pub among: Among,
    /// One of them: method, host and path.
    pub example: String,
}

/// Whether a file has other routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// It has not.
    Alone,
    /// It has.
    Others,
}

/// The word for methods that neither file names.
const OTHERS: &str = "others";

pub(super) fn asked(requests: &Requests, reach: &Reach, old: Option<&Route>, new: Option<&Route>, among: Among) -> Asked {
    let all_methods = reach.methods.len() == requests.methods.len();
    let last = requests.methods.len() - 1;
    let method = |at: &usize| if *at == last { OTHERS.to_owned() } else { requests.methods[*at].to_string() };
    // A route for GET takes HEAD as well.
    let is_implied = |at: &&usize| requests.methods[**at] == Method::HEAD && reach.methods.contains(&0);
    let mut methods: Vec<_> = reach.methods.iter().filter(|at| !is_implied(at)).map(method).collect();
    let all_hosts = reach.hosts.len() == requests.hosts.len();
    let mut hosts: Vec<_> = reach.hosts.iter().map(|at| requests.hosts[*at].clone()).collect();
    if all_methods {
        methods.clear();
    }
    if all_hosts {
        hosts.clear();
    }
    let pattern = |route: Option<&Route>| route.and_then(|route| route.matcher.path.clone());
    let pattern = meet(pattern(old).as_ref(), pattern(new).as_ref()).filter(|pattern| pattern != "/**");
    Asked { hosts, methods, pattern, among, example: reach.example.clone() }
}

/// The pattern of the paths that both match; `None` matches all.
fn meet(one: Option<&PathPattern>, other: Option<&PathPattern>) -> Option<String> {
    let (one, other) = match (one, other) {
        (None, None) => return None,
        (Some(only), None) | (None, Some(only)) => return Some(only.as_str().to_owned()),
        (Some(one), Some(other)) if one.covers(other) => return Some(other.as_str().to_owned()),
        (Some(one), Some(other)) if other.covers(one) => return Some(one.as_str().to_owned()),
        (Some(one), Some(other)) => (one, other),
    };
    let (mut ours, mut theirs) = (one.segments(), other.segments());
    let mut text = String::new();
    loop {
        let segment = match (ours.next(), theirs.next()) {
            (None, None) => break,
            (Some(segment), None) | (None, Some(segment)) => segment,
            (Some(ours), Some(theirs)) => ours.or(theirs),
        };
        text.push('/');
        text.push_str(&segment.map_or_else(|| "*".to_owned(), spell));
    }
    if one.is_open() && other.is_open() {
        text.push_str("/**");
    }
    Some(text)
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut methods: Vec<_> = self.methods.iter().map(String::as_str).collect();
        if let Some(others) = methods.iter_mut().find(|method| **method == OTHERS) {
            *others = if self.methods.len() == 1 { "other methods" } else { "others" };
        }
        let before = if methods.is_empty() { String::new() } else { format!("{} ", methods.join(", ")) };
        let path = match (&self.pattern, self.among) {
            (Some(pattern), _) => pattern.as_str(),
            (None, _) if !methods.is_empty() || self.hosts.len() == 1 => "/**",
            (None, Among::Alone) => "everything",
            (None, Among::Others) => "everything else",
        };
        match &self.hosts[..] {
            [] => write!(f, "{before}{path}"),
            [host] => write!(f, "{before}{host}{path}"),
            hosts => write!(f, "{before}{path} at {}", listed(hosts.to_vec(), "and")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_of_what_two_patterns_share_is_the_narrowest() {
        for (one, other, shared) in [
            ("/a/**", "/a/b/**", "/a/b/**"),
            ("/a/*/c", "/a/b/**", "/a/b/c"),
            ("/*/b", "/a/*", "/a/b"),
            ("/a/**", "/*/b/**", "/a/b/**"),
            ("/a%20b/**", "/*/c", "/a%20b/c"),
        ] {
            let [one, other] = [one, other].map(|text| PathPattern::parse(text).expect("a pattern"));
            assert_eq!(meet(Some(&one), Some(&other)).as_deref(), Some(shared), "{} {}", one.as_str(), other.as_str());
            assert_eq!(meet(Some(&other), Some(&one)).as_deref(), Some(shared), "{} {}", other.as_str(), one.as_str());
        }
    }
}
