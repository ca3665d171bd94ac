//! Unreachable routes: some by hand, and many made up and held against every request that could tell them apart.

use proptest::prelude::*;

use super::*;
use crate::domain::route::made_up::{route, work_only};
use crate::domain::route::{Access, NoMatch, Route, RouteTable};
use crate::domain::target::Target;

fn matcher(host: &str, methods: &str, path: &str) -> Matcher {
    Matcher {
        host: Some(host.to_owned()).filter(|host| !host.is_empty()),
        path: Some(path).filter(|path| !path.is_empty()).map(|path| PathPattern::parse(path).expect("a pattern")),
        methods: methods.split_whitespace().map(|method| method.parse().expect("a method")).collect(),
    }
}

fn takers_of(routes: &[(&str, &str, &str)]) -> Option<Vec<usize>> {
    let matchers: Vec<_> = routes.iter().map(|(host, methods, path)| matcher(host, methods, path)).collect();
    let (later, earlier) = matchers.split_last().expect("a route");
    takers(later, earlier.iter().enumerate(), &Hosts::from(["a.example", "b.example"]))
}

#[test]
fn routes_share_out_methods_hosts_and_depths_of_the_path() {
    let (a, b) = ("a.example", "b.example");
    for (routes, expected) in [
        (&[("", "GET", "/x/**"), ("", "POST", "/x/**"), ("", "POST GET", "/x/y")][..], Some(vec![0, 1])),
        (&[("", "GET", "/x/**"), ("", "PUT", "/x/**"), ("", "POST GET", "/x/y")], None),
        (&[(a, "", "/x/**"), (b, "", "/**"), ("", "", "/x/y/**")], Some(vec![0, 1])),
        (&[(a, "", "/x/**"), ("c.example", "", "/**"), ("", "", "/x/y/**")], None),
        (&[("", "", "/x"), ("", "", "/x/*"), ("", "", "/x/*/*/**"), ("", "", "/x/**")], Some(vec![0, 1, 2])),
        (&[("", "", "/x"), ("", "", "/x/*/*/**"), ("", "", "/x/**")], None),
        (&[("", "", "/x/a"), ("", "", "/x/b"), ("", "", "/x/*")], None),
        // GET takes HEAD as well, HEAD does not take GET.
        (&[("", "GET", "/x"), ("", "HEAD", "/x")], Some(vec![0])),
        (&[("", "HEAD", "/x"), ("", "GET", "/x")], None),
        // There are more methods than anybody can list.
        (&[("", "GET HEAD POST PUT PATCH DELETE OPTIONS", "/x"), ("", "", "/x")], None),
        // One that suffices is named alone, those that add nothing are not named.
        (&[("", "", "/x/*"), (a, "", "/x/**"), ("", "", "/x/**"), ("", "GET", "/x/**")], Some(vec![2])),
        (&[("", "GET", "/x/**"), (a, "", "/x/y"), (b, "", "/x/**"), (a, "", "/**"), ("", "", "/x/y")], Some(vec![1, 2])),
        (&[("", "", "/x")], None),
    ] {
        assert_eq!(takers_of(routes), expected, "{routes:?}");
    }
}

#[test]
fn hosts_that_are_not_known_are_not_shared_out() {
    let routes = [matcher("a.example", "", ""), matcher("", "", "")];
    assert_eq!(takers(&routes[1], [(0, &routes[0])], &Hosts::new()), None);
    assert_eq!(takers(&routes[1], [(0, &routes[0])], &Hosts::from(["a.example"])), Some(vec![0]));
}

#[test]
fn where_there_is_too_much_to_look_at_nothing_is_said_unless_one_route_suffices() {
    let methods: Vec<String> = (0..1000).map(|number| format!("M{number}")).collect();
    let mut routes: Vec<_> = methods.iter().map(|method| matcher("", method, "/x/**")).collect();
    let later = matcher("", &methods.join(" "), "/x/**");
    assert_eq!(takers(&later, routes.iter().enumerate(), &Hosts::new()), None);
    assert_eq!(takers(&matcher("", "M0 M999", "/x"), routes.iter().enumerate(), &Hosts::new()), Some(vec![0, 999]));
    routes.push(matcher("", "", "/x/**"));
    assert_eq!(takers(&later, routes.iter().enumerate(), &Hosts::new()), Some(vec![1000]));
}

/// A route that asks who somebody is.
fn guarded(matcher: Matcher) -> Route {
    route("made-up", matcher, Access::Required(work_only()))
}

#[test]
fn a_path_that_an_earlier_route_guards_in_other_letter_case_is_refused() {
    for (earlier, later, refused) in [
        (("", "", "/Admin/**"), ("", "", "/admin/reports"), true),
        (("", "", "/admin/**"), ("", "", "/ADMIN/reports"), true),
        (("", "GET", "/Admin/**"), ("", "GET", "/admin/reports"), true),
        // Patterns that differ in nothing but case are meant to differ.
        (("", "", "/Admin/**"), ("", "", "/admin/**"), false),
        // What is the same in the same case is simply taken.
        (("", "", "/admin/**"), ("", "", "/admin/reports"), false),
        (("", "GET", "/Admin/**"), ("", "", "/admin/reports"), false),
        (("a.example", "", "/Admin/**"), ("", "", "/admin/reports"), false),
        (("", "", "/Admin/*"), ("", "", "/admin/**"), false),
    ] {
        let [before, after] = [earlier, later].map(|(host, methods, path)| matcher(host, methods, path));
        assert_eq!(is_refused_for(&after, &before, &Hosts::from(["a.example", "b.example"])), refused, "{earlier:?} {later:?}");
    }
}

const HOSTS: [&str; 2] = ["a.example", "b.example"];
const SEGMENTS: [&str; 4] = ["x", "X", "y", "nobody-writes-this"];

fn some_matcher() -> impl Strategy<Value = Matcher> {
    let host = prop::sample::select(vec!["", "", "a.example", "b.example"]);
    let methods = prop::sample::select(vec!["", "", "GET", "HEAD", "POST", "GET POST", "HEAD POST"]);
    let segments = prop::collection::vec(prop::sample::select(vec!["*", "x", "X", "y"]), 0..3);
    (host, methods, segments, prop::sample::select(vec!["", "/**"])).prop_map(|(host, methods, segments, end)| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect::<String>() + end;
        matcher(host, methods, if path.is_empty() { "/" } else { &path })
    })
}

/// Every request that a table of such matchers could tell from another.
fn requests() -> impl Iterator<Item = (Target, Method)> {
    let mut paths = vec![String::new()];
    for depth in 0..3 {
        let longer: Vec<_> = paths.iter().filter(|path| path.matches('/').count() == depth).cloned().collect();
        paths.extend(longer.iter().flat_map(|path| SEGMENTS.map(|segment| format!("{path}/{segment}"))));
    }
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT];
    let targets = paths
        .into_iter()
        .flat_map(|path| HOSTS.map(|host| Target::parse(host, if path.is_empty() { "/" } else { &path }).expect("a target")));
    targets.flat_map(move |target| methods.clone().map(|method| (target.clone(), method)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_route_is_called_unreachable_if_and_only_if_no_request_reaches_it(
        earlier in prop::collection::vec(some_matcher(), 1..7),
        later in some_matcher(),
    ) {
        let found = takers(&later, earlier.iter().enumerate(), &Hosts::from(HOSTS));
        let reached = requests().any(|(target, method)| {
            later.matches(&target, &method) && !earlier.iter().any(|route| route.matches(&target, &method))
        });
        prop_assert_eq!(found.is_none(), reached);
        if let Some(takers) = found {
            for (target, method) in requests().filter(|(target, method)| later.matches(target, method)) {
                prop_assert!(takers.iter().any(|taker| earlier[*taker].matches(&target, &method)), "the named routes do it alone");
            }
        }
    }

    #[test]
    fn a_route_that_is_called_refused_is_never_found(before in some_matcher(), after in some_matcher()) {
        let refused = is_refused_for(&after, &before, &Hosts::from(HOSTS));
        let table = RouteTable::new(vec![guarded(before), guarded(after)]);
        for (target, method) in requests().filter(|_| refused) {
            if table.routes()[1].matcher.matches(&target, &method) {
                let is_first = table.routes()[0].matcher.matches(&target, &method);
                prop_assert!(is_first || matches!(table.find(&target, &method), Err(NoMatch::Ambiguous)));
            }
        }
    }
}
