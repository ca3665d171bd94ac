//! Which files a configuration was read from, and whether they say the same as those of another one.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

/// Every file that was read or was to be read, in the order of reading: the configuration first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilesRead {
    /// Where they are.
    pub paths: Vec<PathBuf>,
    content: Content,
}

/// Equal for equal contents of equal paths. Not for showing: secrets are in it.
#[derive(Clone, PartialEq, Eq, Default)]
struct Content([u8; 32]);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Notes what is read while it is read.
pub(super) struct Reading {
    notes: RefCell<(Vec<PathBuf>, Context)>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { notes: RefCell::new((Vec::new(), Context::new(&SHA256))) }
    }
}

impl Reading {
    /// Notes a file with its content; `None` for one that cannot be read.
    pub(super) fn note(&self, path: &Path, content: Option<&[u8]>) {
        let (paths, digest) = &mut *self.notes.borrow_mut();
        let length = |bytes: &[u8]| (bytes.len() as u64).to_be_bytes();
        // Each with its length in front, so that no two notes can be cut differently.
        let name = path.as_os_str().as_encoded_bytes();
        digest.update(&length(name));
        digest.update(name);
        digest.update(&[u8::from(content.is_some())]);
        let content = content.unwrap_or_default();
        digest.update(&length(content));
        digest.update(content);
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }

    /// What was noted up to now.
    pub(super) fn so_far(&self) -> FilesRead {
        let (paths, digest) = &*self.notes.borrow();
        let mut content = [0; 32];
        content.copy_from_slice(digest.clone().finish().as_ref());
        FilesRead { paths: paths.clone(), content: Content(content) }
    }
}
