//! What programs read.

use serde_json::{Value, json};

use super::*;
use crate::domain::branding::Branding;
use crate::domain::origin::Origin;
use crate::proxy::pages::assets::Assets;

const DECISION: DecisionId = DecisionId::from_random(7);

fn chrome() -> Chrome {
    let origin = Origin::parse("https://orders.example.com:8443").expect("an origin");
    let branding = Branding::default();
    Chrome::new(&branding, &origin, "/.auth", &Assets::new(&branding))
}

fn document(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).expect("JSON")
}

fn field<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

#[test]
fn nobody_signed_in_is_told_where_to_sign_in() {
    let response =
        Problem { detail: Some("Sign in, then repeat the request."), ..Problem::new(Reason::SignInRequired, DECISION) }.json(&chrome());
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
    assert_eq!(field(&response, "cache-control"), Some("no-store"));
    assert_eq!(field(&response, "www-authenticate"), Some("Bearer realm=\"orders.example.com:8443\""));
    let expected = json!({
        "type": "urn:homerealm:reason:sign_in_required",
        "title": "Sign in to continue.",
        "status": 401,
        "code": "sign_in_required",
        "detail": "Sign in, then repeat the request.",
        "sign_in_url": "https://orders.example.com:8443/.auth/sign-in",
        "decision_id": "7000-0000",
    });
    assert_eq!(document(&response), expected);
}

#[test]
fn every_reason_has_its_status_and_code_and_never_asks_for_a_password() {
    for reason in Reason::ALL {
        let response = Problem::new(*reason, DECISION).json(&chrome());
        assert_eq!(response.status().as_u16(), reason.status(), "{}", reason.code());
        let document = document(&response);
        assert_eq!((&document["code"], &document["status"]), (&json!(reason.code()), &json!(reason.status())));
        let challenge = field(&response, "www-authenticate");
        assert!(challenge.is_none_or(|value| value.starts_with("Bearer ")), "{}", reason.code());
        assert!(challenge.is_some() || reason.status() != 401, "{}", reason.code());
    }
}

#[test]
fn faults_of_a_token_are_named_and_answered_with_another_token_not_a_page() {
    for (reason, error) in [(Reason::InvalidToken, "invalid_token"), (Reason::InsufficientScope, "insufficient_scope")] {
        let response = Problem::new(reason, DECISION).json(&chrome());
        let expected = format!("Bearer realm=\"orders.example.com:8443\", error=\"{error}\"");
        assert_eq!(field(&response, "www-authenticate"), Some(&*expected));
        assert_eq!(document(&response).get("sign_in_url"), None);
    }
}

#[test]
fn the_sign_in_page_is_named_only_where_it_helps() {
    let url = |reason| document(&Problem::new(reason, DECISION).json(&chrome()))["sign_in_url"].as_str().map(str::to_owned);
    let another = "https://orders.example.com:8443/.auth/sign-in?prompt=select_account";
    assert_eq!(url(Reason::PersonalAccountNotAllowed).as_deref(), Some(another));
    assert_eq!(url(Reason::SessionExpired).as_deref(), Some("https://orders.example.com:8443/.auth/sign-in"));
    for reason in [Reason::NoRoute, Reason::UpstreamTimeout, Reason::RateLimited, Reason::BadRequest, Reason::BodyTooLarge] {
        assert_eq!(url(reason), None, "{}", reason.code());
    }
}

#[test]
fn a_wait_is_told_in_whole_seconds_and_never_as_zero() {
    for (wait, expected) in [(None, None), (Some(Duration::from_secs(30)), Some("30")), (Some(Duration::from_millis(20)), Some("1"))] {
        let problem = Problem { retry_after: wait, ..Problem::new(Reason::RateLimited, DECISION) };
        assert_eq!(field(&problem.json(&chrome()), "retry-after"), expected);
        assert_eq!(field(&problem.grpc(), "retry-after"), expected);
    }
}

#[test]
fn grpc_clients_get_a_status_of_their_own_and_an_empty_body() {
    let cases = [
        (Reason::SignInRequired, "16"),
        (Reason::InvalidToken, "16"),
        (Reason::PersonalAccountNotAllowed, "7"),
        (Reason::NoRoute, "12"),
        (Reason::UpstreamUnavailable, "14"),
        (Reason::IdpUnavailable, "14"),
        (Reason::UpstreamTimeout, "4"),
        (Reason::HeadersTooLarge, "2"),
    ];
    for (reason, status) in cases {
        let response = Problem::new(reason, DECISION).grpc();
        assert_eq!((response.status(), field(&response, "grpc-status")), (StatusCode::OK, Some(status)), "{}", reason.code());
        assert_eq!(field(&response, "content-type"), Some("application/grpc"));
        assert!(response.body().is_empty() && field(&response, "grpc-message").is_some_and(|message| message.contains(reason.code())));
    }
}

#[test]
fn a_grpc_message_is_percent_encoded() {
    assert_eq!(utf8_percent_encode("50 % é\n~", GRPC_MESSAGE).to_string(), "50 %25 %C3%A9%0A~");
}
