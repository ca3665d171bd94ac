//! What the memory store does beyond what every store does.

use super::super::conformance::{self, TurnedTime, World, handle, record};
use super::*;

struct InMemory {
    time: TurnedTime,
    store: MemoryStore,
}

fn world(most_records: usize) -> InMemory {
    let time = TurnedTime::new();
    InMemory { store: MemoryStore::new(Arc::new(time.clone()), most_records), time }
}

#[async_trait]
impl World for InMemory {
    fn store(&self) -> &dyn SessionStore {
        &self.store
    }

    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn moment(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn pass(&self, span: Duration) {
        self.time.turn(span);
    }
}

#[tokio::test]
async fn it_does_what_every_store_does() {
    conformance::holds(&world(MOST_RECORDS)).await;
}

#[tokio::test]
async fn it_does_so_too_while_it_is_swept_all_the_time() {
    struct Swept(InMemory);
    #[async_trait]
    impl World for Swept {
        fn store(&self) -> &dyn SessionStore {
            &self.0.store
        }
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        fn moment(&self) -> Duration {
            self.0.moment()
        }
        async fn pass(&self, span: Duration) {
            self.0.pass(span).await;
            self.0.store.sweep().await;
        }
    }
    conformance::holds(&Swept(world(MOST_RECORDS))).await;
}

#[tokio::test]
async fn nobody_who_is_signed_in_makes_room_for_somebody_new() {
    let world = world(2);
    let (first, second, third) = (handle(), handle(), handle());
    world.store.insert(first, &record(1, "first", world.now())).await.expect("there is room");
    world.store.insert(second, &record(1, "second", world.now())).await.expect("there is room");
    let refused = world.store.insert(third, &record(1, "third", world.now())).await;
    assert!(matches!(refused, Err(StoreFailed::NotDone(_))), "{refused:?}");
    for present in [first, second] {
        assert!(world.store.read(present).await.expect("memory answers").record.is_some());
        assert_eq!(world.store.replace(present, 1, &record(2, "seen", world.now())).await, Ok(Replaced::Done));
    }
    world.store.remove(first).await.expect("memory answers");
    assert_eq!(world.store.insert(third, &record(1, "third", world.now())).await, Ok(Inserted::Done));
}

#[tokio::test]
async fn what_has_expired_makes_room() {
    let world = world(1);
    let until = world.now() + world.moment();
    world.store.insert(handle(), &Stored { expires_at: until, ..record(1, "brief", world.now()) }).await.expect("there is room");
    world.store.revoke("brief", until).await.expect("there is room");
    world.store.sweep().await;
    assert!(world.store.insert(handle(), &record(1, "second", world.now())).await.is_err(), "it is still good");
    world.pass(world.moment()).await;
    world.store.sweep().await;
    assert_eq!(world.store.insert(handle(), &record(1, "second", world.now())).await, Ok(Inserted::Done));
    assert!(locked(&world.store.revocations).is_empty());
    assert!(world.store.shards.iter().all(|shard| locked(shard).records.values().all(|record| record.expires_at > world.now())));
}
