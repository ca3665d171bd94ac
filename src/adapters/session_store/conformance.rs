//! What every session store does, whatever it is made of. A store's own tests make a [`World`] around it and call
//! [`holds`]. Records of others may be in the store: each promise makes its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::time::Time;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Before, Claim, Cursor, Holder, Inserted, Replaced, SessionStore, Stored};
use crate::protocol::session_record::Handle;

/// A store, and time that passes for it.
#[async_trait]
pub(crate) trait World: Sync {
    /// The store.
    fn store(&self) -> &dyn SessionStore;

    /// What the calendar says there.
    fn now(&self) -> Timestamp;

    /// A span of whole seconds, at least two, in which a few calls fit easily.
    fn moment(&self) -> Duration;

    /// Lets time pass, for leases and for what expires.
    async fn pass(&self, span: Duration);
}

/// Time that passes when a test says so.
#[derive(Debug, Clone)]
pub(crate) struct TurnedTime(Arc<AtomicU64>);

impl TurnedTime {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_000)))
    }

    pub(crate) fn turn(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_millis()).expect("short"), Ordering::SeqCst);
    }
}

impl Time for TurnedTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst) / 1_000)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Checks all promises.
pub(crate) async fn holds(world: &dyn World) {
    what_was_never_there_is_absent(world).await;
    a_record_reads_as_it_was_written(world).await;
    a_record_that_is_there_is_not_inserted_again(world).await;
    a_record_is_replaced_by_who_knows_its_version(world).await;
    a_removed_record_stays_away(world).await;
    a_record_is_gone_when_its_time_is_up(world).await;
    a_replaced_record_lives_as_long_as_the_new_one_says(world).await;
    one_of_many_gets_the_claim(world).await;
    a_claim_ends_with_its_lease_and_leaves_a_trace(world).await;
    a_prolonged_claim_goes_on(world).await;
    a_released_claim_leaves_no_trace(world).await;
    what_was_abandoned_stays_so_until_it_is_settled(world).await;
    whoever_has_the_claim_settles_whatever_was_written_meanwhile(world).await;
    a_lost_claim_settles_only_if_nobody_has_written(world).await;
    a_settled_claim_is_over(world).await;
    what_was_removed_cannot_be_settled(world).await;
    every_reader_is_told_of_a_revocation(world).await;
    a_revocation_is_dropped_when_it_means_nobody_any_more(world).await;
    a_list_tells_every_record_once(world).await;
    a_cursor_that_nobody_gave_is_no_panic(world).await;
}

/// A handle that nobody has used.
pub(crate) fn handle() -> Handle {
    Handle(any().to_be_bytes())
}

fn holder() -> Holder {
    Holder(any())
}

fn any() -> u128 {
    use crate::flow::ports::Entropy as _;
    let mut bytes = [0; 16];
    crate::adapters::entropy::SystemEntropy.fill(&mut bytes);
    u128::from_be_bytes(bytes)
}

/// A record that says which it is, and lives for an hour.
pub(crate) fn record(version: u64, text: &str, now: Timestamp) -> Stored {
    let sealed = [text.as_bytes(), &[0, 255, b'\r', b'\n']].concat();
    Stored { version, expires_at: now + Duration::from_secs(3_600), summary: format!("summary of {text}").into(), sealed: sealed.into() }
}

async fn read(world: &dyn World, handle: Handle) -> Option<Stored> {
    world.store().read(handle).await.expect("a store that answers").record
}

/// Puts a record of version 1 there.
async fn inserted(world: &dyn World) -> (Handle, Stored) {
    let (handle, record) = (handle(), record(1, "first", world.now()));
    world.store().insert(handle, &record).await.expect("a store that answers");
    (handle, record)
}

async fn replace(world: &dyn World, handle: Handle, known: u64, text: &str) -> Replaced {
    world.store().replace(handle, known, &record(known + 1, text, world.now())).await.expect("a store that answers")
}

async fn claim(world: &dyn World, handle: Handle, holder: Holder) -> Claim {
    world.store().claim(handle, holder, world.moment()).await.expect("a store that answers")
}

async fn settle(world: &dyn World, handle: Handle, holder: Holder, known: u64, text: &str) -> Replaced {
    world.store().settle(handle, holder, known, &record(known + 1, text, world.now())).await.expect("a store that answers")
}

/// Longer than a lease.
async fn pass_a_lease(world: &dyn World) {
    world.pass(world.moment() + Duration::from_secs(1)).await;
}

/// Claims a record and is never heard of again.
async fn abandoned(world: &dyn World, handle: Handle) -> Holder {
    let holder = holder();
    assert!(matches!(claim(world, handle, holder).await, Claim::Ours(_)));
    pass_a_lease(world).await;
    holder
}

async fn what_was_never_there_is_absent(world: &dyn World) {
    let (store, nowhere) = (world.store(), handle());
    assert_eq!(read(world, nowhere).await, None);
    assert_eq!(replace(world, nowhere, 1, "new").await, Replaced::Gone);
    assert_eq!(claim(world, nowhere, holder()).await, Claim::Gone);
    assert_eq!(settle(world, nowhere, holder(), 1, "new").await, Replaced::Gone);
    assert_eq!(store.prolong(nowhere, holder(), world.moment()).await, Ok(false));
    assert_eq!(store.release(nowhere, holder()).await, Ok(()));
    assert_eq!(store.remove(nowhere).await, Ok(()));
    assert_eq!(read(world, nowhere).await, None, "and none of that has made it");
}

async fn a_record_reads_as_it_was_written(world: &dyn World) {
    let (first, second) = (inserted(world).await, handle());
    // Nothing of it, and as much as may be.
    let empty = Stored { summary: "".into(), sealed: [].into(), ..record(u64::from(u32::MAX), "", world.now()) };
    world.store().insert(second, &empty).await.expect("a store that answers");
    assert_eq!(read(world, first.0).await, Some(first.1));
    assert_eq!(read(world, second).await, Some(empty));
    let (large, text) = (handle(), "x".repeat(64 * 1024));
    world.store().insert(large, &record(1, &text, world.now())).await.expect("a store that answers");
    assert_eq!(read(world, large).await.map(|stored| stored.sealed.len()), Some(64 * 1024 + 4));
    world.store().remove(large).await.expect("a store that answers");
}

async fn a_record_that_is_there_is_not_inserted_again(world: &dyn World) {
    let (handle, first) = inserted(world).await;
    assert_eq!(world.store().insert(handle, &record(1, "second", world.now())).await, Ok(Inserted::Taken));
    assert_eq!(read(world, handle).await, Some(first));
    world.store().remove(handle).await.expect("a store that answers");
    assert_eq!(world.store().insert(handle, &record(1, "second", world.now())).await, Ok(Inserted::Done));
}

async fn a_record_is_replaced_by_who_knows_its_version(world: &dyn World) {
    let (handle, _) = inserted(world).await;
    assert_eq!(replace(world, handle, 1, "second").await, Replaced::Done);
    assert_eq!(replace(world, handle, 1, "too late").await, Replaced::Outdated);
    assert_eq!(read(world, handle).await, Some(record(2, "second", world.now())));
    assert_eq!(replace(world, handle, 2, "third").await, Replaced::Done);
}

async fn a_removed_record_stays_away(world: &dyn World) {
    let (handle, _) = inserted(world).await;
    world.store().remove(handle).await.expect("a store that answers");
    assert_eq!(read(world, handle).await, None);
    assert_eq!(replace(world, handle, 1, "seen meanwhile").await, Replaced::Gone);
    assert_eq!(read(world, handle).await, None);
}

async fn a_record_is_gone_when_its_time_is_up(world: &dyn World) {
    let (brief, lasting) = (handle(), inserted(world).await.0);
    let until = world.now() + world.moment();
    world.store().insert(brief, &Stored { expires_at: until, ..record(1, "brief", world.now()) }).await.expect("a store that answers");
    assert!(read(world, brief).await.is_some(), "not yet");
    pass_a_lease(world).await;
    assert_eq!(read(world, brief).await, None);
    assert_eq!(replace(world, brief, 1, "seen").await, Replaced::Gone);
    assert_eq!(claim(world, brief, holder()).await, Claim::Gone);
    assert_eq!(settle(world, brief, holder(), 1, "renewed").await, Replaced::Gone);
    assert!(!listed(world).await.contains(&brief));
    assert!(read(world, lasting).await.is_some());
}

async fn a_replaced_record_lives_as_long_as_the_new_one_says(world: &dyn World) {
    let (longer, shorter) = (handle(), inserted(world).await.0);
    let soon = world.now() + world.moment();
    let brief = |version| Stored { expires_at: soon, ..record(version, "brief", world.now()) };
    world.store().insert(longer, &brief(1)).await.expect("a store that answers");
    assert_eq!(replace(world, longer, 1, "longer").await, Replaced::Done);
    assert_eq!(world.store().replace(shorter, 1, &brief(2)).await, Ok(Replaced::Done));
    pass_a_lease(world).await;
    assert!(read(world, longer).await.is_some());
    assert_eq!(read(world, shorter).await, None);
}

async fn one_of_many_gets_the_claim(world: &dyn World) {
    let ((first, _), (second, _)) = (inserted(world).await, inserted(world).await);
    assert_eq!(claim(world, first, holder()).await, Claim::Ours(Before::Settled));
    assert_eq!(claim(world, first, holder()).await, Claim::Taken);
    assert_eq!(claim(world, second, holder()).await, Claim::Ours(Before::Settled), "another record is another matter");
    assert_eq!(replace(world, first, 1, "seen").await, Replaced::Done, "a claim keeps nobody from writing");
}

async fn a_claim_ends_with_its_lease_and_leaves_a_trace(world: &dyn World) {
    let (handle, _) = inserted(world).await;
    let slow = abandoned(world, handle).await;
    assert_eq!(world.store().prolong(handle, slow, world.moment()).await, Ok(false));
    assert_eq!(claim(world, handle, holder()).await, Claim::Ours(Before::Abandoned));
    world.store().release(handle, slow).await.expect("a store that answers");
    assert_eq!(claim(world, handle, holder()).await, Claim::Taken, "nobody releases the claim of another");
}

async fn a_prolonged_claim_goes_on(world: &dyn World) {
    let ((handle, _), ours) = (inserted(world).await, holder());
    assert_eq!(claim(world, handle, ours).await, Claim::Ours(Before::Settled));
    assert_eq!(world.store().prolong(handle, ours, world.moment() * 3).await, Ok(true));
    assert_eq!(world.store().prolong(handle, holder(), world.moment()).await, Ok(false), "nobody prolongs the claim of another");
    pass_a_lease(world).await;
    assert_eq!(claim(world, handle, holder()).await, Claim::Taken);
    assert_eq!(settle(world, handle, ours, 1, "renewed").await, Replaced::Done);
}

async fn a_released_claim_leaves_no_trace(world: &dyn World) {
    let ((handle, first), ours) = (inserted(world).await, holder());
    assert_eq!(claim(world, handle, ours).await, Claim::Ours(Before::Settled));
    world.store().release(handle, ours).await.expect("a store that answers");
    assert_eq!(read(world, handle).await, Some(first));
    assert_eq!(claim(world, handle, holder()).await, Claim::Ours(Before::Settled));
}

/// Whoever gives a claim back has spent nothing; whoever abandoned the one before may have.
async fn what_was_abandoned_stays_so_until_it_is_settled(world: &dyn World) {
    let ((handle, _), second, third) = (inserted(world).await, holder(), holder());
    abandoned(world, handle).await;
    assert_eq!(claim(world, handle, second).await, Claim::Ours(Before::Abandoned));
    world.store().release(handle, second).await.expect("a store that answers");
    assert_eq!(replace(world, handle, 1, "seen").await, Replaced::Done);
    assert_eq!(claim(world, handle, third).await, Claim::Ours(Before::Abandoned));
    assert_eq!(settle(world, handle, third, 2, "renewed").await, Replaced::Done);
    assert_eq!(claim(world, handle, holder()).await, Claim::Ours(Before::Settled));
}

/// A renewed record holds a refresh token that is nowhere else; what was written meanwhile says when somebody was here.
async fn whoever_has_the_claim_settles_whatever_was_written_meanwhile(world: &dyn World) {
    let ((handle, _), ours) = (inserted(world).await, holder());
    assert_eq!(claim(world, handle, ours).await, Claim::Ours(Before::Settled));
    assert_eq!(replace(world, handle, 1, "seen").await, Replaced::Done);
    assert_eq!(settle(world, handle, ours, 1, "renewed").await, Replaced::Done);
    let settled = read(world, handle).await.expect("it is there");
    assert_eq!(settled.sealed, record(0, "renewed", world.now()).sealed);
    assert!(settled.version > 2, "above the version that was written meanwhile, or its writer would write over it");
    assert_eq!(replace(world, handle, 2, "seen again, with the spent token").await, Replaced::Outdated);
    assert_eq!(replace(world, handle, settled.version, "seen later").await, Replaced::Done);
}

async fn a_lost_claim_settles_only_if_nobody_has_written(world: &dyn World) {
    let ((handle, _), late) = (inserted(world).await, inserted(world).await);
    let slow = abandoned(world, handle).await;
    assert!(matches!(claim(world, handle, holder()).await, Claim::Ours(_)));
    assert_eq!(settle(world, handle, slow, 1, "late but first").await, Replaced::Done);
    assert_eq!(read(world, handle).await, Some(record(2, "late but first", world.now())));
    assert_eq!(claim(world, handle, holder()).await, Claim::Taken, "the claim that came after is not touched");

    let (handle, slow) = (late.0, abandoned(world, late.0).await);
    let next = holder();
    assert!(matches!(claim(world, handle, next).await, Claim::Ours(_)));
    assert_eq!(settle(world, handle, next, 1, "renewed").await, Replaced::Done);
    assert_eq!(settle(world, handle, slow, 1, "too late").await, Replaced::Outdated);
    assert_eq!(read(world, handle).await, Some(record(2, "renewed", world.now())));
}

async fn a_settled_claim_is_over(world: &dyn World) {
    let ((handle, _), ours) = (inserted(world).await, holder());
    assert_eq!(claim(world, handle, ours).await, Claim::Ours(Before::Settled));
    assert_eq!(settle(world, handle, ours, 1, "renewed").await, Replaced::Done);
    assert_eq!(read(world, handle).await, Some(record(2, "renewed", world.now())));
    assert_eq!(world.store().prolong(handle, ours, world.moment()).await, Ok(false));
    assert_eq!(settle(world, handle, ours, 1, "again").await, Replaced::Outdated);
    assert_eq!(claim(world, handle, holder()).await, Claim::Ours(Before::Settled));
}

async fn what_was_removed_cannot_be_settled(world: &dyn World) {
    let ((handle, _), ours) = (inserted(world).await, holder());
    assert_eq!(claim(world, handle, ours).await, Claim::Ours(Before::Settled));
    world.store().remove(handle).await.expect("a store that answers");
    assert_eq!(settle(world, handle, ours, 1, "renewed").await, Replaced::Gone);
    assert_eq!(read(world, handle).await, None, "whoever signed out meanwhile stays signed out");
}

async fn every_reader_is_told_of_a_revocation(world: &dyn World) {
    let (store, (handle, _)) = (world.store(), inserted(world).await);
    let before = store.read(handle).await.expect("a store that answers").revocations;
    let until = world.now() + Duration::from_secs(3_600);
    let (first, second) = (format!("entry {}", any()), format!("entry {}", any()));
    let first_version = store.revoke(&first, until).await.expect("a store that answers");
    let second_version = store.revoke(&second, until).await.expect("a store that answers");
    assert!(before < first_version && first_version < second_version);
    let absent = store.read(self::handle()).await.expect("a store that answers");
    assert!(absent.revocations >= second_version, "also with the answer that there is no record");
    assert!(store.read(handle).await.expect("a store that answers").revocations >= second_version);
    let (version, entries) = store.revocations(0).await.expect("a store that answers");
    assert!(version >= second_version);
    assert_eq!([&first, &second].map(|entry| entries.iter().filter(|known| *known == entry).count()), [1, 1]);
    let (same_version, later) = store.revocations(first_version).await.expect("a store that answers");
    assert_eq!((same_version, later), (version, vec![second]), "only what came later");
    assert_eq!(store.revocations(version).await.expect("a store that answers"), (version, vec![]));
}

async fn a_revocation_is_dropped_when_it_means_nobody_any_more(world: &dyn World) {
    let store = world.store();
    let (brief, lasting) = (format!("entry {}", any()), format!("entry {}", any()));
    store.revoke(&brief, world.now() + world.moment()).await.expect("a store that answers");
    let version = store.revoke(&lasting, world.now() + Duration::from_secs(3_600)).await.expect("a store that answers");
    pass_a_lease(world).await;
    let (later_version, entries) = store.revocations(0).await.expect("a store that answers");
    assert!(!entries.contains(&brief) && entries.contains(&lasting));
    assert!(later_version >= version, "the version never goes down");
    assert!(store.revoke(&brief, world.now() + world.moment()).await.expect("a store that answers") > version);
}

/// All handles that the store lists, each once.
async fn listed(world: &dyn World) -> HashSet<Handle> {
    let (mut all, mut from) = (HashSet::new(), None);
    loop {
        let page = world.store().list(from).await.expect("a store that answers");
        for (handle, summary) in page.records {
            assert!(all.insert(handle), "no record twice");
            assert!(summary.is_empty() || summary.starts_with("summary of "));
        }
        let Some(next) = page.next else { return all };
        from = Some(next);
    }
}

async fn a_list_tells_every_record_once(world: &dyn World) {
    // More than one page of any store.
    let inserted_at_once = futures_util::future::join_all((0..1_200).map(|_| inserted(world))).await;
    let expected: HashSet<_> = inserted_at_once.into_iter().map(|(handle, _)| handle).collect();
    let removed = inserted(world).await.0;
    world.store().remove(removed).await.expect("a store that answers");
    let all = listed(world).await;
    assert!(expected.is_subset(&all) && !all.contains(&removed));
}

async fn a_cursor_that_nobody_gave_is_no_panic(world: &dyn World) {
    for made_up in ["", "x", "+0000000000000000000000000000000f", "ffffffffffffffffffffffffffffffffff", "\u{e9}"] {
        // An error or a page: either will do.
        let _answer = world.store().list(Some(Cursor(made_up.into()))).await;
    }
}
