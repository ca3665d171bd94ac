//! Tests of what is read as an address, a phone number or a Skype name, and of what is not.

use proptest::prelude::*;

use super::*;

/// What a text is read as: `domain`, `phone`, `skype` or `-`.
fn reading(typed: &str) -> String {
    match Identifier::parse(typed).as_ref().map(Identifier::shape) {
        Ok(Shape::Email { domain }) => domain.to_string(),
        Ok(Shape::Phone) => "phone".into(),
        Ok(Shape::Skype) => "skype".into(),
        Err(NotAnIdentifier) => "-".into(),
    }
}

#[track_caller]
fn check(typed: &str, expected: &str) {
    assert_eq!(reading(typed), expected, "{typed:?}");
}

#[test]
fn an_address_is_known_by_its_one_at_sign() {
    check("ada@contoso.com", "contoso.com");
    check("  ada@contoso.com\n", "contoso.com");
    check("o'brien+orders_#EXT#@contoso.com", "contoso.com");
    check("jürgen@contoso.com", "contoso.com");
    check("a..b@contoso.com", "contoso.com");
    for typed in ["ada", "ada.b-c"] {
        check(typed, "skype");
    }
    for typed in [
        "ada@@contoso.com",
        "ada@x@contoso.com",
        "\"ada@x\"@contoso.com",
        "\"ada\"@contoso.com",
        "ada b@contoso.com",
        "ada@contoso.com b",
        "ada\u{0}@contoso.com",
        "ada\u{202e}@contoso.com",
        "ada\u{200b}@contoso.com",
        "ada\u{a0}b@contoso.com",
        "ada@contoso.com, bo@contoso.com",
        "Ada <ada@contoso.com>",
        "@contoso.com",
        "ada@",
        "@",
        "",
        "   ",
    ] {
        check(typed, "-");
    }
}

#[test]
fn the_domain_is_lower_case_ascii_with_two_labels_and_no_ip_address() {
    check("ada@CONTOSO.Com", "contoso.com");
    check("ada@bücher.example", "xn--bcher-kva.example");
    check("ada@BÜCHER.example", "xn--bcher-kva.example");
    check("ada@contoso。com", "contoso.com");
    check("ada@1.contoso.com", "1.contoso.com");
    for domain in [
        "localhost",
        "contoso.com.",
        ".contoso.com",
        "contoso..com",
        "-contoso.com",
        "contoso-.com",
        "con_toso.com",
        "con%74oso.com",
        "contoso.com:443",
        "contoso.com/x",
        "contoso.com?x",
        "contoso.com#x",
        "con\\toso.com",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "1.2",
        "[127.0.0.1]",
        "[::1]",
        "xn--a.example",
        "con\ttoso.com",
    ] {
        check(&format!("ada@{domain}"), "-");
        assert_eq!(Domain::parse(domain), Err(NotAnIdentifier), "{domain}");
    }
}

#[test]
fn the_configuration_writes_domains_as_people_do() {
    assert_eq!(Domain::parse("Contoso.COM").as_ref().map(Domain::as_str), Ok("contoso.com"));
    for text in ["@contoso.com", "*.contoso.com", " contoso.com", "", "."] {
        assert_eq!(Domain::parse(text), Err(NotAnIdentifier), "{text}");
    }
}

#[test]
fn lengths_are_bounded_to_the_byte() {
    let domain = "contoso.com";
    check(&format!("{}@{domain}", "a".repeat(64)), domain);
    check(&format!("{}@{domain}", "a".repeat(65)), "-");
    // 64 letters of two bytes each are 128 bytes.
    check(&format!("{}@{domain}", "ü".repeat(32)), domain);
    check(&format!("{}@{domain}", "ü".repeat(33)), "-");

    let label = "b".repeat(63);
    check(&format!("a@{label}.com"), &format!("{label}.com"));
    check(&format!("a@{label}b.com"), "-");

    let long = format!("{label}.{label}.{label}.{}", "c".repeat(60));
    assert_eq!(long.len(), 252);
    check(&format!("a@{long}"), &long);
    check(&format!("aa@{long}"), "-");
    // Eight bytes a label in ASCII, three as typed: both fit as typed, only the first fits on the wire.
    let many = |labels| format!("{}@{}com", "a".repeat(64), "ü.".repeat(labels));
    check(&many(20), &format!("{}com", "xn--tda.".repeat(20)));
    check(&many(24), "-");
}

#[test]
fn digits_with_their_punctuation_are_a_phone_number() {
    for typed in ["+1 425 555 0100", "(425) 555-0100", "[1].2#3*4/", "1234", &"1".repeat(50)] {
        check(typed, "phone");
    }
    for typed in ["123", "+-()", "1234x", "１２３４", "+1\t425 555", &"1".repeat(51)] {
        check(typed, "-");
    }
}

#[test]
fn a_letter_first_and_no_at_sign_is_a_skype_name() {
    for typed in ["ada", "live:.cid.0123abc", "A_d-a,'x", "contoso.com", &format!("a{}", "b".repeat(128))] {
        check(typed, "skype");
    }
    for typed in ["_ada", ".ada", "ada lovelace", "adä", "ada!", &format!("a{}", "b".repeat(129))] {
        check(typed, "-");
    }
}

#[test]
fn what_was_typed_stands_in_no_debug_output() {
    let debug = format!("{:?} {:?}", Identifier::parse("ada@lovelace.example"), Identifier::parse("ada"));
    assert_eq!(debug, "Ok(Identifier(Email)) Ok(Identifier(Skype))");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_within_the_bounds(typed in "\\PC{0,300}") {
        if let Ok(identifier) = Identifier::parse(&typed) {
            prop_assert!(identifier.as_str().len() <= 254);
            prop_assert_eq!(identifier.as_str(), typed.trim());
            prop_assert_eq!(Identifier::parse(identifier.as_str()), Ok(identifier));
        }
    }

    #[test]
    fn a_domain_reads_as_itself(name in "[a-zA-Z0-9.üß。-]{1,60}") {
        if let Ok(domain) = Domain::parse(&name) {
            prop_assert!(domain.as_str().bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')));
            prop_assert_eq!(Domain::parse(domain.as_str()), Ok(domain));
        }
    }
}
