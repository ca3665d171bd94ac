//! Whatever is asked of a store in whatever order, the answers are those of a model that keeps everything that ever
//! happened and works the answer out of that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::conformance::{TurnedTime, record};
use super::file::FileStore;
use super::memory::MemoryStore;
use super::time::Time as _;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Before, Claim, Holder, Replaced, SessionStore, Stored};
use crate::protocol::session_record::Handle;

const LEASE: Duration = Duration::from_secs(30);

/// Something that is asked. Of three records and three holders, so that they meet.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Insert(u8, Lives),
    Replace(u8, u64, Lives),
    Remove(u8),
    Claim(u8, u128),
    Prolong(u8, u128),
    Settle(u8, u128, u64, Lives),
    Release(u8, u128),
    Pass(u64),
}

/// For so many seconds.
type Lives = u64;

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Replaced(Replaced),
    Claim(Claim),
    Prolonged(bool),
}

fn ask() -> impl Strategy<Value = Ask> {
    let (handle, holder, known, lives) = (0..3_u8, 0..3_u128, 1..5_u64, prop_oneof![Just(20_u64), Just(50), Just(10_000)]);
    prop_oneof![
        2 => (handle.clone(), lives.clone()).prop_map(|(handle, lives)| Ask::Insert(handle, lives)),
        3 => (handle.clone(), known.clone(), lives.clone()).prop_map(|(handle, known, lives)| Ask::Replace(handle, known, lives)),
        1 => handle.clone().prop_map(Ask::Remove),
        4 => (handle.clone(), holder.clone()).prop_map(|(handle, holder)| Ask::Claim(handle, holder)),
        1 => (handle.clone(), holder.clone()).prop_map(|(handle, holder)| Ask::Prolong(handle, holder)),
        4 => (handle.clone(), holder.clone(), known, lives).prop_map(|(handle, holder, known, lives)| Ask::Settle(handle, holder, known, lives)),
        2 => (handle, holder).prop_map(|(handle, holder)| Ask::Release(handle, holder)),
        2 => prop_oneof![Just(1_u64), Just(15), Just(31)].prop_map(Ask::Pass),
    ]
}

/// What happened to one record since it was inserted.
#[derive(Debug, Clone, Default)]
struct History {
    record: Option<(u64, Timestamp)>,
    claims: Vec<PastClaim>,
}

#[derive(Debug, Clone)]
struct PastClaim {
    holder: Holder,
    until: Duration,
    released: bool,
}

impl History {
    fn version(&self, now: Timestamp) -> Option<u64> {
        self.record.filter(|(_, expires_at)| *expires_at > now).map(|(version, _)| version)
    }

    /// Only the last claim can be anybody's: a new one is made only when the one before is over.
    fn current(&mut self, holder: Holder) -> Option<&mut PastClaim> {
        self.claims.last_mut().filter(|claim| claim.holder == holder && !claim.released)
    }
}

#[derive(Debug, Default)]
struct Model(HashMap<u8, History>);

impl Model {
    fn of(&mut self, handle: u8) -> &mut History {
        self.0.entry(handle).or_default()
    }

    fn answer(&mut self, ask: Ask, time: &TurnedTime) -> Answer {
        let (now, elapsed) = (time.now(), time.elapsed());
        let ends = |lives| now + Duration::from_secs(lives);
        match ask {
            Ask::Insert(handle, lives) => {
                *self.of(handle) = History { record: Some((1, ends(lives))), claims: Vec::new() };
                Answer::Done
            }
            Ask::Replace(handle, known, lives) => {
                let history = self.of(handle);
                Answer::Replaced(match history.version(now) {
                    None => Replaced::Gone,
                    Some(version) if version == known => {
                        history.record = Some((known + 1, ends(lives)));
                        Replaced::Done
                    }
                    Some(_) => Replaced::Outdated,
                })
            }
            Ask::Remove(handle) => {
                *self.of(handle) = History::default();
                Answer::Done
            }
            Ask::Claim(handle, holder) => {
                let history = self.of(handle);
                let goes_on = history.claims.last().is_some_and(|claim| !claim.released && claim.until > elapsed);
                Answer::Claim(match history.version(now) {
                    None => Claim::Gone,
                    Some(_) if goes_on => Claim::Taken,
                    Some(_) => {
                        let somebody_vanished = history.claims.iter().any(|claim| !claim.released);
                        history.claims.push(PastClaim { holder: Holder(holder), until: elapsed + LEASE, released: false });
                        Claim::Ours(if somebody_vanished { Before::Abandoned } else { Before::Settled })
                    }
                })
            }
            Ask::Prolong(handle, holder) => {
                let claim = self.of(handle).current(Holder(holder)).filter(|claim| claim.until > elapsed);
                Answer::Prolonged(claim.map(|claim| claim.until = elapsed + LEASE).is_some())
            }
            Ask::Settle(handle, holder, known, lives) => {
                let history = self.of(handle);
                let is_ours = history.current(Holder(holder)).is_some();
                Answer::Replaced(match history.version(now) {
                    None => Replaced::Gone,
                    Some(version) if is_ours || version == known => {
                        history.record = Some(((known + 1).max(version + 1), ends(lives)));
                        if is_ours {
                            history.claims.clear();
                        }
                        Replaced::Done
                    }
                    Some(_) => Replaced::Outdated,
                })
            }
            Ask::Release(handle, holder) => {
                if let Some(claim) = self.of(handle).current(Holder(holder)) {
                    claim.released = true;
                }
                Answer::Done
            }
            Ask::Pass(_) => Answer::Done,
        }
    }
}

async fn answer(store: &dyn SessionStore, ask: Ask, time: &TurnedTime) -> Answer {
    let stored = |version, lives| Stored {
        expires_at: time.now() + Duration::from_secs(lives),
        ..record(version, &format!("version {version}"), time.now())
    };
    let at = |handle: u8| Handle([handle * 100; 16]);
    match ask {
        Ask::Insert(handle, lives) => {
            // Handles are used once in earnest.
            store.remove(at(handle)).await.expect("a store that answers");
            store.insert(at(handle), &stored(1, lives)).await.expect("a store that answers");
            Answer::Done
        }
        Ask::Replace(handle, known, lives) => {
            Answer::Replaced(store.replace(at(handle), known, &stored(known + 1, lives)).await.expect("a store that answers"))
        }
        Ask::Remove(handle) => {
            store.remove(at(handle)).await.expect("a store that answers");
            Answer::Done
        }
        Ask::Claim(handle, holder) => Answer::Claim(store.claim(at(handle), Holder(holder), LEASE).await.expect("a store that answers")),
        Ask::Prolong(handle, holder) => {
            Answer::Prolonged(store.prolong(at(handle), Holder(holder), LEASE).await.expect("a store that answers"))
        }
        Ask::Settle(handle, holder, known, lives) => {
            let stored = stored(known + 1, lives);
            Answer::Replaced(store.settle(at(handle), Holder(holder), known, &stored).await.expect("a store that answers"))
        }
        Ask::Release(handle, holder) => {
            store.release(at(handle), Holder(holder)).await.expect("a store that answers");
            Answer::Done
        }
        Ask::Pass(_) => Answer::Done,
    }
}

fn answers_as_the_model(store: &dyn SessionStore, time: &TurnedTime, asks: &[Ask]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut model = Model::default();
        for (at, ask) in asks.iter().enumerate() {
            if let Ask::Pass(seconds) = ask {
                time.turn(Duration::from_secs(*seconds));
            }
            prop_assert_eq!(answer(store, *ask, time).await, model.answer(*ask, time), "at {}: {:?}", at, ask);
            for handle in 0..3_u8 {
                let read = store.read(Handle([handle * 100; 16])).await.expect("a store that answers").record;
                let expected = model.0.get(&handle).and_then(|history| history.version(time.now()));
                prop_assert_eq!(read.map(|stored| stored.version), expected, "record {} after {}: {:?}", handle, at, ask);
            }
        }
        Ok(())
    })
}

proptest! {
    #[test]
    fn the_memory_store_answers_as_the_model(asks in prop::collection::vec(ask(), 1..60)) {
        let time = TurnedTime::new();
        answers_as_the_model(&MemoryStore::new(Arc::new(time.clone()), 3), &time, &asks)?;
    }
}

proptest! {
    // Each makes a file and waits for the disk at every step.
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_file_store_answers_as_the_model(asks in prop::collection::vec(ask(), 1..60)) {
        let (time, folder) = (TurnedTime::new(), tempfile::tempdir().expect("a temporary directory"));
        let store = FileStore::open(folder.path(), Arc::new(time.clone())).expect("a store that opens");
        answers_as_the_model(&store, &time, &asks)?;
    }
}
