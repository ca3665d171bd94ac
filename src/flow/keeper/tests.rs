//! Where sessions are, and when they are over, with a store that keeps what it is given.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::adapters::clock::SystemClock;
use crate::adapters::session_store::memory::MemoryStore;
use crate::adapters::session_store::time::MachineTime;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::made_up::MadeUp;
use crate::domain::session::SessionId;
use crate::protocol::secret::Secret;

/// Every key, handle and nonce is another one.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
        let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        buffer[..8].copy_from_slice(&count.to_be_bytes());
    }
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        now()
    }
}

/// One moment, and by the machine's clock, which stores go by.
fn now() -> Timestamp {
    static NOW: OnceLock<Timestamp> = OnceLock::new();
    *NOW.get_or_init(|| SystemClock.now())
}

fn ring(keys: &[u8]) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(keys.iter().map(|key| Secret::new([*key; 32])).collect()).expect("keys"))
}

fn keeper(store: Option<Arc<dyn SessionStore>>) -> Keeper {
    Keeper {
        store,
        revocations: Arc::default(),
        decreed: Arc::default(),
        attendance: Arc::default(),
        flights: Arc::new(Flights::new(tokio::runtime::Handle::current())),
        questions: Arc::new(OpenQuestions::new([].into(), Arc::new(Now))),
        lifetimes: Lifetimes { idle: Duration::from_secs(10_000), max: Duration::from_secs(80_000) },
        keys: ring(&[1]),
        clock: Arc::new(Now),
        entropy: Arc::new(Counting::default()),
    }
}

fn in_memory() -> Arc<dyn SessionStore> {
    MemoryStore::start(Arc::new(MachineTime::default()))
}

fn record() -> SessionRecord {
    let principal = MadeUp::of(AccountKind::Work).principal(AuthorityName::work());
    let session =
        Session { id: SessionId([7; 16]), principal, signed_in_at: now(), last_seen: now(), sign_out_hint: None, provider_session: None };
    SessionRecord::bare(session)
}

async fn live(keeper: &Keeper, carried: Carried) -> Option<Kept> {
    match keeper.open(carried, now()).await.expect("a store that works") {
        Opened::Live(kept) => Some(kept),
        Opened::Ended => None,
    }
}

async fn listed(keeper: &Keeper) -> usize {
    keeper.list(None).await.expect("a store that works").map_or(0, |(sessions, _)| sessions.len())
}

#[tokio::test]
async fn sessions_move_from_cookies_into_a_store_once_however_many_requests_come() {
    let cookie = Carried::Whole(Arc::new(record()));
    let keeper = keeper(Some(in_memory()));
    let opened = || async { live(&keeper, cookie.clone()).await.expect("cookies stay good") };
    let (one, other) = (opened().await, opened().await);
    let (one, other) = tokio::join!(keeper.seen(&one, now()), keeper.seen(&other, now()));
    let late = keeper.seen(&opened().await, now()).await;
    assert_eq!(listed(&keeper).await, 1);
    for kept in [one, other, late] {
        let kept = kept.expect("a store that works");
        assert_eq!(kept.copy, Copy::Outdated);
        assert!(matches!(kept.carried(), Carried::Ticket(_)));
        assert!(live(&keeper, kept.carried()).await.is_some(), "each browser has a way to it");
    }
}

#[tokio::test]
async fn an_older_cookie_leads_to_where_its_session_moved() {
    let keeper = keeper(Some(in_memory()));
    let newer = live(&keeper, Carried::Whole(Arc::new(record()))).await.expect("good");
    let mut older = newer.clone();
    Arc::make_mut(&mut older.record).session.last_seen = older.session().last_seen - Duration::from_secs(100);
    keeper.seen(&newer, now()).await.expect("a store that works");
    let kept = keeper.seen(&older, now()).await.expect("a store that works");
    assert!(matches!(kept.carried(), Carried::Ticket(_)) && kept.session().last_seen == now());
    assert_eq!(listed(&keeper).await, 1);
}

#[tokio::test]
async fn who_signs_out_after_a_move_leaves_no_cookie_that_is_still_good() {
    for (before, after) in [(&[1][..], &[1][..]), (&[1], &[2, 1])] {
        let cookie = Carried::Whole(Arc::new(record()));
        let mut keeper = Keeper { keys: ring(before), ..keeper(Some(in_memory())) };
        let kept = live(&keeper, cookie.clone()).await.expect("good");
        let moved = keeper.seen(&kept, now()).await.expect("a store that works");
        keeper.keys = ring(after);
        keeper.end(&moved, "signed out").await.expect("a store that works");
        assert!(live(&keeper, moved.carried()).await.is_none());
        assert!(live(&keeper, cookie).await.is_none(), "a copy from before the move");
    }
}

#[tokio::test]
async fn who_signs_out_of_a_store_costs_the_list_of_revocations_nothing() {
    let keeper = keeper(Some(in_memory()));
    let kept = keeper.begin(record()).await.expect("a store that works");
    keeper.end(&kept, "signed out").await.expect("a store that works");
    assert!(live(&keeper, kept.carried()).await.is_none());
    assert!(keeper.revocations.entries().is_empty());
}

#[tokio::test]
async fn a_ticket_without_a_store_is_an_ended_session() {
    let kept = keeper(Some(in_memory())).begin(record()).await.expect("a store that works");
    assert!(live(&keeper(None), kept.carried()).await.is_none());
}

#[tokio::test]
async fn what_one_process_revokes_is_over_at_the_other_with_the_next_request() {
    let store = in_memory();
    let (one, other) = (keeper(Some(Arc::clone(&store))), keeper(Some(store)));
    let kept = one.begin(record()).await.expect("a store that works");
    assert!(live(&other, kept.carried()).await.is_some());
    let user = Whom::User(record().session.principal.id().to_string().into());
    one.revoke(Revocation { whom: user, at: now(), why: "lost".into() }).await.expect("a store that works");
    assert!(live(&one, kept.carried()).await.is_none() && live(&other, kept.carried()).await.is_none());
}

#[tokio::test]
async fn a_list_that_began_anew_is_read_again() {
    let (first, second) = (in_memory(), in_memory());
    let mut keeper = keeper(Some(first));
    for second in 0..3 {
        let at = now() + Duration::from_secs(second) - Duration::from_secs(50_000);
        keeper.revoke(Revocation { whom: Whom::Everybody, at, why: "long ago".into() }).await.expect("a store that works");
    }
    // The store was emptied: its list begins from the start, and somebody else has put an entry there.
    let elsewhere = Keeper { store: Some(Arc::clone(&second)), revocations: Arc::default(), ..keeper.clone() };
    keeper.store = Some(second);
    let kept = keeper.begin(record()).await.expect("a store that works");
    elsewhere.revoke(Revocation { whom: Whom::Everybody, at: now(), why: "now".into() }).await.expect("a store that works");
    assert!(live(&keeper, kept.carried()).await.is_none());
}

#[tokio::test]
async fn saying_the_same_again_without_proof_reaches_the_store_once() {
    let store = in_memory();
    let keeper = keeper(Some(Arc::clone(&store)));
    for _ in 0..100 {
        let revocation = Revocation { whom: Whom::AtProvider(AuthorityName::work(), "s".into()), at: now(), why: "told".into() };
        keeper.revoke_unproven(revocation).await.expect("a store that works");
    }
    assert_eq!(store.revocations(0).await.expect("a store that works").1.len(), 1);
}
