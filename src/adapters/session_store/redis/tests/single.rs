//! One Redis.

use super::server::Redis;
use super::*;
use crate::adapters::session_store::conformance::{handle, holds};
use crate::protocol::secret::Secret;

#[tokio::test]
async fn one_redis_keeps_every_promise() {
    let redis = Redis::start(&[]);
    holds(&Real(store(&format!("redis://127.0.0.1:{}/", redis.port)))).await;
}

#[tokio::test]
async fn every_write_can_be_repeated() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://127.0.0.1:{}", redis.port));
    let (handle, ours, lease) = (handle(), Holder(7), Duration::from_secs(60));
    for _ in 0..2 {
        assert_eq!(store.insert(handle, &fresh(1, "first")).await, Ok(Inserted::Done));
    }
    let second = fresh(2, "second");
    for _ in 0..2 {
        assert_eq!(store.replace(handle, 1, &second).await, Ok(Replaced::Done));
    }
    for _ in 0..2 {
        assert_eq!(store.claim(handle, ours, lease).await, Ok(Claim::Ours(Before::Settled)));
    }
    let third = fresh(3, "third");
    for _ in 0..2 {
        assert_eq!(store.settle(handle, ours, 2, &third).await, Ok(Replaced::Done));
    }
    assert_eq!(store.read(handle).await.map(|read| read.record), Ok(Some(third)));
    for _ in 0..2 {
        assert_eq!(store.remove(handle).await, Ok(()));
    }
    let until = SystemClock.now() + Duration::from_secs(60);
    let version = store.revoke("entry", until).await;
    assert_eq!(store.revoke("entry", until).await, version);
    assert_eq!(store.revocations(0).await, version.map(|version| (version, vec!["entry".to_owned()])));
}

#[tokio::test]
async fn the_list_of_revocations_goes_on_where_redis_has_forgotten_it() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://127.0.0.1:{}", redis.port));
    let until = SystemClock.now() + Duration::from_secs(60);
    let before = store.revoke("first", until).await.expect("a store that answers");
    redis.ask(&["FLUSHALL"]);
    assert!(store.revoke("second", until).await.expect("a store that answers") > before);
}

#[tokio::test]
async fn keys_expire_with_what_they_hold() {
    let redis = Redis::start(&[]);
    let store = store(&format!("redis://127.0.0.1:{}", redis.port));
    let handle = handle();
    let past = Stored { expires_at: Timestamp::from_unix_seconds(1), ..fresh(1, "past") };
    store.insert(handle, &past).await.expect("a store that answers");
    assert_eq!(store.read(handle).await.map(|read| read.record), Ok(None), "its time is up, whatever Redis thinks");
    store.insert(handle, &fresh(1, "first")).await.expect("a store that answers");
    store.claim(handle, Holder(7), Duration::from_secs(60)).await.expect("a store that answers");
    store.revoke("entry", SystemClock.now() + Duration::from_secs(60)).await.expect("a store that answers");
    let all = redis.ask(&["KEYS", "*"]);
    let lasting: Vec<_> = all.lines().filter(|key| redis.ask(&["PTTL", key]).trim() == "-1").collect();
    assert_eq!(lasting, [keys::REVOCATIONS_VERSION], "of {all}");
}

#[tokio::test]
async fn who_we_are_is_told_and_another_is_not_let_in() {
    let redis = Redis::start(&["--user", "homerealm", "on", ">open-sesame", "~homerealm:*", "+@all", "--user", "default", "off"]);
    let right = RedisAddress {
        password: Some(Secret::new("open-sesame".to_owned())),
        ..address(&format!("redis://homerealm@127.0.0.1:{}/3", redis.port))
    };
    let (handle, record) = (handle(), fresh(1, "first"));
    store_at(&right).insert(handle, &record).await.expect("a store that answers");
    assert_eq!(store_at(&right).read(handle).await.map(|read| read.record), Ok(Some(record)));
    let elsewhere = store_at(&RedisAddress { database: 0, ..right.clone() });
    assert_eq!(elsewhere.read(handle).await.map(|read| read.record), Ok(None));

    let wrong = store_at(&RedisAddress { password: Some(Secret::new("guessed-wrong".to_owned())), ..right });
    let Err(StoreFailed::NotDone(why)) = wrong.read(handle).await else { panic!("let in") };
    assert!(why.to_lowercase().contains("password") && !why.contains("guessed-wrong"), "{why}");
}
