//! Tests of the list: what it holds, how much, and when it reads the store's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::{Groups, Principal};
use crate::domain::revocation::Whom;
use crate::domain::session::SessionId;
use crate::flow::ports::{Claim, Cursor, Holder, Inserted, Listed, Read, Replaced, Stored};
use crate::protocol::secret::Secret;
use crate::protocol::session_record::Handle;

const BEGIN: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn session(sid: &str) -> Session {
    let principal = Principal {
        authority: AuthorityName::work(),
        issuer: "https://idp.example".into(),
        subject: "ada".into(),
        tenant: None,
        object: None,
        kind: AccountKind::Work,
        membership: Membership::Unknown,
        home: Home::Unknown,
        name: None,
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(vec![]),
        roles: vec![],
    };
    let (signed_in_at, last_seen) = (BEGIN, BEGIN);
    Session { id: SessionId([1; 16]), principal, signed_in_at, last_seen, sign_out_hint: None, provider_session: Some(sid.into()) }
}

fn revocation(sid: &str, at: Timestamp) -> Revocation {
    Revocation { whom: Whom::AtProvider(AuthorityName::work(), sid.into()), at, why: "a test".into() }
}

fn len(list: &RevocationList) -> usize {
    list.entries.load().len()
}

#[test]
fn an_entry_counts_at_once_and_after_many_more() {
    let list = RevocationList::default();
    assert!(!list.has_ended(&session("s-7")));
    for number in 0..2 * MOST_RECENT {
        list.add(revocation(&format!("s-{number}"), BEGIN), BEGIN).expect("there is room");
        assert!(list.has_ended(&session(&format!("s-{number}"))));
    }
    assert!(list.has_ended(&session("s-7")));
    assert_eq!((len(&list), list.entries().len()), (2 * MOST_RECENT, 2 * MOST_RECENT));
    assert!(!list.has_ended(&session("another")));
}

#[test]
fn what_nobody_proves_fills_half_the_list_and_pushes_nothing_out() {
    let list = RevocationList::default();
    list.add(revocation("real", BEGIN), BEGIN).expect("there is room");
    let mut settled = Revocations::new();
    for number in 1..MOST_UNPROVEN {
        settled.add(revocation(&number.to_string(), BEGIN));
    }
    let recent = list.entries.load().recent.clone();
    list.entries.store(Arc::new(Entries { settled: Arc::new(settled), recent, oldest: BEGIN }));
    assert_eq!(list.add_unproven(revocation("one more", BEGIN), BEGIN), Err(Full));
    assert!(list.has_ended(&session("real")));
    assert_eq!(list.add(revocation("vouched for", BEGIN), BEGIN), Ok(()));
    assert!(list.has_ended(&session("vouched for")));
    // Room is made by time alone.
    assert_eq!(list.add_unproven(revocation("later", BEGIN + HOUR), BEGIN + HOUR), Ok(()));
    assert_eq!(len(&list), 1);
}

#[test]
fn whoever_watches_is_told_of_every_entry_and_of_nothing_else() {
    let list = RevocationList::default();
    assert!(!list.is_watched());
    let mut changes = list.changes();
    assert!(list.is_watched() && !changes.has_changed().expect("the list is there"));
    list.add(revocation("s", BEGIN), BEGIN).expect("there is room");
    assert!(changes.has_changed().expect("the list is there"));
    changes.mark_unchanged();
    list.stir();
    assert!(changes.has_changed().expect("the list is there"));
}

/// Has these entries, and counts how often it is asked for them.
struct Shared {
    entries: Vec<String>,
    reads: AtomicUsize,
}

#[async_trait]
impl SessionStore for Shared {
    async fn read(&self, _: Handle) -> Result<Read, StoreFailed> {
        Ok(Read { record: None, revocations: self.entries.len() as u64 })
    }
    async fn insert(&self, _: Handle, _: &Stored) -> Result<Inserted, StoreFailed> {
        Ok(Inserted::Done)
    }
    async fn replace(&self, _: Handle, _: u64, _: &Stored) -> Result<Replaced, StoreFailed> {
        Ok(Replaced::Gone)
    }
    async fn remove(&self, _: Handle) -> Result<(), StoreFailed> {
        Ok(())
    }
    async fn claim(&self, _: Handle, _: Holder, _: Duration) -> Result<Claim, StoreFailed> {
        Ok(Claim::Gone)
    }
    async fn prolong(&self, _: Handle, _: Holder, _: Duration) -> Result<bool, StoreFailed> {
        Ok(false)
    }
    async fn settle(&self, _: Handle, _: Holder, _: u64, _: &Stored) -> Result<Replaced, StoreFailed> {
        Ok(Replaced::Gone)
    }
    async fn release(&self, _: Handle, _: Holder) -> Result<(), StoreFailed> {
        Ok(())
    }
    async fn revoke(&self, _: &str, _: Timestamp) -> Result<u64, StoreFailed> {
        Err(StoreFailed::NotDone("not asked for".into()))
    }
    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let later = self.entries.iter().skip(usize::try_from(after).expect("few"));
        Ok((self.entries.len() as u64, later.cloned().collect()))
    }
    async fn list(&self, _: Option<Cursor>) -> Result<Listed, StoreFailed> {
        Ok(Listed { records: vec![], next: None })
    }
}

#[tokio::test]
async fn the_stores_list_is_read_once_for_all_who_find_it_longer() {
    let keys = KeyRing::new(vec![Secret::new([1; 32])]).expect("a key");
    let mut random = |buffer: &mut [u8]| buffer.fill(3);
    let sealed = |sid: &str, random: &mut Random<'_>| seal(&revocation(sid, BEGIN), &keys, random);
    let entries = vec![sealed("theirs", &mut random), "not ours".into(), sealed("another", &mut random)];
    let store = Shared { entries, reads: AtomicUsize::new(0) };
    let list = RevocationList::default();
    let catch_up = || list.catch_up(&store, &keys, 3, BEGIN);
    let (first, second, third) = tokio::join!(catch_up(), catch_up(), catch_up());
    assert_eq!((first, second, third, store.reads.load(Ordering::Relaxed)), (Ok(()), Ok(()), Ok(()), 1));
    assert!(list.has_ended(&session("theirs")) && !list.has_ended(&session("mine")));
    let more = Shared { entries: [store.entries.clone(), vec![sealed("later", &mut random)]].concat(), reads: AtomicUsize::new(0) };
    assert_eq!(list.catch_up(&more, &keys, 4, BEGIN).await, Ok(()));
    assert!(list.has_ended(&session("later")));
}

#[tokio::test]
async fn what_one_ring_of_keys_does_not_open_the_next_one_may() {
    let ring = |keys: &[u8]| KeyRing::new(keys.iter().map(|key| Secret::new([*key; 32])).collect()).expect("keys");
    let (old, rotated) = (ring(&[1]), ring(&[2, 1]));
    let entries = vec![seal(&revocation("s", BEGIN), &rotated, &mut |buffer| buffer.fill(3))];
    let store = Shared { entries, reads: AtomicUsize::new(0) };
    let list = RevocationList::default();
    for _ in 0..2 {
        assert_eq!(list.catch_up(&store, &old, 1, BEGIN).await, Ok(()));
        assert!(!list.has_ended(&session("s")));
    }
    assert_eq!(store.reads.load(Ordering::Relaxed), 1, "not at every request");
    assert_eq!(list.catch_up(&store, &rotated, 1, BEGIN).await, Ok(()));
    assert!(list.has_ended(&session("s")), "the key is there after a reload");
}

#[test]
fn what_nobody_proves_is_not_news_again_for_a_while() {
    let list = RevocationList::default();
    let again = |after| list.knows(&revocation("s", BEGIN + Duration::from_secs(after)));
    assert!(!again(0));
    list.add_unproven(revocation("s", BEGIN), BEGIN).expect("there is room");
    assert_eq!([0, 599, 600].map(again), [true, true, false]);
    assert!(!list.knows(&revocation("another", BEGIN)));
}
