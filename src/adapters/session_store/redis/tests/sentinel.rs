//! A primary, a replica, and three sentinels that watch them.

use tempfile::TempDir;

use super::ports::free_ports;
use super::server::Redis;
use super::*;
use crate::adapters::session_store::conformance::handle;

struct Set {
    primary: Redis,
    replica: Redis,
    sentinels: Vec<(Redis, TempDir)>,
}

impl Set {
    /// Starts it, and waits until each sentinel knows all others.
    async fn start() -> Self {
        let primary = Redis::start(&[]);
        let port = primary.port.to_string();
        let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
        let sentinels: Vec<_> = (0..3).map(|_| sentinel(&port)).collect();
        let knows_all = |(sentinel, _): &(Redis, TempDir)| {
            let told = sentinel.ask(&["SENTINEL", "MASTER", "homerealm-test"]);
            let field = |name: &str| told.lines().skip_while(|line| *line != name).nth(1).map(str::to_owned);
            field("num-slaves").as_deref() == Some("1") && field("num-other-sentinels").as_deref() == Some("2")
        };
        until("sentinels know each other", || async { sentinels.iter().all(knows_all) }).await;
        Self { primary, replica, sentinels }
    }

    fn address(&self) -> String {
        let nodes: Vec<_> = self.sentinels.iter().map(|(sentinel, _)| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis://{}?sentinel=homerealm-test", nodes.join(","))
    }
}

/// One, with its file, in which it writes what it finds out.
fn sentinel(primary: &str) -> (Redis, TempDir) {
    let port = free_ports(1);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("sentinel.conf");
    let watched = format!("sentinel monitor homerealm-test 127.0.0.1 {primary} 2");
    let patience = "sentinel down-after-milliseconds homerealm-test 1000\nsentinel failover-timeout homerealm-test 5000";
    std::fs::write(&file, format!("port {port}\nbind 127.0.0.1\n{watched}\n{patience}\n")).expect("a temporary file");
    let sentinel = Redis::with(port, vec![file.to_str().expect("a plain path").to_owned(), "--sentinel".to_owned()]);
    (sentinel, directory)
}

#[tokio::test]
async fn a_failover_is_followed_and_what_was_replicated_is_there() {
    let mut set = Set::start().await;
    let store = store(&set.address());
    let mut acknowledged = Vec::new();
    for _ in 0..100 {
        let handle = handle();
        store.insert(handle, &fresh(1, "first")).await.expect("a store that answers");
        acknowledged.push(handle);
    }
    until("the replica has everything", || async { set.replica.ask(&["DBSIZE"]).trim() == "100" }).await;
    set.primary.kill();
    until("writes work again", || async { store.insert(handle(), &fresh(1, "later")).await.is_ok() }).await;
    assert_eq!(set.replica.ask(&["ROLE"]).lines().next(), Some("master"));
    for handle in acknowledged {
        assert_eq!(store.replace(handle, 1, &fresh(2, "seen")).await, Ok(Replaced::Done));
    }
}

#[tokio::test]
async fn a_primary_that_is_none_any_more_is_left() {
    let set = Set::start().await;
    let store = store(&set.address());
    let handle = handle();
    store.insert(handle, &fresh(1, "first")).await.expect("a store that answers");
    until("the replica has everything", || async { set.replica.ask(&["DBSIZE"]).trim() == "1" }).await;
    set.sentinels[0].0.ask(&["SENTINEL", "FAILOVER", "homerealm-test"]);
    until("there is another primary", || async { set.replica.ask(&["ROLE"]).starts_with("master") }).await;
    until("writes reach it", || async {
        let _done_or_outdated = store.replace(handle, 1, &fresh(2, "seen")).await;
        set.replica.ask(&["HGET", &keys::record(handle), "version"]).trim() == "2"
    })
    .await;
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_told() {
    let set = Set::start().await;
    let store = store(&set.address().replace("homerealm-test", "another"));
    let Err(StoreFailed::NotDone(why)) = store.read(handle()).await else { panic!("there is none") };
    assert!(why.contains("no sentinel knows"), "{why}");
}
