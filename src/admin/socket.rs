//! The socket itself: a TCP port on loopback, or a file that only its owner may connect to.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use crate::config::AdminListen;

/// A listening socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// The file of a socket. It goes when the listener does.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: what lies at the path may be another's by now.
    identity: (u64, u64),
}

/// A connection of either sort.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connections that the kernel holds for us until we accept them.
const BACKLOG: i32 = 64;

impl Socket {
    pub(super) async fn bind(listen: &AdminListen) -> io::Result<Self> {
        match listen {
            AdminListen::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            AdminListen::Unix(path) => {
                let (listener, file) = bind_file(path)?;
                Ok(Self::Unix(UnixListener::from_std(listener)?, file))
            }
        }
    }

    /// Where it listens, the port filled in.
    pub(super) fn address(&self) -> io::Result<AdminListen> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(AdminListen::Tcp),
            Self::Unix(_, file) => Ok(AdminListen::Unix(file.path.clone())),
        }
    }

    /// The next connection. One that does not come from this machine is closed and counts as none.
    pub(super) async fn accept(&self) -> io::Result<Option<Box<dyn Stream>>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(if is_here(peer) { Some(Box::new(stream)) } else { None })
            }
            Self::Unix(listener, _) => Ok(Some(Box::new(listener.accept().await?.0))),
        }
    }
}

fn is_here(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

/// Nobody can connect before `listen`, so nobody can connect before the file is its owner's alone, whatever the umask is.
fn bind_file(path: &Path) -> io::Result<(std::os::unix::net::UnixListener, SocketFile)> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    if let Err(error) = socket.bind(&address) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        remove_stale(path)?;
        socket.bind(&address)?;
    }
    let file = SocketFile { identity: identity_of(path)?, path: path.to_path_buf() };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// Removes what a process left behind that could not tidy up; not what somebody answers on, and not what is no socket.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name, which is no socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Ok(_) | Err(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers there")),
    }
}

fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity_of(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _nothing_more_to_do = std::fs::remove_file(&self.path);
        }
    }
}
