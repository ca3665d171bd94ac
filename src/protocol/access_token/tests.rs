//! Which bearer tokens are access tokens for this route.

use serde_json::{Value, json};

use super::*;
use crate::domain::account::Membership;
use crate::domain::authority::{ExpectedIssuer, IssuerMismatch};
use crate::protocol::jwt::forge::{P256, key_set, patched};

const NOW: u64 = 1_800_000_000;
const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

fn claims() -> Value {
    json!({
        "iss": issuer(TENANT), "tid": TENANT, "aud": "api://orders", "sub": "subject", "oid": "11110000-0000-4000-8000-000000000001",
        "iat": NOW - 7200, "nbf": NOW - 7200, "exp": NOW + 600, "azp": "another-app", "scp": "orders.read orders.write", "roles": ["Reader"],
    })
}

fn judge_raw(raw: &str, keys: &KeySet) -> Result<(Principal, AccessGrant), TokenDefect> {
    let organizations = ExpectedIssuer::parse(&issuer("organizations")).expect("an issuer");
    let expected = ExpectedGrant {
        authority: &AuthorityName::work(),
        kind: AccountKind::Work,
        pinning: organizations.pinning(),
        issuer: &organizations.adopt(&issuer("{tenantid}")).expect("its own document"),
        audiences: &["api://orders".into(), "api://invoices".into()],
    };
    judge(&Secret::new(raw.into()), &expected, keys, Timestamp::from_unix_seconds(NOW))
}

fn judge_claims(members: &Value) -> Result<(Principal, AccessGrant), TokenDefect> {
    judge_raw(&P256.token("ES256", &patched(claims(), members)), &key_set(&[P256.jwk()]))
}

#[test]
fn an_access_token_yields_a_person_and_a_grant() {
    let (who, grant) = judge_claims(&json!({ "acct": 1 })).expect("a good token");
    assert_eq!((who.kind, who.membership), (AccountKind::Work, Membership::Guest));
    assert_eq!(who.roles, [Arc::<str>::from("Reader")]);
    assert_eq!(grant.audiences, ["api://orders"]);
    assert_eq!(grant.scopes, ["orders.read", "orders.write"]);
}

#[test]
fn every_check_of_a_bearer_token_has_tokens_that_fail_it() {
    for (members, defect) in [
        (json!({}), None),
        (json!({ "aud": "api://invoices" }), None),
        (json!({ "aud": ["api://else", "api://orders"] }), None),
        (json!({ "aud": ["api://else"] }), Some(TokenDefect::Audience)),
        (json!({ "aud": "api://ORDERS" }), Some(TokenDefect::Audience)),
        (json!({ "aud": "" }), Some(TokenDefect::Audience)),
        (json!({ "aud": [] }), Some(TokenDefect::Audience)),
        (json!({ "aud": null }), Some(TokenDefect::Missing("aud"))),
        (json!({ "aud": { "api://orders": 1 } }), Some(TokenDefect::Claims)),
        (json!({ "iss": null }), Some(TokenDefect::Missing("iss"))),
        (json!({ "iss": 7 }), Some(TokenDefect::Claims)),
        (json!({ "iss": [issuer(TENANT)] }), Some(TokenDefect::Claims)),
        (json!({ "iss": { "0": issuer(TENANT) } }), Some(TokenDefect::Claims)),
        (json!({ "aud": 7 }), Some(TokenDefect::Claims)),
        (json!({ "iss": issuer(CONSUMERS), "tid": CONSUMERS }), Some(TokenDefect::Issuer(IssuerMismatch::Kind))),
        (json!({ "iss": "https://op.example" }), Some(TokenDefect::Issuer(IssuerMismatch::Issuer))),
        (json!({ "sub": null }), Some(TokenDefect::Missing("sub"))),
        (json!({ "sub": "" }), Some(TokenDefect::Subject)),
        (json!({ "exp": NOW - 60 }), Some(TokenDefect::Expired)),
        (json!({ "exp": null }), Some(TokenDefect::Missing("exp"))),
        (json!({ "exp": (1_u64 << 53) - 1 }), Some(TokenDefect::ExpiryTooFar)),
        (json!({ "exp": u64::MAX }), Some(TokenDefect::Claims)),
        (json!({ "nbf": NOW + 3600 }), Some(TokenDefect::NotYetValid)),
        (json!({ "nbf": null }), None),
        (json!({ "iat": NOW + 3600 }), Some(TokenDefect::IssuedInTheFuture)),
        (json!({ "iat": NOW - 86_000 }), None),
        (json!({ "iat": null }), Some(TokenDefect::Missing("iat"))),
    ] {
        assert_eq!(judge_claims(&members).err(), defect, "{members}");
    }
}

#[test]
fn an_id_token_opens_no_api() {
    for (members, accepted) in [
        (json!({ "nonce": "n" }), false),
        (json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }), false),
        (json!({ "c_hash": "77QmUPtjPfzWtF2AnpK9RQ" }), false),
        (json!({ "scp": null, "roles": null }), false),
        (json!({ "scp": null, "azp": null }), false),
        (json!({ "scp": null }), true),
        (json!({ "scp": null, "azp": null, "appid": "another-app" }), true),
        (json!({ "scp": null, "azp": null, "roles": null, "scope": "orders.read" }), true),
    ] {
        let judged = judge_claims(&members);
        assert_eq!(judged.is_ok(), accepted, "{members}");
        assert!(accepted || judged.err() == Some(TokenDefect::NotAnAccessToken), "{members}");
    }
}

#[test]
fn scopes_come_as_a_text_or_a_list() {
    for (members, scopes) in [
        (json!({ "scp": "a  b " }), vec!["a", "b"]),
        (json!({ "scp": ["a", "b", 7] }), vec!["a", "b"]),
        (json!({ "scp": null, "scope": "c" }), vec!["c"]),
        (json!({ "scp": "", "scope": "c" }), vec![]),
        (json!({ "scp": 7 }), vec![]),
    ] {
        assert_eq!(judge_claims(&members).expect("a good token").1.scopes, scopes, "{members}");
    }
}

#[test]
fn the_type_header_of_access_tokens_is_known() {
    let keys = key_set(&[P256.jwk()]);
    for (kind, defect) in [
        (json!("at+jwt"), None),
        (json!("application/at+JWT"), None),
        (json!("JWT"), None),
        (json!(null), None),
        (json!("logout+jwt"), Some(TokenDefect::Type)),
        (json!("dpop+jwt"), Some(TokenDefect::Type)),
    ] {
        let header = patched(json!({ "alg": "ES256", "kid": "ec-1" }), &json!({ "typ": kind })).to_string();
        assert_eq!(judge_raw(&P256.sign("ES256", &header, &claims().to_string()), &keys).err(), defect, "{kind}");
    }
}

#[test]
fn the_header_of_an_access_token_is_judged_like_any_other() {
    let keys = key_set(&[P256.jwk()]);
    let two = key_set(&[P256.jwk(), P256.jwk_with(&json!({ "kid": "ec-2" }))]);
    for (members, keys, defect) in [
        (json!({}), &keys, None),
        (json!({ "jwk": {}, "jku": "https://evil.example/keys", "x5u": "https://evil.example/x5u" }), &keys, None),
        (json!({ "alg": "none" }), &keys, Some(TokenDefect::Algorithm)),
        (json!({ "alg": "HS256" }), &keys, Some(TokenDefect::Algorithm)),
        (json!({ "alg": "RS256" }), &keys, Some(TokenDefect::KeyAlgorithm)),
        (json!({ "crit": ["exp"] }), &keys, Some(TokenDefect::UnsupportedHeader)),
        (json!({ "cty": "JWT" }), &keys, Some(TokenDefect::UnsupportedHeader)),
        (json!({ "kid": "ec-3" }), &keys, Some(TokenDefect::UnknownKey)),
        (json!({ "kid": null }), &keys, None),
        (json!({ "kid": null }), &two, Some(TokenDefect::AmbiguousKey)),
    ] {
        let header = patched(json!({ "alg": "ES256", "kid": "ec-1" }), &members).to_string();
        assert_eq!(judge_raw(&P256.sign("ES256", &header, &claims().to_string()), keys).err(), defect, "{members}");
    }
    let twice = claims().to_string().replacen('{', r#"{"roles":["Admin"],"#, 1);
    let token = P256.sign("ES256", r#"{"alg":"ES256","kid":"ec-1"}"#, &twice);
    assert_eq!(judge_raw(&token, &keys).err(), Some(TokenDefect::Claims), "the last of two does not win");
}

#[test]
fn a_key_of_personal_accounts_signs_no_access_token_for_a_tenant() {
    let token = P256.token("ES256", &claims());
    let keyed = |issuer: &str| key_set(&[P256.jwk_with(&json!({ "issuer": issuer }))]);
    assert_eq!(judge_raw(&token, &keyed(&issuer("{tenantid}"))).err(), None);
    assert_eq!(judge_raw(&token, &keyed(&issuer(CONSUMERS))).err(), Some(TokenDefect::KeyIssuer));
}

#[test]
fn a_look_at_the_issuer_is_a_hint_and_bounded() {
    let hint_of = |raw: &str| peek(&Secret::new(raw.into()));
    let hint = RoutingHint { issuer: issuer(TENANT), tenant: TenantId::parse(TENANT).ok() };
    assert_eq!(hint_of(&P256.token("ES256", &claims())), Some(hint));
    let without_tenant = P256.token("ES256", &patched(claims(), &json!({ "tid": null })));
    assert_eq!(hint_of(&without_tenant), Some(RoutingHint { issuer: issuer(TENANT), tenant: None }));
    for members in [json!({ "tid": "contoso.com" }), json!({ "iss": null }), json!({ "x": "x".repeat(jwt::MAX_BYTES) })] {
        assert_eq!(hint_of(&P256.token("ES256", &patched(claims(), &members))), None);
    }
    for raw in ["", "opaque", "a.b.c", "..", "a.b.c.d.e"] {
        assert_eq!(hint_of(raw), None, "{raw}");
    }
}
