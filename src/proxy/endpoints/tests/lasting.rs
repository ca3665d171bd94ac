//! Word that a session has ended, for what was opened with it.

use std::sync::Arc;
use std::task::Poll;

use super::super::tests::store::FakeStore;
use super::super::tests::world::{NOW, World, ada, cy};
use crate::domain::revocation::{Revocation, Whom};
use crate::domain::session::{Session, SessionId};
use crate::flow::keeper::Kept;
use crate::protocol::session_record::SessionRecord;
use crate::proxy::forward::leash::{Ending as _, Word};
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
        let word = |kept| Opener { kept, in_force: &in_force }.word();
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
    assert!(!keeper.is_gone(&kept).await);
    store.fail();
    assert!(!keeper.is_gone(&kept).await);
    store.recover();
    keeper.end(&kept, "signed out, by another process").await.expect("it is ended");
    assert!(keeper.is_gone(&kept).await);
}

#[tokio::test]
async fn what_another_process_revokes_is_found_when_it_is_looked_for() {
    let store = Arc::<FakeStore>::default();
    let (here, there) = (World::with_store(Arc::<FakeStore>::clone(&store)), World::with_store(Arc::<FakeStore>::clone(&store)));
    let (here, there) = (in_force(here), in_force(there));
    let kept = kept(&here, ada()).await;
    let mut word = Opener { kept: &kept, in_force: &here }.word();
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
