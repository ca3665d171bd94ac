//! Word that a session has ended, for what was opened with it.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::super::tests::store::FakeStore;
use super::super::tests::world::{NOW, World, ada, cy};
use crate::domain::revocation::{Revocation, Whom};
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::flow::keeper::Kept;
use crate::flow::ports::{Clock, SessionStore};
use crate::protocol::session_record::SessionRecord;
use crate::proxy::forward::leash::{Ending as _, Presence, Word};
use crate::proxy::generation::InForce;
use crate::proxy::lasting::Opener;

fn in_force(world: World) -> InForce {
    InForce::new(Arc::into_inner(world.shared).expect("nobody else has it"))
}

async fn kept(in_force: &InForce, session: Session) -> Kept {
    in_force.shared().keeper.begin(SessionRecord::bare(session)).await.expect("it is kept")
}

async fn has_come(word: &mut Word) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(word.as_mut().poll(cx).is_ready())).await
}

#[tokio::test]
async fn whatever_ends_a_session_ends_what_it_opened() {
    for world in [World::new(""), World::with_store(Arc::<FakeStore>::default())] {
        let in_force = in_force(world);
        let ada = kept(&in_force, ada()).await;
        let cy = kept(&in_force, Session { id: SessionId([6; 16]), ..cy() }).await;
        let word = |kept| Opener { kept, in_force: &in_force }.word(Presence::begun());
        let keeper = &in_force.shared().keeper;

        let (mut of_ada, mut of_cy) = (word(&ada), word(&cy));
        assert!(!has_come(&mut of_ada).await && !has_come(&mut of_cy).await);
        keeper.end(&ada, "signed out").await.expect("it is ended");
        assert!(has_come(&mut of_ada).await && !has_come(&mut of_cy).await);
        assert!(has_come(&mut word(&ada)).await, "what opens a moment later hears of it as well");

        keeper.revoke(Revocation { whom: Whom::Everybody, at: NOW, why: "a test".into() }).await.expect("it is revoked");
        assert!(has_come(&mut of_cy).await);
    }
}

#[tokio::test]
async fn a_record_that_is_gone_is_the_end_and_a_store_that_fails_is_not() {
    let store = Arc::<FakeStore>::default();
    let in_force = in_force(World::with_store(Arc::<FakeStore>::clone(&store)));
    let kept = kept(&in_force, ada()).await;
    let keeper = &in_force.shared().keeper;
    assert!(keeper.attend(&kept, NOW).await.is_some());
    store.fail();
    assert!(keeper.attend(&kept, NOW).await.is_some());
    store.recover();
    keeper.end(&kept, "signed out, by another process").await.expect("it is ended");
    assert!(keeper.attend(&kept, NOW).await.is_none());
}

#[tokio::test]
async fn what_is_heard_on_a_stream_keeps_the_record_in_the_store() {
    let in_force = in_force(World::with_store(Arc::<FakeStore>::default()));
    let kept = kept(&in_force, ada()).await;
    let keeper = &in_force.shared().keeper;
    let later = NOW + keeper.lifetimes.idle / 2;
    assert_eq!(keeper.attend(&kept, NOW).await, Some(NOW));
    assert_eq!(keeper.attend(&kept, later).await, Some(later));
    assert_eq!(keeper.attend(&kept, NOW).await, Some(later), "whoever shares the store knows");
}

#[tokio::test]
async fn what_another_process_revokes_is_found_when_it_is_looked_for() {
    let store = Arc::<FakeStore>::default();
    let (here, there) = (World::with_store(Arc::<FakeStore>::clone(&store)), World::with_store(Arc::<FakeStore>::clone(&store)));
    let (here, there) = (in_force(here), in_force(there));
    let kept = kept(&here, ada()).await;
    let mut word = Opener { kept: &kept, in_force: &here }.word(Presence::begun());
    let revocation = Revocation { whom: Whom::Session(kept.session().id), at: NOW, why: "a test".into() };
    there.shared().keeper.revoke(revocation).await.expect("it is revoked");
    assert!(!has_come(&mut word).await);
    assert!(here.shared().keeper.revocations.is_watched());
    store.fail();
    assert!(here.shared().keeper.look_for_revocations().await.is_err());
    store.recover();
    here.shared().keeper.look_for_revocations().await.expect("the store answers");
    assert!(has_come(&mut word).await);
}

/// A clock that goes with the test's.
struct Going(Instant);

impl Clock for Going {
    fn now(&self) -> Timestamp {
        NOW + self.0.elapsed()
    }
}

const IDLE: Duration = Duration::from_secs(3600);

/// A world whose clock goes, where sessions idle for an hour.
fn going(store: Option<&Arc<FakeStore>>) -> InForce {
    let mut world = World::new("");
    let shared = Arc::get_mut(&mut world.shared).expect("nobody else has it yet");
    shared.lifetimes.idle = IDLE;
    shared.keeper.lifetimes.idle = IDLE;
    shared.keeper.clock = Arc::new(Going(Instant::now()));
    shared.keeper.store = store.map(|store| Arc::<FakeStore>::clone(store) as Arc<dyn SessionStore>);
    in_force(world)
}

/// Waits for word that somebody is gone: so many minutes after the beginning.
async fn minutes(word: Word, since: Instant) -> u64 {
    word.await;
    since.elapsed().as_secs() / 60
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_nobody_has_been_there_for_the_idle_time() {
    for store in [None, Some(Arc::<FakeStore>::default())] {
        let began = Instant::now();
        let in_force = going(store.as_ref());
        let kept = kept(&in_force, ada()).await;
        let open = |presence: &Presence| Opener { kept: &kept, in_force: &in_force }.word(presence.clone());
        let keeper = &in_force.shared().keeper;

        assert_eq!(minutes(open(&Presence::begun()), began).await, 60);

        let again = Instant::now();
        let spoken = Presence::begun();
        let speaks = async {
            for _ in 0..5 {
                tokio::time::sleep(IDLE / 2).await;
                spoken.renew();
            }
        };
        let streams = tokio::join!(minutes(open(&spoken), again), minutes(open(&Presence::begun()), again), speaks);
        assert_eq!(streams, (150 + 60, 150 + 60, ()), "who speaks on one stream is there on the other as well");

        let requests = async {
            for _ in 0..3 {
                tokio::time::sleep(IDLE / 2).await;
                let seen = keeper.seen(&kept, keeper.clock.now()).await;
                seen.expect("it is noted");
            }
        };
        let again = Instant::now();
        assert_eq!(tokio::join!(minutes(open(&Presence::begun()), again), requests), (90 + 60, ()));
    }
}
