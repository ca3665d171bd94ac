//! From a folder to an open file in it: made if it is missing, mended if the process that had it was killed, and refused
//! if it cannot be trusted. Never made anew in the place of one that is there: that would sign everybody out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, StorageError};

/// Read pages that are kept, in bytes. What is not in here is mostly in the system's cache.
const CACHE: usize = 32 * 1024 * 1024;

/// The file below the folder.
const NAME: &str = "sessions.redb";

/// The session file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the file cannot be made or opened.
    #[error("{}: {error}", path.display())]
    Unreachable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has it.
    #[error(
        "{}: another process keeps its sessions here. Give each a folder of its own, or have them share their sessions in Redis",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// What is in the file cannot be trusted.
    #[error(
        "{}: this file is damaged, or is not a session store ({fault}). Put back a copy of it; or move it away to begin with an \
         empty one, which signs everybody out",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// It could be opened, and not be used.
    #[error("{}: {fault}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why.
        fault: String,
    },
}

/// A folder that is ours alone as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Holds the lock.
    lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, for our eyes only, and the file in it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let unreachable = |error| OpenError::Unreachable { path: path.into(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unreachable)?;
        let lock = File::open(path).map_err(unreachable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse { folder: path.into() },
            TryLockError::Error(error) => unreachable(error),
        })?;
        let folder = Self { path: path.into(), lock };
        if !folder.file().try_exists().map_err(unreachable)? {
            folder.make()?;
        }
        Ok(folder)
    }

    /// Where the file is.
    pub(super) fn file(&self) -> PathBuf {
        self.path.join(NAME)
    }

    /// Opens the file that is there. All of it is read and checked, which takes about a second per gigabyte.
    pub(super) fn open(&self) -> Result<Database, OpenError> {
        let file = self.file();
        Database::builder().set_cache_size(CACHE).set_check_integrity_on_open(true).open(&file).map_err(|error| reported(&error, file))
    }

    /// Makes the file elsewhere and moves it there when it is whole: a process that is killed over it leaves none.
    fn make(&self) -> Result<(), OpenError> {
        let aside = self.path.join(format!("{NAME}.new"));
        let unreachable = |error| OpenError::Unreachable { path: aside.clone(), error };
        // Whose making of it came to nothing is gone: the folder is ours.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(unreachable)?;
        let made = Database::create(&aside).and_then(Database::close);
        made.map_err(|error| reported(&error, aside.clone()))?;
        file.sync_all().map_err(unreachable)?;
        fs::rename(&aside, self.file()).and_then(|()| self.lock.sync_all()).map_err(unreachable)
    }
}

fn reported(error: &DatabaseError, file: PathBuf) -> OpenError {
    let is_damaged = if let DatabaseError::Storage(StorageError::Io(error)) = error {
        matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
    } else {
        matches!(error, DatabaseError::Storage(StorageError::Corrupted(_)))
    };
    let fault = error.to_string();
    if is_damaged { OpenError::Damaged { file, fault } } else { OpenError::Unusable { file, fault } }
}
