//! The provider against an authority on loopback that can be told to misbehave.

mod authority;
mod background;
mod keys;
mod tokens;

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::protocol::client::ClientAuthentication;
use crate::protocol::jwt::forge::{P256, TestKey, patched};
use crate::protocol::keys::algorithm::Algorithm;
use authority::{Authority, Manner, keys, metadata, nested, registration};

/// Patient enough for a busy machine.
fn patient() -> Rhythm {
    Rhythm { attempt: Duration::from_secs(20), ..Rhythm::default() }
}

fn has(keys: &KeySet, key: &TestKey) -> bool {
    keys.candidates(Some(key.kid), Algorithm::Es256).is_ok()
}

#[tokio::test]
async fn the_first_to_ask_reads_everything_once() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    assert_eq!(authority.asked(), (0, 0));
    let metadata = provider.metadata().await.expect("metadata");
    assert_eq!(metadata.token_endpoint.as_str(), format!("{}/token", authority.origin));
    assert!(has(&provider.keys().await.expect("keys"), &P256));
    assert_eq!(authority.asked(), (1, 1));
}

#[tokio::test]
async fn fifty_first_requests_are_one_fetch() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let all = join_all((0..50).map(|_| provider.metadata())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(authority.asked(), (1, 1));
}

#[tokio::test]
async fn who_waits_for_a_failing_attempt_shares_its_outcome() {
    let authority = Authority::start().await;
    authority.set(|script| script.metadata = Manner::Html);
    let provider = authority.provider(patient());
    let all = join_all((0..50).map(|_| provider.metadata())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(authority.asked(), (1, 0));
}

#[tokio::test]
async fn a_provider_that_fails_at_once_is_not_asked_by_everybody_who_comes() {
    let authority = Authority::start().await;
    authority.set(|script| script.metadata = Manner::Html);
    let provider = authority.provider(Rhythm { on_demand: Duration::from_secs(3600), ..patient() });
    for _ in 0..20 {
        assert!(provider.metadata().await.is_err() && provider.keys().await.is_err());
    }
    assert_eq!(authority.asked(), (1, 0));
    let provider = authority.provider(Rhythm { on_demand: Duration::ZERO, ..patient() });
    assert!(provider.metadata().await.is_err());
    authority.set(|script| script.metadata = Manner::Json(StatusCode::OK, metadata(&authority.origin)));
    assert!(provider.metadata().await.is_ok());
    assert_eq!(authority.asked(), (3, 1));
}

#[tokio::test]
async fn who_goes_away_does_not_end_the_attempt() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let mut impatient = Box::pin(provider.metadata());
    assert!(futures_util::poll!(&mut impatient).is_pending());
    drop(impatient);
    assert!(provider.metadata().await.is_ok());
    assert_eq!(authority.asked(), (1, 1));
}

#[tokio::test]
async fn hostile_metadata_is_refused_and_nothing_is_made_of_it() {
    let authority = Authority::start().await;
    let good = metadata(&authority.origin);
    let with = |members: Value| Manner::Json(StatusCode::OK, patched(good.clone(), &members));
    for (name, manner, expected) in [
        ("HTML", Manner::Html, "not a JSON object"),
        ("500", Manner::Json(StatusCode::INTERNAL_SERVER_ERROR, good.clone()), "status 500"),
        ("404", Manner::Json(StatusCode::NOT_FOUND, good.clone()), "status 404"),
        ("endless", Manner::Endless, "longer than 262144 bytes"),
        ("redirect", Manner::Redirect, "status 302"),
        ("nested", with(nested()), "nested too deeply"),
        ("another issuer", with(json!({ "issuer": "https://evil.example" })), "another issuer"),
        ("no keys", with(json!({ "jwks_uri": null })), "no `jwks_uri`"),
        ("file", with(json!({ "jwks_uri": "file:///etc/passwd" })), "not an https URL"),
        ("plain http", with(json!({ "token_endpoint": "http://op.example/token" })), "not an https URL"),
    ] {
        authority.set(|script| script.metadata = manner);
        let error = authority.provider(patient()).metadata().await.expect_err("a refusal");
        assert!(error.0.contains(expected), "{name}: {error}");
    }
    assert_eq!((authority.asked().1, authority.asked_elsewhere()), (0, 0));
    authority.set(|script| script.metadata = Manner::Json(StatusCode::OK, good));
    assert!(authority.provider(patient()).metadata().await.is_ok());
}

#[tokio::test]
async fn hostile_keys_are_refused_and_the_metadata_is_still_good() {
    let authority = Authority::start().await;
    for (name, manner, expected) in [
        ("HTML", Manner::Html, "not a JSON object"),
        ("500", Manner::Json(StatusCode::INTERNAL_SERVER_ERROR, json!({})), "status 500"),
        ("endless", Manner::Endless, "longer than 524288 bytes"),
        ("redirect", Manner::Redirect, "status 302"),
        ("nested", Manner::Json(StatusCode::OK, nested()), "nested too deeply"),
        ("empty", keys(&[]), "no key"),
        ("another document", Manner::Json(StatusCode::OK, json!({ "jwks": [] })), "not the JSON"),
    ] {
        authority.set(|script| script.keys = manner);
        let provider = authority.provider(patient());
        let error = provider.keys().await.expect_err("a refusal");
        assert!(error.0.contains(expected), "{name}: {error}");
        assert!(provider.metadata().await.is_ok(), "{name}");
    }
    assert_eq!(authority.asked_elsewhere(), 0);
}

#[tokio::test]
async fn an_authority_that_never_finishes_is_given_up() {
    let authority = Authority::start().await;
    authority.set(|script| script.metadata = Manner::Silent);
    let hasty = Rhythm { attempt: Duration::from_millis(100), ..Rhythm::default() };
    let error = authority.provider(hasty).metadata().await.expect_err("a refusal");
    assert!(error.0.contains("no answer within 100 ms"), "{error}");
}

#[tokio::test]
async fn another_registration_shares_what_was_read() {
    let authority = Authority::start().await;
    let before = authority.provider(patient());
    let known = before.keys().await.expect("keys");
    let after = before.registered_as(registration("rotated"));
    assert!(Arc::ptr_eq(&after.keys().await.expect("keys"), &known));
    assert_eq!(authority.asked(), (1, 1));
    let ClientAuthentication::Secret(secret) = &after.client.authentication;
    assert_eq!(secret.expose(), "rotated");
}

#[tokio::test]
async fn a_development_provider_is_used_only_where_that_is_allowed() {
    let authority = Authority::start().await;
    let mut document = metadata(&authority.origin);
    document["homerealm_development"] = json!(true);
    authority.set(|script| script.metadata = Manner::Json(StatusCode::OK, document));
    let refused = authority.provider_if(patient(), Development::Refused).metadata().await.expect_err("refused");
    assert!(refused.0.contains("[dev] allow = true"), "{refused}");
    assert!(authority.provider_if(patient(), Development::Allowed).metadata().await.is_ok());
}
