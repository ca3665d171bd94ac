//! What is remembered, and for how long.

use tokio::runtime::Handle;

use super::memory::MOST_REMEMBERED;
use super::*;
use crate::flow::freshen::tests::world::{LIFE, SIGNED_IN, record, token};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(SIGNED_IN + seconds)
}

/// A session, numbered.
fn session(number: u64, token: &str, since: u64) -> SessionRecord {
    let mut record = record(token, at(since), at(since + LIFE));
    record.session.id.0[..8].copy_from_slice(&number.to_be_bytes());
    record
}

fn flights() -> Arc<Flights> {
    Arc::new(Flights::new(Handle::current()))
}

/// A refresh that brings this.
async fn fly(flights: &Arc<Flights>, from: &SessionRecord, brings: SessionRecord, now: u64) {
    let landed = async move |cockpit: Cockpit| cockpit.renewed(&Arc::new(brings), at(now));
    assert!(matches!(flights.join(from, at(now), landed).expect("nothing against it").landed().await, Landing::Renewed(_)));
    flights.landed().await;
}

#[tokio::test]
async fn what_came_is_remembered_until_the_browser_has_it_and_a_minute_longer() {
    let flights = flights();
    let (old, new) = (session(1, "t0", 0), session(1, "t1", 600));
    fly(&flights, &old, new.clone(), 600).await;
    let newer = |than: &SessionRecord, now| flights.newer(than, at(now)).and_then(|newer| token(&newer).map(str::to_owned));
    assert_eq!(newer(&old, 3000).as_deref(), Some("t1"), "for as long as nobody has it");
    assert_eq!(newer(&new, 601), None);
    assert_eq!(newer(&old, 659).as_deref(), Some("t1"), "for stragglers");
    assert_eq!(newer(&new, 660), None);
    assert_eq!(newer(&old, 661), None);
    assert!(flights.known().sessions.is_empty() && flights.known().order.is_empty());
    assert_eq!(newer(&session(2, "t0", 0), 600), None, "nobody gets another session's");
}

#[tokio::test]
async fn beyond_the_bound_those_go_that_were_looked_for_least_recently() {
    let flights = flights();
    let most = MOST_REMEMBERED as u64;
    let (stays_up, holds_on) = tokio::sync::oneshot::channel::<()>();
    let flies = flights.join(&session(most + 9, "t0", 0), at(0), async move |cockpit: Cockpit| {
        let _end = holds_on.await;
        drop(cockpit);
    });
    for number in 0..most - 1 {
        fly_alone(&flights, number);
    }
    assert!(flights.newer(&session(0, "t0", 0), at(601)).is_some());
    for number in most..most + 3 {
        fly_alone(&flights, number);
    }
    let known = |number| flights.known().sessions.contains_key(&session(number, "", 0).session.id);
    assert_eq!([0, 1, 2, 3, 4].map(known), [true, false, false, false, true]);
    assert!(known(most + 9), "what is under way is never forgotten");
    let lengths = {
        let known = flights.known();
        (known.sessions.len(), known.order.len())
    };
    assert_eq!(lengths, (MOST_REMEMBERED, MOST_REMEMBERED));
    drop(stays_up);
    assert!(matches!(flies.expect("under way").landed().await, Landing::Failed), "who is dropped has failed");
}

fn fly_alone(flights: &Arc<Flights>, number: u64) {
    let cockpit = Cockpit { flights: Arc::clone(flights), id: session(number, "", 0).session.id, landing: watch::channel(None).0 };
    flights.known().look(cockpit.id);
    cockpit.renewed(&Arc::new(session(number, "t1", 600)), at(600));
}

#[tokio::test]
async fn a_failure_is_remembered_for_as_long_as_its_pause() {
    let flights = flights();
    let old = session(1, "t0", 0);
    let fail = async |now: u64, asked| {
        let failed = async move |cockpit: Cockpit| {
            let before = cockpit.setback().map(|setback| setback.asked);
            cockpit.failed(asked, at(now));
            assert!(before.is_none_or(|before| before == Asked::Unanswered));
        };
        let flight = flights.join(&old, at(now), failed)?;
        let landing = flight.landed().await;
        flights.landed().await;
        Some(landing)
    };
    assert!(matches!(fail(600, Asked::Unanswered).await, Some(Landing::Failed)));
    assert!(fail(604, Asked::InVain).await.is_none());
    assert!(fail(606, Asked::InVain).await.is_some());
    assert!(fail(615, Asked::InVain).await.is_none(), "twice as long");
    assert!(fail(618, Asked::InVain).await.is_some(), "and that it was once unanswered is not forgotten");
    fly(&flights, &old, session(1, "t1", 700), 700).await;
    assert!(fail(701, Asked::InVain).await.is_some_and(|landing| matches!(landing, Landing::Renewed(_))), "what is there is not asked for");
}

#[tokio::test]
async fn farewells_are_said_once_and_the_oldest_make_room_for_new_ones() {
    let flights = flights();
    let most = MOST_FAREWELLS as u64;
    for number in 0..2 * most {
        let session = session(number, "", 0).session;
        flights.say_farewell(Whereabouts::Cookie(session.id), session);
    }
    let farewell = |number| flights.farewell(Whereabouts::Cookie(session(number, "", 0).session.id));
    assert_eq!([0, most - 1].map(|number| farewell(number).is_some()), [false, false]);
    for number in [most, 2 * most - 1] {
        let id = session(number, "", 0).session.id;
        assert_eq!(farewell(number).map(|session| session.id), Some(id));
        assert!(farewell(number).is_none());
    }
    assert_eq!(flights.known().farewells.len(), MOST_FAREWELLS - 2);
}
