//! ID tokens that come with a refresh.

use super::*;
use crate::domain::account::{Home, Membership};
use crate::domain::principal::Groups;
use crate::protocol::jwt::forge::TestKey;

impl Bench {
    /// Judges a token for the session of `known`, with some claims set, and `null` ones taken away.
    fn judge_again(&self, known: &Principal, members: &Value) -> Result<ValidatedIdToken, RefreshDefect> {
        self.judge_again_after(known, Some(NonceMark::of(NONCE)), members)
    }

    fn judge_again_after(&self, known: &Principal, nonce: Option<NonceMark>, members: &Value) -> Result<ValidatedIdToken, RefreshDefect> {
        let refreshed = patched(claims(), &json!({ "nonce": null }));
        let raw = P256.token("ES256", &patched(refreshed, members));
        let expected = ExpectedAgain {
            authority: &AuthorityName::work(),
            kind: self.kind,
            pinning: self.pinning,
            issuer: &self.issuer,
            client_id: CLIENT,
            access_token: self.access_token.as_ref(),
            home_tenant: self.home_tenant,
            nonce,
            known,
        };
        judge_refreshed(&Secret::new(raw), &expected, &self.keys, Timestamp::from_unix_seconds(NOW))
    }
}

#[test]
fn a_refreshed_token_is_about_the_same_person_for_the_same_client() {
    use RefreshDefect::{Changed, Token};
    let bench = Bench::organizations();
    let ada = bench.person(&json!({}));
    let other_issuer = microsoft_issuer(OTHER_TENANT);
    for (members, defect) in [
        (json!({}), None),
        (json!({ "name": "Ada L.", "groups": ["g"] }), None),
        (json!({ "aud": [CLIENT] }), None),
        (json!({ "azp": CLIENT }), None),
        (json!({ "auth_time": 0 }), None),
        (json!({ "sub": "somebody-else" }), Some(Changed("sub"))),
        (json!({ "oid": "11110000-0000-4000-8000-000000000002" }), Some(Changed("oid"))),
        (json!({ "oid": null }), Some(Changed("oid"))),
        (json!({ "iss": other_issuer, "tid": OTHER_TENANT }), Some(Changed("iss"))),
        (json!({ "iss": "https://evil.example" }), Some(Changed("iss"))),
        (json!({ "tid": OTHER_TENANT }), Some(Changed("iss"))),
        (json!({ "aud": "another" }), Some(Changed("aud"))),
        (json!({ "aud": [CLIENT, "another"], "azp": CLIENT }), Some(Changed("aud"))),
        (json!({ "azp": "another" }), Some(Changed("azp"))),
        (json!({ "sub": null }), Some(Token(TokenDefect::Missing("sub")))),
        (json!({ "sub": "" }), Some(Token(TokenDefect::Subject))),
        (json!({ "iss": null }), Some(Token(TokenDefect::Missing("iss")))),
        (json!({ "tid": "contoso.com" }), Some(Token(TokenDefect::Tenant))),
        (json!({ "exp": NOW - 600 }), Some(Token(TokenDefect::Expired))),
        (json!({ "iat": NOW - 7200 }), Some(Token(TokenDefect::IssuedTooLongAgo))),
        (json!({ "iat": null }), Some(Token(TokenDefect::Missing("iat")))),
        (json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }), Some(Token(TokenDefect::AccessTokenHash))),
    ] {
        assert_eq!(bench.judge_again(&ada, &members).err(), defect, "{members}");
    }
    // Where there are no tenants, the identifiers are still compared.
    let elsewhere = Bench::exact("https://op.example", AccountKind::Work);
    let there = json!({ "iss": "https://op.example", "tid": null, "oid": null });
    let zoe = elsewhere.person(&there);
    assert!(elsewhere.judge_again(&zoe, &there).is_ok());
    let appeared = patched(there.clone(), &json!({ "oid": "new" }));
    assert_eq!(elsewhere.judge_again(&zoe, &appeared).expect("still Zoe").principal.id(), zoe.id(), "nobody's name changes on the way");
    assert_eq!(elsewhere.judge_again(&zoe, &patched(there, &json!({ "tid": TENANT }))).err(), Some(Changed("iss")));
}

#[test]
fn a_signature_that_does_not_hold_says_nothing_about_anybody() {
    let bench = Bench::organizations();
    let ada = bench.person(&json!({}));
    let stranger = Bench::organizations().with_keys(&[TestKey::p256("ec-2").jwk()]);
    assert_eq!(stranger.judge_again(&ada, &json!({ "sub": "somebody-else" })).err(), Some(RefreshDefect::Token(TokenDefect::UnknownKey)));
    assert!(bench.judge_again(&ada, &json!({})).is_ok());
}

#[test]
fn a_nonce_need_not_be_there_and_is_that_of_the_sign_in_if_it_is() {
    let bench = Bench::organizations();
    let ada = bench.person(&json!({}));
    let known = Some(NonceMark::of(NONCE));
    for (nonce, mark, defect) in [
        (json!(null), known, None),
        (json!(NONCE), known, None),
        (json!("another"), known, Some(TokenDefect::Nonce)),
        (json!(""), known, Some(TokenDefect::Nonce)),
        (json!(7), known, Some(TokenDefect::Claims)),
        (json!(null), None, None),
        (json!(NONCE), None, Some(TokenDefect::Nonce)),
    ] {
        let judged = bench.judge_again_after(&ada, mark, &json!({ "nonce": nonce }));
        assert_eq!(judged.err(), defect.map(RefreshDefect::Token), "{nonce}");
    }
}

#[test]
fn what_may_change_changes() {
    let bench = Bench::organizations();
    let ada = bench.person(&json!({ "groups": ["a", "b"], "roles": ["x"] }));
    let told = bench.judge_again(&ada, &json!({ "groups": ["b"], "name": "Ada L.", "sid": "s", "login_hint": "h" })).expect("a good token");
    assert_eq!(told.principal.groups, Groups::Listed(vec!["b".into()]));
    assert_eq!((told.principal.name.as_deref(), told.principal.roles), (Some("Ada L."), vec![]));
    assert_eq!((told.provider_session.as_deref(), told.sign_out_hint.as_deref()), (Some("s"), Some("h")));
}

#[test]
fn without_client_info_a_personal_guest_stays_one_and_a_member_too() {
    let member = |who: &Principal| (who.membership, who.home);
    let mut told = Bench::organizations();
    told.home_tenant = Some(TenantId::CONSUMERS);
    let guest = told.person(&json!({}));
    assert_eq!(member(&guest), (Membership::Unknown, Home::Personal));
    told.home_tenant = TenantId::parse(TENANT).ok();
    let ada = told.person(&json!({}));
    assert_eq!(member(&ada), (Membership::Member, Home::ThisTenant));

    let (silent, pinned) = (Bench::organizations(), Bench::tenant());
    let again = |bench: &Bench, who: &Principal, members: Value| member(&bench.judge_again(who, &members).expect("a good token").principal);
    for bench in [&silent, &pinned] {
        for members in [json!({}), json!({ "acct": 0 }), json!({ "idp": format!("https://sts.windows.net/{TENANT}/") })] {
            assert_eq!(again(bench, &guest, members.clone()), member(&guest), "{members}");
            assert_eq!(again(bench, &ada, members.clone()), member(&ada), "{members}");
        }
        // What speaks against them is heard.
        assert_eq!(again(bench, &ada, json!({ "acct": 1 })), (Membership::Guest, Home::ThisTenant));
        assert_eq!(again(bench, &ada, json!({ "idp": "live.com" })), (Membership::Unknown, Home::Personal));
    }
    // The token endpoint's own word counts, in both directions.
    told.home_tenant = TenantId::parse(TENANT).ok();
    assert_eq!(again(&told, &guest, json!({})), member(&ada));
    told.home_tenant = Some(TenantId::CONSUMERS);
    assert_eq!(again(&told, &ada, json!({})), member(&guest));
}
