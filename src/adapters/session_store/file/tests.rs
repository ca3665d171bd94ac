//! What the file store does beyond what every store does. That it survives being killed is shown in `tests/it`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::conformance::{self, TurnedTime, World, handle, record};
use super::tables::Changes;
use super::*;
use crate::flow::ports::Before;

mod failing_disk;

struct InFile {
    store: FileStore,
    time: TurnedTime,
}

fn world(folder: &Path) -> InFile {
    let time = TurnedTime::new();
    InFile { store: FileStore::open(folder, Arc::new(time.clone())).expect("a store that opens"), time }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

const LEASE: Duration = Duration::from_secs(30);

#[async_trait]
impl World for InFile {
    fn store(&self) -> &dyn SessionStore {
        &self.store
    }

    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn moment(&self) -> Duration {
        LEASE
    }

    async fn pass(&self, span: Duration) {
        self.time.turn(span);
    }
}

impl InFile {
    /// Ends the store, and has another process take over.
    fn restarted(self, folder: &Path) -> Self {
        let Self { store, time } = self;
        drop(store);
        Self { store: FileStore::open(folder, Arc::new(time.clone())).expect("a store that opens"), time }
    }

    async fn sweep(&self) {
        self.store.writes().make(|changes| changes.sweep(None)).await.expect("a disk that works");
    }
}

#[tokio::test]
async fn it_does_what_every_store_does() {
    let folder = folder();
    conformance::holds(&world(folder.path())).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let (folder, kept, removed) = (folder(), handle(), handle());
    let world = world(folder.path());
    for handle in [kept, removed] {
        world.store.insert(handle, &record(1, "first", world.now())).await.expect("a disk that works");
    }
    world.store.remove(removed).await.expect("a disk that works");
    world.store.replace(kept, 1, &record(2, "second", world.now())).await.expect("a disk that works");
    let version = world.store.revoke("entry", world.now() + LEASE).await.expect("a disk that works");

    let world = world.restarted(folder.path());
    let read = world.store.read(kept).await.expect("a disk that works");
    assert_eq!(read, Read { record: Some(record(2, "second", world.now())), revocations: version });
    assert_eq!(world.store.read(removed).await.expect("a disk that works").record, None);
    assert_eq!(world.store.revocations(0).await, Ok((version, vec!["entry".into()])));
    assert_eq!(world.store.revoke("next", world.now() + LEASE).await, Ok(version + 1));
}

#[tokio::test]
async fn what_a_process_that_is_gone_had_claimed_is_abandoned_at_once() {
    let folder = folder();
    let world = world(folder.path());
    let [claimed, settled, released] = [handle(), handle(), handle()];
    for (handle, holder) in [(claimed, Holder(1)), (settled, Holder(2)), (released, Holder(3))] {
        world.store.insert(handle, &record(1, "first", world.now())).await.expect("a disk that works");
        assert_eq!(world.store.claim(handle, holder, LEASE).await, Ok(Claim::Ours(Before::Settled)));
    }
    world.store.settle(settled, Holder(2), 1, &record(2, "renewed", world.now())).await.expect("a disk that works");
    world.store.release(released, Holder(3)).await.expect("a disk that works");

    let world = world.restarted(folder.path());
    assert_eq!(world.store.claim(claimed, Holder(4), LEASE).await, Ok(Claim::Ours(Before::Abandoned)));
    assert_eq!(world.store.claim(settled, Holder(5), LEASE).await, Ok(Claim::Ours(Before::Settled)));
    assert_eq!(world.store.claim(released, Holder(6), LEASE).await, Ok(Claim::Ours(Before::Settled)));
}

#[tokio::test]
async fn what_has_expired_is_cleared_out() {
    let (folder, lasting, brief) = (folder(), handle(), handle());
    let world = world(folder.path());
    let until = world.now() + LEASE;
    world.store.insert(lasting, &record(1, "lasting", world.now())).await.expect("a disk that works");
    world.store.insert(brief, &Stored { expires_at: until, ..record(1, "brief", world.now()) }).await.expect("a disk that works");
    world.store.claim(brief, Holder(1), LEASE).await.expect("a disk that works");
    world.store.revoke("brief", until).await.expect("a disk that works");
    let left = || async { world.store.writes().make(|changes| changes.count()).await.expect("a disk that works") };
    world.sweep().await;
    assert_eq!(left().await, (2, 1, 1), "it is all still good");
    world.pass(LEASE).await;
    world.sweep().await;
    assert_eq!(left().await, (1, 0, 0));
    assert!(world.store.read(lasting).await.expect("a disk that works").record.is_some());
}

#[tokio::test]
async fn a_sweep_comes_round_however_many_there_are() {
    let folder = folder();
    let world = world(folder.path());
    let stored = Stored { expires_at: world.now() + LEASE, ..record(1, "over", world.now()) };
    futures_util::future::join_all((0..3_000).map(|_| world.store.insert(handle(), &stored))).await;
    world.pass(LEASE).await;
    // In one go: the store sweeps as well.
    let strides = |changes: &mut Changes<'_>| {
        let next = changes.sweep(None)?;
        let left = changes.count()?.0;
        let end = changes.sweep(next)?;
        Ok((next, left, end, changes.count()?.0))
    };
    let (next, between, end, left) = world.store.writes().make(strides).await.expect("a disk that works");
    assert!(between > 0 && next.is_some(), "it is done in strides");
    assert_eq!((left, end), (0, None));
}

#[test]
fn nobody_else_on_the_machine_reads_it() {
    let parent = folder();
    let folder = parent.path().join("new").join("sessions");
    let _store = world(&folder);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("sessions.redb"))), (0o700, 0o600));
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = folder();
    let first = world(folder.path());
    let second = FileStore::open(folder.path(), Arc::new(TurnedTime::new()));
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    let _third = first.restarted(folder.path());
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").expect("a file");
    let opened = FileStore::open(&folder.path().join("file").join("below"), Arc::new(TurnedTime::new()));
    assert!(matches!(opened, Err(OpenError::Unreachable { .. })), "{opened:?}");
}

#[test]
fn a_process_that_was_killed_while_it_made_the_file_left_none() {
    let folder = folder();
    fs::write(folder.path().join("sessions.redb.new"), [0; 5_000]).expect("a file");
    let _store = world(folder.path());
    assert!(!folder.path().join("sessions.redb.new").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_trusted_is_refused_and_left_alone() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 6] = [
        ("emptied", Vec::clear),
        ("something else", |bytes| bytes.splice(.., *b"version = 1").for_each(drop)),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("cut off within its head", |bytes| bytes.truncate(100)),
        ("its head lost", |bytes| bytes[..64].fill(0)),
        ("one bit of a record turned", |bytes| {
            let at = bytes.windows(12).rposition(|window| window == b"summary of x").expect("the record is in there");
            // Its pages may be there more than once, and only one of them counts.
            let copies: Vec<_> = (0..=at).filter(|start| bytes[*start..].starts_with(b"summary of x")).collect();
            for start in copies {
                bytes[start] ^= 1;
            }
        }),
    ];
    for (what, damage) in damages {
        let (folder, handle) = (folder(), handle());
        let world = world(folder.path());
        world.store.insert(handle, &record(1, "x", world.now())).await.expect("a disk that works");
        drop(world);
        let file: PathBuf = folder.path().join("sessions.redb");
        let sound = fs::read(&file).expect("a file");
        let mut damaged = sound.clone();
        damage(&mut damaged);
        fs::write(&file, &damaged).expect("a file");
        let refused = FileStore::open(folder.path(), Arc::new(TurnedTime::new()));
        let Err(error @ OpenError::Damaged { .. }) = refused else { panic!("{what}: {refused:?}") };
        let text = error.to_string();
        assert!(text.contains("sessions.redb") && text.contains("move it away"), "{what}: {text}");
        assert!(fs::read(&file).expect("a file") == damaged, "{what}: it is as it was");

        fs::write(&file, &sound).expect("a file");
        let world = self::world(folder.path());
        assert!(world.store.read(handle).await.expect("a disk that works").record.is_some(), "{what}: put back");
    }
}
