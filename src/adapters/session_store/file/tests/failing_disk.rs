//! Disks that fail for a while.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::*;
use crate::adapters::session_store::conformance::{TurnedTime, handle, record};

/// A file on a disk that can fail.
#[derive(Debug)]
struct Failing {
    file: FileBackend,
    fails: Arc<AtomicBool>,
}

impl Failing {
    fn open(path: &Path, fails: &Arc<AtomicBool>) -> Result<Database, OpenError> {
        let unreachable = |error| OpenError::Unreachable { path: path.into(), error };
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(unreachable)?;
        let file = FileBackend::new(file).map_err(|error| unreachable(io::Error::other(error)))?;
        let database = Database::builder().set_cache_size(0).create_with_backend(Self { file, fails: Arc::clone(fails) });
        database.map_err(|error| unreachable(io::Error::other(error)))
    }

    fn works(&self) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.works()?;
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.works()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.works()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.works()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[tokio::test]
async fn a_disk_that_fails_for_a_while_signs_nobody_out() {
    let (folder, fails, time) = (folder(), Arc::new(AtomicBool::new(false)), TurnedTime::new());
    let path = folder.path().join("file");
    let (database, disk) = (Failing::open(&path, &fails).expect("a disk that works"), Arc::clone(&fails));
    let store =
        FileStore::over(database, Box::new(move || Failing::open(&path, &disk)), Arc::new(time.clone())).expect("a disk that works");
    let [known, new] = [handle(), handle()];
    store.insert(known, &record(1, "first", time.now())).await.expect("a disk that works");
    assert_eq!(store.claim(known, Holder(1), LEASE).await, Ok(Claim::Ours(Before::Settled)));

    fails.store(true, Ordering::SeqCst);
    let failed = store.insert(new, &record(1, "new", time.now())).await;
    assert!(failed.is_err());
    assert!(store.settle(known, Holder(1), 1, &record(2, "renewed", time.now())).await.is_err());
    assert!(store.read(known).await.is_err(), "unknown is not absent");

    fails.store(false, Ordering::SeqCst);
    // Every failing call has the file looked after, though not too often.
    while store.read(known).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.read(known).await.expect("it works again").record, Some(record(1, "first", time.now())));
    assert_eq!(store.claim(known, Holder(2), LEASE).await, Ok(Claim::Taken), "whoever has claimed it still has");
    assert_eq!(store.settle(known, Holder(1), 1, &record(2, "renewed", time.now())).await, Ok(Replaced::Done));
    assert_eq!(store.insert(new, &record(1, "new", time.now())).await, Ok(Inserted::Done));
}
