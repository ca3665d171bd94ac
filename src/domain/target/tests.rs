//! Tests of the normal form of targets.

use proptest::prelude::*;

use super::*;

fn path(text: &str) -> Result<String, BadTarget> {
    Target::parse("app.example", text).map(|target| target.path_and_query().to_owned())
}

#[test]
fn one_path_has_one_spelling() {
    for (spelling, normal) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%61%2Db/%7e%5F", "/a-b/~_"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%2cb", "/a%2Cb"),
        ("/a.b/.well-known/...", "/a.b/.well-known/..."),
        ("/%2ehidden", "/.hidden"),
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/100%25/2f", "/100%25/2f"),
        ("/100%25of", "/100%25of"),
        ("/a%2520b", "/a%2520b"),
        ("/100%25e9", "/100%25e9"),
        ("/a;x=1/b;y", "/a;x=1/b;y"),
        ("/;jsessionid=1", "/;jsessionid=1"),
        ("/a/;x", "/a/;x"),
        ("/a%3bx", "/a%3Bx"),
        ("/@me/a:b!$&'()*+,=", "/@me/a:b!$&'()*+,="),
        ("/%f0%9f%a6%80", "/%F0%9F%A6%80"),
    ] {
        assert_eq!(path(spelling).as_deref(), Ok(normal), "{spelling}");
    }
}

#[test]
fn a_path_with_two_readings_is_refused_by_name() {
    use BadTarget as B;
    for (text, mistake) in [
        ("", B::NoLeadingSlash),
        ("*", B::NoLeadingSlash),
        ("a", B::NoLeadingSlash),
        ("http://app.example/", B::NoLeadingSlash),
        ("?a", B::NoLeadingSlash),
        ("/a%2fb", B::EncodedSeparator),
        ("/a%2Fb", B::EncodedSeparator),
        ("/a%5cb", B::EncodedSeparator),
        ("/a\\b", B::Backslash),
        ("/.", B::DotSegment),
        ("/..", B::DotSegment),
        ("/a/../b", B::DotSegment),
        ("/a/./b", B::DotSegment),
        ("/a/%2e%2E/b", B::DotSegment),
        ("/a/.%2e", B::DotSegment),
        ("/a/..;x/b", B::DotSegment),
        ("/a/.;", B::DotSegment),
        ("/a/%2e.;x=1;y/b", B::DotSegment),
        ("/a/..%3bx/b", B::DotSegment),
        ("//", B::EmptySegment),
        ("//a", B::EmptySegment),
        ("/a//b", B::EmptySegment),
        ("/a//", B::EmptySegment),
        ("/;x/a", B::EmptySegment),
        ("/a/;/b", B::EmptySegment),
        ("/%", B::PercentSign),
        ("/%2", B::PercentSign),
        ("/%zz", B::PercentSign),
        ("/a%+1b", B::PercentSign),
        ("/%2%35", B::PercentSign),
        ("/a%00", B::EncodedControl),
        ("/a%0d%0ab", B::EncodedControl),
        ("/a%1F", B::EncodedControl),
        ("/a%7f", B::EncodedControl),
        ("/a\tb", B::Control),
        ("/a\nb", B::Control),
        ("/a\u{7f}", B::Control),
        ("/a#b", B::Fragment),
        ("/a#", B::Fragment),
        ("/a?b#c", B::Fragment),
        ("/é", B::NotAscii),
        ("/a b", B::Character),
        ("/a\"b", B::Character),
        ("/a<b", B::Character),
        ("/a>b", B::Character),
        ("/a[b", B::Character),
        ("/a]b", B::Character),
        ("/a^b", B::Character),
        ("/a`b", B::Character),
        ("/a{b", B::Character),
        ("/a|b", B::Character),
        ("/a}b", B::Character),
        ("/a%252fb", B::DoubleEncoding),
        ("/a%252Fb", B::DoubleEncoding),
        ("/a%252e%252e/b", B::DoubleEncoding),
        ("/a%255cb", B::DoubleEncoding),
        ("/a%2500", B::DoubleEncoding),
        ("/a%257F", B::DoubleEncoding),
        ("/a%25252f", B::DoubleEncoding),
        ("/a%253bx", B::DoubleEncoding),
        ("/a%253fx", B::DoubleEncoding),
        ("/a%2523x", B::DoubleEncoding),
        ("/%2561dmin", B::DoubleEncoding),
        ("/%2540me", B::DoubleEncoding),
        // The digits behind %25 are themselves encoded.
        ("/a%25%32%66b", B::DoubleEncoding),
        ("/a%252%66b", B::DoubleEncoding),
        ("/a%c0%afb", B::NotUtf8),
        ("/a%e0%80%afb", B::NotUtf8),
        ("/%c0%ae%c0%ae/b", B::NotUtf8),
        ("/a%ff", B::NotUtf8),
        ("/a%c3", B::NotUtf8),
        ("/a%c3b%a9", B::NotUtf8),
        ("/a%ed%a0%80", B::NotUtf8),
    ] {
        assert_eq!(path(text), Err(mistake), "{text:?}");
    }
}

#[test]
fn a_query_is_kept_byte_for_byte() {
    for query in ["", "a=b&c", "%", "%zz%2f%2e", "a=//../;x", "q={[|]}\\^`'", "return=https://a.example/?b"] {
        let target = Target::parse("app.example", &format!("/%61?{query}")).expect(query);
        assert_eq!((target.path(), target.query()), ("/a", Some(query)));
        assert_eq!(target.path_and_query(), format!("/a?{query}"));
    }
    assert_eq!(Target::parse("app.example", "/a").expect("a target").query(), None);
    for (text, mistake) in [
        ("/?a b", BadTarget::QueryCharacter),
        ("/?\"", BadTarget::QueryCharacter),
        ("/?<", BadTarget::QueryCharacter),
        ("/?>", BadTarget::QueryCharacter),
        ("/?\r", BadTarget::Control),
        ("/?\u{7f}", BadTarget::Control),
        ("/?é", BadTarget::NotAscii),
        ("/?#", BadTarget::Fragment),
    ] {
        assert_eq!(path(text), Err(mistake), "{text:?}");
    }
}

#[test]
fn a_target_has_a_largest_size() {
    let most = format!("/{}", "a".repeat(Target::MAX_LENGTH - 1));
    assert!(path(&most).is_ok());
    assert_eq!(path(&format!("{most}a")), Err(BadTarget::TooLong));
    assert_eq!(path(&format!("/?{most}")), Err(BadTarget::TooLong));
}

#[test]
fn a_host_is_a_name_or_an_address_without_its_port() {
    for (field, host) in [
        ("app.example", "app.example"),
        ("App.EXAMPLE:8080", "app.example"),
        ("localhost", "localhost"),
        ("a_b.internal", "a_b.internal"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1a.example:1", "1a.example"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[0:0:0:0::1]:8080", "[::1]"),
        ("[2001:DB8::A]", "[2001:db8::a]"),
    ] {
        assert_eq!(Target::parse(field, "/").map(|target| target.host().to_owned()).as_deref(), Ok(host), "{field}");
    }
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = format!("{}example", "a.".repeat(124));
    for field in [
        "",
        ":80",
        ".",
        "app.example.",
        "app..example",
        ".app.example",
        "app.example:",
        "app.example:x",
        "app.example:65536",
        "app.example:080000",
        "app.example:+80",
        "user@app.example",
        "app.example@evil.example",
        "app.example/x",
        "app.example?x",
        "app.example#x",
        "app.example\\x",
        "app example",
        " app.example",
        "app.example,evil.example",
        "app%2eexample",
        "bücher.example",
        "-a.example",
        "a-.example",
        "a:b:c",
        "::1",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[fe80::1%25eth0]",
        "[app.example]",
        "[]",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0x7f000001",
        "127.0.0.0x1",
        "1.2.3.4.5",
        "256.1.1.1",
        "010.0.0.1",
        "app.example\0",
        &long_label,
        &long_name,
    ] {
        assert_eq!(Target::parse(field, "/"), Err(BadTarget::Host), "{field:?}");
    }
}

#[test]
fn an_origins_own_host_field_is_a_target_host() {
    for origin in
        ["https://app.example", "http://localhost:8080", "http://127.0.0.1:81", "http://[2001:db8::a]:81", "http://[::ffff:1.2.3.4]"]
    {
        let origin = Origin::parse(origin).expect(origin);
        assert_eq!(Target::parse(origin.authority(), "/").expect("a target").host(), origin.host());
    }
}

#[test]
fn parameters_are_dropped_from_every_segment_of_the_path() {
    for (text, bare) in [
        ("/a;x=1/b;y;z/c?q;r", Some("/a/b/c")),
        ("/a;", Some("/a")),
        ("/a/;x", Some("/a/")),
        ("/;x", Some("/")),
        ("/a%3bx/b", Some("/a/b")),
        ("/a%3Bx;y%3B", Some("/a")),
        ("/a?q;r", None),
        ("/", None),
    ] {
        let target = Target::parse("app.example", text).expect(text);
        assert_eq!(target.path_without_parameters().as_deref(), bare, "{text}");
    }
}

/// Paths made of the pieces that matter, so that a good part of them parses.
fn spelled() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-c0-9._~-]",
        3 => Just("/".to_owned()),
        1 => "[;:@=,+*]",
        2 => "%[2-7][0-9a-fA-F]",
        1 => "%[0-9a-fA-F]{2}",
        1 => Just("%C3%a9".to_owned()),
        1 => Just("%25".to_owned()),
        1 => any::<char>().prop_map(String::from),
    ];
    (prop::collection::vec(piece, 0..16), prop::option::of("[ -~]{0,8}")).prop_map(|(pieces, query)| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("/{}{query}", pieces.concat())
    })
}

/// The same path with some of its characters encoded, in either case.
fn respelled() -> impl Strategy<Value = (String, String)> {
    let plain = prop::collection::vec("[a-z0-9._~-]{1,4}", 1..5).prop_map(|segments| format!("/{}", segments.join("/")));
    (plain, prop::collection::vec(0..3_u8, 32)).prop_map(|(plain, choices)| {
        let mut spelled = String::new();
        for (index, character) in plain.chars().enumerate() {
            match choices[index % choices.len()] {
                1 if character != '/' => spelled.push_str(&format!("%{:02x}", u32::from(character))),
                2 if character != '/' => spelled.push_str(&format!("%{:02X}", u32::from(character))),
                _ => spelled.push(character),
            }
        }
        (plain, spelled)
    })
}

proptest! {
    #[test]
    fn parsing_what_was_parsed_changes_nothing(text in spelled()) {
        if let Ok(normal) = path(&text) {
            prop_assert_eq!(path(&normal), Ok(normal.clone()));
        }
    }

    #[test]
    fn every_spelling_of_a_path_is_its_normal_form((plain, spelled) in respelled()) {
        prop_assert_eq!(path(&plain), path(&spelled));
    }

    /// The forwarder and the HTTP library must not have to refuse, or to mend, what was judged.
    #[test]
    fn what_parses_can_be_forwarded_as_it_is(text in spelled()) {
        if let Ok(normal) = path(&text) {
            let forwarded: http::uri::PathAndQuery = normal.parse().expect("a path and query");
            prop_assert_eq!(forwarded.as_str(), normal.as_str());
        }
    }

    /// A browser's parser, which resolves dot segments and mends slashes, finds nothing to do.
    #[test]
    fn what_parses_has_the_same_path_to_a_url_parser(text in spelled()) {
        if let Ok(target) = Target::parse("app.example", &text) {
            let url = url::Url::parse(&format!("https://{}{}", target.host(), target.path_and_query())).expect("a URL");
            prop_assert_eq!(url.path(), target.path());
        }
    }

    #[test]
    fn no_text_panics(host in any::<String>(), text in any::<String>()) {
        let _ = Target::parse(&host, &text);
    }
}
