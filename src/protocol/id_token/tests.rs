//! The forged-token table: every check has a token that passes it and tokens that do not.

use serde_json::{Value, json};

use super::*;
use crate::domain::authority::ExpectedIssuer;
use crate::protocol::jwt::forge::{P256, key_set, patched};

mod facts;
mod form;
mod issuers;
mod properties;
mod refreshed;

const NOW: u64 = 1_800_000_000;
const CLIENT: &str = "6f0c2a4e-0000-4000-8000-000000000001";
const NONCE: &str = "n-0S6_WzA2Mj";
const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const OTHER_TENANT: &str = "3a0c0000-0000-4000-8000-0000000000bb";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const OBJECT: &str = "11110000-0000-4000-8000-000000000001";
const ORGANIZATIONS: &str = "https://login.microsoftonline.com/organizations/v2.0";

fn microsoft_issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// A good token of Contoso for the authority `work`.
fn claims() -> Value {
    json!({
        "iss": microsoft_issuer(TENANT),
        "tid": TENANT,
        "aud": CLIENT,
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "oid": OBJECT,
        "iat": NOW - 300,
        "nbf": NOW - 300,
        "exp": NOW + 3600,
        "nonce": NONCE,
        "name": "Ada",
        "preferred_username": "ada@contoso.example",
        "ver": "2.0",
    })
}

/// The code of the example of OpenID Connect Core §A.4.
const CODE: &str = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";

/// An authority and its keys.
struct Bench {
    kind: AccountKind,
    pinning: Pinning,
    issuer: IssuerInForce,
    keys: KeySet,
    access_token: Option<Secret<String>>,
    home_tenant: Option<TenantId>,
}

impl Bench {
    fn of(issuer: &str, announced: &str, kind: AccountKind) -> Self {
        let expected = ExpectedIssuer::parse(issuer).expect("an issuer");
        Self {
            kind,
            pinning: expected.pinning(),
            issuer: expected.adopt(announced).expect("its own document"),
            keys: key_set(&[P256.jwk()]),
            access_token: None,
            home_tenant: None,
        }
    }

    fn organizations() -> Self {
        Self::of(ORGANIZATIONS, &microsoft_issuer("{tenantid}"), AccountKind::Work)
    }

    fn consumers() -> Self {
        Self::of(&microsoft_issuer("consumers"), &microsoft_issuer(CONSUMERS), AccountKind::Personal)
    }

    fn tenant() -> Self {
        Self::of(&microsoft_issuer(TENANT), &microsoft_issuer(TENANT), AccountKind::Work)
    }

    fn exact(issuer: &str, kind: AccountKind) -> Self {
        Self::of(issuer, issuer, kind)
    }

    fn with_keys(mut self, keys: &[Value]) -> Self {
        self.keys = key_set(keys);
        self
    }

    fn judge(&self, raw: &str) -> Result<ValidatedIdToken, TokenDefect> {
        let expected = Expected {
            authority: &AuthorityName::work(),
            kind: self.kind,
            pinning: self.pinning,
            issuer: &self.issuer,
            client_id: CLIENT,
            nonce: &Secret::new(NONCE.into()),
            access_token: self.access_token.as_ref(),
            code: &Secret::new(CODE.into()),
            home_tenant: self.home_tenant,
        };
        judge(&Secret::new(raw.into()), &expected, &self.keys, Timestamp::from_unix_seconds(NOW))
    }

    /// Judges the good token with some claims set, and `null` ones taken away.
    fn judge_claims(&self, members: &Value) -> Result<ValidatedIdToken, TokenDefect> {
        self.judge(&P256.token("ES256", &patched(claims(), members)))
    }

    fn person(&self, members: &Value) -> Principal {
        self.judge_claims(members).expect("a good token").principal
    }

    #[expect(clippy::needless_pass_by_value, reason = "the tables own their defects")]
    #[track_caller]
    fn check(&self, members: &Value, defect: Option<TokenDefect>) {
        assert_eq!(self.judge_claims(members).err(), defect, "{members}");
    }
}

#[test]
fn the_audience_is_this_client_and_nobody_else() {
    let bench = Bench::organizations();
    for (members, defect) in [
        (json!({ "aud": CLIENT }), None),
        (json!({ "aud": [CLIENT] }), None),
        (json!({ "aud": [CLIENT], "azp": CLIENT }), None),
        (json!({ "aud": [CLIENT, CLIENT], "azp": CLIENT }), None),
        (json!({ "aud": [CLIENT, CLIENT] }), Some(TokenDefect::AuthorizedParty)),
        (json!({ "aud": [CLIENT, "other"], "azp": CLIENT }), Some(TokenDefect::UntrustedAudience)),
        (json!({ "aud": vec![CLIENT; 17], "azp": CLIENT }), Some(TokenDefect::Audience)),
        (json!({ "aud": "other" }), Some(TokenDefect::Audience)),
        (json!({ "aud": CLIENT.to_uppercase() }), Some(TokenDefect::Audience)),
        (json!({ "aud": format!("{CLIENT} ") }), Some(TokenDefect::Audience)),
        (json!({ "aud": "" }), Some(TokenDefect::Audience)),
        (json!({ "aud": [] }), Some(TokenDefect::Audience)),
        (json!({ "aud": null }), Some(TokenDefect::Missing("aud"))),
        (json!({ "aud": { "0": CLIENT } }), Some(TokenDefect::Claims)),
        (json!({ "aud": [CLIENT, 7] }), Some(TokenDefect::Claims)),
        (json!({ "aud": 7 }), Some(TokenDefect::Claims)),
        (json!({ "azp": CLIENT }), None),
        (json!({ "azp": "other" }), Some(TokenDefect::AuthorizedParty)),
        (json!({ "azp": "" }), Some(TokenDefect::AuthorizedParty)),
        (json!({ "azp": [CLIENT] }), Some(TokenDefect::Claims)),
    ] {
        bench.check(&members, defect);
    }
}

#[test]
fn times_hold_within_a_minute() {
    let bench = Bench::organizations();
    let ten_years = 10 * 366 * 24 * 60 * 60;
    for (members, defect) in [
        (json!({ "exp": NOW - 30 }), None),
        (json!({ "exp": NOW - 59 }), None),
        (json!({ "exp": NOW - 60 }), Some(TokenDefect::Expired)),
        (json!({ "exp": NOW - 600 }), Some(TokenDefect::Expired)),
        (json!({ "exp": 0 }), Some(TokenDefect::Expired)),
        (json!({ "exp": NOW as f64 + 0.5 }), None),
        (json!({ "exp": NOW + ten_years }), None),
        (json!({ "exp": NOW + ten_years + 1 }), Some(TokenDefect::ExpiryTooFar)),
        (json!({ "exp": 1e300 }), Some(TokenDefect::Claims)),
        (json!({ "exp": u64::MAX }), Some(TokenDefect::Claims)),
        (json!({ "exp": -1 }), Some(TokenDefect::Claims)),
        (json!({ "exp": (NOW + 3600).to_string() }), Some(TokenDefect::Claims)),
        (json!({ "exp": [NOW + 3600] }), Some(TokenDefect::Claims)),
        (json!({ "exp": null }), Some(TokenDefect::Missing("exp"))),
        (json!({ "nbf": null }), None),
        (json!({ "nbf": NOW + 60 }), None),
        (json!({ "nbf": NOW + 61 }), Some(TokenDefect::NotYetValid)),
        (json!({ "nbf": NOW + 3600 }), Some(TokenDefect::NotYetValid)),
        (json!({ "nbf": "soon" }), Some(TokenDefect::Claims)),
        (json!({ "iat": NOW + 60 }), None),
        (json!({ "iat": NOW + 61 }), Some(TokenDefect::IssuedInTheFuture)),
        (json!({ "iat": NOW + 3600 }), Some(TokenDefect::IssuedInTheFuture)),
        (json!({ "iat": NOW - 3660 }), None),
        (json!({ "iat": NOW - 3661 }), Some(TokenDefect::IssuedTooLongAgo)),
        (json!({ "iat": null }), Some(TokenDefect::Missing("iat"))),
        (json!({ "iat": true }), Some(TokenDefect::Claims)),
    ] {
        bench.check(&members, defect);
    }
}

#[test]
fn the_nonce_is_that_of_the_attempt() {
    let bench = Bench::organizations();
    for (members, defect) in [
        (json!({ "nonce": NONCE }), None),
        (json!({ "nonce": "another" }), Some(TokenDefect::Nonce)),
        (json!({ "nonce": NONCE.to_lowercase() }), Some(TokenDefect::Nonce)),
        (json!({ "nonce": format!("{NONCE}x") }), Some(TokenDefect::Nonce)),
        (json!({ "nonce": "" }), Some(TokenDefect::Nonce)),
        (json!({ "nonce": null }), Some(TokenDefect::Missing("nonce"))),
        (json!({ "nonce": 7 }), Some(TokenDefect::Claims)),
    ] {
        bench.check(&members, defect);
    }
}

#[test]
fn an_access_token_hash_is_that_of_the_access_token() {
    // The example of OpenID Connect Core §A.3.
    let told = json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" });
    let mut bench = Bench::organizations();
    bench.check(&told, Some(TokenDefect::AccessTokenHash));
    bench.access_token = Some(Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y".into()));
    bench.check(&told, None);
    bench.check(&json!({}), None);
    bench.check(&json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RR" }), Some(TokenDefect::AccessTokenHash));
    bench.check(&json!({ "at_hash": "" }), Some(TokenDefect::AccessTokenHash));
    bench.check(&json!({ "at_hash": 7 }), Some(TokenDefect::Claims));
    bench.access_token = Some(Secret::new("another".into()));
    bench.check(&told, Some(TokenDefect::AccessTokenHash));
}

#[test]
fn a_code_hash_is_that_of_the_code() {
    let bench = Bench::organizations();
    for (members, defect) in [
        (json!({}), None),
        (json!({ "c_hash": "LDktKdoQak3Pk0cnXxCltA" }), None),
        (json!({ "c_hash": "LDktKdoQak3Pk0cnXxCltB" }), Some(TokenDefect::CodeHash)),
        (json!({ "c_hash": "" }), Some(TokenDefect::CodeHash)),
        (json!({ "c_hash": 7 }), Some(TokenDefect::Claims)),
    ] {
        bench.check(&members, defect);
    }
}

#[test]
fn when_somebody_proved_who_they_are_is_not_asked_and_so_not_judged() {
    // Without `max_age` in the request (it cannot be configured) a provider may build on a session as old as it likes.
    for auth_time in [json!(NOW), json!(NOW - 10 * 366 * 24 * 60 * 60), json!(0), json!("long ago")] {
        Bench::organizations().check(&json!({ "auth_time": auth_time }), None);
    }
}

#[test]
fn identifiers_have_their_shapes() {
    let bench = Bench::organizations();
    let elsewhere = Bench::exact("https://op.example", AccountKind::Work);
    let there = |members: Value| patched(json!({ "iss": "https://op.example", "tid": null }), &members);
    for (members, defect) in [
        (json!({ "sub": "x" }), None),
        (json!({ "sub": "x".repeat(255) }), None),
        (json!({ "sub": "x".repeat(256) }), Some(TokenDefect::Subject)),
        (json!({ "sub": "" }), Some(TokenDefect::Subject)),
        (json!({ "sub": "a\r\nX-Injected: b" }), Some(TokenDefect::Subject)),
        (json!({ "sub": 7 }), Some(TokenDefect::Claims)),
        (json!({ "oid": null }), None),
        (json!({ "oid": "" }), Some(TokenDefect::Object)),
        (json!({ "oid": "x".repeat(256) }), Some(TokenDefect::Object)),
        (json!({ "oid": "a\u{0}b" }), Some(TokenDefect::Object)),
    ] {
        bench.check(&members, defect.clone());
        elsewhere.check(&there(members), defect);
    }
    bench.check(&json!({ "sub": null }), Some(TokenDefect::Missing("sub")));
    // Where there are tenants, objects are GUIDs.
    bench.check(&json!({ "oid": "user-7" }), Some(TokenDefect::Object));
    elsewhere.check(&there(json!({ "oid": "user-7" })), None);
}
