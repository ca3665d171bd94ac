//! What goes to the token endpoint, and what is made of its answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::domain::authority::IssuerInForce;
use crate::protocol::client::{Client, ClientAuthentication};
use crate::protocol::jwt::forge::{encode, patched};
use crate::protocol::metadata::{Metadata, Nature};

fn metadata(wants_basic: bool) -> Metadata {
    let url = |path: &str| Url::parse(&format!("https://op.example/{path}")).expect("a URL");
    Metadata {
        issuer: IssuerInForce::One { issuer: "https://op.example".into(), tenant: None },
        authorization_endpoint: url("authorize"),
        token_endpoint: url("token"),
        jwks_uri: url("keys"),
        end_session_endpoint: None,
        announces_iss_parameter: false,
        wants_basic,
        nature: Nature::Production,
    }
}

fn written(wants_basic: bool, dialect: Dialect) -> TokenRequest {
    let client = Client { id: "my:app".into(), authentication: ClientAuthentication::Secret(Secret::new("s&c=r t+ü:".into())) };
    let (code, verifier) = (Secret::new("the&code".to_owned()), Secret::new("the-verifier".to_owned()));
    let grant = CodeGrant { code: &code, verifier: &verifier, redirect_uri: "https://app.example/.auth/callback/work" };
    request::for_code(&client, &metadata(wants_basic), grant, dialect)
}

fn pairs(request: &TokenRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.body.expose().as_bytes()).into_owned().collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

#[test]
fn a_code_is_spent_with_everything_that_belongs_to_it() {
    let request = written(false, Dialect::Microsoft);
    assert_eq!(request.url.as_str(), "https://op.example/token");
    assert!(request.authorization.is_none());
    assert_eq!(
        pairs(&request),
        [
            pair("grant_type", "authorization_code"),
            pair("code", "the&code"),
            pair("redirect_uri", "https://app.example/.auth/callback/work"),
            pair("code_verifier", "the-verifier"),
            pair("client_info", "1"),
            pair("client_id", "my:app"),
            pair("client_secret", "s&c=r t+ü:"),
        ]
    );
}

#[test]
fn a_refresh_token_is_spent_for_what_was_granted_and_by_the_same_client() {
    let client = Client { id: "my:app".into(), authentication: ClientAuthentication::Secret(Secret::new("s&c=r t+ü:".into())) };
    let token = Secret::new("the&token".to_owned());
    let request = |wants_basic, dialect| request::for_refresh_token(&client, &metadata(wants_basic), &token, dialect);
    let spent = [pair("grant_type", "refresh_token"), pair("refresh_token", "the&token")];
    let own = [pair("client_info", "1"), pair("client_id", "my:app"), pair("client_secret", "s&c=r t+ü:")];
    assert_eq!(pairs(&request(false, Dialect::Microsoft)), [&spent[..], &own].concat());
    let basic = request(true, Dialect::Standard);
    assert_eq!(pairs(&basic), spent);
    assert_eq!(
        basic.authorization.map(|value| value.expose().clone()),
        written(true, Dialect::Standard).authorization.map(|value| value.expose().clone())
    );
    assert_eq!(request(false, Dialect::Standard).url.as_str(), "https://op.example/token");
}

#[test]
fn a_refresh_may_bring_nothing_but_an_access_token() {
    let read = |members: Value| {
        answer::read_refreshed(200, Some("application/json"), patched(good(), &members).to_string().as_bytes(), Dialect::Microsoft)
    };
    let text = |secret: Option<Secret<String>>| secret.map(|secret| secret.expose().clone());
    let bare = read(json!({ "id_token": null })).expect("tokens");
    assert_eq!((text(bare.id_token), text(bare.refresh_token), bare.expires_in), (None, None, Some(Duration::from_secs(3600))));
    let whole = read(json!({ "refresh_token": "the-next", "expires_in": null })).expect("tokens");
    assert_eq!((text(whole.id_token), text(whole.refresh_token)), (Some(ID_TOKEN.to_owned()), Some("the-next".to_owned())));
    assert_eq!((whole.expires_in, whole.home_tenant), (None, HomeTenant::Untold));
    let hidden = read(json!({ "refresh_token": "the-next", "client_info": "not base64url!" })).expect("tokens");
    assert_eq!((text(hidden.refresh_token), hidden.home_tenant), (Some("the-next".to_owned()), HomeTenant::Unreadable));
    for (members, expected) in [
        (json!({ "error": "invalid_grant" }), "grant"),
        (json!({ "token_type": null }), "unreadable"),
        (json!({ "id_token": 7 }), "unreadable"),
        (json!({ "refresh_token": 7 }), "unreadable"),
    ] {
        assert_eq!(class(&read(members).expect_err("an error")), expected);
    }
}

#[test]
fn with_basic_the_secret_is_in_the_header_only_and_encoded_twice() {
    let request = written(true, Dialect::Standard);
    let authorization = request.authorization.as_ref().expect("a header").expose().clone();
    let decoded = STANDARD.decode(authorization.strip_prefix("Basic ").expect("Basic")).expect("base64");
    assert_eq!(String::from_utf8(decoded).as_deref(), Ok("my%3Aapp:s%26c%3Dr+t%2B%C3%BC%3A"));
    assert!(pairs(&request).iter().all(|(name, _)| !name.starts_with("client_")));
}

#[test]
fn a_request_does_not_print_its_secrets() {
    for request in [written(true, Dialect::Standard), written(false, Dialect::Microsoft)] {
        let printed = format!("{request:?}");
        for secret in ["the%26code", "the-verifier", "Basic ", "s%26c"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

const ID_TOKEN: &str = "the.id.token";

fn good() -> Value {
    json!({ "token_type": "Bearer", "id_token": ID_TOKEN, "access_token": "opaque", "expires_in": 3600, "scope": "openid" })
}

fn read(members: &Value) -> Result<TokenResponse, RedeemError> {
    read_as(Dialect::Microsoft, members)
}

fn read_as(dialect: Dialect, members: &Value) -> Result<TokenResponse, RedeemError> {
    answer::read(200, Some("application/json; charset=utf-8"), patched(good(), members).to_string().as_bytes(), dialect)
}

#[test]
fn tokens_are_taken_from_a_proper_answer_only() {
    for (members, taken) in [
        (json!({}), true),
        (json!({ "token_type": "bEARER" }), true),
        (json!({ "expires_in": null }), true),
        (json!({ "expires_in": "3600" }), true),
        (json!({ "access_token": null }), true),
        (json!({ "token_type": "DPoP" }), false),
        (json!({ "token_type": null }), false),
        (json!({ "id_token": null }), false),
        (json!({ "id_token": 7 }), false),
        (json!({ "error": "server_error" }), false),
    ] {
        let read = read(&members);
        assert_eq!(read.is_ok(), taken, "{members}");
        if let Ok(response) = read {
            assert_eq!(response.id_token.expose(), ID_TOKEN);
        }
    }
}

#[test]
fn the_media_type_size_and_depth_are_judged_first() {
    let body = good().to_string();
    for (content_type, taken) in [
        (Some("application/json"), true),
        (Some("Application/JSON ;charset=utf-8"), true),
        (Some("text/html"), false),
        (Some("application/jsonp"), false),
        (Some("application/jwt"), false),
        (None, false),
    ] {
        assert_eq!(answer::read(200, content_type, body.as_bytes(), Dialect::Standard).is_ok(), taken, "{content_type:?}");
    }
    for (members, taken) in [
        (json!({ "x": "x".repeat(200_000) }), true),
        (json!({ "x": "x".repeat(answer::MAX_BYTES) }), false),
        (json!({ "x": (0..12).fold(json!(1), |inner, _| json!([inner])) }), true),
        (json!({ "x": (0..20).fold(json!(1), |inner, _| json!([inner])) }), false),
    ] {
        assert_eq!(read(&members).is_ok(), taken);
    }
    let twice = body.replacen('{', r#"{"id_token":"another","#, 1);
    assert!(answer::read(200, Some("application/json"), twice.as_bytes(), Dialect::Standard).is_err());
}

#[test]
fn the_home_tenant_is_told_or_left_out_but_never_unreadable() {
    const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let filler = "x".repeat(2000);
    let told = |uid: &str| encode(format!(r#"{{"uid":"{uid}","utid":"{CONSUMERS}"}}"#).as_bytes());
    for (client_info, home) in [
        (json!(told("x")), Some(Some(TenantId::CONSUMERS))),
        (json!(format!("{}=", told("xx"))), Some(Some(TenantId::CONSUMERS))),
        (json!(told(&filler)), Some(Some(TenantId::CONSUMERS))),
        (json!(null), Some(None)),
        (json!(encode(br#"{"uid":"x","utid":"contoso.com"}"#)), None),
        (json!(encode(br#"{"uid":"x"}"#)), None),
        (json!(encode(b"[]")), None),
        (json!("not base64url!"), None),
        (json!(7), None),
    ] {
        let members = json!({ "client_info": client_info });
        assert_eq!(read(&members).ok().map(|response| response.home_tenant), home, "{client_info}");
        // Who was not asked for it may mean something else by the name.
        assert_eq!(read_as(Dialect::Standard, &members).expect("tokens").home_tenant, None, "{client_info}");
    }
}

fn class(error: &RedeemError) -> &'static str {
    match error {
        RedeemError::ClientRefused(_) => "client",
        RedeemError::GrantRefused(_) => "grant",
        RedeemError::Provider(_) => "provider",
        RedeemError::Unanswered(_) => "unanswered",
        RedeemError::Unavailable(_) => "unavailable",
        RedeemError::Unreadable(_) => "unreadable",
    }
}

#[test]
fn errors_are_told_apart_by_code_and_status() {
    for (status, body, expected) in [
        (401, r#"{"error":"invalid_client"}"#, "client"),
        (400, r#"{"error":"unauthorized_client"}"#, "client"),
        (400, r#"{"error":"invalid_grant"}"#, "grant"),
        (500, r#"{"error":"invalid_grant"}"#, "grant"),
        (400, r#"{"error":"temporarily_unavailable"}"#, "unavailable"),
        (400, r#"{"error":"invalid_request"}"#, "provider"),
        (200, r#"{"error":"invalid_request"}"#, "provider"),
        (503, r#"{"error":"server_error"}"#, "unavailable"),
        (429, "{}", "unavailable"),
        (500, "<html>", "unanswered"),
        (504, "{}", "unanswered"),
        (302, "", "provider"),
        (200, "<html>", "unreadable"),
        (200, "{}", "unreadable"),
        (400, "{}", "provider"),
        (400, r#"{"error":7}"#, "provider"),
        (201, r#"{"token_type":"Bearer","id_token":"x"}"#, "unreadable"),
        (403, "<html>", "provider"),
    ] {
        let error = answer::read(status, Some("application/json"), body.as_bytes(), Dialect::Standard).expect_err("an error");
        assert_eq!(class(&error), expected, "{status} {body}");
    }
}

#[test]
fn error_texts_hold_codes_and_numbers_and_nothing_that_was_said() {
    let body = json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000215: Invalid client secret 'hunter2' for cy@outlook.example. Trace ID: x",
        "error_codes": [7_000_215],
        "correlation_id": "3A0C0000-0000-4000-8000-0000000000AA",
    });
    let text = |members: Value| {
        let body = patched(body.clone(), &members).to_string();
        answer::read(401, Some("application/json"), body.as_bytes(), Dialect::Standard).expect_err("an error").to_string()
    };
    let whole = "the provider refuses our client: invalid_client, AADSTS7000215, correlation id 3a0c0000-0000-4000-8000-0000000000aa";
    assert_eq!(text(json!({})), whole);
    assert_eq!(text(json!({ "error_codes": null })), whole);
    let bare = "the provider refuses our client: invalid_client";
    assert_eq!(text(json!({ "error_codes": ["hunter2"], "error_description": ["hunter2"], "correlation_id": "hunter2" })), bare);
    let odd = text(json!({ "error": "bad\ncode", "error_codes": null, "error_description": null, "correlation_id": null }));
    assert_eq!(odd, "the token endpoint answered with an error: status 401 with an unreadable error code");
}
