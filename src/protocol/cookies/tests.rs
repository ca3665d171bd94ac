//! Tests of cookie names, reading and stripping.

use proptest::prelude::*;

use super::*;

fn request(fields: &[&str]) -> HeaderMap {
    fields.iter().map(|field| (COOKIE, HeaderValue::from_str(field).expect("a field value"))).collect()
}

fn dialect(origin: &str) -> Dialect {
    Dialect::of(&Origin::parse(origin).expect("an origin"))
}

/// The request with what is left of each `Cookie` field.
fn strip_own(headers: &mut HeaderMap) {
    let fields: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for field in fields {
        let mut left = b"before".to_vec();
        write_others(field.as_bytes(), &mut left);
        let left = left.strip_prefix(b"before").expect("what was there stays there");
        if !left.is_empty() {
            headers.append(COOKIE, HeaderValue::from_bytes(left).expect("pieces of a field value make a field value"));
        }
    }
}

fn text(cookie: &SetCookie) -> &str {
    cookie.as_header_value().to_str().expect("ASCII")
}

#[test]
fn only_http_on_loopback_gets_plain_names() {
    for (origin, expected) in [
        ("https://orders.example.com", Dialect::Host),
        ("https://localhost", Dialect::Host),
        ("http://orders.example.com", Dialect::Host),
        ("http://localhost:8080", Dialect::Loopback),
        ("http://127.0.0.1:8080", Dialect::Loopback),
        ("http://[::1]", Dialect::Loopback),
    ] {
        assert_eq!(dialect(origin), expected, "{origin}");
    }
}

#[test]
fn attributes_are_those_that_the_names_need() {
    let day = Keep::For(Duration::from_secs(86_400));
    for (cookie, expected) in [
        (
            Dialect::Host.set("s-work", "1.abc", Keep::WhileOpen, SameSite::Lax),
            "__Host-homerealm-s-work=1.abc; Path=/; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            Dialect::Host.set("a-1", "x", day, SameSite::None),
            "__Host-homerealm-a-1=x; Max-Age=86400; Path=/; Secure; HttpOnly; SameSite=None",
        ),
        (Dialect::Loopback.set("a-1", "x", day, SameSite::Lax), "homerealm-a-1=x; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax"),
        (Dialect::Loopback.set("a-1", "x", Keep::WhileOpen, SameSite::None), "homerealm-a-1=x; Path=/; Secure; HttpOnly; SameSite=None"),
        (Dialect::Host.delete("s-work"), "__Host-homerealm-s-work=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (Dialect::Loopback.delete("s-work"), "homerealm-s-work=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"),
    ] {
        assert_eq!(text(&cookie), expected);
    }
}

#[test]
fn a_cookie_is_not_printed() {
    let cookie = Dialect::Host.set("s-work", "marked-secret", Keep::WhileOpen, SameSite::Lax);
    assert!(!format!("{cookie:?}").contains("marked-secret"));
}

#[test]
fn our_cookies_are_found_among_others_and_in_several_fields() {
    let headers = request(&["theme=dark; __Host-homerealm-s-work=1.abc;other=1", "__Host-homerealm-a-1 = x ; lang=en"]);
    let own = OwnCookies::read(&headers, Dialect::Host);
    assert_eq!(own.names().collect::<Vec<_>>(), ["s-work", "a-1"]);
    assert!(own.presence("s-work") == Presence::Once("1.abc"));
    assert!(own.presence("a-1") == Presence::Once("x"));
    assert!(own.presence("s-personal") == Presence::Absent);
}

#[test]
fn a_cookie_sent_twice_is_as_good_as_none() {
    for fields in
        [&["__Host-homerealm-s-work=a; __Host-homerealm-s-work=a"][..], &["__Host-homerealm-s-work=a", "__Host-homerealm-s-work=b"]]
    {
        let headers = request(fields);
        let own = OwnCookies::read(&headers, Dialect::Host);
        assert!(own.presence("s-work") == Presence::Ambiguous, "{fields:?}");
    }
}

#[test]
fn names_that_we_cannot_have_written_are_not_read() {
    let headers = request(&["homerealm-s work=1; homerealm-\"a\"=2; homerealm-s,=3; homerealm-s-work=4"]);
    assert_eq!(OwnCookies::read(&headers, Dialect::Loopback).names().collect::<Vec<_>>(), ["s-work"]);
}

#[test]
fn names_of_the_other_dialect_are_not_read() {
    let headers = request(&["homerealm-s-work=planted; x__Host-homerealm-s-work=1; __host-homerealm-s-work=2"]);
    assert_eq!(OwnCookies::read(&headers, Dialect::Host).names().count(), 0);
    assert_eq!(OwnCookies::read(&headers, Dialect::Loopback).names().collect::<Vec<_>>(), ["s-work"]);
}

#[test]
fn too_many_of_ours_are_as_good_as_none() {
    let cookies = |count: usize| (0..count).map(|at| format!("homerealm-{at}=x")).collect::<Vec<_>>().join("; ");
    for (count, readable) in [(MAX_OWN_COOKIES, true), (MAX_OWN_COOKIES + 1, false), (1000, false)] {
        let headers = request(&[&cookies(count)]);
        let own = OwnCookies::read(&headers, Dialect::Loopback);
        assert_eq!(own.presence("0") == Presence::Once("x"), readable, "{count}");
        assert_eq!(own.presence("none") == Presence::Absent, readable, "{count}");
        assert!(own.names().count() <= MAX_OWN_COOKIES);
    }
}

#[test]
fn ours_are_taken_out_and_the_others_stay_byte_for_byte() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["a=1; b=\"x y\";c"], &["a=1; b=\"x y\";c"]),
        (&["a=1; __Host-homerealm-s-work=1.x; b=2"], &["a=1; b=2"]),
        (&["__Host-homerealm-s-work=1.x; a=1"], &["a=1"]),
        (&["a=1;__Host-homerealm-s-work=1.x"], &["a=1"]),
        (&["a=1;  b=2 ;homerealm-s-work=1.x;c=3;"], &["a=1;  b=2 ;c=3;"]),
        (&["__Host-homerealm-s-work=1.x"], &[]),
        (&["__Host-homerealm-s-work=1.x; homerealm-r=2; "], &[]),
        (&[" homerealm-s-work = 1.x", "a=1", "__Host-homerealm-a-1=y"], &["a=1"]),
        (&["homerealm-", "b=2"], &["b=2"]),
        (&["a=homerealm-s-work=1; xhomerealm-=2"], &["a=homerealm-s-work=1; xhomerealm-=2"]),
        (&["a=\"; homerealm-s-work=1; \""], &["a=\"; \""]),
    ];
    for (before, after) in cases {
        let mut headers = request(before);
        headers.insert("x-other", HeaderValue::from_static("kept"));
        strip_own(&mut headers);
        let left: Vec<_> = headers.get_all(COOKIE).iter().map(|field| field.to_str().expect("ASCII")).collect();
        assert_eq!(&left, after, "{before:?}");
        assert_eq!(headers.len() - left.len(), 1);
    }
}

#[test]
fn a_cookie_without_a_name_is_told_by_its_value() {
    for (set_cookie, own) in [
        ("__Host-homerealm-s-work=1.x; Path=/; Secure", true),
        ("homerealm-s-work=1.x", true),
        ("=homerealm-s-work=1.x; Path=/", true),
        (" = __Host-homerealm-s-work=1.x", true),
        ("==homerealm-r", true),
        ("\thomerealm-r=1", true),
        ("=a=homerealm-r", false),
        ("a=homerealm-r=1", false),
        ("session=1; homerealm-r=2", false),
        ("=", false),
        ("", false),
    ] {
        assert_eq!(is_own(set_cookie.as_bytes()), own, "{set_cookie:?}");
    }
}

#[test]
fn a_request_without_cookies_stays_as_it_is() {
    let mut headers = HeaderMap::new();
    strip_own(&mut headers);
    assert!(headers.is_empty());
    assert_eq!(OwnCookies::read(&headers, Dialect::Host).names().count(), 0);
}

/// Field values with a fair chance of our names and of separators in odd places.
fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        Just(b"__Host-homerealm-s-work=1.abc".to_vec()),
        Just(b"homerealm-r".to_vec()),
        Just(b"; ".to_vec()),
        Just(b";".to_vec()),
        Just(b"=".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    let field = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    proptest::collection::vec(field, 0..4)
}

proptest! {
    #[test]
    fn any_bytes_can_be_read_and_stripped(fields in fields()) {
        let before: Vec<HeaderValue> = fields.iter().filter_map(|field| HeaderValue::from_bytes(field).ok()).collect();
        let mut headers: HeaderMap = before.iter().map(|field| (COOKIE, field.clone())).collect();
        for dialect in [Dialect::Host, Dialect::Loopback] {
            let own = OwnCookies::read(&headers, dialect);
            for name in own.names() {
                prop_assert!(own.presence(name) != Presence::Absent);
                prop_assert!(text(&dialect.delete(name)).starts_with(dialect.prefix()));
            }
        }
        strip_own(&mut headers);
        for dialect in [Dialect::Host, Dialect::Loopback] {
            prop_assert_eq!(OwnCookies::read(&headers, dialect).names().count(), 0);
        }
        let others = |fields: &[HeaderValue]| -> Vec<Vec<u8>> {
            let pieces = fields.iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
            pieces.map(|piece| piece.trim_ascii().to_vec()).filter(|piece| !piece.is_empty() && !is_own(piece)).collect()
        };
        let after: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
        prop_assert_eq!(others(&before), others(&after));
    }
}
