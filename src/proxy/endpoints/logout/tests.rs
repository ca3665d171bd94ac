//! Both receivers: what ends, what they answer, and what they refuse.

use std::sync::Arc;

use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::domain::decision::DecisionId;
use crate::domain::reason::Reason;
use crate::domain::session::{Session, SessionId};
use crate::protocol::jwt::forge::{P256, TestKey, patched};
use crate::protocol::session_record::SessionRecord;
use crate::proxy::endpoints::tests::store::FakeStore;
use crate::proxy::endpoints::tests::world::{NOW, STRANGER, World, ada, cy, page, set_cookies};
use crate::proxy::respond::Told;
use crate::telemetry::audit::Happening;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Ada's in a browser, as the provider calls it.
fn session(id: u8, sid: &str) -> Session {
    Session { id: SessionId([id; 16]), provider_session: Some(sid.into()), ..ada() }
}

async fn call(world: &World, query: &str, cookies: &str) -> Told {
    world.ask(STRANGER, "GET", &format!("/.auth/logout/front-channel/{query}"), &[("cookie", cookies)], "").await
}

async fn is_signed_in(world: &World, cookie: &str) -> bool {
    let told = world.ask(STRANGER, "GET", "/.auth/session", &[("cookie", cookie)], "").await;
    told.response.status() == StatusCode::OK
}

fn told_of(told: &Told) -> Vec<(Happening, Option<String>, Option<String>)> {
    let events = told.verdict.clone().record(DecisionId::from_random(0)).1;
    let told = |event: crate::telemetry::audit::Event| {
        (event.happening, event.person.map(|person| person.name), event.authority.map(|name| name.to_string()))
    };
    events.into_iter().map(told).collect()
}

#[tokio::test]
async fn a_call_ends_the_session_that_it_names_in_whatever_browser() {
    let world = World::new("");
    let (one, other) = (world.cookie_of(&session(1, "s-1")), world.cookie_of(&session(2, "s-2")));
    let told = call(&world, "office?sid=s-1", "").await;
    assert_eq!(told.response.status(), StatusCode::OK);
    assert_eq!(told_of(&told), [], "nobody was seen to have a session");
    assert!(!is_signed_in(&world, &one).await && is_signed_in(&world, &other).await);
    // What another authority calls a session is another session.
    call(&world, "home?sid=s-2", "").await;
    assert!(is_signed_in(&world, &other).await);
    call(&world, "office?sid=s-2&iss=https%3A%2F%2Foffice.example", "").await;
    assert!(!is_signed_in(&world, &other).await);
}

#[tokio::test]
async fn the_answer_is_the_same_whether_there_is_such_a_session_or_not() {
    let world = World::with_store(Arc::<FakeStore>::default());
    world.cookie_of_kept(SessionRecord::bare(session(1, "s-1"))).await;
    let mut seen = Vec::new();
    for query in ["office?sid=s-1", "office?sid=s-1", "office?sid=nobodys", "office", "office?iss=https%3A%2F%2Foffice.example"] {
        let told = call(&world, query, "").await;
        seen.push((told.response.status(), told.response.headers().clone(), page(&told), told.verdict.reason()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn only_this_answer_may_be_framed_and_only_by_the_authority() {
    let world = World::new("");
    let told = call(&world, "office?sid=s", "").await;
    let headers = told.response.headers();
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
    assert!(policy.ends_with("frame-ancestors https://office.example") && policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(
        (&headers[header::CACHE_CONTROL], &headers[header::REFERRER_POLICY]),
        (&"no-store".parse().expect("a value"), &"no-referrer".parse().expect("a value"))
    );
    assert!(!headers.contains_key(header::X_FRAME_OPTIONS) && !page(&told).contains("sid"));
    let down = call(&world, "down?sid=s", "").await;
    assert!(down.response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII").ends_with("frame-ancestors 'none'"));
    let refused = call(&world, "office?sid=s&sid=t", "").await;
    assert_eq!(
        refused.response.headers().get(header::X_FRAME_OPTIONS).map(|value| value.as_bytes()),
        None,
        "a problem document frames nothing"
    );
}

#[tokio::test]
async fn a_call_that_cannot_be_read_one_way_ends_nothing() {
    let world = World::new("");
    let cookie = world.cookie_of(&session(1, "s-1"));
    let long = format!("office?sid={}", "s".repeat(257));
    for (method, query, status) in [
        ("GET", "office?sid=s-1&sid=s-1", 400),
        ("GET", "office?sid=s-1&iss=https%3A%2F%2Foffice.example&iss=x", 400),
        ("GET", "office?sid=s-1&iss=https%3A%2F%2Fpersonal.example", 400),
        ("GET", "office?sid=s-1&iss=https%3A%2F%2Foffice.example%2F", 400),
        ("GET", "office?sid=s-1%0A", 400),
        ("GET", long.as_str(), 400),
        ("GET", "nowhere?sid=s-1", 404),
        ("GET", "Office?sid=s-1", 404),
        ("HEAD", "office?sid=s-1", 404),
        ("POST", "office?sid=s-1", 405),
        ("GET", "office", 200),
        ("GET", "office?sid=", 200),
        ("GET", "office?SID=s-1", 200),
    ] {
        let path = format!("/.auth/logout/front-channel/{query}");
        let told = world.ask(STRANGER, method, &path, &[("cookie", cookie.as_str())], "").await;
        assert_eq!((told.response.status().as_u16(), told_of(&told)), (status, vec![]), "{method} {query}");
        assert_eq!(set_cookies(&told), Vec::<String>::new(), "{method} {query}");
        assert!(is_signed_in(&world, &cookie).await, "{method} {query}");
    }
}

#[tokio::test]
async fn a_browser_that_brings_the_session_along_loses_its_cookie_and_the_store_its_record() {
    let store = Arc::<FakeStore>::default();
    let world = World::with_store(Arc::<FakeStore>::clone(&store));
    let office = world.cookie_of_kept(SessionRecord::bare(session(1, "s-1"))).await;
    let home = world.cookie_of(&Session { id: SessionId([3; 16]), provider_session: Some("s-1".into()), ..cy() });
    let both = format!("{office}; {home}");
    let another = call(&world, "office?sid=another", &both).await;
    assert_eq!((set_cookies(&another), told_of(&another)), (vec![], vec![]));
    let told = call(&world, "office?sid=s-1", &both).await;
    assert_eq!((set_cookies(&told), store.records()), (vec!["__Host-homerealm-s-office=".to_owned()], 0));
    let user = format!("0b1e@{}", crate::proxy::endpoints::tests::world::CONTOSO);
    assert_eq!(told_of(&told), [(Happening::SessionEnded, Some(user), None)]);
    assert!(!is_signed_in(&world, &office).await && is_signed_in(&world, &home).await);
}

#[tokio::test]
async fn a_client_that_calls_and_calls_is_told_to_wait() {
    let world = World::new("");
    for number in 0..120 {
        assert_eq!(call(&world, &format!("office?sid={number}"), "").await.response.status(), StatusCode::OK);
    }
    let told = call(&world, "office?sid=one-more", "").await;
    assert_eq!(
        (told.response.status(), &told.response.headers()[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().expect("a value"))
    );
    assert_eq!(world.shared.keeper.revocations.entries().len(), 120);
}

fn claims(jti: &str) -> Value {
    let (issuer, client) = ("https://office.example", "6f0c2a4e-0000-4000-8000-000000000001");
    json!({ "iss": issuer, "aud": client, "iat": NOW.unix_seconds(), "jti": jti, "sub": "ada", "sid": "s-1", "events": { EVENT: {} } })
}

fn token(jti: &str, members: &Value) -> String {
    format!("logout_token={}", P256.token("ES256", &patched(claims(jti), members)))
}

async fn post(world: &World, authority: &str, body: &str) -> Told {
    world
        .ask(STRANGER, "POST", &format!("/.auth/logout/back-channel/{authority}"), &[FORM, ("origin", "https://office.example")], body)
        .await
}

fn answered(told: &Told) -> (u16, String) {
    let headers = told.response.headers();
    assert_eq!(headers[header::CACHE_CONTROL], "no-store", "every answer");
    (told.response.status().as_u16(), page(told))
}

#[tokio::test]
async fn a_token_ends_the_session_that_it_names_or_all_of_its_person() {
    let world = World::new("");
    let cookies = [session(1, "s-1"), session(2, "s-2"), session(3, "s-3")].map(|session| world.cookie_of(&session));
    let bob = Session {
        id: SessionId([4; 16]),
        principal: crate::domain::principal::Principal { subject: "bob".into(), ..ada().principal },
        ..ada()
    };
    let bob = world.cookie_of(&bob);
    let told = post(&world, "office", &token("1", &json!({}))).await;
    assert_eq!((answered(&told), told_of(&told)), ((200, String::new()), vec![(Happening::SessionRevoked, None, Some("office".into()))]));
    assert!(!is_signed_in(&world, &cookies[0]).await && is_signed_in(&world, &cookies[1]).await);
    assert_eq!(answered(&post(&world, "office", &token("2", &json!({ "sid": null }))).await).0, 200);
    assert!(!is_signed_in(&world, &cookies[1]).await && !is_signed_in(&world, &cookies[2]).await);
    assert!(is_signed_in(&world, &bob).await);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_told_in_one_way_and_ends_nothing() {
    let world = World::new("");
    let cookie = world.cookie_of(&session(1, "s-1"));
    let good = token("good", &json!({}));
    let stranger = TestKey::p256("ec-1").token("ES256", &claims("1"));
    let bodies = [
        String::new(),
        "logout_token=".into(),
        "logout_token=e.y.J".into(),
        format!("{good}&{good}"),
        format!("logout_token={stranger}"),
        token("1", &json!({ "events": null })),
        token("1", &json!({ "nonce": "n" })),
        token("1", &json!({ "aud": "them" })),
        token("1", &json!({ "iss": "https://personal.example" })),
        token("1", &json!({ "iat": NOW.unix_seconds() - 181 })),
        token("1", &json!({ "jti": null })),
        token("1", &json!({ "sub": null, "sid": null })),
        format!("{good}&more={}", "x".repeat(16 * 1024)),
    ];
    for body in &bodies {
        let told = post(&world, "office", body).await;
        assert_eq!(answered(&told), (400, r#"{"error":"invalid_request"}"#.to_owned()), "{body}");
        assert_eq!((told_of(&told), told.verdict.reason()), (vec![], Reason::BadRequest));
        assert_eq!(told.response.headers()[header::CONTENT_TYPE], "application/json");
    }
    let path = "/.auth/logout/back-channel/office";
    let plain = world.ask(STRANGER, "POST", path, &[("content-type", "text/plain")], &good).await;
    assert_eq!(answered(&plain).0, 400);
    assert_eq!(world.ask(STRANGER, "GET", &format!("{path}?{good}"), &[], "").await.response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(post(&world, "nowhere", &good).await.response.status(), StatusCode::NOT_FOUND);
    assert_eq!(answered(&post(&world, "home", &good).await).0, 400, "another authority's token");
    assert!(is_signed_in(&world, &cookie).await);
    // Unknown fields are none of our business.
    assert_eq!(answered(&post(&world, "office", &format!("{good}&more=x")).await).0, 200);
    assert!(!is_signed_in(&world, &cookie).await);
    assert_eq!(answered(&post(&world, "office", &good).await).0, 400, "a token is good once");
}

#[tokio::test]
async fn a_token_that_cannot_be_followed_now_may_come_again() {
    let store = Arc::<FakeStore>::default();
    let world = World::with_store(Arc::<FakeStore>::clone(&store));
    let cookie = world.cookie_of_kept(SessionRecord::bare(session(1, "s-1"))).await;
    let good = token("good", &json!({}));
    store.fail();
    let told = post(&world, "office", &good).await;
    assert_eq!(answered(&told), (503, r#"{"error":"temporarily_unavailable"}"#.to_owned()));
    assert_eq!(
        (&told.response.headers()[header::RETRY_AFTER], told.verdict.reason()),
        (&"5".parse().expect("a value"), Reason::SessionStoreUnavailable)
    );
    store.recover();
    assert_eq!([post(&world, "office", &good).await, post(&world, "office", &good).await].map(|told| answered(&told).0), [200, 400]);
    assert!(!is_signed_in(&world, &cookie).await);
    let down = post(&world, "down", &good).await;
    assert_eq!((answered(&down).0, down.verdict.reason()), (503, Reason::IdpUnavailable));
}

#[tokio::test]
async fn bad_tokens_of_a_client_are_bounded_and_good_ones_are_not() {
    let world = World::new("");
    for number in 0..200 {
        assert_eq!(answered(&post(&world, "office", &token(&number.to_string(), &json!({}))).await).0, 200);
    }
    for _ in 0..120 {
        assert_eq!(answered(&post(&world, "office", "logout_token=e.y.J").await).0, 400);
    }
    let told = post(&world, "office", &token("one more", &json!({}))).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::TOO_MANY_REQUESTS, Reason::RateLimited));
    let path = "/.auth/logout/back-channel/office";
    let other = world.ask([198, 51, 100, 8].into(), "POST", path, &[FORM], &token("one more", &json!({}))).await;
    assert_eq!(other.response.status(), StatusCode::OK);
}
