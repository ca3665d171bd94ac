//! The places that lines can go to.

use std::fs::{File, OpenOptions};
use std::io::{self, Stderr, Stdout, Write};
use std::path::{Path, PathBuf};

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
    /// Opens a file, or makes one that only its owner may read. One that is there keeps its mode: who may read it is for
    /// them to say who made it.
    ///
    /// # Errors
    /// It can be neither opened for writing nor made, or it is a named pipe.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = append_to(&path)?;
        Ok(Self { path, file })
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    // Opening one waits for a reader, for ever if none comes.
    #[cfg(unix)]
    if std::fs::metadata(path).is_ok_and(|file| std::os::unix::fs::FileTypeExt::is_fifo(&file.file_type())) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a named pipe"));
    }
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_named_pipe_is_refused_before_anybody_waits_for_its_reader() {
        let directory = tempfile::tempdir().expect("a directory");
        let (pipe, file) = (directory.path().join("pipe"), directory.path().join("file"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("a system with mkfifo").success());
        assert_eq!(AppendedFile::open(pipe.clone()).expect_err("a pipe").kind(), io::ErrorKind::InvalidInput);
        let mut log = AppendedFile::open(file.clone()).expect("a file can be made");
        std::fs::rename(&pipe, &file).expect("both are there");
        assert!(log.reopen().is_err(), "nor does a rotation open one");
        log.write_all(b"a line\n").expect("what was open is open still");
    }
}
