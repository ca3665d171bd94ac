//! Several accounts in one browser: who is told to be signed in, and which route a sign-in from that page is for.

use std::sync::Arc;

use http::{StatusCode, header};

use super::super::tests::store::FakeStore;
use super::super::tests::world::{NOW, STRANGER, World, ada, cy, navigation, page, set_cookies};
use super::FORM;
use crate::domain::authority::AuthorityName;
use crate::domain::reason::Reason;
use crate::domain::session::{Session, SessionId};
use crate::protocol::session_record::SessionRecord;
use crate::proxy::respond::Told;

const SESSION: &str = "/.auth/session?return_to=/work/x";

async fn ask(world: &World, path: &str, cookie: &str) -> Told {
    world.ask(STRANGER, "GET", path, &[navigation(), vec![("cookie", cookie)]].concat(), "").await
}

fn both(world: &World) -> String {
    let earlier = Session { id: SessionId([6; 16]), signed_in_at: NOW - std::time::Duration::from_secs(600), ..cy() };
    format!("{}; {}", world.cookie_of(&earlier), world.cookie_of(&ada()))
}

fn location(told: &Told) -> String {
    told.response.headers()[header::LOCATION].to_str().expect("ASCII").to_owned()
}

#[tokio::test]
async fn people_get_a_page_and_programs_a_document() {
    let world = World::new("");
    let cookie = both(&world);
    let shown = ask(&world, SESSION, &cookie).await;
    let text = page(&shown);
    assert_eq!(shown.response.status(), StatusCode::OK);
    assert_eq!(
        (&shown.response.headers()[header::CONTENT_TYPE], shown.verdict.reason()),
        (&"text/html; charset=utf-8".parse().expect("a type"), Reason::SignedIn)
    );
    assert!(text.contains("You are signed in with 2 accounts") && text.contains("10 minutes ago"), "{text}");
    let (office, home) = (text.find("value=\"office\"").expect("Ada's"), text.find("value=\"home\"").expect("Cy's"));
    assert!(office < home, "whoever signed in last comes first");
    assert!(text.contains("href=\"/work/x\""), "the way back");
    assert!(set_cookies(&shown).is_empty(), "looking is no visit");

    let program = world.ask(STRANGER, "GET", SESSION, &[("cookie", cookie.as_str())], "").await;
    let document: serde_json::Value = serde_json::from_slice(program.response.body()).expect("JSON");
    let times = |session: &serde_json::Value| {
        ["signed_in_at", "expires_at", "ends_at"].map(|name| session[name].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(document["kind"], "work");
    assert_eq!(times(&document), ["2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z", "2027-01-15T16:00:00Z"]);
    assert_eq!(times(&document["sessions"][1])[0], "2027-01-15T07:50:00Z");
    for told in [shown, program] {
        let field = |name| told.response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(field(header::CACHE_CONTROL), "no-store");
        assert!(field(header::VARY).contains("Cookie") && field(header::VARY).contains("Sec-Fetch-Mode"), "{}", field(header::VARY));
    }
}

#[tokio::test]
async fn everywhere_is_offered_where_a_store_makes_it_true() {
    const BUTTON: &str = "value=\"everywhere\"";
    for (world, offered) in [(World::new(""), false), (World::with_store(Arc::<FakeStore>::default()), true)] {
        let cookie = both(&world);
        for path in [SESSION, "/.auth/sign-out"] {
            let text = page(&ask(&world, path, &cookie).await);
            assert!(text.contains("value=\"*\""), "{path}: {text}");
            assert_eq!(text.contains(BUTTON), offered, "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn nobody_is_an_answer_for_people_and_a_401_for_programs() {
    let world = World::new("");
    let nobody = ask(&world, SESSION, "app=v").await;
    assert_eq!((nobody.response.status(), nobody.verdict.reason()), (StatusCode::OK, Reason::Public));
    let text = page(&nobody);
    assert!(text.contains("You are not signed in") && text.contains("/.auth/sign-in?return_to=%2Fwork%2Fx"), "{text}");
    let program = world.ask(STRANGER, "GET", SESSION, &[], "").await;
    assert_eq!((program.response.status(), program.verdict.reason()), (StatusCode::UNAUTHORIZED, Reason::SignInRequired));
}

#[tokio::test]
async fn more_accounts_are_offered_where_a_route_takes_them() {
    let world = World::new("");
    for (session, offered, not_offered) in [(ada(), "account=personal", "account=work"), (cy(), "account=work", "account=personal")] {
        let text = page(&ask(&world, SESSION, &world.cookie_of(&session)).await);
        assert!(text.contains(offered) && !text.contains(not_offered) && !text.contains("account=customer"), "{text}");
    }
    let other_origin = world.cookie_of(&ada());
    let fields = [navigation(), vec![("cookie", other_origin.as_str()), ("host", "shop.example.com")]].concat();
    let text = page(&world.ask(STRANGER, "GET", SESSION, &fields, "").await);
    assert!(text.contains("You are not signed in"), "a session is good at its own origin: {text}");
}

#[tokio::test]
async fn a_sign_in_from_there_is_for_a_route_that_takes_the_account_and_comes_back() {
    let world = World::new("");
    let link = |what: &str| format!("/.auth/sign-in?{what}&prompt=select_account&return_to=/.auth/session%3Freturn_to%3D/work/x");
    for (what, leads_to) in [
        ("account=work", Some("https://office.example/authorize?")),
        ("account=personal", Some("https://personal.example/authorize?")),
        ("authority=office", Some("https://office.example/authorize?")),
        ("authority=home", Some("https://personal.example/authorize?")),
        ("account=customer", None),
    ] {
        let told = ask(&world, &link(what), "app=v").await;
        match leads_to {
            Some(place) => {
                assert!(location(&told).starts_with(place) && location(&told).contains("prompt=select_account"), "{what}");
                assert_eq!(set_cookies(&told).len(), 1, "{what}: an attempt");
            }
            None => assert_eq!(told.verdict.reason(), Reason::CustomerAccountNotAllowed, "{what}"),
        }
    }
    let unknown = ask(&world, &link("authority=nowhere"), "app=v").await;
    assert_eq!(unknown.verdict.reason(), Reason::BadRequest);
    // A guarded page says itself whom it takes.
    let elsewhere = ask(&world, "/.auth/sign-in?authority=home&return_to=/work/x", "app=v").await;
    assert_eq!((elsewhere.verdict.reason(), set_cookies(&elsewhere).len()), (Reason::AuthorityNotAllowed, 0));
    // Other pages of ours are nothing to come back to.
    let told = ask(&world, "/.auth/sign-in?return_to=/.auth/sign-out", "app=v").await;
    assert!(page(&told).contains("name=\"return_to\" value=\"/\""));
    let told = ask(&world, "/.auth/sign-in?return_to=/.auth/session", "app=v").await;
    assert!(page(&told).contains("name=\"return_to\" value=\"/.auth/session\""));
}

#[tokio::test]
async fn after_a_sign_out_it_is_told_what_ended_and_who_is_still_signed_in() {
    let cookie = both(&World::new(""));
    let headers = [("content-type", FORM), ("accept", "text/html"), ("cookie", cookie.as_str())];
    // The way to the authority leaves a note, and the way back tells it.
    for (which, noted, left, heading) in [
        ("session=home", "personal", Some(ada()), "Your personal account is signed out"),
        ("session=office", "work", Some(cy()), "Your work or school account is signed out"),
        ("session=office", "work", None, "You are signed out"),
        ("session=*", "all", None, "You are signed out"),
        ("session=*", "all", Some(ada()), "You are signed in"),
        // The other devices may stay signed in: nothing is promised.
        ("session=everywhere", "all", None, "You are signed out"),
    ] {
        let told = World::new("").ask(STRANGER, "POST", "/.auth/sign-out", &headers, which).await;
        let note = format!("__Host-homerealm-ended={noted}");
        assert!(set_cookies(&told).contains(&note), "{which}: {:?}", set_cookies(&told));
        let world = World::new("");
        let left = left.map(|session| world.cookie_of(&session));
        let told = ask(&world, "/.auth/signed-out", &format!("{note}; {}", left.as_deref().unwrap_or("app=v"))).await;
        let text = page(&told);
        assert!(text.contains(&format!("<h1>{heading}</h1>")), "{which}: {text}");
        assert_eq!(text.contains("You are still signed in with"), left.is_some(), "{which}: {text}");
        assert_eq!(set_cookies(&told), ["__Host-homerealm-ended="], "{which}: it is told once");
    }
    let world = World::with_store(Arc::<FakeStore>::default());
    let note = "__Host-homerealm-ended=everywhere".to_owned();
    let told = world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "session=everywhere").await;
    assert!(set_cookies(&told).contains(&note), "{:?}", set_cookies(&told));
    let text = page(&ask(&world, "/.auth/signed-out", &note).await);
    assert!(text.contains("<h1>You are signed out everywhere</h1>") && text.contains("on every other device"), "{text}");
    let world = World::new("");
    let told = ask(&world, "/.auth/signed-out", &format!("__Host-homerealm-ended=nonsense; {}", world.cookie_of(&ada()))).await;
    assert!(page(&told).contains("<h1>You are signed in</h1>"), "{}", page(&told));
    let told = ask(&world, "/.auth/signed-out", "app=v").await;
    assert!(page(&told).contains("<h1>You are signed out</h1>") && set_cookies(&told).is_empty());
}

#[tokio::test]
async fn an_authority_without_a_sign_out_of_its_own_needs_no_note() {
    let world = World::new("");
    let mut there = ada();
    there.principal.authority = AuthorityName::parse("down").expect("a name");
    there.principal.issuer = "https://down.example".into();
    let cookie = format!("{}; {}", world.cookie_of(&there), world.cookie_of(&cy()));
    let headers = [("content-type", FORM), ("accept", "text/html"), ("cookie", cookie.as_str())];
    let told = world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "session=down&return_to=/any/x").await;
    let text = page(&told);
    assert!(text.contains("Your work or school account is signed out") && text.contains("You are still signed in with"), "{text}");
    assert!(text.contains("href=\"/any/x\"") && !set_cookies(&told).iter().any(|pair| pair.contains("ended")), "{text}");
}

#[tokio::test]
async fn a_store_that_fails_is_not_nobody() {
    let store = Arc::<FakeStore>::default();
    let world = World::with_store(Arc::<FakeStore>::clone(&store));
    let ticket = world.cookie_of_kept(SessionRecord::bare(ada())).await;
    store.fail();
    for headers in [navigation(), vec![]] {
        let told = world.ask(STRANGER, "GET", SESSION, &[headers, vec![("cookie", ticket.as_str())]].concat(), "").await;
        assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::SERVICE_UNAVAILABLE, Reason::SessionStoreUnavailable));
        assert!(told.response.headers().contains_key(header::RETRY_AFTER) && set_cookies(&told).is_empty(), "the cookie stays");
    }
    let told = ask(&world, SESSION, &ticket).await;
    assert!(page(&told).contains("href=\"/.auth/session?return_to=/work/x\""), "a way to try again: {}", page(&told));
    let told = ask(&world, "/.auth/signed-out", &format!("__Host-homerealm-ended=personal; {ticket}")).await;
    let text = page(&told);
    assert_eq!(told.response.status(), StatusCode::OK, "what was ended, was ended");
    assert!(text.contains("Your personal account is signed out") && text.contains("can't look up"), "{text}");
    store.recover();
    assert!(page(&ask(&world, SESSION, &ticket).await).contains("You are signed in"));
}
