//! The socket itself: a TCP port on loopback, or a file that only its owner may connect to.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use crate::config::AdminListen;
use crate::sockets::file::{Audience, SocketFile, listen};

/// A listening socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// A connection of either sort.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connections that the kernel holds for us until we accept them.
const BACKLOG: i32 = 64;

impl Socket {
    pub(super) async fn bind(at: &AdminListen) -> io::Result<Self> {
        match at {
            AdminListen::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            AdminListen::Unix(path) => {
                let (listener, file) = listen(path, Audience::Owner, BACKLOG)?;
                Ok(Self::Unix(UnixListener::from_std(listener)?, file))
            }
        }
    }

    /// Where it listens, the port filled in.
    pub(super) fn address(&self) -> io::Result<AdminListen> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(AdminListen::Tcp),
            Self::Unix(_, file) => Ok(AdminListen::Unix(file.path().to_path_buf())),
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
