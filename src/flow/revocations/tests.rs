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
use crate::flow::ports::{Claim, Cursor, Holder, Listed, Read, Replaced, Stored};
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
    assert_eq!(list.ended(&session("s-7")), None);
    for number in 0..2 * MOST_RECENT {
        list.add(revocation(&format!("s-{number}"), BEGIN), BEGIN).expect("there is room");
        assert!(list.ended(&session(&format!("s-{number}"))).is_some());
    }
    assert_eq!(list.ended(&session("s-7")), Some(revocation("s-7", BEGIN)));
    assert_eq!((len(&list), list.entries().len()), (2 * MOST_RECENT, 2 * MOST_RECENT));
    assert_eq!(list.ended(&session("another")), None);
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
    assert!(list.ended(&session("real")).is_some());
    assert_eq!(list.add(revocation("vouched for", BEGIN), BEGIN), Ok(()));
    assert!(list.ended(&session("vouched for")).is_some());
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
    async fn insert(&self, _: Handle, _: &Stored) -> Result<(), StoreFailed> {
        Ok(())
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
    async fn revocations(&self) -> Result<(u64, Vec<String>), StoreFailed> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok((self.entries.len() as u64, self.entries.clone()))
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
    assert!(list.ended(&session("theirs")).is_some() && list.ended(&session("mine")).is_none());
    // The next entry is our own: there is nothing to read.
    list.told(4);
    assert_eq!((list.catch_up(&store, &keys, 4, BEGIN).await, store.reads.load(Ordering::Relaxed)), (Ok(()), 1));
    // Somebody was faster: the one before ours is not known here.
    list.told(6);
    assert_eq!((list.catch_up(&store, &keys, 6, BEGIN).await, store.reads.load(Ordering::Relaxed)), (Ok(()), 2));
}
