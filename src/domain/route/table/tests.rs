//! The index against the scan that it spares: many made-up tables and targets, in which little differs.

use proptest::prelude::*;

use super::*;
use crate::domain::pattern::PathPattern;
use crate::domain::route::Matcher;
use crate::domain::route::made_up::{route, work_only};

/// Letters that differ in case alone, one that is written encoded, and one that ends a name for some.
const SEGMENT: &str = "a|A|b|a%40|a@|%C3%A9";

fn some_pattern() -> impl Strategy<Value = PathPattern> {
    (prop::collection::vec(prop_oneof![4 => SEGMENT, 1 => Just("*".to_owned())], 0..4), any::<bool>()).prop_map(|(mut segments, open)| {
        if open {
            segments.push("**".to_owned());
        }
        PathPattern::parse(&format!("/{}", segments.join("/"))).expect("a pattern")
    })
}

fn some_route() -> impl Strategy<Value = Route> {
    let host = prop::option::of("[xy]").prop_map(|name| name.map(|name| format!("{name}.example")));
    let methods = prop::collection::vec(prop_oneof![Just(Method::GET), Just(Method::HEAD), Just(Method::POST)], 0..2);
    (host, prop::option::weighted(0.9, some_pattern()), methods, any::<bool>()).prop_map(|(host, path, methods, is_public)| {
        route("made-up", Matcher { host, path, methods }, if is_public { Access::Public } else { Access::Required(work_only()) })
    })
}

fn some_target() -> impl Strategy<Value = Target> {
    let segment = prop_oneof![6 => SEGMENT, 1 => "[ab];x", 1 => "a%3Bb"];
    (prop::collection::vec(segment, 0..5), "[xyz]\\.example", prop_oneof![Just(""), Just("/")]).prop_map(|(segments, host, end)| {
        let end = if segments.is_empty() { "" } else { end };
        Target::parse(&host, &format!("/{}{end}", segments.join("/"))).expect("a target")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_the_index_finds_is_what_looking_at_every_route_finds(
        routes in prop::collection::vec(some_route(), 0..12),
        targets in prop::collection::vec(some_target(), 8),
    ) {
        let table = RouteTable::new(routes);
        let all: Vec<usize> = (0..table.routes().len()).collect();
        for target in &targets {
            for method in [Method::GET, Method::HEAD, Method::POST] {
                let found = table.find(target, &method).map(|route| table.routes().iter().position(|other| std::ptr::eq(route, other)));
                prop_assert_eq!(found, table.find_among(&all, target, &method).map(Some), "{} {:?}", method, target);
            }
        }
    }
}

#[test]
fn a_path_is_held_against_few_of_many_routes() {
    let pattern = |number: usize| PathPattern::parse(&format!("/api/v{number}/**")).expect("a pattern");
    let matchers: Vec<_> = (0..1000).map(|number| Matcher { path: Some(pattern(number)), ..Matcher::default() }).collect();
    let index = Index::new(matchers.iter());
    assert_eq!(index.candidates(&["/api/v700/orders"], "a.example"), [700]);
    assert_eq!(index.candidates(&["/api"], "a.example"), [0; 0]);
}
