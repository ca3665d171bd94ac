//! Proxies in front that ask about a request, in their own manners and in a client's.

use http::{HeaderMap, StatusCode, header};

use super::*;
use crate::domain::session::Session;
use crate::proxy::endpoints::tests::world::{CONTOSO, FRONT, NOW, STRANGER, World, ada, cy, navigation, page, set_cookies};
use std::time::Duration;

type Fields<'a> = Vec<(&'a str, &'a str)>;

fn forwarded<'a>(method: &'a str, uri: &'a str) -> Fields<'a> {
    vec![
        ("x-forwarded-method", method),
        ("x-forwarded-uri", uri),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "orders.example.com"),
    ]
}

fn nginx<'a>(method: &'a str, uri: &'a str) -> Fields<'a> {
    vec![("x-original-method", method), ("x-original-uri", uri)]
}

fn with<'a>(mut fields: Fields<'a>, more: &[(&'a str, &'a str)]) -> Fields<'a> {
    fields.extend_from_slice(more);
    fields
}

async fn asked(world: &World, fields: &[(&str, &str)]) -> Told {
    world.ask(FRONT, "GET", "/.auth/check", fields, "").await
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().expect("ASCII"))
}

#[tokio::test]
async fn a_yes_carries_the_identity_and_leaves_no_owned_name_out() {
    let world = World::new("");
    let cookie = world.cookie_of(&ada());
    let told = asked(&world, &with(forwarded("GET", "/work/x?y=1"), &[("cookie", &cookie), ("x-forwarded-user", "evil")])).await;
    let headers = told.response.headers();
    assert_eq!(told.response.status(), StatusCode::OK);
    let user = format!("0b1e@{CONTOSO}");
    for (name, value) in [
        ("x-forwarded-user", user.as_str()),
        ("x-forwarded-name", "Ada"),
        ("x-account-kind", "work"),
        ("x-account-tenant", CONTOSO),
        ("x-app-user", &user),
        ("x-forwarded-email", ""),
        ("x-forwarded-groups", ""),
        ("x-forwarded-access-token", ""),
        ("remote-user", ""),
        ("cache-control", "no-store"),
        ("x-homerealm-reason", "signed_in"),
    ] {
        assert_eq!(field(headers, name), Some(value), "{name}");
    }
    assert!(!headers.contains_key(header::SET_COOKIE), "not due");

    let told = asked(&world, &with(forwarded("GET", "/public/x"), &[("cookie", &cookie)])).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::OK, Reason::Public));
    for name in ["x-forwarded-user", "x-app-user", "x-account-kind"] {
        assert_eq!(field(told.response.headers(), name), Some(""), "{name} of nobody");
    }
}

#[tokio::test]
async fn the_answer_is_the_one_that_the_request_itself_would_get() {
    let world = World::new("");
    let (ada, cy) = (world.cookie_of(&ada()), world.cookie_of(&cy()));
    for (what, fields, cookie, status, reason) in [
        ("nobody", forwarded("GET", "/work/x"), "", 401, Reason::SignInRequired),
        ("nobody, as nginx asks", nginx("GET", "/work/x"), "", 401, Reason::SignInRequired),
        ("garbage", forwarded("GET", "/work/x"), "__Host-homerealm-s-office=1.x", 401, Reason::SignInRequired),
        ("ada", nginx("GET", "/work/x"), &ada, 200, Reason::SignedIn),
        ("ada's form", nginx("POST", "/any/x"), &ada, 200, Reason::SignedIn),
        ("ada's HEAD", nginx("HEAD", "/work/x"), &ada, 200, Reason::SignedIn),
        ("a method without a route", nginx("POST", "/work/x"), &ada, 403, Reason::NoRoute),
        ("a method in another case", nginx("get", "/work/x"), &ada, 403, Reason::NoRoute),
        ("cy at work", forwarded("GET", "/work/x"), &cy, 403, Reason::PersonalAccountNotAllowed),
        ("cy", forwarded("GET", "/any/x"), &cy, 200, Reason::SignedIn),
        ("cy's mailbox", forwarded("GET", "/mailbox"), &cy, 200, Reason::SignedIn),
        ("a route that leads elsewhere", forwarded("GET", "/mailbox"), &ada, 403, Reason::NoRoute),
        ("no route", forwarded("GET", "/nothing"), &ada, 403, Reason::NoRoute),
        ("a path that two servers read differently", forwarded("GET", "/work;x/../any"), &ada, 400, Reason::BadRequest),
        ("our own pages", forwarded("GET", "/.auth/sign-in"), &ada, 403, Reason::NoRoute),
        ("ourselves", forwarded("GET", "/.auth/check"), &ada, 403, Reason::NoRoute),
        ("everybody's", forwarded("GET", "/public/x"), "", 200, Reason::Public),
    ] {
        let told = asked(&world, &with(fields, &[("cookie", cookie)])).await;
        assert_eq!((told.response.status().as_u16(), told.verdict.reason()), (status, reason), "{what}");
    }
}

#[tokio::test]
async fn a_wrong_account_is_told_so() {
    let world = World::new("");
    let cookie = world.cookie_of(&cy());
    let told = asked(&world, &with(with(forwarded("GET", "/work/x"), &navigation()), &[("cookie", &cookie)])).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::FORBIDDEN, Reason::PersonalAccountNotAllowed));
    assert_eq!(field(told.response.headers(), "x-homerealm-reason"), Some("personal_account_not_allowed"));
    assert!(page(&told).contains("You can't sign in here with a personal account. Use your work or school account instead."));
}

#[tokio::test]
async fn a_question_that_cannot_be_read_one_way_is_never_a_yes() {
    let world = World::new("");
    let good = || forwarded("GET", "/public/x");
    assert_eq!(asked(&world, &good()).await.response.status(), StatusCode::OK, "the accepted counterpart");
    for (what, fields) in [
        ("nothing", vec![]),
        ("no path", vec![("x-forwarded-method", "GET")]),
        ("no method", vec![("x-original-uri", "/public/x")]),
        ("half of another way", with(good(), &[("x-original-uri", "/public/x")])),
        ("two paths", with(good(), &nginx("GET", "/work/x"))),
        ("two methods", with(good(), &nginx("POST", "/public/x"))),
        ("a path twice", with(good(), &[("x-forwarded-uri", "/public/x")])),
        ("a method twice", with(good(), &[("x-forwarded-method", "GET")])),
        ("two of our hosts", with(good(), &[("host", "shop.example.com")])),
        ("an encoded slash", forwarded("GET", "/public/..%2fwork")),
        ("a dot segment", forwarded("GET", "/public/../work")),
        ("an empty segment", forwarded("GET", "//public/x")),
        ("a fragment", forwarded("GET", "/public/x#/work")),
        ("an absolute address", forwarded("GET", "https://orders.example.com/public/x")),
        ("no slash", forwarded("GET", "public/x")),
        ("nothing at all", forwarded("GET", "")),
        ("no word", forwarded("", "/public/x")),
        ("two words", forwarded("GET /public/x", "/public/x")),
        ("a tunnel", forwarded("CONNECT", "/public/x")),
        ("an echo", forwarded("TRACE", "/public/x")),
    ] {
        for more in [vec![], vec![("content-type", "application/grpc")], navigation()] {
            let told = asked(&world, &with(fields.clone(), &more)).await;
            assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::BAD_REQUEST, Reason::BadRequest), "{what} {more:?}");
        }
    }
}

#[tokio::test]
async fn only_proxies_of_ours_are_answered() {
    let world = World::new("");
    let cookie = world.cookie_of(&ada());
    for fields in [forwarded("GET", "/public/x"), nginx("GET", "/work/x"), vec![]] {
        let told = world.ask(STRANGER, "GET", "/.auth/check", &with(fields, &[("cookie", &cookie)]), "").await;
        assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::BAD_REQUEST, Reason::BadRequest));
        assert!(!told.response.headers().contains_key("x-forwarded-user"));
    }
    let told = world.ask(STRANGER, "GET", "/.auth/check/public/x", &[], "").await;
    assert_eq!(told.response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_hosts_and_queries_of_the_question_are_not_those_of_the_request() {
    let world = World::new("");
    // By the proxy's own name for us, and with the client's query behind it.
    let fields = with(forwarded("GET", "/work/x"), &[("host", "homerealm:8080")]);
    let told = world.ask(FRONT, "GET", "/.auth/check?x-forwarded-uri=/public/x&account=work", &fields, "").await;
    assert_eq!(told.verdict.reason(), Reason::SignInRequired);
    let other =
        [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/work/x"), ("x-forwarded-host", "shop.example.com"), ("host", "front")];
    assert_eq!(asked(&world, &other).await.verdict.reason(), Reason::Public, "everything at the shop is");
}

#[tokio::test]
async fn a_path_behind_ours_is_asked_about_with_its_own_method() {
    let world = World::new("");
    let cookie = world.cookie_of(&ada());
    for (method, path, cookie, status) in [
        ("GET", "/.auth/check/work/x?y=1", "", 401),
        ("GET", "/.auth/check/work/x?y=1", cookie.as_str(), 200),
        ("POST", "/.auth/check/work/x", &cookie, 403),
        ("POST", "/.auth/check/any/x", &cookie, 200),
        ("GET", "/.auth/check/public/x", "", 200),
        ("GET", "/.auth/check/", &cookie, 403),
    ] {
        let told = world.ask(FRONT, method, path, &[("cookie", cookie)], "").await;
        assert_eq!(told.response.status().as_u16(), status, "{method} {path}");
    }
    let fooled = world.ask(FRONT, "GET", "/.auth/check/work/x", &forwarded("GET", "/public/x"), "").await;
    assert_eq!(fooled.response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_401_names_the_sign_in_page_and_leads_people_there() {
    let world = World::new("");
    let url = "https://orders.example.com/.auth/sign-in?return_to=%2Fwork%2Fx%3Fa%3D1%26b%3D2";
    for (more, kind, text) in [
        (navigation(), "text/html; charset=utf-8", "Sign in to continue."),
        (vec![("accept", "application/json")], "application/problem+json", "sign_in_required"),
        (vec![("content-type", "application/grpc")], "application/problem+json", "sign_in_required"),
    ] {
        let told = asked(&world, &with(forwarded("GET", "/work/x?a=1&b=2"), &more)).await;
        let headers = told.response.headers();
        assert_eq!(told.response.status(), StatusCode::UNAUTHORIZED, "{more:?}");
        assert_eq!(field(headers, "x-homerealm-sign-in"), Some(url));
        assert_eq!(field(headers, "content-type"), Some(kind));
        assert!(!headers.contains_key(header::LOCATION) && headers.contains_key(header::WWW_AUTHENTICATE) && set_cookies(&told).is_empty());
        assert!(page(&told).contains(text), "{}", page(&told));
    }
    // A page, not a redirect, on routes that never redirect; with a way to a sign-in all the same.
    let told = asked(&world, &with(forwarded("GET", "/api/x"), &navigation())).await;
    assert_eq!(told.response.status(), StatusCode::UNAUTHORIZED);
    assert!(page(&told).contains("/.auth/sign-in?return_to="), "{}", page(&told));
    // A form is not lost in silence.
    let told = asked(&world, &with(forwarded("POST", "/any/x"), &navigation())).await;
    assert_eq!(told.response.status(), StatusCode::UNAUTHORIZED);
    assert!(page(&told).contains("Your form was not sent"), "{}", page(&told));
}

#[tokio::test]
async fn a_session_is_renewed_if_one_cookie_holds_it() {
    let world = World::new("");
    let seen =
        |session: Session| Session { signed_in_at: NOW - Duration::from_secs(1800), last_seen: NOW - Duration::from_secs(1800), ..session };
    let small = seen(ada());
    let told = asked(&world, &with(forwarded("GET", "/work/x"), &[("cookie", &world.cookie_of(&small))])).await;
    assert_eq!((told.response.status(), set_cookies(&told).len()), (StatusCode::OK, 1));

    let mut large = seen(ada());
    large.sign_out_hint = Some("x".repeat(6000));
    let cookie = world.cookie_of(&large);
    assert!(cookie.contains("s-office.1="), "the session has two parts");
    let told = asked(&world, &with(forwarded("GET", "/work/x"), &[("cookie", &cookie)])).await;
    assert_eq!((told.response.status(), set_cookies(&told).len()), (StatusCode::OK, 0));

    let mut old = ada();
    (old.signed_in_at, old.last_seen) = (NOW - Duration::from_secs(7200), NOW - Duration::from_secs(7200));
    let told = asked(&world, &with(forwarded("GET", "/work/x"), &[("cookie", &world.cookie_of(&old))])).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::UNAUTHORIZED, Reason::SessionExpired));
}

#[tokio::test]
async fn another_sites_page_opens_no_channel_with_our_cookies() {
    let world = World::new("");
    let cookie = world.cookie_of(&ada());
    for (origin, status) in [("https://orders.example.com", 200), ("https://evil.example", 403), ("null", 403)] {
        let handshake = [("cookie", cookie.as_str()), ("origin", origin), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")];
        let told = asked(&world, &with(nginx("GET", "/work/x"), &handshake)).await;
        assert_eq!(told.response.status().as_u16(), status, "{origin}");
    }
}

#[tokio::test]
async fn an_authority_that_is_down_is_not_a_bad_token() {
    let world = World::new("");
    // {"alg":"RS256"}.{"iss":"https://down.example"}.x
    let token = "Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2Rvd24uZXhhbXBsZSJ9.eA";
    let told = asked(&world, &with(forwarded("GET", "/api/x"), &[("authorization", token)])).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::SERVICE_UNAVAILABLE, Reason::IdpUnavailable));
    assert_eq!(field(told.response.headers(), "retry-after"), Some("5"));
    assert_eq!(field(told.response.headers(), "content-type"), Some("application/problem+json"));

    let told = asked(&world, &with(forwarded("GET", "/api/x"), &[("authorization", "Bearer nonsense")])).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::UNAUTHORIZED, Reason::InvalidToken));
    let twice = [("authorization", token), ("authorization", "Basic eDp5")];
    let told = asked(&world, &with(forwarded("GET", "/api/x"), &twice)).await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::FORBIDDEN, Reason::BadRequest));
    // Where no token is taken, it belongs to the app.
    let cookie = world.cookie_of(&ada());
    let told = asked(&world, &with(forwarded("GET", "/work/x"), &[("authorization", token), ("cookie", &cookie)])).await;
    assert_eq!(told.response.status(), StatusCode::OK);
}
