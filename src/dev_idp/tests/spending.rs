//! Codes and refresh tokens at the token endpoint.

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{Answer, CONTOSO, ORIGIN, Provider, REDIRECT_URI, VERIFIER, authorize, basic, form};
use crate::dev_idp::{Logout, RedirectUris, Registration, ambient};

fn check_refused(answer: &Answer, error: &str, number: u32) {
    let body = answer.json();
    assert_eq!((&body["error"], &body["error_codes"]), (&json!(error), &json!([number])), "{}", answer.body);
    assert!(answer.text("error_description").starts_with(&format!("AADSTS{number}: ")));
}

#[tokio::test]
async fn a_code_is_spent_once_by_whom_it_was_issued_to() {
    let provider = Provider::start();
    let other = [("client_id", "other"), ("client_secret", "other")];
    for (authority, changes, error, number) in [
        ("organizations", &[("code_verifier", "another-verifier-of-sufficient-length-0123456789")][..], "invalid_grant", 501_481),
        ("organizations", &[("code_verifier", "")], "invalid_request", 900_144),
        ("organizations", &[("redirect_uri", "http://localhost:8080/elsewhere")], "invalid_grant", 500_112),
        ("organizations", &[("code", "guessed")], "invalid_grant", 70_008),
        ("organizations", &[("client_secret", "guessed")], "invalid_client", 7_000_215),
        ("organizations", &[("client_secret", "")], "invalid_client", 7_000_218),
        ("organizations", &[("client_id", "nobody")], "unauthorized_client", 700_016),
        ("organizations", &other, "invalid_grant", 70_008),
        ("organizations", &[("grant_type", "password")], "unsupported_grant_type", 70_003),
        ("common", &[], "invalid_grant", 700_005),
        (CONTOSO, &[], "invalid_grant", 700_005),
        ("nobody.example", &[], "invalid_tenant", 90_002),
    ] {
        let code = provider.sign_in("organizations", "ada", "nothing").await.code();
        check_refused(&provider.redeem(authority, &code, changes).await, error, number);
    }
    let code = provider.sign_in("organizations", "ada", "nothing").await.code();
    assert_eq!(provider.redeem("organizations", &code, &[]).await.status, StatusCode::OK);
    check_refused(&provider.redeem("organizations", &code, &[]).await, "invalid_grant", 54_005);
}

#[tokio::test]
async fn a_tenants_domain_and_its_id_are_the_same_authority() {
    let provider = Provider::start();
    let code = provider.sign_in("contoso.example", "ada", "nothing").await.code();
    assert_eq!(provider.redeem(CONTOSO, &code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_refresh_which_brings_the_next() {
    let provider = Provider::start();
    let code = provider.sign_in("organizations", "ada", "nothing").await.code();
    let first = provider.redeem("organizations", &code, &[]).await;
    let second = provider.refresh("organizations", &first.text("refresh_token"), &[("scope", "openid")]).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    assert_ne!(first.text("refresh_token"), second.text("refresh_token"));
    let (before, _) = provider.verified("organizations", &first.text("id_token")).await.expect("a good signature");
    let (after, _) = provider.verified("organizations", &second.text("id_token")).await.expect("a good signature");
    for same in ["iss", "sub", "aud", "tid"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert!(before.get("nonce").is_some() && after.get("nonce").is_none());

    check_refused(&provider.refresh("organizations", &first.text("refresh_token"), &[]).await, "invalid_grant", 70_008);
    let more = [("scope", "openid api://orders/Orders.Read")];
    check_refused(&provider.refresh("organizations", &second.text("refresh_token"), &more).await, "invalid_scope", 70_011);
    let third = provider.sign_in("organizations", "ada", "nothing").await.code();
    let third = provider.redeem("organizations", &third, &[]).await.text("refresh_token");
    check_refused(&provider.refresh("common", &third, &[]).await, "invalid_grant", 700_005);
}

#[tokio::test]
async fn what_changes_about_people_is_in_the_next_refresh() {
    let provider = Provider::start();
    let code = provider.sign_in("organizations", "ada", "nothing").await.code();
    let mut tokens = provider.redeem("organizations", &code, &[]).await;
    for (groups, expected) in [("g1 g2", json!(["g1", "g2"])), ("", json!([]))] {
        let changed = provider.post("/people/ada", &[("groups", groups)], "").await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT);
        tokens = provider.refresh("organizations", &tokens.text("refresh_token"), &[]).await;
        let (claims, _) = provider.verified("organizations", &tokens.text("id_token")).await.expect("a good signature");
        assert_eq!(claims["groups"], expected);
    }
    provider.post("/people/ada", &[("refresh", "refused")], "").await;
    check_refused(&provider.refresh("organizations", &tokens.text("refresh_token"), &[]).await, "invalid_grant", 70_008);
    assert_eq!(provider.get("/refreshes", "").await.json(), json!({ "granted": 2, "refused": 1 }));
    for (path, fields, status) in [
        ("/people/nobody", &[("groups", "g")], StatusCode::NOT_FOUND),
        ("/people/ada", &[("refresh", "perhaps")], StatusCode::BAD_REQUEST),
        ("/people/ada", &[("refresh", "granted")], StatusCode::NO_CONTENT),
    ] {
        assert_eq!(provider.post(path, fields, "").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let provider = Provider::start();
    let request = authorize("organizations", &[("scope", "openid profile")]);
    let code = provider.post(&request, &[("person", "ada")], "").await.code();
    let tokens = provider.redeem("organizations", &code, &[]).await.json();
    assert!(tokens.get("id_token").is_some() && tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn an_access_token_is_for_the_api_that_the_scope_names() {
    let provider = Provider::start();
    let scope = "openid profile api://orders/Orders.Read api://orders/Orders.Write api://stock/Read";
    let code = provider.post(&authorize("organizations", &[("scope", scope)]), &[("person", "ada")], "").await.code();
    let token = provider.redeem("organizations", &code, &[]).await.text("access_token");
    let (claims, _) = provider.verified("organizations", &token).await.expect("a good signature");
    let expected =
        json!({ "aud": "api://orders", "scp": "Orders.Read Orders.Write", "azp": "app", "roles": ["Orders.Read"], "tid": CONTOSO });
    for (name, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(&claims[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_secret_may_come_in_the_authorization_field() {
    let provider = Provider::start();
    for (secret, expected) in [("s3cret+/ %", StatusCode::OK), ("guessed", StatusCode::UNAUTHORIZED)] {
        let code = provider.sign_in("organizations", "ada", "nothing").await.code();
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
        let (name, value) = basic("app", secret);
        let request = Request::post("/organizations/oauth2/v2.0/token").header(name, value);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(form(&fields)));
        assert_eq!(provider.send(request.expect("a request")).await.status, expected, "{secret}");
    }
}

#[tokio::test]
async fn an_assertion_holds_if_the_apps_own_key_made_it_for_this_endpoint() {
    let (ours, foreign) = (assertion_key(), assertion_key());
    let mut settings = super::settings();
    settings.registrations.push(Registration {
        client_id: "keyed".into(),
        client_secret: None,
        public_key: Some(Jwk::from_encoding_key(&ours, Algorithm::ES256).expect("a public key")),
        redirect_uris: RedirectUris::AnyLoopback,
        logout: Logout::Untold,
    });
    let provider = Provider::with(settings);
    let endpoint = format!("{ORIGIN}/organizations/oauth2/v2.0/token");
    let claims = |change: Value| {
        let mut claims = json!({ "iss": "keyed", "sub": "keyed", "aud": endpoint, "exp": ambient::now() + 300, "jti": "1" });
        for (name, value) in change.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        claims
    };
    for (key, claims, expected) in [
        (&ours, claims(json!({})), StatusCode::OK),
        (&foreign, claims(json!({})), StatusCode::UNAUTHORIZED),
        (&ours, claims(json!({ "aud": "http://127.0.0.1:8081/common/oauth2/v2.0/token" })), StatusCode::UNAUTHORIZED),
        (&ours, claims(json!({ "sub": "app" })), StatusCode::UNAUTHORIZED),
        (&ours, claims(json!({ "iss": "app" })), StatusCode::UNAUTHORIZED),
        (&ours, claims(json!({ "exp": ambient::now() - 300 })), StatusCode::UNAUTHORIZED),
    ] {
        let assertion = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, key).expect("a signature");
        let code = provider.post(&authorize("organizations", &[("client_id", "keyed")]), &[("person", "ada")], "").await.code();
        let changes = [
            ("client_id", "keyed"),
            ("client_secret", ""),
            ("client_assertion", assertion.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        let answer = provider.redeem("organizations", &code, &changes).await;
        assert_eq!(answer.status, expected, "{claims} {}", answer.body);
    }
}

fn assertion_key() -> EncodingKey {
    let pair = rcgen::KeyPair::generate().expect("a P-256 key");
    EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a P-256 key")
}
