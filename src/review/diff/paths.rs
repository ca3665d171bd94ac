//! Which paths a set of patterns tells apart: one path for each set of patterns that some path meets.
//!
//! Patterns overlap (`/a/*/c` and `/a/b/**` meet in `/a/b/c`), so single patterns are not enough to go by. All are
//! followed at once, segment by segment, as an automaton made of several is run: what counts of a path so far is which
//! patterns it may still become. Segments are those that some pattern has there, as it spells them, and one that none has.
//! Within paths made of these nothing is left out, for two paths that meet the same patterns meet the same routes.
//! Other letter cases of a literal and path parameters (`;x=1`) are not tried: a path in which they could make a
//! difference is refused ([`crate::domain::route::NoMatch::Ambiguous`]).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::domain::pattern::PathPattern;

/// More sets of patterns than these are not followed: 500 routes that do not overlap wildly make some thousands.
pub(super) const MOST_STEPS: usize = 200_000;

/// One path out of all that meet the same patterns.
pub(super) struct Region {
    pub(super) path: String,
    /// Which patterns it meets, in whatever letter case; ascending.
    pub(super) met: Vec<usize>,
}

/// The patterns overlap in too many ways to try them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path patterns of the two files overlap in more than {MOST_STEPS} ways, which are too many to try")]
pub struct TooManyOverlaps;

/// A pattern that the path so far may still become.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Follower {
    pattern: usize,
    read: Read,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Read {
    AsWritten,
    InAnotherCase,
}

struct Shape<'p> {
    segments: Vec<Option<&'p [u8]>>,
    is_open: bool,
}

/// A path so far.
struct Step {
    path: String,
    depth: usize,
    followers: Vec<Follower>,
}

/// Finds a path for each set of these patterns that a path can meet, short ones first.
///
/// # Errors
/// [`TooManyOverlaps`], once `budget` is spent.
pub(super) fn regions(patterns: &[&PathPattern], budget: &mut usize) -> Result<Vec<Region>, TooManyOverlaps> {
    let shapes: Vec<_> =
        patterns.iter().map(|pattern| Shape { segments: pattern.segments().collect(), is_open: pattern.is_open() }).collect();
    let fresh = fresh(&shapes);
    let everybody = (0..shapes.len()).map(|pattern| Follower { pattern, read: Read::AsWritten }).collect();
    let mut steps = vec![Step { path: String::new(), depth: 0, followers: everybody }];
    let (mut seen, mut met, mut regions) = (HashSet::new(), HashSet::new(), Vec::new());
    let mut at = 0;
    while let Some(step) = steps.get_mut(at) {
        at += 1;
        *budget = budget.checked_sub(1).ok_or(TooManyOverlaps)?;
        let Step { path, depth, followers } = std::mem::replace(step, Step { path: String::new(), depth: 0, followers: Vec::new() });
        let ends: Vec<_> = followers.iter().copied().filter(|follower| ends_at(&shapes[follower.pattern], depth)).collect();
        let here = if path.is_empty() { "/" } else { &path };
        if met.insert(ends.clone()) {
            regions.push(Region { path: here.into(), met: ends.iter().map(|follower| follower.pattern).collect() });
        }
        for (segment, followers) in next(&shapes, depth, &followers, &fresh) {
            if seen.insert((depth + 1, followers.clone())) {
                steps.push(Step { path: format!("{path}/{segment}"), depth: depth + 1, followers });
            }
        }
    }
    Ok(regions)
}

/// Whether a path of `depth` segments that has followed a pattern so far meets it.
const fn ends_at(shape: &Shape<'_>, depth: usize) -> bool {
    shape.segments.len() == depth || (shape.is_open && shape.segments.len() < depth)
}

/// Every segment that leads somewhere of its own, and who follows it.
fn next(shapes: &[Shape<'_>], depth: usize, followers: &[Follower], fresh: &str) -> Vec<(String, Vec<Follower>)> {
    let longer = |follower: &&Follower| shapes[follower.pattern].segments.len() > depth;
    let is_settled = followers.iter().all(|follower| shapes[follower.pattern].is_open && !longer(&follower));
    if is_settled && depth > 0 {
        return Vec::new();
    }
    let mut anything = Vec::new();
    let mut named: BTreeMap<Vec<u8>, Vec<(&[u8], Follower)>> = BTreeMap::new();
    for follower in followers {
        let shape = &shapes[follower.pattern];
        match shape.segments.get(depth) {
            Some(Some(literal)) => named.entry(literal.to_ascii_lowercase()).or_default().push((literal, *follower)),
            Some(None) => anything.push(*follower),
            None if shape.is_open => anything.push(*follower),
            None => {}
        }
    }
    let mut next = Vec::new();
    for wanted in named.into_values() {
        let spellings: BTreeSet<_> = wanted.iter().map(|(literal, _)| *literal).collect();
        for spelling in spellings {
            let read = |(literal, follower): &(&[u8], Follower)| match follower.read {
                Read::AsWritten if *literal == spelling => *follower,
                Read::AsWritten | Read::InAnotherCase => Follower { read: Read::InAnotherCase, ..*follower },
            };
            let mut followers: Vec<_> = wanted.iter().map(read).chain(anything.iter().copied()).collect();
            followers.sort_unstable();
            next.push((spell(spelling), followers));
        }
    }
    next.push((fresh.to_owned(), anything));
    next
}

/// A segment that no pattern has, in whatever case.
fn fresh(shapes: &[Shape<'_>]) -> String {
    const WORD: &str = "anything";
    let taken =
        |word: &str| shapes.iter().flat_map(|shape| &shape.segments).flatten().any(|segment| segment.eq_ignore_ascii_case(word.as_bytes()));
    let numbered = (2..).map(|number| format!("{WORD}{number}"));
    std::iter::once(WORD.to_owned()).chain(numbered).find(|word| !taken(word)).unwrap_or_default()
}

/// A segment as a request would spell it (RFC 3986 §2.3, §3.3).
pub(super) fn spell(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for octet in octets {
        let is_plain = octet.is_ascii_alphanumeric() || b"-._~:@!$&'()+,=".contains(octet);
        if is_plain { text.push(char::from(*octet)) } else { text.push_str(&format!("%{octet:02X}")) }
    }
    text
}
