//! What the endpoints have the audit log tell, and what a route that only tries its rules lets pass there.

use std::sync::Arc;

use super::super::tests::store::FakeStore;
use super::super::tests::world::{CONTOSO, FRONT, STRANGER, World, ada, cy, navigation, page};
use super::FORM;
use crate::domain::decision::{DecisionId, DecisionRecord, Outcome};
use crate::domain::reason::Reason;
use crate::protocol::session_record::SessionRecord;
use crate::proxy::audit::Naming;
use crate::proxy::respond::Told;
use crate::telemetry::audit::{Event, Happening};

fn record(told: &Told) -> (DecisionRecord, Vec<Event>) {
    told.verdict.clone().record(DecisionId::from_random(0))
}

/// What is told to have happened, and to whom.
fn told_of(told: &Told) -> Vec<(Happening, Option<String>)> {
    record(told).1.into_iter().map(|event| (event.happening, event.person.map(|person| person.name))).collect()
}

fn is_work_account(told: &Told) -> bool {
    record(told).1.iter().all(|event| event.person.as_ref().is_some_and(|person| person.judged.kind.as_str() == "work"))
}

async fn check(world: &World, path: &str, cookie: &str) -> Told {
    let fields = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", path),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "orders.example.com"),
        ("cookie", cookie),
    ];
    world.ask(FRONT, "GET", "/.auth/check", &fields, "").await
}

async fn typed(world: &World, address: &str, wanted: &str) -> Told {
    let form = [("content-type", FORM), ("accept", "text/html")];
    let address = address.replace('@', "%40");
    world.ask(STRANGER, "POST", "/.auth/sign-in", &form, &format!("identifier={address}&return_to={wanted}")).await
}

#[tokio::test]
async fn a_proxy_in_front_is_told_yes_where_rules_are_only_tried_and_the_logs_are_told_the_truth() {
    let world = World::new("");
    let (cy, ada) = (world.cookie_of(&cy()), world.cookie_of(&ada()));
    let refusal = Reason::PersonalAccountNotAllowed;
    let user = || Some("cy@personal.example".to_owned());
    for (path, cookie, status, outcome, would_refuse, events) in [
        ("/tried/x", &cy, 200, Outcome::Allow, Some(refusal), vec![(Happening::WouldBeRefused, user())]),
        ("/tried/x", &ada, 200, Outcome::Allow, None, vec![]),
        ("/tried/x", &String::new(), 401, Outcome::Challenge, None, vec![]),
        ("/work/x", &cy, 403, Outcome::Deny, None, vec![(Happening::Refused, user())]),
        ("/work/x", &ada, 200, Outcome::Allow, None, vec![]),
    ] {
        let told = check(&world, path, cookie).await;
        let decision = record(&told).0;
        assert_eq!(told.response.status().as_u16(), status, "{path}");
        assert_eq!((decision.outcome, decision.would_refuse), (outcome, would_refuse), "{path}");
        assert_eq!(told_of(&told), events, "{path}");
        assert!(!told.response.headers().keys().any(|name| name.as_str().contains("would")), "the app is not told");
    }
}

#[tokio::test]
async fn a_line_that_is_tried_is_the_line_that_is_told() {
    let world = World::new("");
    let told = check(&world, "/tried/x", &world.cookie_of(&cy())).await;
    let route = world.shared.rules.routes.named("tried").expect("a route");
    assert_eq!(record(&told).0.position, route.written.accounts.map(|written| written.position));
}

#[tokio::test]
async fn the_sign_in_page_turns_nobody_away_for_what_is_only_tried() {
    let world = World::new("");
    let away = typed(&world, "cy@outlook.com", "/tried/x").await;
    assert_eq!(away.verdict.reason(), Reason::SignInRequired);
    assert!(page(&away).contains("https://personal.example/authorize"), "{}", page(&away));
    assert_eq!(told_of(&away), []);

    let refused = typed(&world, "cy@outlook.com", "/work/x").await;
    assert_eq!(refused.verdict.reason(), Reason::PersonalAccountNotAllowed);
    assert_eq!(told_of(&refused), [(Happening::SignInFailed, None)], "what somebody types is nobody's name");

    for (path, hint) in [
        ("/tried/x", "Use your work, school or personal account."),
        ("/any/x", "Use your work, school or personal account."),
        ("/work/x", "Use your work or school account."),
    ] {
        let asked = world.ask(STRANGER, "GET", &format!("/.auth/sign-in?return_to={path}"), &navigation(), "").await;
        assert!(page(&asked).contains(&format!("id=\"hint\">{hint}</p>")), "{path}: {}", page(&asked));
    }
}

#[tokio::test]
async fn every_session_that_a_person_ends_is_told_by_its_own_name() {
    let world = World::new("");
    let cookies = format!("{}; {}", world.cookie_of(&ada()), world.cookie_of(&cy()));
    let headers = [("content-type", FORM), ("cookie", cookies.as_str())];
    let mut all = told_of(&world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "").await);
    all.sort_by(|one, other| one.1.cmp(&other.1));
    let (ada, cy) = (Some(format!("0b1e@{CONTOSO}")), Some("cy@personal.example".to_owned()));
    assert_eq!(all, [(Happening::SessionEnded, ada), (Happening::SessionEnded, cy)]);
    let again = world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "").await;
    assert_eq!(told_of(&again), [], "a copy of the cookies is worth nothing afterwards");
    let one = World::new("").ask(STRANGER, "POST", "/.auth/sign-out", &headers, "session=office").await;
    assert!(told_of(&one).len() == 1 && is_work_account(&one));
    let nobody = world.ask(STRANGER, "POST", "/.auth/sign-out", &[("content-type", FORM)], "").await;
    assert_eq!(told_of(&nobody), []);
}

#[tokio::test]
async fn a_sign_out_in_every_browser_has_a_word_of_its_own_where_it_is_one() {
    for (world, happening) in
        [(World::with_store(Arc::<FakeStore>::default()), Happening::SessionEndedEverywhere), (World::new(""), Happening::SessionEnded)]
    {
        let cookie = world.cookie_of(&cy());
        let headers = [("content-type", FORM), ("cookie", cookie.as_str())];
        let told = world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "session=everywhere").await;
        assert_eq!(told_of(&told), [(happening, Some("cy@personal.example".to_owned()))]);
    }
    assert_eq!(Happening::SessionEndedEverywhere.as_str(), "session_ended_everywhere");
}

#[tokio::test]
async fn what_a_failed_sign_out_ended_is_told() {
    let names = ["cy@personal.example".to_owned(), format!("0b1e@{CONTOSO}")];
    let (ended, everywhere) = (Happening::SessionEnded, Happening::SessionEndedEverywhere);
    // One session is in the store, the other in its cookie. To end one takes a change there, and everywhere one more.
    for (which, so_many, status, expected) in [
        ("session=*", 0, 503, &[][..]),
        ("session=*", 1, 503, &[ended, ended]),
        ("session=*", 2, 200, &[ended, ended]),
        ("session=everywhere", 0, 503, &[ended]),
        ("session=everywhere", 1, 503, &[everywhere, ended]),
        ("session=everywhere", 3, 200, &[everywhere, everywhere]),
    ] {
        let store = Arc::<FakeStore>::default();
        let world = World::with_store(Arc::<FakeStore>::clone(&store));
        let cookies = format!("{}; {}", world.cookie_of_kept(SessionRecord::bare(cy())).await, world.cookie_of(&ada()));
        store.end_only(so_many);
        let told = world.ask(STRANGER, "POST", "/.auth/sign-out", &[("content-type", FORM), ("cookie", cookies.as_str())], which).await;
        assert_eq!(told.response.status().as_u16(), status, "{which} {so_many}");
        let expected: Vec<_> = expected.iter().zip(&names).map(|(happening, name)| (*happening, Some(name.clone()))).collect();
        assert_eq!(told_of(&told), expected, "{which} {so_many}");
    }
}

#[tokio::test]
async fn people_are_called_what_the_configuration_says_and_nothing_without_an_audit_log() {
    let mut world = World::new("");
    let cookie = world.cookie_of(&cy());
    let hash = world.shared.keys.pseudonym(cy().principal.id()).to_string();
    for (naming, name) in [(Some(Naming::Full), Some("cy@personal.example".to_owned())), (Some(Naming::Hashed), Some(hash)), (None, None)] {
        Arc::get_mut(&mut world.shared).expect("nobody else has it").naming = naming;
        let told = check(&world, "/work/x", &cookie).await;
        assert_eq!(told.verdict.reason(), Reason::PersonalAccountNotAllowed);
        assert_eq!(told_of(&told), name.map(|name| (Happening::Refused, Some(name))).into_iter().collect::<Vec<_>>(), "{naming:?}");
    }
}

#[tokio::test]
async fn an_authority_that_is_down_and_too_many_tries_are_failed_sign_ins() {
    let world = World::new("");
    let unreadable = world.ask(STRANGER, "GET", "/.auth/callback/office?code=1&code=2", &navigation(), "").await;
    let foreign = world.ask(STRANGER, "GET", "/.auth/callback/office?code=1&state=2", &navigation(), "").await;
    let down = world.ask(STRANGER, "GET", "/.auth/sign-in?return_to=/api/x&account=work", &navigation(), "").await;
    for (told, reason) in [(unreadable, Reason::BadRequest), (foreign, Reason::FlowExpired), (down, Reason::IdpUnavailable)] {
        assert_eq!((told.verdict.reason(), told_of(&told)), (reason, vec![(Happening::SignInFailed, None)]));
    }
    for _ in 0..10 {
        assert_eq!(told_of(&typed(&world, "%40", "/work/x").await), [], "a mistyped address is no failed sign-in");
    }
    let flooded = typed(&world, "%40", "/work/x").await;
    assert_eq!((flooded.verdict.reason(), told_of(&flooded)), (Reason::RateLimited, vec![(Happening::SignInFailed, None)]));
    let nowhere = world.ask(STRANGER, "GET", "/.auth/callback/nowhere?code=1&state=2", &navigation(), "").await;
    assert_eq!((nowhere.verdict.reason(), told_of(&nowhere)), (Reason::NoRoute, vec![]));
}
