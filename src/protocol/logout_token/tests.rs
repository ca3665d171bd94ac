//! Which tokens sign somebody out.

use serde_json::{Value, json};

use super::*;
use crate::domain::authority::{ExpectedIssuer, IssuerMismatch};
use crate::protocol::id_token;
use crate::protocol::jwt::forge::{P256, TestKey, key_set, patched};

const NOW: u64 = 1_800_000_000;
const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

fn claims() -> Value {
    json!({
        "iss": issuer(TENANT), "aud": "us", "iat": NOW, "exp": NOW + 120, "jti": "token-1", "sub": "ada", "sid": "session-1",
        "events": { EVENT: {} },
    })
}

fn judge_raw(raw: &str, keys: &KeySet) -> Result<LogoutToken, TokenDefect> {
    let organizations = ExpectedIssuer::parse(&issuer("organizations")).expect("an issuer");
    let expected = Expected {
        authority: &AuthorityName::work(),
        kind: AccountKind::Work,
        issuer: &organizations.adopt(&issuer("{tenantid}")).expect("its own document"),
        client_id: "us",
    };
    judge(&Secret::new(raw.into()), &expected, keys, Timestamp::from_unix_seconds(NOW))
}

fn judge_claims(members: &Value) -> Result<LogoutToken, TokenDefect> {
    judge_raw(&P256.token("ES256", &patched(claims(), members)), &key_set(&[P256.jwk()]))
}

fn not(defect: NotALogoutToken) -> Option<TokenDefect> {
    Some(TokenDefect::NotALogoutToken(defect))
}

#[test]
fn a_token_ends_the_session_that_it_names_and_without_one_all_of_a_person() {
    let session = SignedOut::Session("session-1".into());
    let ada = SignedOut::Person { issuer: issuer(TENANT).into(), subject: "ada".into() };
    for (members, of) in [(json!({}), &session), (json!({ "sub": null }), &session), (json!({ "sid": null }), &ada)] {
        assert!(judge_claims(&members).is_ok_and(|token| token.of == *of), "{members}");
    }
}

#[test]
fn every_check_has_tokens_that_fail_it_beside_tokens_that_pass() {
    let other_event = json!({ "http://schemas.openid.net/event/other": {} });
    for (members, defect) in [
        (json!({}), None),
        (json!({ "exp": null }), None),
        (json!({ "tid": TENANT }), None),
        (json!({ "tid": CONSUMERS }), Some(TokenDefect::Issuer(IssuerMismatch::Issuer))),
        (json!({ "iss": null }), Some(TokenDefect::Missing("iss"))),
        (json!({ "iss": issuer(CONSUMERS) }), Some(TokenDefect::Issuer(IssuerMismatch::Kind))),
        (json!({ "iss": issuer("contoso.example") }), Some(TokenDefect::Issuer(IssuerMismatch::Tenant))),
        (json!({ "iss": issuer("{tenantid}") }), Some(TokenDefect::Issuer(IssuerMismatch::Tenant))),
        (json!({ "iss": "https://op.example" }), Some(TokenDefect::Issuer(IssuerMismatch::Tenant))),
        (json!({ "aud": ["us"] }), None),
        (json!({ "aud": "them" }), Some(TokenDefect::Audience)),
        (json!({ "aud": null }), Some(TokenDefect::Missing("aud"))),
        (json!({ "aud": ["us", "them"] }), Some(TokenDefect::UntrustedAudience)),
        (json!({ "iat": NOW - 180 }), None),
        (json!({ "iat": NOW - 181 }), Some(TokenDefect::IssuedTooLongAgo)),
        (json!({ "iat": NOW + 60 }), None),
        (json!({ "iat": NOW + 61 }), Some(TokenDefect::IssuedInTheFuture)),
        (json!({ "iat": null }), Some(TokenDefect::Missing("iat"))),
        (json!({ "iat": "now" }), Some(TokenDefect::Claims)),
        (json!({ "exp": NOW - 60 }), Some(TokenDefect::Expired)),
        (json!({ "nbf": NOW + 61 }), Some(TokenDefect::NotYetValid)),
        (json!({ "sub": "" }), Some(TokenDefect::Subject)),
        (json!({ "sub": "a".repeat(256) }), Some(TokenDefect::Subject)),
        (json!({ "sub": 7 }), Some(TokenDefect::Claims)),
        (json!({ "sub": null, "sid": null }), not(NotALogoutToken::NamesNobody)),
        (json!({ "sid": "" }), not(NotALogoutToken::Session)),
        (json!({ "sid": "a\nb" }), not(NotALogoutToken::Session)),
        (json!({ "sid": ["session-1"] }), not(NotALogoutToken::Session)),
        (json!({ "sid": "a".repeat(257) }), not(NotALogoutToken::Session)),
        (json!({ "events": null }), not(NotALogoutToken::Event)),
        (json!({ "events": EVENT }), not(NotALogoutToken::Event)),
        (json!({ "events": [EVENT] }), not(NotALogoutToken::Event)),
        (json!({ "events": other_event }), not(NotALogoutToken::Event)),
        (json!({ "events": { EVENT: null } }), not(NotALogoutToken::Event)),
        (json!({ "events": { EVENT: true } }), not(NotALogoutToken::Event)),
        (json!({ "events": { EVENT: {}, "https://op.example/more": {} } }), None),
        (json!({ "events": { EVENT: { "reason": "admin" } } }), None),
        (json!({ "nonce": "n" }), not(NotALogoutToken::Nonce)),
        (json!({ "nonce": "" }), not(NotALogoutToken::Nonce)),
        (json!({ "jti": null }), not(NotALogoutToken::Id)),
        (json!({ "jti": "" }), not(NotALogoutToken::Id)),
        (json!({ "jti": 7 }), not(NotALogoutToken::Id)),
        (json!({ "jti": "a".repeat(256) }), not(NotALogoutToken::Id)),
    ] {
        assert_eq!(judge_claims(&members).err(), defect, "{members}");
    }
}

#[test]
fn what_a_token_is_for_is_told_by_its_type_and_never_taken_for_something_else() {
    let keys = key_set(&[P256.jwk()]);
    let typed = |media_type: Value| {
        let header = patched(json!({ "alg": "ES256", "kid": P256.kid }), &json!({ "typ": media_type }));
        judge_raw(&P256.sign("ES256", &header.to_string(), &claims().to_string()), &keys).err()
    };
    for taken in [json!("logout+jwt"), json!("Logout+JWT"), json!("application/logout+jwt"), json!("JWT"), Value::Null] {
        assert_eq!(typed(taken.clone()), None, "{taken}");
    }
    for refused in [json!("at+jwt"), json!("secevent+jwt"), json!("logout"), json!("")] {
        assert_eq!(typed(refused.clone()), Some(TokenDefect::Type), "{refused}");
    }
    assert_eq!(typed(json!(7)), Some(TokenDefect::Header));
}

#[test]
fn no_logout_token_signs_anybody_in() {
    let organizations = ExpectedIssuer::parse(&issuer("organizations")).expect("an issuer");
    let expected = id_token::Expected {
        authority: &AuthorityName::work(),
        kind: AccountKind::Work,
        pinning: organizations.pinning(),
        issuer: &organizations.adopt(&issuer("{tenantid}")).expect("its own document"),
        client_id: "us",
        nonce: &Secret::new("n".into()),
        access_token: None,
        code: &Secret::new("c".into()),
        home_tenant: None,
    };
    let keys = key_set(&[P256.jwk()]);
    let now = Timestamp::from_unix_seconds(NOW);
    let claims = patched(claims(), &json!({ "tid": TENANT }));
    let refused = |raw: String| id_token::judge(&Secret::new(raw), &expected, &keys, now).err();
    assert_eq!(refused(P256.token("ES256", &claims)), Some(TokenDefect::Missing("nonce")));
    let header = json!({ "alg": "ES256", "kid": P256.kid, "typ": "logout+jwt" }).to_string();
    assert_eq!(refused(P256.sign("ES256", &header, &claims.to_string())), Some(TokenDefect::Type));
}

#[test]
fn the_signature_comes_before_everything_that_is_said() {
    let keys = key_set(&[P256.jwk()]);
    let stranger = TestKey::p256("ec-1");
    let foreign = stranger.token("ES256", &json!({}));
    assert_eq!(judge_raw(&foreign, &keys).err(), Some(TokenDefect::Signature));
    assert_eq!(judge_raw(&TestKey::p256("unknown").token("ES256", &claims()), &keys).err(), Some(TokenDefect::UnknownKey));
    let bound = key_set(&[P256.jwk_with(&json!({ "issuer": issuer(CONSUMERS) }))]);
    assert_eq!(judge_raw(&P256.token("ES256", &claims()), &bound).err(), Some(TokenDefect::KeyIssuer));
    let template = key_set(&[P256.jwk_with(&json!({ "issuer": issuer("{tenantid}") }))]);
    assert_eq!(judge_raw(&P256.token("ES256", &claims()), &template).err(), None);
}

#[test]
fn a_token_is_known_again_by_its_issuer_and_its_jti() {
    let id = |members: Value| judge_claims(&members).expect("a good token").id;
    let other_tenant = issuer("f0000000-0000-4000-8000-0000000000bb");
    assert_eq!(id(json!({})), id(json!({ "sid": "another", "iat": NOW - 1 })));
    assert_ne!(id(json!({})), id(json!({ "jti": "token-2" })));
    assert_ne!(id(json!({})), id(json!({ "iss": other_tenant })));
}
