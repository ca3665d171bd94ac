//! Tests of return targets: a large table, and the WHATWG URL parser as a second opinion.

use proptest::prelude::*;

use super::*;

fn here() -> Origin {
    Origin::parse("https://app.example").expect("an origin")
}

fn origins() -> Origins {
    let others = ["https://two.example:8443", "http://[::1]:8080"].map(|origin| Origin::parse(origin).expect("an origin"));
    Origins::new(here(), others.into())
}

fn parsed(text: &str) -> Option<String> {
    ReturnTo::parse(text, &here(), &origins()).ok().map(|target| target.to_url())
}

#[test]
fn places_inside_our_origins_are_put_together_anew() {
    for (text, url) in [
        ("/", "https://app.example/"),
        ("/a/b?c=d", "https://app.example/a/b?c=d"),
        ("/%61?%61", "https://app.example/a?%61"),
        ("/a?next=https://evil.example//x@y", "https://app.example/a?next=https://evil.example//x@y"),
        ("/@me/x", "https://app.example/@me/x"),
        ("/a:b", "https://app.example/a:b"),
        ("/a#b", "https://app.example/a"),
        ("/#//evil.example", "https://app.example/"),
        ("/caf%C3%A9", "https://app.example/caf%C3%A9"),
        ("https://app.example", "https://app.example/"),
        ("https://app.example?x", "https://app.example/?x"),
        ("https://app.example#@evil.example", "https://app.example/"),
        ("HTTPS://App.Example:443/x", "https://app.example/x"),
        ("https://two.example:8443/x?y#z", "https://two.example:8443/x?y"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("/.auth/session", "https://app.example/.auth/session"),
    ] {
        assert_eq!(parsed(text).as_deref(), Some(url), "{text}");
    }
}

#[test]
fn whatever_leads_elsewhere_is_refused() {
    for text in [
        // not a path and not a URL of ours
        "",
        "a",
        "a/b",
        "?a",
        "#a",
        ".",
        "..",
        "./a",
        "@evil.example",
        ":80",
        ";/a",
        "app.example/",
        "evil.example",
        "*",
        // network paths, with slashes of all kinds
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "//app.example",
        "//app.example@evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "\\evil.example",
        "/\\/evil.example",
        "/\\\\evil.example",
        "/a/\\evil.example",
        "/a?\\evil.example",
        "/a#\\evil.example",
        "/a//evil.example",
        "//evil.example/%2f..",
        "//evil%00.example",
        "/%2f/evil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/%252fevil.example",
        "/;/evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/%2e/evil.example",
        "/%2e%2e/evil.example",
        "/a/..;/b",
        "/a/../../evil.example",
        // what browsers take out of a URL
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/ /evil.example",
        "//evil.example ",
        "/a\0b",
        "/\u{7f}/evil.example",
        "/\u{b}/evil.example",
        "/\u{c}/evil.example",
        "/\u{1}/evil.example",
        "ht\ntps://evil.example",
        "/a b",
        "/a?b c",
        "\u{feff}/a",
        // Unicode spaces, slashes and dots
        "/\u{a0}/evil.example",
        "/\u{2003}/evil.example",
        "/\u{3000}/evil.example",
        "/\u{200b}/evil.example",
        "/\u{85}/evil.example",
        "\u{2028}//evil.example",
        "/\u{2044}evil.example",
        "\u{ff0f}\u{ff0f}evil.example",
        "/\u{ff0f}evil.example",
        "/\u{2215}evil.example",
        "//evil\u{3002}example",
        "https://app.example\u{ff0f}@evil.example",
        "/é",
        // other schemes
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "javascript://app.example/%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://app.example/x",
        "file:///etc/passwd",
        "ftp://app.example/",
        "mailto:a@app.example",
        "about:blank",
        "view-source:https://app.example/",
        "ws://app.example/",
        "https:app.example",
        "https:/app.example",
        "https:///app.example",
        "https:\\\\app.example",
        "https:evil.example",
        "https:/evil.example",
        "https:",
        "https://",
        "://app.example/",
        "http:///evil.example",
        "x:https://app.example/",
        "filesystem:https://app.example/x",
        // other origins
        "https://evil.example",
        "https://evil.example/https://app.example/",
        "https://evil.example?https://app.example",
        "http://app.example/",
        "https://app.example:8443/",
        "https://two.example/",
        "https://app.example.evil.example/",
        "https://evilapp.example/",
        "https://app.examplE.:443/",
        "https://app.example./",
        "https://app.example:/",
        "https://app.example:x/",
        "https://app.example:443x/",
        "https://app.example:65979/",
        "https://app.example%2eevil.example/",
        "https://app%2eexample/",
        "https://sub.app.example/",
        "https://app.example;evil.example/",
        "https://app.example&evil.example/",
        "https://[::1]:8080/x",
        "http://[::1]/x",
        "http://localhost:8080/",
        "http://127.0.0.1:8080/",
        "https://0x7f.1/",
        "https://*/",
        // user names
        "https://app.example@evil.example/",
        "https://app.example:443@evil.example/",
        "https://user@app.example/",
        "https://u:p@app.example/",
        "https://@app.example/",
        "https://evil.example\\@app.example/",
        "https://evil.example#@app.example/",
        "https://evil.example?@app.example/",
        "https://app.example%40evil.example/",
        "https://evil.example/@app.example/",
        "https://app.example\\.evil.example/",
        // a path that no request of ours could have
        "https://app.example//evil.example",
        "https://app.example/..",
        "https://app.example/%2f",
        "/a%0d%0aSet-Cookie:x",
        "/%",
        "/a%zz",
        "/a<script>",
        "/\"onclick",
        "/a?<script>",
        "/%c0%af",
    ] {
        assert_eq!(parsed(text), None, "{text:?}");
    }
}

#[test]
fn control_and_space_characters_are_refused_wherever_they_stand() {
    let spaces = ('\0'..=' ').chain(['\u{7f}', '\u{85}', '\u{a0}', '\u{1680}', '\u{180e}', '\u{2028}', '\u{2029}', '\u{202f}', '\u{205f}']);
    for space in spaces.chain('\u{2000}'..='\u{200d}').chain(['\u{2060}', '\u{3000}', '\u{feff}']) {
        for text in [
            "~/a",
            "/~a",
            "/~/evil.example",
            "/a~",
            "/a?~",
            "/a#~",
            "https:~//app.example/",
            "https://app.example~/",
            "https://~app.example",
        ] {
            assert_eq!(parsed(&text.replace('~', "")).is_some(), text != "/~/evil.example", "{text}");
            assert_eq!(parsed(&text.replace('~', &space.to_string())), None, "{text} {space:?}");
        }
    }
}

#[test]
fn a_return_target_has_a_largest_size() {
    let most = format!("/{}", "a".repeat(ReturnTo::MAX_LENGTH - 1));
    assert!(parsed(&most).is_some());
    assert_eq!(parsed(&format!("{most}a")), None);
}

#[test]
fn a_path_is_resolved_only_at_an_origin_of_ours() {
    let foreign = Origin::parse("https://evil.example").expect("an origin");
    assert_eq!(ReturnTo::parse("/a", &foreign, &origins()), Err(LeavesOurOrigins));
    let second = Origin::parse("https://two.example:8443").expect("an origin");
    let target = ReturnTo::parse("/a", &second, &origins()).expect("a target");
    assert_eq!((target.origin(), target.path_and_query()), (&second, "/a"));
}

#[test]
fn the_front_page_is_a_return_target() {
    assert_eq!(ReturnTo::parse("/", &here(), &origins()), Ok(ReturnTo::front_page(&here())));
}

/// Texts made of the pieces that open redirects are made of.
fn mischief() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("/".to_owned()),
        2 => prop::sample::select(vec!["https://", "https:", "http://", "app.example", "two.example:8443", "evil.example", "://"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec!["\\", "@", ":", "?", "#", ".", "..", ";", "%", "%2f", "%5C", "%2e", "%09", "%00", "%25"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["\t", "\n", " ", "\0", "\u{a0}", "\u{3002}", "\u{ff0f}", "\u{200b}"]).prop_map(str::to_owned),
        2 => "[a-c0-9]{1,3}",
        1 => any::<char>().prop_map(String::from),
    ];
    let start = prop_oneof![Just(""), Just("/"), Just("https://app.example"), Just("https://two.example:8443/")];
    (start, prop::collection::vec(piece, 0..8)).prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// What a browser would make of the text as it was, and of what we make of it, is at the origin that we say.
    #[test]
    fn a_browser_stays_at_our_origins_too(text in mischief()) {
        if let Ok(target) = ReturnTo::parse(&text, &here(), &origins()) {
            let base = url::Url::parse(here().as_str()).expect("a URL");
            let as_was = base.join(&text).expect("a URL");
            let as_sent = base.join(&target.to_url()).expect("a URL");
            let as_path = url::Url::parse(target.origin().as_str()).expect("a URL").join(target.path_and_query()).expect("a URL");
            for url in [&as_was, &as_sent, &as_path] {
                prop_assert_eq!(url.origin().ascii_serialization(), target.origin().as_str(), "{:?}", text);
                prop_assert!(url.username().is_empty() && url.password().is_none());
            }
            prop_assert!(origins().iter().any(|ours| ours == target.origin()));
            prop_assert_eq!(as_sent.path(), target.path_and_query().split('?').next().unwrap_or_default());
            prop_assert!(target.path_and_query().starts_with('/') && !target.path_and_query().starts_with("//"));
        }
    }

    #[test]
    fn parsing_what_was_parsed_changes_nothing(text in mischief()) {
        if let Ok(target) = ReturnTo::parse(&text, &here(), &origins()) {
            prop_assert_eq!(ReturnTo::parse(&target.to_url(), &here(), &origins()), Ok(target.clone()));
            prop_assert_eq!(ReturnTo::parse(target.path_and_query(), target.origin(), &origins()), Ok(target));
        }
    }
}
