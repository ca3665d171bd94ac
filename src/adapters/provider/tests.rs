//! The provider against an authority on loopback that can be told to misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::StatusCode;
use rustls::RootCertStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::protocol::client::ClientAuthentication;
use crate::protocol::jwt::forge::{P256, TestKey, patched};
use crate::protocol::keys::algorithm::Algorithm;
use crate::protocol::secret::Secret;

/// How an endpoint answers.
#[derive(Clone)]
enum Manner {
    Json(StatusCode, Value),
    Html,
    Endless,
    Redirect,
    Silent,
    /// Begins to answer, and goes away.
    Breaking,
}

struct Script {
    metadata: Manner,
    keys: Manner,
    token: Manner,
}

/// The authority: what it says, and how often each endpoint was asked.
struct Authority {
    origin: String,
    script: Mutex<Script>,
    asked_metadata: AtomicUsize,
    asked_keys: AtomicUsize,
    asked_elsewhere: AtomicUsize,
}

impl Authority {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Script {
            metadata: Manner::Json(StatusCode::OK, metadata(&origin)),
            keys: keys(&[&P256]),
            token: Manner::Json(StatusCode::OK, json!({ "token_type": "Bearer", "id_token": "a.b.c" })),
        };
        let authority = Arc::new(Self {
            origin,
            script: Mutex::new(script),
            asked_metadata: AtomicUsize::new(0),
            asked_keys: AtomicUsize::new(0),
            asked_elsewhere: AtomicUsize::new(0),
        });
        let app = Router::new().route("/{*path}", any(answer)).with_state(Arc::clone(&authority));
        tokio::spawn(async move { axum::serve(listener, app).await });
        authority
    }

    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().expect("no panic while locked"));
    }

    fn provider(&self, rhythm: Rhythm) -> HttpProvider {
        self.provider_if(rhythm, Development::Refused)
    }

    fn provider_if(&self, rhythm: Rhythm, development: Development) -> HttpProvider {
        let settings = ProviderSettings {
            authority: AuthorityName::work(),
            expected: ExpectedIssuer::parse(&self.origin).expect("an issuer"),
            discovery: Url::parse(&format!("{}/metadata", self.origin)).expect("a URL"),
            development,
        };
        HttpProvider::with_rhythm(settings, registration("secret"), HttpClient::new(Arc::new(RootCertStore::empty())), rhythm)
    }

    fn asked(&self) -> (usize, usize) {
        (self.asked_metadata.load(Ordering::SeqCst), self.asked_keys.load(Ordering::SeqCst))
    }
}

fn registration(secret: &str) -> Client {
    Client { id: "app".into(), authentication: ClientAuthentication::Secret(Secret::new(secret.into())) }
}

async fn answer(State(authority): State<Arc<Authority>>, Path(path): Path<String>) -> Response {
    let counter = match path.as_str() {
        "metadata" => &authority.asked_metadata,
        "keys" => &authority.asked_keys,
        _ => &authority.asked_elsewhere,
    };
    counter.fetch_add(1, Ordering::SeqCst);
    let manner = {
        let script = authority.script.lock().expect("no panic while locked");
        match path.as_str() {
            "metadata" => script.metadata.clone(),
            "keys" => script.keys.clone(),
            "token" => script.token.clone(),
            _ => Manner::Html,
        }
    };
    match manner {
        Manner::Json(status, body) => (status, axum::Json(body)).into_response(),
        Manner::Html => axum::response::Html("<h1>It works</h1>").into_response(),
        Manner::Endless => {
            let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536])));
            Body::from_stream(chunks).into_response()
        }
        Manner::Breaking => {
            Body::from_stream(stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))])).into_response()
        }
        Manner::Redirect => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        Manner::Silent => Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response(),
    }
}

fn metadata(origin: &str) -> Value {
    json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
    })
}

fn keys(keys: &[&TestKey]) -> Manner {
    Manner::Json(StatusCode::OK, json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }))
}

fn nested() -> Value {
    json!({ "x": (0..40).fold(json!(1), |inner, _| json!([inner])) })
}

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
    assert_eq!((authority.asked().1, authority.asked_elsewhere.load(Ordering::SeqCst)), (0, 0));
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
    assert_eq!(authority.asked_elsewhere.load(Ordering::SeqCst), 0);
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
async fn a_thousand_unknown_keys_are_one_extra_fetch() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let known = provider.keys().await.expect("keys");
    // The same set again is newer all the same; whoever holds it has no cause to ask for a third.
    let newer = provider.newer_keys(&known).await.expect("a newer set");
    for _ in 0..900 {
        assert!(provider.newer_keys(&newer).await.is_none());
    }
    let all = join_all((0..100).map(|_| provider.newer_keys(&newer))).await;
    assert!(all.iter().all(Option::is_none));
    assert_eq!(authority.asked(), (1, 2));
}

#[tokio::test]
async fn parallel_requests_for_newer_keys_share_one_fetch() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let known = provider.keys().await.expect("keys");
    let rotated = TestKey::p256("ec-2");
    authority.set(|script| script.keys = keys(&[&rotated]));
    let all = join_all((0..50).map(|_| provider.newer_keys(&known))).await;
    assert!(all.iter().all(|newer| newer.as_ref().is_some_and(|newer| has(newer, &rotated))));
    assert_eq!(authority.asked(), (1, 2));
}

#[tokio::test]
async fn a_failed_fetch_of_newer_keys_keeps_the_old_ones_and_uses_the_minute_up() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let known = provider.keys().await.expect("keys");
    authority.set(|script| script.keys = Manner::Html);
    assert!(provider.newer_keys(&known).await.is_none());
    authority.set(|script| script.keys = keys(&[&P256]));
    assert!(provider.newer_keys(&known).await.is_none());
    assert!(Arc::ptr_eq(&provider.keys().await.expect("keys"), &known));
    assert_eq!(authority.asked(), (1, 2));
}

#[tokio::test]
async fn after_the_minute_rotated_keys_are_found() {
    let authority = Authority::start().await;
    let provider = authority.provider(Rhythm { cool_down: Duration::ZERO, ..patient() });
    let known = provider.keys().await.expect("keys");
    let second = provider.newer_keys(&known).await.expect("a newer set");
    let rotated = TestKey::p256("ec-2");
    authority.set(|script| script.keys = keys(&[&P256, &rotated]));
    let third = provider.newer_keys(&second).await.expect("a newer set");
    assert!(has(&third, &rotated) && !has(&second, &rotated));
    // Who still holds the first set gets what is there.
    assert!(Arc::ptr_eq(&provider.newer_keys(&known).await.expect("the newest"), &third));
    assert_eq!(authority.asked(), (1, 3));
}

/// Waits until the authority has been asked so often for metadata.
async fn until_asked(authority: &Authority, times: usize) {
    while authority.asked().0 < times {
        tokio::task::yield_now().await;
    }
}

fn quick() -> Rhythm {
    let moment = Duration::from_millis(1);
    Rhythm { refresh: moment, first_retry: moment, longest_retry: moment, ..patient() }
}

#[tokio::test]
async fn in_the_background_keys_stay_fresh_and_an_outage_keeps_the_last_good_ones() {
    let authority = Authority::start().await;
    let provider = authority.provider(quick());
    let cancel = CancellationToken::new();
    let background = tokio::spawn({
        let (provider, cancel) = (provider.clone(), cancel.clone());
        async move { provider.run(cancel).await }
    });
    until_asked(&authority, 3).await;
    let rotated = TestKey::p256("ec-2");
    authority.set(|script| script.keys = keys(&[&rotated]));
    // The one after the next has started after the change, and the next is over by then.
    until_asked(&authority, authority.asked().0 + 3).await;
    assert!(has(&provider.keys().await.expect("keys"), &rotated));
    authority.set(|script| script.metadata = Manner::Html);
    until_asked(&authority, authority.asked().0 + 3).await;
    assert!(has(&provider.keys().await.expect("the last good keys"), &rotated));
    assert!(provider.metadata().await.is_ok());
    cancel.cancel();
    background.await.expect("an orderly end");
}

#[tokio::test]
async fn the_background_work_starts_with_the_authority_down_and_finds_it_when_it_is_back() {
    let authority = Authority::start().await;
    authority.set(|script| script.metadata = Manner::Html);
    let provider = authority.provider(quick());
    let cancel = CancellationToken::new();
    let background = tokio::spawn({
        let (provider, cancel) = (provider.clone(), cancel.clone());
        async move { provider.run(cancel).await }
    });
    until_asked(&authority, 3).await;
    authority.set(|script| script.metadata = Manner::Json(StatusCode::OK, metadata(&authority.origin)));
    until_asked(&authority, authority.asked().0 + 3).await;
    authority.set(|script| script.metadata = Manner::Silent);
    assert!(provider.metadata().await.is_ok());
    cancel.cancel();
    background.await.expect("an orderly end");
}

async fn redeem(authority: &Authority) -> Result<TokenResponse, RedeemError> {
    let (code, verifier) = (Secret::new("code".to_owned()), Secret::new("verifier".to_owned()));
    let grant = CodeGrant { code: &code, verifier: &verifier, redirect_uri: "https://app.example/callback" };
    authority.provider(patient()).redeem(grant).await
}

#[tokio::test]
async fn a_code_becomes_tokens_or_an_error_by_fault() {
    let authority = Authority::start().await;
    assert_eq!(redeem(&authority).await.expect("tokens").id_token.expose(), "a.b.c");
    authority.set(|script| script.token = Manner::Json(StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })));
    assert!(matches!(redeem(&authority).await, Err(RedeemError::GrantRefused(_))));
    authority.set(|script| script.token = Manner::Endless);
    assert!(matches!(redeem(&authority).await, Err(RedeemError::Unreadable(_))));
    authority.set(|script| script.token = Manner::Redirect);
    assert!(matches!(redeem(&authority).await, Err(RedeemError::Provider(_))));
    assert_eq!(authority.asked_elsewhere.load(Ordering::SeqCst), 4);
    authority.set(|script| script.metadata = Manner::Html);
    assert!(matches!(redeem(&authority).await, Err(RedeemError::Unavailable(_))));
}

#[tokio::test]
async fn a_refresh_token_becomes_tokens_or_an_error_that_says_whether_it_may_be_spent() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let token = Secret::new("token".to_owned());
    let refreshed = provider.refresh(&token).await.expect("tokens");
    assert!(refreshed.id_token.is_some() && refreshed.refresh_token.is_none());
    for (manner, is_expected) in [
        (
            Manner::Json(StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })),
            (|e| matches!(e, RedeemError::GrantRefused(_))) as fn(&_) -> bool,
        ),
        (Manner::Json(StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "temporarily_unavailable" })), |e| {
            matches!(e, RedeemError::Unavailable(_))
        }),
        (Manner::Json(StatusCode::BAD_GATEWAY, json!({})), |e| matches!(e, RedeemError::Unanswered(_))),
        (Manner::Breaking, |e| matches!(e, RedeemError::Unanswered(_))),
        (Manner::Endless, |e| matches!(e, RedeemError::Unreadable(_))),
        (Manner::Html, |e| matches!(e, RedeemError::Unreadable(_))),
        (Manner::Redirect, |e| matches!(e, RedeemError::Provider(_))),
    ] {
        authority.set(|script| script.token = manner);
        let error = provider.refresh(&token).await.expect_err("an error");
        assert!(is_expected(&error), "{error:?}");
    }
    // Nobody listens there.
    let origin = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that was free");
    authority.set(|script| {
        let mut metadata = metadata(&authority.origin);
        metadata["token_endpoint"] = json!(format!("http://{origin}/token"));
        script.metadata = Manner::Json(StatusCode::OK, metadata);
    });
    assert!(matches!(authority.provider(patient()).refresh(&token).await, Err(RedeemError::Unavailable(_))));
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
