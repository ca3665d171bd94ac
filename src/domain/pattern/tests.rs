//! Tests of path patterns, and of routes found by them.

use http::Method;
use proptest::prelude::*;

use super::*;
use crate::domain::route::made_up::{self, work_only};
use crate::domain::route::{Access, Matcher, NoMatch, Route, RouteTable};
use crate::domain::target::Target;

fn pattern(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_pattern_matches_whole_segments() {
    for (text, matched, not_matched) in [
        ("/", &["/"][..], &["/a", "/a/", "", "a"][..]),
        ("/a", &["/a", "/a/"], &["/", "/A", "/ab", "/a/b", "/a;x", "a"]),
        ("/a/b", &["/a/b", "/a/b/"], &["/a", "/a/b/c", "/a/bc"]),
        ("/a/*", &["/a/b", "/a/b/"], &["/a", "/a/", "/a/b/c", "/b/b"]),
        ("/*/b", &["/a/b", "/x/b/"], &["/b", "/a", "/a/b/c"]),
        ("/a/**", &["/a", "/a/", "/a/b", "/a/b/c/"], &["/", "/ab", "/ab/c", "/b/a"]),
        ("/*/b/**", &["/a/b", "/a/b/c/d"], &["/b", "/a/c/b"]),
        ("/**", &["/", "/a", "/a/b/c/"], &["", "a"]),
        ("/%61%2db", &["/a-b"], &["/a-bc", "/a"]),
        ("/caf%c3%a9", &["/caf%C3%A9"], &["/cafe"]),
        ("/user@x", &["/user@x", "/user%40x"], &["/userx"]),
        ("/user%40x/a%2Bb", &["/user@x/a+b", "/user%40x/a%2Bb"], &["/user@x/a b"]),
        ("/a%3Bb", &["/a%3Bb"], &["/a"]),
        ("/%2A", &["/%2A", "/*"], &["/a"]),
    ] {
        let pattern = pattern(text);
        assert_eq!(pattern.as_str(), text);
        for path in matched {
            assert!(pattern.matches(path), "{text} should match {path}");
        }
        for path in not_matched {
            assert!(!pattern.matches(path), "{text} should not match {path}");
        }
    }
}

#[test]
fn a_text_that_is_no_pattern_says_what_is_wrong() {
    use InvalidPattern as P;
    for (text, mistake) in [
        ("", P::NoLeadingSlash),
        ("a/b", P::NoLeadingSlash),
        ("**", P::NoLeadingSlash),
        ("/a/", P::TrailingSlash),
        ("/a//b", P::EmptySegment),
        ("//", P::EmptySegment),
        ("/a/**/b", P::RestInTheMiddle),
        ("/**/**", P::RestInTheMiddle),
        ("/a*", P::StarInSegment),
        ("/*.js", P::StarInSegment),
        ("/a/***", P::StarInSegment),
        ("/a/../b", P::DotSegment),
        ("/a/%2e%2e", P::DotSegment),
        ("/a?b", P::QueryOrFragment),
        ("/a#b", P::QueryOrFragment),
        ("/a;x", P::Parameters),
        ("/a%2fb", P::Unreachable(BadTarget::EncodedSeparator)),
        ("/a b", P::Unreachable(BadTarget::Character)),
        ("/{id}", P::Unreachable(BadTarget::Character)),
        ("/caf\u{e9}", P::Unreachable(BadTarget::NotAscii)),
        ("/100%", P::Unreachable(BadTarget::PercentSign)),
    ] {
        assert_eq!(PathPattern::parse(text), Err(mistake), "{text}");
    }
}

#[test]
fn a_pattern_covers_what_it_leaves_nothing_of() {
    for (wide, narrow) in [
        ("/**", "/**"),
        ("/**", "/"),
        ("/**", "/a/*/b/**"),
        ("/a/**", "/a"),
        ("/a/**", "/a/*"),
        ("/a/**", "/a/b/**"),
        ("/a/*", "/a/b"),
        ("/*", "/*"),
        ("/*/**", "/a"),
        ("/*/b", "/a/b"),
        ("/%61", "/a"),
        ("/a@b", "/a%40b"),
    ] {
        assert!(pattern(wide).covers(&pattern(narrow)), "{wide} covers {narrow}");
    }
    for (one, other) in [
        ("/", "/**"),
        ("/a", "/**"),
        ("/a", "/a/**"),
        ("/a/*", "/a"),
        ("/a/*", "/a/**"),
        ("/*/**", "/"),
        ("/*/**", "/**"),
        ("/a/b", "/a/*"),
        ("/a/b/**", "/a/**"),
        ("/a", "/b"),
        ("/a", "/A"),
        ("/a/**", "/b"),
    ] {
        assert!(!pattern(one).covers(&pattern(other)), "{one} does not cover {other}");
    }
}

fn route(name: &str, path: &str, access: Access) -> Route {
    made_up::route(name, Matcher { path: Some(pattern(path)), ..Matcher::default() }, access)
}

fn open(name: &str, path: &str) -> Route {
    route(name, path, Access::Public)
}

fn table() -> RouteTable {
    RouteTable::new(vec![open("admin", "/admin/**"), open("file", "/files/*/a@b"), open("exact", "/files"), open("open", "/open/**")])
}

fn found(path: &str) -> Result<String, NoMatch> {
    let target = Target::parse("app.example", path).expect("a target");
    table().find(&target, &Method::GET).map(|route| route.name.to_string())
}

#[test]
fn parameters_cannot_lead_past_a_route() {
    assert_eq!(found("/admin;x/y").as_deref(), Err(&NoMatch::Ambiguous));
    assert_eq!(found("/open/a;x").as_deref(), Ok("open"));
    assert_eq!(found("/elsewhere;x").as_deref(), Err(&NoMatch::NoRoute));
    assert_eq!(found("/files;x").as_deref(), Err(&NoMatch::Ambiguous));
}

#[test]
fn percent_encoded_parameters_do_not_either() {
    assert_eq!(found("/admin%3Bx/y").as_deref(), Err(&NoMatch::Ambiguous));
    assert_eq!(found("/files%3bx").as_deref(), Err(&NoMatch::Ambiguous));
    assert_eq!(found("/open/a%3Bx").as_deref(), Ok("open"));
}

#[test]
fn letter_case_cannot_lead_past_a_route_that_guards() {
    let guarded = |name, path| route(name, path, Access::Required(work_only()));
    let table = RouteTable::new(vec![
        open("open", "/public/**"),
        guarded("work", "/work/**"),
        guarded("mixed", "/Api/v1"),
        guarded("plain", "/api/v1"),
        open("rest", "/**"),
    ]);
    for (path, expected) in [
        ("/work/x", Ok("work")),
        ("/WORK/x", Err(NoMatch::Ambiguous)),
        ("/%57ork", Err(NoMatch::Ambiguous)),
        ("/Work;a/x", Err(NoMatch::Ambiguous)),
        ("/Public/x", Ok("rest")),
        ("/Api/v1", Ok("mixed")),
        ("/api/v1", Ok("plain")),
        ("/API/v1", Err(NoMatch::Ambiguous)),
        ("/workshop", Ok("rest")),
        ("/x/WORK", Ok("rest")),
    ] {
        let target = Target::parse("app.example", path).expect("a target");
        assert_eq!(table.find(&target, &Method::GET).map(|route| route.name.as_str()), expected, "{path}");
    }
}

fn some_pattern() -> impl Strategy<Value = PathPattern> {
    let segments = prop::collection::vec(prop_oneof![3 => "[ab]", 2 => Just("*".to_owned())], 0..4);
    (segments, any::<bool>()).prop_map(|(mut segments, open)| {
        segments.extend(open.then(|| "**".to_owned()));
        pattern(&format!("/{}", segments.join("/")))
    })
}

fn some_path() -> impl Strategy<Value = String> {
    (prop::collection::vec("[abc]", 0..5), any::<bool>()).prop_map(|(segments, slash)| {
        let end = if slash && !segments.is_empty() { "/" } else { "" };
        format!("/{}{end}", segments.join("/"))
    })
}

/// A path of the table's with every character but the slash in one of four spellings.
fn spelled() -> impl Strategy<Value = (String, String)> {
    let plain = prop::sample::select(vec!["/admin", "/admin/x-y", "/files/z/a@b", "/files", "/files/", "/open/~", "/nowhere", "/Admin"]);
    (plain, prop::collection::vec(0..4_u8, 16)).prop_map(|(plain, choices)| {
        let spell = |(index, character): (usize, char)| match choices[index % choices.len()] {
            _ if character == '/' => character.to_string(),
            0 => format!("%{:02x}", u32::from(character)),
            1 => format!("%{:02X}", u32::from(character)),
            2 => format!("%25{:02x}", u32::from(character)),
            _ => character.to_string(),
        };
        (plain.to_owned(), plain.chars().enumerate().map(spell).collect())
    })
}

proptest! {
    #[test]
    fn a_covered_pattern_has_no_path_of_its_own(wide in some_pattern(), narrow in some_pattern(), path in some_path()) {
        if wide.covers(&narrow) && narrow.matches(&path) {
            prop_assert!(wide.matches(&path), "{} {} {path}", wide.as_str(), narrow.as_str());
        }
    }

    #[test]
    fn a_pattern_covers_itself_and_is_covered_by_everything(some in some_pattern()) {
        prop_assert!(some.covers(&some) && pattern("/**").covers(&some));
    }

    #[test]
    fn every_spelling_of_a_path_meets_the_same_route_or_is_refused((plain, spelled) in spelled()) {
        if Target::parse("app.example", &spelled).is_ok() {
            prop_assert_eq!(found(&spelled), found(&plain));
        }
    }

    #[test]
    fn no_text_panics_and_no_path_without_a_slash_matches(text in any::<String>(), path in any::<String>()) {
        if let Ok(pattern) = PathPattern::parse(&text) {
            prop_assert!(pattern.covers(&pattern) && (path.starts_with('/') || !pattern.matches(&path)));
        }
    }
}
