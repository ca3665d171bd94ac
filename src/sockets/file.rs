//! A listening socket that is a file: who may connect to it is what the file's mode says.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use socket2::{Domain, SockAddr, Socket, Type};

/// Much longer than a process takes from `bind` to `listen`.
const PATIENCE: Duration = Duration::from_millis(50);

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The owner alone: 0600.
    Owner,
    /// Owner and group: 0660.
    Group,
}

/// The file of a socket. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// What lies at the path may be another's by now.
    identity: Identity,
}

/// Device, inode, and when it was made, where that is known: inodes are used again.
type Identity = (u64, u64, Option<SystemTime>);

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Listens at a path, without blocking. A socket that nobody answers on any more is replaced.
///
/// Nobody can connect before `listen`, so nobody can connect before the file has its mode, whatever the umask is.
pub(crate) fn listen(path: &Path, audience: Audience, backlog: i32) -> io::Result<(UnixListener, SocketFile)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    if let Err(error) = socket.bind(&address) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        remove_stale(path, &address, || std::thread::sleep(PATIENCE))?;
        socket.bind(&address)?;
    }
    let file = SocketFile { identity: identity_of(path)?, path: path.to_path_buf() };
    let mode = match audience {
        Audience::Owner => 0o600,
        Audience::Group => 0o660,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    socket.set_nonblocking(true)?;
    socket.listen(backlog)?;
    // Another process that found the same file deserted may have put its own in our place.
    if identity_of(path).is_ok_and(|identity| identity == file.identity) { Ok((socket.into(), file)) } else { Err(taken()) }
}

/// Removes what a process left behind that could not tidy up; not what somebody answers on, and not what is no socket.
///
/// A process that starts as well has a file on which nobody answers, from `bind` to `listen`. So who does not answer is
/// asked again after a while, and only a file that is still the same one goes. One that goes by itself meanwhile is what we
/// want.
fn remove_stale(path: &Path, address: &SockAddr, wait: impl FnOnce()) -> io::Result<()> {
    let removed = (|| {
        let found = std::fs::symlink_metadata(path)?;
        if !found.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name, which is no socket"));
        }
        if !is_deserted(address)? {
            return Err(taken());
        }
        wait();
        if is_deserted(address)? && identity_of(path)? == identity(&found) { std::fs::remove_file(path) } else { Err(taken()) }
    })();
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Without blocking: a process whose queue is full is there, and would keep us waiting.
fn is_deserted(address: &SockAddr) -> io::Result<bool> {
    let visitor = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    visitor.set_nonblocking(true)?;
    match visitor.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        // Whose it is cannot be seen, or it is gone.
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) => Err(error),
        Ok(()) | Err(_) => Ok(false),
    }
}

fn taken() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "another process answers there")
}

fn identity_of(path: &Path) -> io::Result<Identity> {
    std::fs::symlink_metadata(path).map(|file| identity(&file))
}

fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino(), file.created().ok())
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity_of(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _nothing_more_to_do = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_socket_whose_queue_is_full_is_somebodys() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let (_listener, _file) = listen(&path, Audience::Group, 0).expect("a free path");
        let _queued = UnixStream::connect(&path).expect("a listener");
        let error = listen(&path, Audience::Group, 0).expect_err("taken");
        assert_eq!(error.to_string(), "another process answers there");
    }

    #[test]
    fn who_is_about_to_listen_keeps_the_file_and_who_does_not_come_back_loses_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let address = SockAddr::unix(&path).expect("a short path");
        let bound = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            socket.bind(&address).expect("a free path");
            socket
        };
        let slow = bound();
        let refused = remove_stale(&path, &address, || slow.listen(1).expect("bound")).expect_err("taken");
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(slow);
        let mut other = None;
        let replace = || {
            // Elsewhere it lives on, so that the next one is another one by its number.
            std::fs::rename(&path, directory.path().join("old")).expect("it is there");
            other = Some(bound());
        };
        let refused = remove_stale(&path, &address, replace).expect_err("another's by now");
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(other);
        remove_stale(&path, &address, || {}).expect("nobody's");
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_goes_by_itself_need_not_be_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let address = SockAddr::unix(&path).expect("a short path");
        remove_stale(&path, &address, || {}).expect("nothing is there");
        Socket::new(Domain::UNIX, Type::STREAM, None).and_then(|socket| socket.bind(&address)).expect("a free path");
        remove_stale(&path, &address, || std::fs::remove_file(&path).expect("it is there")).expect("gone");
    }

    #[test]
    fn the_file_of_another_process_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let (listener, file) = listen(&path, Audience::Owner, 1).expect("a free path");
        drop(listener);
        // As somebody does it who takes the path over.
        std::fs::remove_file(&path).expect("it is there");
        std::fs::write(&path, "").expect("a file");
        drop(file);
        assert!(path.exists());
    }
}
