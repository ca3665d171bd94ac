//! The places that lines can go to.

use std::fs::{File, OpenOptions};
use std::io::{self, Stderr, Stdout, Write};
use std::path::PathBuf;

/// A place that lines go to.
pub trait Target: Write + Send {
    /// Opens the place anew, where that means something.
    ///
    /// # Errors
    /// It cannot be opened; what was open stays so.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Stdout {}

impl Target for Stderr {}

/// A file that is only ever appended to.
#[derive(Debug)]
pub struct AppendedFile {
    path: PathBuf,
    file: File,
}

impl AppendedFile {
    /// Opens a file, or makes one that only its owner may read.
    ///
    /// # Errors
    /// It can be neither opened for writing nor made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = append_to(&path)?;
        Ok(Self { path, file })
    }
}

fn append_to(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Write for AppendedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Target for AppendedFile {
    fn reopen(&mut self) -> io::Result<()> {
        self.file = append_to(&self.path)?;
        Ok(())
    }
}
