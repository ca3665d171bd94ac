//! The requests that two configurations tell apart, and which route of either each of them finds: hosts × paths ×
//! methods, one of each sort.
//!
//! Hosts are those that either file answers for; ports are not tried, nor are hosts that a `match` names and no origin
//! has, for nobody can ask for those. Methods are all that either file names, GET, and one that neither names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http::Method;

use super::paths::{self, MOST_STEPS, Region, TooManyOverlaps};
use crate::domain::pattern::PathPattern;
use crate::domain::route::Route;
use crate::domain::rules::Rules;
use crate::domain::target::Target;

/// The places of the routes that a request finds in the old and the new file; `None`: it is forwarded by none.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// All requests that find the same pair of routes.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Places in [`Requests::hosts`].
    pub(super) hosts: BTreeSet<usize>,
    /// Places in [`Requests::methods`].
    pub(super) methods: BTreeSet<usize>,
    /// One of them: method, host and path.
    pub(super) example: String,
}

/// What was asked, and what it found.
pub(super) struct Requests {
    /// Every host of either file, with its port where that is not the scheme's own.
    pub(super) hosts: Vec<String>,
    /// Every method that either file names, GET, and last one that neither names.
    pub(super) methods: Vec<Method>,
    pub(super) found: BTreeMap<Pair, Reach>,
}

/// One file's routes at one host.
struct Side<'a> {
    rules: &'a Rules,
    /// By the number of the pattern; what has none matches every path.
    by_pattern: HashMap<usize, Vec<usize>>,
    everywhere: Vec<usize>,
}

/// Every pattern of both files once, and those of Homerealm's own endpoints.
struct Patterns {
    all: Vec<PathPattern>,
    by_text: HashMap<String, usize>,
}

/// Asks for everything.
///
/// # Errors
/// [`TooManyOverlaps`]
pub(super) fn find(old: &Rules, new: &Rules) -> Result<Requests, TooManyOverlaps> {
    let patterns = Patterns::of(old, new);
    let mut requests = Requests { hosts: hosts(old, new), methods: methods(old, new), found: BTreeMap::new() };
    let mut budget = MOST_STEPS;
    for alike in alike(&requests.hosts, old, new) {
        let host = requests.hosts[alike[0]].clone();
        let sides = [Side::at(&host, old, &patterns), Side::at(&host, new, &patterns)];
        let used: BTreeSet<usize> =
            sides.iter().flat_map(|side| side.by_pattern.keys().copied()).chain(patterns.own(old, new).into_iter().flatten()).collect();
        let used: Vec<_> = used.into_iter().collect();
        let of_host: Vec<_> = used.iter().map(|number| &patterns.all[*number]).collect();
        for region in paths::regions(&of_host, &mut budget)? {
            ask(&mut requests, &host, &alike, &sides, &Region { met: region.met.iter().map(|at| used[*at]).collect(), ..region });
        }
    }
    Ok(requests)
}

fn ask(requests: &mut Requests, host: &str, alike: &[usize], sides: &[Side<'_>; 2], region: &Region) {
    // A pattern may be written that no request can have.
    let Ok(target) = Target::parse(host, &region.path) else { return };
    let candidates = sides.each_ref().map(|side| side.candidates(region, &target));
    let name_methods = |(side, places): (&Side<'_>, &Vec<usize>)| places.iter().any(|at| !side.route(*at).matcher.methods.is_empty());
    let is_same_for_all = !sides.iter().zip(&candidates).any(name_methods);
    let tried = if is_same_for_all { 1 } else { requests.methods.len() };
    for number in 0..tried {
        let method = &requests.methods[number];
        let [old, new] = [0, 1].map(|side| sides[side].rules.routes.find_among(&candidates[side], &target, method).ok());
        if (old, new) == (None, None) {
            continue;
        }
        let reach = requests
            .found
            .entry((old, new))
            .or_insert_with(|| Reach { example: format!("{method} {host}{}", region.path), ..Reach::default() });
        reach.hosts.extend(alike);
        reach.methods.extend(if is_same_for_all { 0..requests.methods.len() } else { number..number + 1 });
    }
}

impl<'a> Side<'a> {
    fn at(host: &str, rules: &'a Rules, patterns: &Patterns) -> Self {
        let mut side = Self { rules, by_pattern: HashMap::new(), everywhere: Vec::new() };
        let Some(origin) = rules.origins.named_by(host) else { return side };
        for (at, route) in rules.routes.routes().iter().enumerate() {
            if route.matcher.host.as_deref().is_some_and(|host| host != origin.host()) {
                continue;
            }
            match &route.matcher.path {
                Some(path) => side.by_pattern.entry(patterns.by_text[path.as_str()]).or_default().push(at),
                None => side.everywhere.push(at),
            }
        }
        side
    }

    /// The routes that may take a path of this region; none if it is one of our own.
    fn candidates(&self, region: &Region, target: &Target) -> Vec<usize> {
        if self.rules.is_own(target.path()) {
            return Vec::new();
        }
        let met = region.met.iter().filter_map(|number| self.by_pattern.get(number)).flatten();
        let mut places: Vec<_> = met.chain(&self.everywhere).copied().collect();
        places.sort_unstable();
        places
    }

    fn route(&self, at: usize) -> &Route {
        &self.rules.routes.routes()[at]
    }
}

impl Patterns {
    fn of(old: &Rules, new: &Rules) -> Self {
        let mut patterns = Self { all: Vec::new(), by_text: HashMap::new() };
        let own = [old, new].into_iter().filter_map(own_pattern);
        let written = [old, new].into_iter().flat_map(|rules| rules.routes.routes()).filter_map(|route| route.matcher.path.clone());
        for pattern in own.chain(written) {
            let text = pattern.as_str().to_owned();
            patterns.by_text.entry(text).or_insert_with(|| {
                patterns.all.push(pattern);
                patterns.all.len() - 1
            });
        }
        patterns
    }

    fn own(&self, old: &Rules, new: &Rules) -> [Option<usize>; 2] {
        [old, new].map(|rules| own_pattern(rules).map(|pattern| self.by_text[pattern.as_str()]))
    }
}

/// Everything under `prefix`: no route gets to see it.
fn own_pattern(rules: &Rules) -> Option<PathPattern> {
    PathPattern::parse(&format!("{}/**", rules.prefix)).ok()
}

fn hosts(old: &Rules, new: &Rules) -> Vec<String> {
    let mut hosts = Vec::new();
    for origin in new.origins.iter().chain(old.origins.iter()) {
        if hosts.iter().all(|host| host != origin.authority()) {
            hosts.push(origin.authority().to_owned());
        }
    }
    hosts
}

/// Hosts that nothing tells apart, together: those that the same files answer for, and that no `match` names or the same.
fn alike(hosts: &[String], old: &Rules, new: &Rules) -> Vec<Vec<usize>> {
    let all = || [old, new].into_iter().flat_map(|rules| rules.routes.routes());
    let named: BTreeSet<&str> = all().filter_map(|route| route.matcher.host.as_deref()).collect();
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, host) in hosts.iter().enumerate() {
        let origins = [old, new].map(|rules| rules.origins.named_by(host));
        let name = origins.into_iter().flatten().map(|origin| origin.host()).find(|host| named.contains(host));
        alike.entry((name, origins.map(|origin| origin.is_some()))).or_default().push(at);
    }
    alike.into_values().collect()
}

fn methods(old: &Rules, new: &Rules) -> Vec<Method> {
    let mut methods = vec![Method::GET];
    for method in [old, new].into_iter().flat_map(|rules| rules.routes.routes()).flat_map(|route| &route.matcher.methods) {
        if !methods.contains(method) {
            methods.push(method.clone());
        }
    }
    let unnamed = (1..).map(|length| "X".repeat(length)).filter_map(|text| Method::from_bytes(text.as_bytes()).ok());
    methods.extend(unnamed.into_iter().find(|method| !methods.contains(method)));
    methods
}
