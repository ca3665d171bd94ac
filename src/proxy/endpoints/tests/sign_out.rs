//! Signing out: what ends, where, and what happens if it cannot be ended now.

use std::sync::Arc;

use http::{StatusCode, header};

use super::super::tests::store::FakeStore;
use super::super::tests::world::{NOW, STRANGER, World, ada, cy, navigation, page, set_cookies};
use super::FORM;
use crate::domain::reason::Reason;
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::protocol::secret::Secret;
use crate::protocol::session_record::{SessionRecord, Tokens};
use crate::proxy::respond::Told;

async fn sign_out(world: &World, cookies: &str, which: &str) -> Told {
    let headers = [("content-type", FORM), ("accept", "text/html"), ("cookie", cookies)];
    world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, which).await
}

async fn is_signed_in(world: &World, cookie: &str) -> bool {
    let told = world.ask(STRANGER, "GET", "/.auth/session", &[("cookie", cookie)], "").await;
    told.response.status() == StatusCode::OK
}

fn another_browser(session: Session) -> Session {
    Session { id: SessionId([9; 16]), ..session }
}

#[tokio::test]
async fn a_copy_of_a_cookie_is_worth_nothing_once_its_person_has_signed_out() {
    let world = World::new("");
    let (here, elsewhere) = (world.cookie_of(&ada()), world.cookie_of(&another_browser(ada())));
    assert!(is_signed_in(&world, &here).await);
    sign_out(&world, &here, "session=office").await;
    assert!(!is_signed_in(&world, &here).await && is_signed_in(&world, &elsewhere).await);
}

#[tokio::test]
async fn everywhere_means_every_browser_of_the_same_people_and_of_nobody_else() {
    for world in [World::new(""), World::with_store(Arc::<FakeStore>::default())] {
        let cookies = [ada(), another_browser(ada()), another_browser(cy())].map(|session| world.cookie_of(&session));
        let [here, elsewhere, somebody_else] = &cookies;
        let told = sign_out(&world, here, "session=everywhere").await;
        assert_eq!(told.response.status(), StatusCode::OK);
        assert!(set_cookies(&told).contains(&"__Host-homerealm-s-office=".to_owned()));
        assert!(!is_signed_in(&world, here).await && !is_signed_in(&world, elsewhere).await);
        assert!(is_signed_in(&world, somebody_else).await);
        let again = Session { signed_in_at: Timestamp::from_unix_seconds(1_800_000_001), ..ada() };
        let later = Session { id: SessionId([8; 16]), last_seen: again.signed_in_at, ..again };
        assert!(is_signed_in(&world, &world.cookie_of(&later)).await, "who signs in anew is in");
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_told_so_kindly_whatever_they_end() {
    let world = World::new("");
    for which in ["", "session=*", "session=everywhere", "session=office"] {
        let told = sign_out(&world, "", which).await;
        assert_eq!((told.response.status(), page(&told).contains("You are signed out")), (StatusCode::OK, true), "{which}");
    }
    for which in ["session=nowhere", "session=Everywhere", "session=office&session=home"] {
        assert_eq!(sign_out(&world, "", which).await.response.status(), StatusCode::BAD_REQUEST, "{which}");
    }
}

#[tokio::test]
async fn while_the_store_fails_nobody_is_told_that_they_are_signed_out() {
    let store = Arc::<FakeStore>::default();
    let world = World::with_store(Arc::<FakeStore>::clone(&store));
    let cookie = world.cookie_of_kept(SessionRecord::bare(ada())).await;
    let headers = [navigation(), vec![("cookie", cookie.as_str())]].concat();
    store.fail();
    for which in ["", "session=*", "session=office", "session=everywhere"] {
        let told = sign_out(&world, &cookie, which).await;
        assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::SERVICE_UNAVAILABLE, Reason::SessionStoreUnavailable));
        assert_eq!(set_cookies(&told), Vec::<String>::new(), "{which}");
        assert!(told.response.headers().contains_key(header::RETRY_AFTER));
        assert!(page(&told).contains("href=\"/.auth/sign-out\""), "a way to try again: {}", page(&told));
    }
    let asks = world.ask(STRANGER, "GET", "/.auth/sign-out", &headers, "").await;
    assert!(asks.response.status() == StatusCode::SERVICE_UNAVAILABLE && page(&asks).contains("href=\"/.auth/sign-out\""));

    store.recover();
    assert!(is_signed_in(&world, &cookie).await);
    let told = sign_out(&world, &cookie, "").await;
    assert_eq!((told.response.status(), store.records()), (StatusCode::OK, 0));
    assert!(!is_signed_in(&world, &cookie).await);
}

#[tokio::test]
async fn a_second_try_promises_no_more_than_it_did() {
    const PROMISE: &str = "on every other device";
    for with_another in [false, true] {
        let store = Arc::<FakeStore>::default();
        let world = World::with_store(Arc::<FakeStore>::clone(&store));
        let ticket = world.cookie_of_kept(SessionRecord::bare(ada())).await;
        store.end_only(0);
        assert_eq!(sign_out(&world, &ticket, "session=everywhere").await.response.status(), StatusCode::SERVICE_UNAVAILABLE);
        store.recover();
        let cookies = if with_another { format!("{ticket}; {}", world.cookie_of(&another_browser(cy()))) } else { ticket };
        let told = sign_out(&world, &cookies, "session=everywhere").await;
        assert_eq!(told.response.status(), StatusCode::OK);
        assert!(!set_cookies(&told).contains(&"__Host-homerealm-ended=everywhere".to_owned()));
        let note = if with_another { "__Host-homerealm-ended=all" } else { "app=v" };
        let back = page(&world.ask(STRANGER, "GET", "/.auth/signed-out", &[navigation(), vec![("cookie", note)]].concat(), "").await);
        let shown = if with_another { back } else { page(&told) };
        assert!(shown.contains("This browser is no longer signed in to") && !shown.contains(PROMISE), "{shown}");
    }
    let world = World::with_store(Arc::<FakeStore>::default());
    let told = sign_out(&world, &world.cookie_of(&ada()), "session=everywhere").await;
    assert!(set_cookies(&told).contains(&"__Host-homerealm-ended=everywhere".to_owned()), "the first try does");
}

#[tokio::test]
async fn of_several_accounts_the_one_that_signed_in_last_leads_on() {
    let earlier = |session: Session| Session { signed_in_at: NOW - std::time::Duration::from_secs(60), ..another_browser(session) };
    for (first, last, leads_to) in
        [(earlier(ada()), cy(), "https://personal.example/logout?"), (earlier(cy()), ada(), "https://office.example/logout?")]
    {
        let world = World::new("");
        let cookies = format!("{}; {}", world.cookie_of(&first), world.cookie_of(&last));
        let html = page(&sign_out(&world, &cookies, "session=*").await);
        assert!(html.contains(leads_to), "{html}");
    }
}

#[tokio::test]
async fn the_provider_is_told_whom_to_sign_out_by_the_best_that_was_kept() {
    let world = World::with_store(Arc::<FakeStore>::default());
    let hinted = Session { sign_out_hint: Some("opaque".into()), ..ada() };
    let tokens = Tokens { id_token: Some(Secret::new("e.y.J".into())), ..Tokens::default() };
    let ours = "https://office.example/logout?client_id=6f0c2a4e-0000-4000-8000-000000000001";
    for (record, told_of) in [
        (SessionRecord { session: hinted.clone(), tokens }, "&amp;logout_hint=opaque&amp;id_token_hint=e.y.J\""),
        (SessionRecord::bare(hinted), "&amp;logout_hint=opaque\""),
        (SessionRecord::bare(ada()), "signed-out\""),
    ] {
        let cookie = world.cookie_of_kept(record).await;
        let html = page(&sign_out(&world, &cookie, "").await).replace("&#38;", "&amp;");
        assert!(html.contains(ours) && html.contains(told_of), "{html}");
    }
}
