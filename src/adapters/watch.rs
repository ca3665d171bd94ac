//! Whether files have changed, by looking at them again and again: what a path leads to, followed through symbolic links.
//! A swapped link (as Kubernetes does it with `..data`), a file that was renamed into place and one that was written over
//! all look different afterwards, on every kind of file system. There are no watches to run out of and no events to miss.
//!
//! How often to look, and what to do about a change, is the caller's business. Blocks: not for a thread that serves.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Files, what was seen of them last, and what was seen of them when they were acted upon.
#[derive(Debug)]
pub struct Watch {
    files: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// `None`: nobody has looked before it was acted upon, so what is there now may be something else.
    acted_upon: Option<Sight>,
    /// `None`: nobody has looked yet.
    last: Option<Sight>,
}

/// What a look at all files says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// All are what they were when they were acted upon.
    None,
    /// Some are not, and they have not been seen like this before: somebody may be in the middle of writing.
    Unsettled,
    /// Some are not, and all are as they were at the look before.
    Settled,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Nothing, or nothing that we may look at.
    Nothing,
    /// A file. Its status time is there for a file that only becomes readable, and for one that was written over with
    /// its old time.
    File { device: u64, inode: u64, length: u64, modified: Moment, status: Moment },
    /// A pipe, a terminal, a directory: not there to be read twice, so it never changes.
    Other,
}

/// Seconds and nanoseconds.
type Moment = (i64, i64);

impl Watch {
    /// Watches these. What they were when they were read is not known, so they count as changed until they are acted
    /// upon.
    #[must_use]
    pub fn new(files: &[PathBuf]) -> Self {
        Self { files: files.iter().map(|path| Watched { path: path.clone(), acted_upon: None, last: None }).collect() }
    }

    /// Looks at every file.
    pub fn look(&mut self) -> Change {
        let (mut changed, mut settled) = (false, true);
        for file in &mut self.files {
            let now = Sight::of(&file.path);
            changed |= now != Sight::Other && file.acted_upon != Some(now);
            settled &= file.last.replace(now) == Some(now);
        }
        match (changed, settled) {
            (false, _) => Change::None,
            (true, false) => Change::Unsettled,
            (true, true) => Change::Settled,
        }
    }

    /// Somebody is going to read the files: whatever differs from the last look from now on is a change.
    pub fn act(&mut self) {
        for file in &mut self.files {
            file.acted_upon = file.last;
        }
    }

    /// Watches these from now on. Those that were watched before stay as they are.
    pub fn follow(&mut self, files: &[PathBuf]) {
        let mut before = std::mem::take(&mut self.files);
        *self = Self::new(files);
        for file in &mut self.files {
            if let Some(at) = before.iter().position(|known| known.path == file.path) {
                *file = before.swap_remove(at);
            }
        }
    }
}

impl Sight {
    fn of(path: &Path) -> Self {
        Self::read(fs::metadata(path))
    }

    fn read(metadata: io::Result<Metadata>) -> Self {
        match metadata {
            Ok(file) if file.is_file() => Self::File {
                device: file.dev(),
                inode: file.ino(),
                length: file.size(),
                modified: (file.mtime(), file.mtime_nsec()),
                status: (file.ctime(), file.ctime_nsec()),
            },
            Ok(_) => Self::Other,
            Err(_) => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
