//! Tests of the identity headers.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::Groups;

const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";

fn ada() -> Principal {
    Principal {
        authority: AuthorityName::work(),
        issuer: format!("https://login.microsoftonline.com/{TENANT}/v2.0").into(),
        subject: "pairwise".into(),
        tenant: TenantId::parse(TENANT).ok(),
        object: Some("0b1e".into()),
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: Some("Ada Lovelace".into()),
        preferred_username: Some("ada@contoso.example".into()),
        verified_email: Some("ada@contoso.example".into()),
        groups: Groups::Listed(vec!["g1".into(), "g2".into()]),
        roles: vec!["Reader".into()],
    }
}

fn gus() -> Principal {
    Principal {
        issuer: "https://idp.example:8443/realms/a".into(),
        tenant: None,
        object: None,
        name: None,
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(vec![]),
        roles: vec![],
        ..ada()
    }
}

fn standard(who: &Principal) -> HeaderMap {
    let mut headers = HeaderMap::new();
    render(&mut headers, Preset::Standard, &[], Some(who));
    headers
}

/// What is left of a request's headers.
fn stripped(headers: &HeaderMap, further: &[(HeaderName, HeaderTemplate)]) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !is_forged(name.as_str(), further));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()).expect("UTF-8"))
}

fn template(text: &str) -> HeaderTemplate {
    HeaderTemplate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_standard_preset_tells_who_somebody_is() {
    let headers = standard(&ada());
    let user = format!("0b1e@{TENANT}");
    for (name, value) in [
        ("X-Forwarded-User", user.as_str()),
        ("X-Forwarded-Preferred-Username", "ada@contoso.example"),
        ("X-Forwarded-Email", "ada@contoso.example"),
        ("X-Forwarded-Name", "Ada Lovelace"),
        ("X-Forwarded-Groups", "g1,g2"),
        ("X-Account-Kind", "work"),
        ("X-Account-Tenant", TENANT),
        ("X-Account-Membership", "member"),
        ("X-Account-Home", "this_tenant"),
    ] {
        assert_eq!(text(&headers, name), Some(value), "{name}");
    }
    assert_eq!(headers.len(), 9);
}

#[test]
fn what_is_not_known_is_left_out() {
    let headers = standard(&gus());
    assert_eq!(text(&headers, "x-forwarded-user"), Some("pairwise@idp.example"));
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["x-account-home", "x-account-kind", "x-account-membership", "x-forwarded-user"]);
}

#[test]
fn nobody_has_no_identity_headers() {
    let mut headers = HeaderMap::new();
    let further = [(HeaderName::from_static("x-who"), template("{oid}")), (HeaderName::from_static("x-stage"), template("test"))];
    render(&mut headers, Preset::Standard, &further, None);
    assert_eq!((headers.len(), text(&headers, "x-stage")), (1, Some("test")));
}

#[test]
fn preset_none_sends_only_the_routes_own_headers() {
    let mut headers = HeaderMap::new();
    render(&mut headers, Preset::None, &[(HeaderName::from_static("x-app-user"), template("{oid}@{tid}"))], Some(&ada()));
    assert_eq!((headers.len(), text(&headers, "x-app-user")), (1, Some(format!("0b1e@{TENANT}").as_str())));
}

#[test]
fn names_lose_their_control_characters_and_keep_their_letters() {
    let headers = standard(&Principal { name: Some(" Zo\u{eb} \r\nX-Account-Kind: work\u{85}".into()), ..ada() });
    assert_eq!(text(&headers, "x-forwarded-name"), Some("Zo\u{eb} X-Account-Kind: work"));
    let headers = standard(&Principal { name: Some("\u{1}\t ".into()), ..ada() });
    assert_eq!(text(&headers, "x-forwarded-name"), None);
}

#[test]
fn an_identifier_is_sent_as_it_is_or_not_at_all() {
    for object in ["0b1e\n", " 0b1e", "0b1e ", "0b\u{0}1e", "\u{9f}", ""] {
        let headers = standard(&Principal { object: Some(object.into()), ..ada() });
        assert_eq!(text(&headers, "x-forwarded-user"), None, "{object:?}");
        assert_eq!(text(&headers, "x-account-kind"), Some("work"));
    }
    let nowhere = Principal { issuer: "urn:nowhere".into(), ..gus() };
    assert_eq!(text(&standard(&nowhere), "x-forwarded-user"), None);
    let headers = standard(&Principal { subject: "\u{e9}|1".into(), ..gus() });
    assert_eq!(text(&headers, "x-forwarded-user"), Some("\u{e9}|1@idp.example"));
}

#[test]
fn a_list_of_groups_is_whole_or_absent() {
    let of = |groups: &[&str]| {
        let groups = Groups::Listed(groups.iter().map(|group| Arc::from(*group)).collect());
        text(&standard(&Principal { groups, ..ada() }), "x-forwarded-groups").map(str::to_owned)
    };
    assert_eq!(of(&["a", "b"]).as_deref(), Some("a,b"));
    for groups in [&["a,admins"][..], &["a", "b\n"][..], &["a", ""][..], &[" a"][..], &[][..]] {
        assert_eq!(of(groups), None, "{groups:?}");
    }
    let most = "g".repeat(MAX_VALUE_LENGTH);
    assert_eq!(of(&[&most]), Some(most.clone()));
    assert_eq!(of(&[&most, "g"]), None);
    assert_eq!(text(&standard(&Principal { groups: Groups::Overage, ..ada() }), "x-forwarded-groups"), None);
    let asked = Groups::Asked { about: vec!["g1".into(), "g2".into(), "g3".into()], member_of: vec!["g1".into(), "g3".into()] };
    assert_eq!(text(&standard(&Principal { groups: asked, ..ada() }), "x-forwarded-groups"), Some("g1,g3"));
}

#[test]
fn a_template_puts_facts_together() {
    let value =
        |text: &str, who: &Principal| template(text).render(who).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    for (text, expected) in [
        ("{oid}@{tid}", format!("0b1e@{TENANT}")),
        ("constant", "constant".into()),
        ("{{{kind}}}", "{work}".into()),
        ("{{oid}}", "{oid}".into()),
        ("{kind}{membership}{home}", "workmemberthis_tenant".into()),
        ("r={roles};g={groups}", "r=Reader;g=g1,g2".into()),
        ("\u{e9}{authority}", "\u{e9}work".into()),
        ("{name} <{email}> {preferred_username}", "Ada Lovelace <ada@contoso.example> ada@contoso.example".into()),
        ("{sub} {iss}", format!("pairwise https://login.microsoftonline.com/{TENANT}/v2.0")),
    ] {
        assert_eq!(value(text, &ada()), Some(expected), "{text}");
    }
    for fact in ["oid", "tid", "name", "preferred_username", "email", "groups", "roles"] {
        assert_eq!(value(&format!("x{{{fact}}}{{kind}}"), &gus()), None, "{fact}");
    }
}

#[test]
fn every_placeholder_is_known_and_no_other() {
    for name in PLACEHOLDERS {
        assert!(template(&format!("{{{name}}}")).render(&ada()).is_some(), "{name}");
    }
    for (text, mistake) in [
        ("", InvalidTemplate::Empty),
        ("a\r\nb", InvalidTemplate::Control),
        ("a}", InvalidTemplate::StrayBrace),
        ("}{oid}", InvalidTemplate::StrayBrace),
        ("{oid}}", InvalidTemplate::StrayBrace),
        ("{", InvalidTemplate::Unclosed),
        ("{oid", InvalidTemplate::Unclosed),
        ("{{{oid", InvalidTemplate::Unclosed),
        ("{}", InvalidTemplate::Unknown(String::new())),
        ("{upn}", InvalidTemplate::Unknown("upn".into())),
        ("{OID}", InvalidTemplate::Unknown("OID".into())),
        ("{ oid }", InvalidTemplate::Unknown(" oid ".into())),
        ("{a{oid}", InvalidTemplate::Unknown("a{oid".into())),
    ] {
        assert_eq!(HeaderTemplate::parse(text), Err(mistake), "{text:?}");
    }
}

#[test]
fn an_unknown_placeholder_is_told_the_known_ones() {
    let told = HeaderTemplate::parse("{upn}").expect_err("an error").to_string();
    assert!(told.starts_with("`{upn}` is not known") && PLACEHOLDERS.iter().all(|name| told.contains(&format!("{{{name}}}"))), "{told}");
    assert_eq!(InvalidTemplate::StrayBrace.to_string(), "a `}` stands alone: write `}}` for the brace itself");
}

#[test]
fn owned_names_are_owned_in_every_spelling() {
    for name in [
        "X-Forwarded-User",
        "x_forwarded_user",
        "X.Forwarded.User",
        "x-forwarded_preferred-username",
        "X-Forwarded-Email",
        "X-Forwarded-Name",
        "X-Forwarded-Groups",
        "X-Account-Kind",
        "X-Account-Tenant",
        "X-Account-Membership",
        "X-Account-Home",
        "X-Homerealm-Assertion",
        "x!homerealm~anything",
        "X-MS-CLIENT-PRINCIPAL",
        "X-Ms-Client-Principal-Id",
        "X-MS-TOKEN-AAD-ACCESS-TOKEN",
        "X-Auth-Request-User",
        "X_AUTH_REQUEST_EMAIL",
        "X-Forwarded-Access-Token",
        "Remote-User",
        "REMOTE_USER",
    ] {
        assert!(is_owned(name), "{name}");
    }
    for name in [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Users",
        "XForwardedUser",
        "Forwarded",
        "X-Real-IP",
        "X-Account",
        "X-Account-Id",
        "X-Homerealm",
        "X-MS-Client",
        "X-Auth-Request",
        "User",
        "Host",
        "Authorization",
        "traceparent",
        "",
        "X",
        "\u{e9}",
    ] {
        assert!(!is_owned(name), "{name}");
    }
}

#[test]
fn what_is_forged_goes_and_nothing_else() {
    let further = [(HeaderName::from_static("x-app-user"), template("{oid}"))];
    let kept = ["accept", "x-forwarded-for", "x-request-id", "x-app-users", "cookie", "x-account"];
    let gone = [
        "x-app-user",
        "x!app~user",
        "x-forwarded-user",
        "x_forwarded_for",
        "x!forwarded!for",
        "x-forwarded~proto",
        "x.real.ip",
        "x|rewrite|url",
        "x!y",
        "_",
        "a.b",
        "remote-user",
        "content_length",
    ];
    let mut headers = HeaderMap::new();
    for name in kept.iter().chain(&gone) {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("1"));
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("2"));
    }
    let headers = stripped(&headers, &further);
    for name in kept {
        assert_eq!(headers.get_all(name).iter().count(), 2, "{name}");
    }
    assert_eq!(headers.keys_len(), kept.len());
}

/// A name in a random spelling that an upstream might read as the same.
fn respelled() -> impl Strategy<Value = String> {
    let prefixed: Vec<String> = names::OWNED_PREFIXES.iter().map(|prefix| format!("{prefix}x")).collect();
    let owned: Vec<String> = names::OWNED.iter().map(|name| (*name).to_owned()).chain(prefixed).chain(["x-app-user".to_owned()]).collect();
    (prop::sample::select(owned), prop::collection::vec((any::<bool>(), prop::sample::select(vec!['-', '_', '.', '!', '~', '|'])), 40))
        .prop_map(|(name, choices)| {
            let spell = |(character, (upper, separator)): (char, &(bool, char))| match character {
                '-' => *separator,
                letter if *upper => letter.to_ascii_uppercase(),
                letter => letter,
            };
            name.chars().zip(&choices).map(spell).collect()
        })
}

proptest! {
    #[test]
    fn once_what_is_forged_is_gone_only_our_values_are_there(forged in prop::collection::vec(respelled(), 0..6), known in any::<bool>()) {
        let further = [(HeaderName::from_static("x-app-user"), template("{oid}"))];
        let mut headers = HeaderMap::new();
        for name in &forged {
            headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a token"), HeaderValue::from_static("forged"));
        }
        headers.append("accept", HeaderValue::from_static("*/*"));
        let who = known.then(ada);
        let mut headers = stripped(&headers, &further);
        render(&mut headers, Preset::Standard, &further, who.as_ref());
        prop_assert!(headers.values().all(|value| value != "forged"), "{forged:?}");
        let added = if known { 10 } else { 0 };
        prop_assert_eq!(headers.len(), added + 1);
    }

    #[test]
    fn every_spelling_of_an_owned_name_is_owned(name in respelled()) {
        prop_assert!(is_owned(&name) || names::fold_alike(&name, "x-app-user"));
    }

    #[test]
    fn whatever_a_token_says_makes_no_second_header(name in any::<String>(), object in any::<String>(), group in any::<String>()) {
        let groups = Groups::Listed(vec![group.into()]);
        let headers = standard(&Principal { name: Some(name.into()), object: Some(object.into()), groups, ..ada() });
        for value in headers.values() {
            prop_assert!(value.as_bytes().iter().all(|octet| *octet >= b' ' && *octet != 0x7f));
        }
    }

    #[test]
    fn no_template_panics(text in any::<String>()) {
        if let Ok(template) = HeaderTemplate::parse(&text) {
            let _ = template.render(&ada());
        }
    }
}
