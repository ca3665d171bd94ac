//! Sessions that are refreshed, as requests find them.

mod cancellation;
pub(super) mod world;

use serde_json::json;
use tokio::runtime::Handle;

use super::flights::Whereabouts;
use super::*;
use crate::domain::revocation::{Revocation, Whom};
use crate::flow::keeper::Opened;
use crate::protocol::session_cookie::Carried;
use world::{Fault, Keeping, LIFE, Manner, World, groups, token};

const BOTH: [Keeping; 2] = [Keeping::Cookies, Keeping::Store];

async fn signed_in(keeping: Keeping) -> (World, Carried) {
    let world = World::new(keeping, Handle::current());
    let carried = world.sign_in().await;
    (world, carried)
}

#[tokio::test]
async fn fresh_claims_are_left_alone() {
    for keeping in BOTH {
        let (world, carried) = signed_in(keeping).await;
        world.pass(LIFE / 2);
        assert!(world.request(&carried).await.is_some());
        assert_eq!(world.provider.asked(), 0);
    }
}

#[tokio::test]
async fn claims_that_are_due_are_asked_for_while_the_request_goes_on_if_a_store_keeps_them() {
    let (world, carried) = signed_in(Keeping::Store).await;
    world.provider.set(Manner::Rotates(json!({})));
    world.pass(LIFE - 1);
    let kept = world.request(&carried).await.expect("signed in");
    assert_eq!((groups(&kept.record), token(&kept.record), kept.copy), (vec!["before"], Some("t0"), Copy::UpToDate));
    world.settled().await;
    assert_eq!(world.provider.asked(), 1);
    let kept = world.request(&carried).await.expect("signed in");
    assert_eq!((groups(&kept.record), token(&kept.record)), (vec!["after"], Some("t1")), "judged at the next request");
    assert_eq!((kept.copy, world.provider.asked()), (Copy::UpToDate, 1));
}

#[tokio::test]
async fn claims_that_are_due_in_a_cookie_come_with_the_answer_that_had_them_asked_for() {
    let (world, carried) = signed_in(Keeping::Cookies).await;
    world.provider.set(Manner::Rotates(json!({})));
    world.pass(LIFE - 1);
    let kept = world.request(&carried).await.expect("signed in");
    assert_eq!((groups(&kept.record), token(&kept.record), kept.copy), (vec!["after"], Some("t1"), Copy::Outdated));
    // A process that knows nothing of it goes on with what the browser was given.
    let other = world.another(Handle::current());
    other.pass(LIFE);
    assert_eq!(token(&other.request(&kept.carried()).await.expect("signed in").record), Some("t2"));
}

#[tokio::test]
async fn claims_that_are_overdue_are_waited_for() {
    for keeping in BOTH {
        let (world, carried) = signed_in(keeping).await;
        world.provider.set(Manner::Rotates(json!({ "groups": [] })));
        world.pass(LIFE);
        let kept = world.request(&carried).await.expect("signed in");
        assert_eq!((groups(&kept.record), token(&kept.record)), (vec![], Some("t1")));
        assert_eq!(kept.record.tokens.fresh_until, Some(world.now() + Duration::from_secs(LIFE)));
        world.settled().await;
        if keeping == Keeping::Store {
            assert!(!world.store.is_claimed(world::ticket(&kept)));
            assert_eq!(token(&world.stored(&carried).expect("a record")), Some("t1"));
        }
    }
}

#[tokio::test]
async fn who_still_carries_what_was_before_finds_what_came_of_it() {
    let (world, old) = signed_in(Keeping::Cookies).await;
    world.pass(LIFE);
    let new = world.request(&old).await.expect("signed in").carried();
    for _ in 0..3 {
        let straggler = world.request(&old).await.expect("signed in");
        assert_eq!((token(&straggler.record), straggler.copy), (Some("t1"), Copy::Outdated));
    }
    assert_eq!(world.request(&new).await.expect("signed in").copy, Copy::UpToDate);
    // A generation further, both of the older ones lead to the newest.
    world.pass(LIFE);
    assert_eq!(token(&world.request(&old).await.expect("signed in").record), Some("t2"));
    assert_eq!(token(&world.request(&new).await.expect("signed in").record), Some("t2"));
    assert_eq!(world.provider.asked(), 2);
}

#[tokio::test]
async fn an_answer_without_an_id_token_leaves_the_claims_and_moves_their_end() {
    for keeping in BOTH {
        let (world, carried) = signed_in(keeping).await;
        world.pass(LIFE);
        let kept = world.request(&carried).await.expect("signed in");
        assert_eq!((groups(&kept.record), token(&kept.record)), (vec!["before"], Some("t1")));
        assert_eq!(kept.record.tokens.fresh_until, Some(world.now() + Duration::from_secs(LIFE)));
    }
}

#[tokio::test]
async fn a_provider_that_is_down_ends_nothing_and_is_asked_after_a_while() {
    for keeping in BOTH {
        for manner in [Manner::Down, Manner::RefusesClient] {
            let (world, carried) = signed_in(keeping).await;
            world.provider.set(manner);
            world.pass(LIFE);
            for _ in 0..3 {
                assert_eq!(token(&world.request(&carried).await.expect("signed in").record), Some("t0"));
                world.settled().await;
            }
            assert_eq!(world.provider.asked(), 1);
            world.pass(7);
            world.provider.set(Manner::SaysNothing);
            assert_eq!(token(&world.request(&carried).await.expect("signed in").record), Some("t1"));
            assert_eq!(world.provider.asked(), 2);
        }
    }
}

#[tokio::test]
async fn what_a_provider_wants_of_one_person_keeps_nobody_else_from_it() {
    for (manner, is_shut) in [(Manner::WantsPerson, false), (Manner::RefusesClient, true), (Manner::Down, true), (Manner::Mumbles, true)] {
        let (world, carried) = signed_in(Keeping::Cookies).await;
        for times in 1..=5 {
            // Each time the session waits longer before it asks again.
            world.pass(LIFE);
            world.provider.set(manner.clone());
            assert!(world.request(&carried).await.is_some());
            assert_eq!(world.provider.asked(), times, "{manner:?}");
            world.provider.restore();
        }
        assert_eq!(world.keeper.flights.gate(&world.authority.name).is_shut(world.now()), is_shut, "{manner:?}");
    }
}

#[tokio::test]
async fn a_session_ends_at_its_end_even_if_nobody_could_be_asked() {
    let (world, carried) = signed_in(Keeping::Cookies).await;
    world.provider.set(Manner::Down);
    world.pass(3599);
    assert!(world.request(&carried).await.is_some());
    world.pass(1);
    assert!(world.request(&carried).await.is_none());
}

#[tokio::test]
async fn a_refusal_ends_the_session_and_is_told_once() {
    for keeping in BOTH {
        let (world, carried) = signed_in(keeping).await;
        world.provider.revoke();
        world.pass(LIFE);
        assert!(world.request(&carried).await.is_none());
        let at = Whereabouts::of(&carried);
        assert_eq!(world.keeper.flights.farewell(at).map(|session| session.principal.subject), Some("ada".into()));
        assert!(world.keeper.flights.farewell(at).is_none());
        world.settled().await;
        assert!(world.request(&carried).await.is_none());
        assert!(world.stored(&carried).is_none());
        assert_eq!(world.provider.asked(), 1, "{keeping:?}: a dead token is not tried again");
    }
}

#[tokio::test]
async fn a_refusal_in_the_background_is_told_by_the_next_request() {
    let (world, carried) = signed_in(Keeping::Store).await;
    world.provider.revoke();
    world.pass(LIFE - 1);
    assert!(world.request(&carried).await.is_some());
    world.settled().await;
    assert!(world.request(&carried).await.is_none());
    assert!(world.keeper.flights.farewell(Whereabouts::of(&carried)).is_some());
}

#[tokio::test]
async fn a_token_about_somebody_else_ends_the_session() {
    for keeping in BOTH {
        for claims in [json!({ "sub": "bob" }), json!({ "aud": "another" }), json!({ "iss": "https://evil.example" })] {
            let (world, carried) = signed_in(keeping).await;
            world.provider.set(Manner::Rotates(claims.clone()));
            world.pass(LIFE);
            assert!(world.request(&carried).await.is_none(), "{claims}");
            world.settled().await;
            assert!(world.request(&carried).await.is_none(), "{claims}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_hold_costs_no_refresh_token() {
    for (keeping, manner) in
        BOTH.into_iter().flat_map(|keeping| [(keeping, Manner::Rotates(json!({ "exp": 1 }))), (keeping, Manner::HidesHome)])
    {
        let (world, carried) = signed_in(keeping).await;
        world.provider.set(manner);
        world.pass(LIFE);
        let kept = world.request(&carried).await.expect("signed in");
        assert_eq!((groups(&kept.record), token(&kept.record)), (vec!["before"], Some("t1")));
        world.settled().await;
        assert_eq!(token(&world.request(&carried).await.expect("signed in").record), Some("t1"));
        assert_eq!(world.provider.asked(), 1, "not again before a while");
        world.pass(7);
        world.provider.set(Manner::Rotates(json!({})));
        assert_eq!(groups(&world.request(&carried).await.expect("signed in").record), ["after"]);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_ends_no_session_although_its_token_is_refused_afterwards() {
    for (keeping, manner) in BOTH.into_iter().flat_map(|keeping| [(keeping, Manner::Breaks), (keeping, Manner::Mumbles)]) {
        let (world, carried) = signed_in(keeping).await;
        world.provider.set(manner);
        world.pass(LIFE);
        assert!(world.request(&carried).await.is_some());
        world.settled().await;
        world.store.run_out();
        world.pass(7);
        world.provider.set(Manner::SaysNothing);
        let kept = world.request(&carried).await.expect("signed in");
        assert_eq!((token(&kept.record), world.provider.asked()), (None, 2));
        world.settled().await;
        world.pass(2000);
        assert!(world.request(&kept.carried()).await.is_some(), "{keeping:?}: it lives to its hard end");
        assert_eq!(world.provider.asked(), 2);
    }
}

#[tokio::test]
async fn a_claim_that_was_abandoned_by_another_process_excuses_a_refusal() {
    let (world, carried) = signed_in(Keeping::Store).await;
    let other = world.another(Handle::current());
    world.provider.set(Manner::Breaks);
    world.pass(LIFE);
    assert!(other.request(&carried).await.is_some());
    other.settled().await;
    world.store.run_out();
    let kept = world.request(&carried).await.expect("signed in");
    assert_eq!(token(&kept.record), None);
    world.settled().await;
    assert_eq!(token(&world.stored(&carried).expect("a record")), None);
    assert!(other.request(&carried).await.is_some());
}

#[tokio::test]
async fn what_cannot_be_written_is_served_and_written_later() {
    for fault in [Fault::NotDone, Fault::Unknown] {
        let (world, carried) = signed_in(Keeping::Store).await;
        world.store.held().faults.extend([fault; 5]);
        world.pass(LIFE);
        for _ in 0..3 {
            assert_eq!(token(&world.request(&carried).await.expect("signed in").record), Some("t1"), "{fault:?}");
        }
        world.settled().await;
        assert_eq!(token(&world.stored(&carried).expect("a record")), Some("t1"), "{fault:?}");
        assert_eq!(world.provider.asked(), 1);
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_removed_is_refused_and_removed_later() {
    let (world, carried) = signed_in(Keeping::Store).await;
    world.provider.revoke();
    world.store.held().faults.extend([Fault::NotDone; 3]);
    world.pass(LIFE);
    assert!(world.request(&carried).await.is_none());
    assert!(world.request(&carried).await.is_none());
    world.settled().await;
    assert!(world.stored(&carried).is_none());
}

#[tokio::test]
async fn a_visit_that_is_noted_meanwhile_costs_no_refresh_token() {
    let (world, carried) = signed_in(Keeping::Store).await;
    let before = world.request(&carried).await.expect("signed in");
    world.pass(LIFE);
    world.provider.slowness.set(3);
    let mut request = Box::pin(world.request(&carried));
    while world.provider.asked() == 0 {
        assert!(futures_util::poll!(&mut request).is_pending());
        tokio::task::yield_now().await;
    }
    let seen = world.keeper.seen(&before, world.now()).await.expect("a store that works");
    request.await.expect("signed in");
    world.settled().await;
    // Both who saw the record before it and who wrote it come too late.
    for kept in [&before, &seen] {
        world.keeper.seen(kept, world.now()).await.expect("a store that works");
        assert_eq!(token(&world.stored(&carried).expect("a record")), Some("t1"));
    }
}

#[tokio::test]
async fn a_session_that_is_being_refreshed_moves_into_a_store_with_what_that_brings() {
    let (world, carried) = signed_in(Keeping::Store).await;
    let Carried::Ticket(ticket) = carried else { panic!("kept in a store") };
    let cookie = Carried::Whole(Arc::new(world.store.record(&ticket).expect("a record")));
    world.pass(LIFE);
    world.provider.slowness.set(3);
    let Opened::Live(before) = world.keeper.open(cookie.clone(), world.now()).await.expect("a store that works") else { panic!("over") };
    let mut request = Box::pin(world.request(&cookie));
    while world.provider.asked() == 0 {
        assert!(futures_util::poll!(&mut request).is_pending());
        tokio::task::yield_now().await;
    }
    let kept = world.keeper.seen(&before, world.now()).await.expect("a store that works");
    assert!(matches!(kept.place, Place::Cookie), "not with a token that is spent");
    let kept = request.await.expect("signed in");
    world.settled().await;
    let moved = world.keeper.seen(&kept, world.now()).await.expect("a store that works").carried();
    assert_eq!(token(&world.stored(&moved).expect("a record")), Some("t1"));
}

#[tokio::test]
async fn what_a_store_should_hold_and_does_not_is_written_by_the_next_request() {
    let (world, carried) = signed_in(Keeping::Store).await;
    let Carried::Ticket(ticket) = &carried else { panic!("kept in a store") };
    let before = world.store.record(ticket).expect("a record");
    world.pass(LIFE);
    let cookie = Carried::Whole(Arc::new(before));
    world.request(&cookie).await.expect("signed in");
    world.settled().await;
    assert_eq!(token(&world.stored(&carried).expect("a record")), Some("t0"), "refreshed elsewhere");
    let kept = world.request(&carried).await.expect("signed in");
    assert_eq!((token(&kept.record), kept.copy), (Some("t1"), Copy::Outdated));
    world.keeper.seen(&kept, world.now()).await.expect("a store that works");
    assert_eq!(token(&world.stored(&carried).expect("a record")), Some("t1"));
    assert_eq!(world.request(&carried).await.expect("signed in").copy, Copy::UpToDate);
}

#[tokio::test]
async fn who_signs_out_while_their_session_is_refreshed_stays_signed_out() {
    for keeping in BOTH {
        let (world, carried) = signed_in(keeping).await;
        let kept = world.request(&carried).await.expect("signed in");
        world.pass(LIFE);
        world.provider.slowness.set(3);
        let mut request = Box::pin(world.request(&carried));
        while world.provider.asked() == 0 {
            assert!(futures_util::poll!(&mut request).is_pending());
            tokio::task::yield_now().await;
        }
        world.keeper.end(&kept, "signed out").await.expect("a store that works");
        let _either = request.await;
        world.settled().await;
        assert!(world.request(&carried).await.is_none(), "{keeping:?}");
        assert!(world.stored(&carried).is_none());
        assert!(world.keeper.flights.farewell(Whereabouts::of(&carried)).is_none(), "who signed out has been told of already");
    }
}

#[tokio::test]
async fn a_session_that_was_revoked_spends_no_token() {
    let (world, carried) = signed_in(Keeping::Cookies).await;
    let kept = world.request(&carried).await.expect("signed in");
    world.pass(LIFE);
    let revocation = Revocation { whom: Whom::Session(kept.session().id), at: world.now(), why: "test".into() };
    world.keeper.revoke(revocation).await.expect("room");
    assert!(matches!(world.keeper.freshen(kept, &world.authority, world.now()).await, Freshened::Ended));
    assert_eq!(world.provider.asked(), 0);
}

#[tokio::test]
async fn two_processes_spend_one_token() {
    let (world, carried) = signed_in(Keeping::Store).await;
    let other = world.another(Handle::current());
    world.provider.slowness.set(5);
    for round in 1..4 {
        world.pass(LIFE);
        let requests = (0..25).flat_map(|_| [world.request(&carried), other.request(&carried)]);
        for kept in futures_util::future::join_all(requests).await {
            assert_eq!(token(&kept.expect("signed in").record), Some(&*format!("t{round}")));
        }
        assert_eq!(world.provider.asked(), round);
    }
}
