//! A Redis that is not there, keeps still, loses answers, or says no.

use futures_util::future::join_all;

use super::ports::free_ports;
use super::server::Redis;
use super::stall::Stall;
use super::*;
use crate::adapters::session_store::conformance::handle;

/// A Redis with something in between, and a store that has used it.
async fn behind_a_stall() -> (Redis, Stall, RedisStore, Handle) {
    let redis = Redis::start(&[]);
    let stall = Stall::in_front_of(redis.port);
    let (store, handle) = (store(&format!("redis://127.0.0.1:{}", stall.port)), handle());
    store.insert(handle, &fresh(1, "first")).await.expect("a store that answers");
    (redis, stall, store, handle)
}

#[tokio::test]
async fn a_redis_that_comes_later_than_we_is_used_when_it_is_there() {
    let port = free_ports(1);
    let store = store(&format!("redis://127.0.0.1:{port}"));
    let handle = handle();
    assert!(matches!(store.read(handle).await, Err(StoreFailed::NotDone(_))));
    assert!(matches!(store.insert(handle, &fresh(1, "first")).await, Err(StoreFailed::NotDone(_))), "it was never sent");
    let _redis = Redis::start_at(port, &[]);
    until("it is used", || async { store.insert(handle, &fresh(1, "first")).await.is_ok() }).await;
}

#[tokio::test]
async fn what_was_sent_into_the_void_is_unknown_and_what_was_not_is_not_done() {
    let (_redis, stall, store, handle) = behind_a_stall().await;
    stall.hold();
    assert!(matches!(store.replace(handle, 1, &fresh(2, "second")).await, Err(StoreFailed::Unknown(_))));
    assert!(matches!(store.replace(handle, 1, &fresh(2, "other")).await, Err(StoreFailed::NotDone(_))));
    assert!(matches!(store.read(handle).await, Err(StoreFailed::NotDone(_))), "nothing happens by reading");
    stall.recover();
    until("it goes on", || async { store.read(handle).await.is_ok() }).await;
    let record = store.read(handle).await.expect("a store that answers").record.expect("nothing got lost");
    assert!([fresh(1, "first").sealed, fresh(2, "second").sealed].contains(&record.sealed));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let (_redis, stall, store, handle) = behind_a_stall().await;
    let ours = Holder(7);
    stall.lose_an_answer();
    assert_eq!(store.replace(handle, 1, &fresh(2, "second")).await, Ok(Replaced::Done));
    stall.lose_an_answer();
    assert_eq!(store.claim(handle, ours, Duration::from_secs(60)).await, Ok(Claim::Ours(Before::Settled)));
    stall.lose_an_answer();
    assert_eq!(store.settle(handle, ours, 2, &fresh(3, "third")).await, Ok(Replaced::Done));
    stall.lose_an_answer();
    let read = store.read(handle).await.expect("a store that answers");
    assert_eq!(read.record.map(|record| record.version), Some(3));
    assert_eq!(stall.accepted(), 5, "each lost answer took its connection along");
}

#[tokio::test]
async fn however_many_ask_one_attempt_is_made_for_all() {
    let (_redis, stall, store, handle) = behind_a_stall().await;
    stall.cut();
    until("the end of the connection is known", || async { store.read(handle).await.is_err() }).await;
    let before = stall.accepted();
    let answers = join_all((0..500).map(|_| store.read(handle))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreFailed::NotDone(_)))));
    let attempts = stall.accepted() - before;
    assert!(attempts <= 5, "{attempts} attempts for 500 questions");
    stall.recover();
    until("it goes on", || async { store.read(handle).await.is_ok() }).await;
}

#[tokio::test]
async fn a_redis_that_was_restarted_goes_on_with_what_it_wrote_down() {
    let mut redis = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&format!("redis://127.0.0.1:{}", redis.port));
    let handle = handle();
    store.insert(handle, &fresh(1, "first")).await.expect("a store that answers");
    redis.kill();
    redis.start_again();
    // Its first question is for a script that this process of Redis has never heard of.
    until("it goes on", || async { store.replace(handle, 1, &fresh(2, "second")).await == Ok(Replaced::Done) }).await;
}

#[tokio::test]
async fn what_is_slow_but_not_too_slow_is_waited_for() {
    let (_redis, stall, store, handle) = behind_a_stall().await;
    stall.slow_down(Duration::from_millis(150));
    let answers = join_all((0..20).map(|_| store.read(handle))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|read| read.record.is_some())), "{answers:?}");
    assert_eq!(stall.accepted(), 1, "the connection was kept");
}

#[tokio::test]
async fn a_refusal_is_not_done_and_says_why() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://127.0.0.1:{}", redis.port));
    let first = handle();
    store.insert(first, &fresh(1, "first")).await.expect("a store that answers");
    let refused = async |code: &str| {
        let answer = store.insert(handle(), &fresh(1, "more")).await;
        assert!(matches!(&answer, Err(StoreFailed::NotDone(why)) if why.starts_with(code)), "{code}: {answer:?}");
        assert!(store.read(first).await.is_ok(), "{code}: reading goes on");
    };
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    refused("OOM").await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    redis.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    refused("NOREPLICAS").await;
    redis.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    redis.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    refused("READONLY").await;
    redis.ask(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(store.insert(handle(), &fresh(1, "more")).await, Ok(Inserted::Done));
}

#[tokio::test]
async fn what_somebody_else_wrote_to_our_keys_is_no_session_and_no_absence() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://127.0.0.1:{}", redis.port));
    let (text, half, record) = (handle(), handle(), handle());
    redis.ask(&["SET", &keys::record(text), "x"]);
    redis.ask(&["HSET", &keys::record(half), "version", "1"]);
    redis.ask(&["SET", "homerealm:{0123}:r", "x"]);
    store.insert(record, &fresh(1, "first")).await.expect("a store that answers");
    assert!(store.read(text).await.is_err());
    assert!(store.read(half).await.is_err());
    redis.ask(&["DEL", &keys::record(text)]);
    let listed = store.list(None).await.expect("a store that answers");
    assert_eq!(listed.records, [(record, fresh(1, "first").summary)]);
}
