//! Which routes could match a path: a tree of their hosts and of the segments of their patterns, made once.
//!
//! It knows no letter case (ASCII only), so what it names is all that could match in any; and it only ever names too many.
//! Whoever asks holds what it names against the target.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::domain::pattern::octets;
use crate::domain::route::Matcher;

/// The tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    any_host: Node,
    hosts: HashMap<Box<str>, Node>,
    has_upper_case: bool,
}

/// Patterns that begin with the same segments. All places are in ascending order.
#[derive(Debug, Clone, Default)]
struct Node {
    /// Those that end here.
    exact: Vec<usize>,
    /// Those that take whatever follows.
    open: Vec<usize>,
    /// `*`
    any: Option<Box<Node>>,
    /// The octets of a literal segment, in lower case.
    literal: HashMap<Box<[u8]>, Node>,
}

impl Index {
    pub(super) fn new<'a>(matchers: impl Iterator<Item = &'a Matcher>) -> Self {
        let mut index = Self::default();
        for (place, matcher) in matchers.enumerate() {
            let mut node = match &matcher.host {
                None => &mut index.any_host,
                Some(host) => index.hosts.entry(host.as_str().into()).or_default(),
            };
            let Some(pattern) = &matcher.path else {
                node.open.push(place);
                continue;
            };
            index.has_upper_case |= pattern.has_upper_case();
            for segment in pattern.segments() {
                node = match segment {
                    None => node.any.get_or_insert_default(),
                    Some(octets) => node.literal.entry(octets.to_ascii_lowercase().into()).or_default(),
                };
            }
            if pattern.is_open() { node.open.push(place) } else { node.exact.push(place) }
        }
        index
    }

    /// Whether letter case could tell two routes apart for this path.
    pub(super) fn knows_case(&self, path: &str) -> bool {
        self.has_upper_case || path.bytes().any(|octet| octet.is_ascii_uppercase())
    }

    /// Hands on the places of the routes that could match, some at a time: each part is in ascending order.
    pub(super) fn visit<'a>(&'a self, path: &str, host: &str, take: &mut impl FnMut(&'a [usize])) {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = if path.is_empty() { None } else { Some(path) };
        self.any_host.visit(segments, take);
        if let Some(node) = self.hosts.get(host) {
            node.visit(segments, take);
        }
    }

    /// The places of all routes that could match one of these paths, in ascending order.
    pub(super) fn candidates(&self, paths: &[&str], host: &str) -> Vec<usize> {
        let mut places = Vec::new();
        for path in paths {
            self.visit(path, host, &mut |some| places.extend_from_slice(some));
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

impl Node {
    /// `path` are the segments that are left, if any are.
    fn visit<'a>(&'a self, path: Option<&str>, take: &mut impl FnMut(&'a [usize])) {
        take(&self.open);
        let Some(path) = path else { return take(&self.exact) };
        if self.any.is_none() && self.literal.is_empty() {
            return;
        }
        let (segment, rest) = path.split_once('/').map_or((path, None), |(segment, rest)| (segment, Some(rest)));
        if let Some(node) = self.literal.get(&*folded(segment)) {
            node.visit(rest, take);
        }
        if let Some(node) = &self.any {
            node.visit(rest, take);
        }
    }
}

/// What a segment stands for, in lower case.
fn folded(segment: &str) -> Cow<'_, [u8]> {
    if segment.bytes().any(|octet| octet == b'%' || octet.is_ascii_uppercase()) {
        Cow::Owned(octets(segment).map(|octet| octet.to_ascii_lowercase()).collect())
    } else {
        Cow::Borrowed(segment.as_bytes())
    }
}
