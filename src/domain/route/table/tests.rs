//! The index against the scan that it spares: many made-up tables and targets, in which little differs.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::destination::{Destination, Forward, Upstream, UpstreamScheme, Upstreams};
use crate::domain::pattern::PathPattern;
use crate::domain::route::{AccountKinds, Guests, HeaderRules, Matcher, Position, Requirements, RouteName, Timeouts, Unauthenticated};
use crate::domain::written::RouteKeys;

fn route(matcher: Matcher, access: Access) -> Route {
    let upstream = Upstream::at(UpstreamScheme::Http, "app", 80);
    Route {
        name: RouteName::new("made-up"),
        position: Position { line: 1, column: 1 },
        matcher,
        access,
        unauthenticated: Unauthenticated::Auto,
        bearer: None,
        destination: Destination::One(Forward::Upstream(Arc::new(Upstreams::one(upstream)))),
        headers: HeaderRules::default(),
        timeouts: Timeouts::default(),
        strip_prefix: None,
        max_body: None,
        websocket: true,
        written: RouteKeys::default(),
    }
}

fn guarded() -> Access {
    Access::Required(Requirements {
        kinds: AccountKinds::default().with(AccountKind::Work),
        authorities: vec![AuthorityName::work()],
        tenants: vec![],
        guests: Guests::Deny,
        groups: vec![],
        roles: vec![],
    })
}

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
        route(Matcher { host, path, methods }, if is_public { Access::Public } else { guarded() })
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
