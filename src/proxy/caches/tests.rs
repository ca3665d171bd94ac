//! Tests of what caches are told.

use super::*;
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::Groups;
use crate::protocol::cookies::{Dialect, Keep, SameSite};

fn ada() -> Principal {
    Principal {
        authority: AuthorityName::work(),
        issuer: "https://idp.example".into(),
        subject: "ada".into(),
        tenant: None,
        object: None,
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: None,
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(vec![]),
        roles: vec![],
    }
}

fn cookies() -> Vec<SetCookie> {
    vec![Dialect::Host.set("s-work", "1.x", Keep::WhileOpen, SameSite::Lax)]
}

fn answer(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect()
}

fn all(headers: &HeaderMap, name: &str) -> String {
    headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_apps_word_counts_and_its_silence_means_nobody() {
    let ada = ada();
    for (said, alone, with_cookie, is_set) in [
        (vec![], "no-store", "no-store", true),
        (vec![("cache-control", "private, max-age=60")], "private, max-age=60", "private, max-age=60", true),
        (vec![("cache-control", "No-Store")], "No-Store", "No-Store", true),
        (vec![("cache-control", "public, no-store")], "public, no-store", "public, no-store", true),
        (vec![("cache-control", "max-age=60")], "max-age=60", "max-age=60, private", true),
        (vec![("cache-control", "no-cache")], "no-cache", "no-cache, private", true),
        (
            vec![("cache-control", "private=\"x-a\", max-age=60")],
            "private=\"x-a\", max-age=60",
            "private=\"x-a\", max-age=60, private",
            true,
        ),
        (vec![("expires", "Thu, 01 Jan 2032 00:00:00 GMT")], "", "private", true),
        (vec![("cache-control", "max-age=60"), ("cache-control", "PUBLIC")], "max-age=60, PUBLIC", "max-age=60, PUBLIC", false),
        (vec![("cache-control", "s-maxage=60")], "s-maxage=60", "s-maxage=60", false),
    ] {
        let mut plain = answer(&said);
        mark(&mut plain, Some(&ada), vec![]);
        assert_eq!(all(&plain, "cache-control"), alone, "{said:?}");
        let mut renewing = answer(&said);
        mark(&mut renewing, Some(&ada), cookies());
        assert_eq!(all(&renewing, "cache-control"), with_cookie, "{said:?} with a cookie");
        assert_eq!(renewing.contains_key(header::SET_COOKIE), is_set, "{said:?}");
    }
}

#[test]
fn an_answer_for_nobody_may_be_kept_but_varies() {
    let mut headers = HeaderMap::new();
    mark(&mut headers, None, vec![]);
    assert!(!headers.contains_key(header::CACHE_CONTROL));
    assert_eq!(all(&headers, "vary"), "Cookie");
}

#[test]
fn vary_names_the_cookie_once() {
    for (said, expected) in [
        (vec![("vary", "accept-encoding")], "accept-encoding, Cookie"),
        (vec![("vary", "Accept, cookie")], "Accept, cookie"),
        (vec![("vary", "accept"), ("vary", "COOKIE")], "accept, COOKIE"),
        (vec![("vary", "*")], "*"),
    ] {
        let mut headers = answer(&said);
        mark(&mut headers, Some(&ada()), vec![]);
        assert_eq!(all(&headers, "vary"), expected, "{said:?}");
    }
}
