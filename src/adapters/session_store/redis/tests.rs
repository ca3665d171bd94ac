//! The store against real Redis: alone, behind sentinels, as a cluster, over TLS; and against one that fails.

mod cluster;
mod faults;
#[path = "../../../../tests/it/support/ports.rs"]
mod ports;
mod sentinel;
#[path = "../../../../tests/it/support/redis.rs"]
mod server;
mod single;
#[path = "../../../../tests/it/support/stall.rs"]
mod stall;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::*;
use crate::adapters::clock::SystemClock;
use crate::adapters::session_store::conformance::{World, record};
use crate::protocol::store_address::StoreAddress;

/// A store, in the time that passes for everybody.
struct Real(RedisStore);

#[async_trait]
impl World for Real {
    fn store(&self) -> &dyn SessionStore {
        &self.0
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn moment(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

fn address(text: &str) -> RedisAddress {
    match StoreAddress::parse(text) {
        Ok(StoreAddress::Redis(address)) => address,
        other => panic!("{text}: {other:?}"),
    }
}

fn store(text: &str) -> RedisStore {
    store_at(&address(text))
}

fn store_at(address: &RedisAddress) -> RedisStore {
    RedisStore::connect(address, Arc::new(SystemClock)).expect("an address of the test's own")
}

/// A record of now.
fn fresh(version: u64, text: &str) -> Stored {
    record(version, text, SystemClock.now())
}

/// Asks until it is so.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < patience, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
