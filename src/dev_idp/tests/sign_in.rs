//! Who gets in where, and who is remembered.

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use serde_json::{Value, json};

use super::{CONSUMERS, CONTOSO, FABRIKAM, ORIGIN, Provider, authorize};
use crate::dev_idp::authority::Authority;
use crate::dev_idp::directory::{self, Account};
use crate::domain::account::Acct;
use crate::domain::authority::issuer_template_admits;

/// Authority, then who signs in there with which account. Everybody else is refused there.
const ADMITTED: [(&str, &[(&str, &str)]); 5] = [
    ("consumers", &[("cy", "cy"), ("dee", "dee-personal"), ("eve", "eve-personal"), ("gil", "gil"), ("phone", "phone")]),
    ("organizations", &[("ada", "ada"), ("bo", "bo"), ("dee", "dee-work"), ("fay", "fay-work"), ("hal", "hal"), ("flo", "flo")]),
    (CONTOSO, &[("ada", "ada"), ("dee", "dee-work"), ("eve", "eve-guest"), ("fay", "fay-guest"), ("hal", "hal"), ("flo", "flo")]),
    ("fabrikam.example", &[("bo", "bo"), ("fay", "fay-work")]),
    (
        "common",
        &[
            ("ada", "ada"),
            ("bo", "bo"),
            ("cy", "cy"),
            ("dee", "dee-work"),
            ("eve", "eve-personal"),
            ("fay", "fay-work"),
            ("gil", "gil"),
            ("hal", "hal"),
            ("phone", "phone"),
            ("flo", "flo"),
        ],
    ),
];

#[tokio::test]
async fn everybody_signs_in_where_they_have_an_account_and_nowhere_else() {
    let provider = Provider::start();
    for (authority, admitted) in ADMITTED {
        let page = provider.get(&authorize(authority, &[]), "").await;
        assert_eq!(page.status, StatusCode::OK);
        for person in directory::people() {
            let account = admitted.iter().find(|(key, _)| *key == person.key).map(|(_, account)| *account);
            let here = directory::account_at(person, Authority::parse(authority).expect("an authority"));
            assert_eq!(here.map(|account| account.key), account, "{} at {authority}", person.key);
            for own in &person.accounts {
                let both_kinds = authority == "common" && own.key == "dee-personal";
                assert_eq!(page.offers(own.key), Some(own.key) == account || both_kinds, "{} at {authority}", own.key);
            }
            let answer = provider.sign_in(authority, person.key, "nothing").await;
            match here {
                Some(_) if person.fails_at_provider => assert_eq!(answer.sent_back()["error"], "server_error"),
                Some(account) => check_token(&provider, authority, &answer.code(), account).await,
                None => {
                    let fields = answer.sent_back();
                    assert_eq!(fields["error"], "access_denied", "{} at {authority}", person.key);
                    assert!(fields["error_description"].starts_with("AADSTS50020"));
                    assert_eq!(fields["state"], "the state");
                }
            }
        }
    }
}

async fn check_token(provider: &Provider, authority: &str, code: &str, account: &Account) {
    let tokens = provider.redeem(authority, code, &[("client_info", "1")]).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let (claims, key_issuer) = provider.verified(authority, &tokens.text("id_token")).await.expect("a good signature");
    let issuer = format!("{ORIGIN}/{}/v2.0", account.tenant.id);
    assert_eq!(claims["iss"], json!(issuer));
    assert!(issuer_template_admits(&key_issuer, Some(account.tenant.id), &issuer), "{key_issuer} signed for {issuer}");
    assert_eq!(claims["tid"], json!(account.tenant.id.to_string()));
    assert_eq!(claims["oid"], json!(account.object));
    assert_eq!((&claims["aud"], &claims["nonce"], &claims["ver"]), (&json!("app"), &json!("the nonce"), &json!("2.0")));
    assert_eq!(claims["preferred_username"], json!(account.user_name));
    assert_eq!(claims.get("email"), account.email.map(|email| json!(email)).as_ref());
    assert_eq!(claims.get("idp"), account.identity_provider.map(|provider| json!(provider)).as_ref());
    let acct = match account.acct {
        Acct::Guest => Some(json!(1)),
        Acct::Member => Some(json!(0)),
        Acct::Absent | Acct::Unreadable => None,
    };
    assert_eq!(claims.get("acct"), acct.as_ref());
    let info = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, tokens.text("client_info"));
    let info: Value = serde_json::from_slice(&info.expect("base64url")).expect("JSON");
    assert_eq!(info, json!({ "uid": account.home_object, "utid": account.home.id.to_string() }));
}

#[tokio::test]
async fn guests_tokens_name_their_home_and_members_tokens_their_groups() {
    let provider = Provider::start();
    let of_fabrikam = format!("https://sts.windows.net/{FABRIKAM}/");
    for (person, tenant, expected) in [
        ("eve", CONTOSO, json!({ "idp": "live.com", "acct": 1, "tid": CONTOSO })),
        ("eve", CONSUMERS, json!({ "tid": CONSUMERS })),
        ("fay", CONTOSO, json!({ "idp": of_fabrikam, "acct": 1, "tid": CONTOSO })),
        ("fay", FABRIKAM, json!({ "acct": 0, "tid": FABRIKAM })),
        ("ada", CONTOSO, json!({ "acct": 0, "tid": CONTOSO, "groups": [directory::ADAS_GROUP], "roles": ["Orders.Read"] })),
    ] {
        let code = provider.sign_in(tenant, person, "nothing").await.code();
        let token = provider.redeem(tenant, &code, &[]).await.text("id_token");
        let (claims, _) = provider.verified(tenant, &token).await.expect("a good signature");
        for name in ["idp", "acct", "tid", "groups", "roles"] {
            assert_eq!(claims.get(name), expected.get(name), "{name} of {person} in {tenant}");
        }
    }
}

#[tokio::test]
async fn without_the_optional_claim_no_token_says_acct() {
    let provider = Provider::with(crate::dev_idp::Settings { issues_acct: false, ..super::settings() });
    let code = provider.sign_in(CONTOSO, "fay", "nothing").await.code();
    let token = provider.redeem(CONTOSO, &code, &[]).await.text("id_token");
    let (claims, _) = provider.verified(CONTOSO, &token).await.expect("a good signature");
    assert_eq!((claims.get("acct"), claims["tid"].as_str()), (None, Some(CONTOSO)));
}

#[tokio::test]
async fn whoever_signed_in_last_is_signed_in_again_unless_the_app_asks_for_a_choice() {
    let provider = Provider::start();
    let cookie = provider.sign_in("consumers", "eve", "nothing").await.cookie();
    // What happens to Eve's browser: straight in, the page, or an error.
    for (authority, changes, expected) in [
        ("consumers", &[][..], "in"),
        ("common", &[], "in"),
        (CONTOSO, &[], "in"),
        ("consumers", &[("login_hint", "EVE@mail.example")], "in"),
        ("consumers", &[("prompt", "none")], "in"),
        ("consumers", &[("prompt", "select_account")], "page"),
        ("consumers", &[("prompt", "login")], "page"),
        ("consumers", &[("login_hint", "cy@outlook.example")], "page"),
        ("organizations", &[], "page"),
        ("organizations", &[("prompt", "none")], "interaction_required"),
        ("organizations", &[("prompt", "blink")], "invalid_request"),
    ] {
        let answer = provider.get(&authorize(authority, changes), &cookie).await;
        let happened = match answer.status {
            StatusCode::OK => "page".into(),
            _ => answer.sent_back().remove("error").unwrap_or_else(|| "in".into()),
        };
        assert_eq!(happened, expected, "{authority} {changes:?}");
    }
    let nobody = provider.get(&authorize("consumers", &[("prompt", "none")]), "").await;
    assert_eq!(nobody.sent_back()["error"], "login_required");
}

#[tokio::test]
async fn the_two_accounts_of_one_address_do_not_share_a_session() {
    let provider = Provider::start();
    let cookie = provider.sign_in("consumers", "dee", "nothing").await.cookie();
    assert!(provider.get(&authorize("consumers", &[]), &cookie).await.sent_back().contains_key("code"));
    assert!(provider.get(&authorize("organizations", &[]), &cookie).await.offers("dee-work"));
}

#[tokio::test]
async fn signing_out_forgets_the_session_and_leads_back_to_the_app_only() {
    let provider = Provider::start();
    let logout =
        |next: &str| format!("/organizations/oauth2/v2.0/logout?{}", super::form(&[("post_logout_redirect_uri", next), ("state", "s")]));
    for (next, location) in [
        ("http://localhost:8080/bye?x=1", Some("http://localhost:8080/bye?x=1&state=s")),
        ("https://other.example/signed-out", Some("https://other.example/signed-out?state=s")),
        ("https://evil.example/", None),
        ("https://other.example.evil.example/", None),
        ("javascript:alert(1)", None),
    ] {
        let answer = provider.get(&logout(next), "").await;
        assert_eq!(answer.headers.get(http::header::LOCATION).and_then(|to| to.to_str().ok()), location, "{next}");
        assert!(answer.headers[http::header::SET_COOKIE].to_str().is_ok_and(|cookie| cookie.contains("Max-Age=0")), "{next}");
    }
}

#[tokio::test]
async fn the_form_may_lead_to_the_app_and_to_nobody_else() {
    let page = Provider::start().get(&authorize("common", &[]), "").await;
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.ends_with("form-action 'self' http://localhost:8080"), "{policy}");
}
