//! What is listened on, and what is accepted there: TCP ports, socket files, and sockets that the service manager opened.
//!
//! Each worker has a socket of its own on a TCP port that we open (`SO_REUSEPORT`). Files and sockets that were opened for
//! us are there once: each worker has a duplicate of the descriptor, and whoever is free first accepts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::either::Either;

use super::{ConnectionInfo, Known, ListenError};
use crate::protocol::listen_address::{ListenAddress, Versions};
use crate::sockets::file::{self, Audience, SocketFile};
use crate::sockets::passed::{self, Passed, PassedListener};

/// Connections that the kernel holds for us until we accept them.
const BACKLOG: i32 = 1024;
/// After how much silence the kernel asks whether the other end of a connection is still there.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(60);
/// Whoever connects to a socket file is on this machine, and has no address.
pub(super) const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A connection as the system gives it.
pub(super) type Accepted = Either<TcpStream, UnixStream>;

/// A listening socket of one worker, bound to its runtime.
#[derive(Debug)]
pub enum Listener {
    /// On a TCP port.
    Tcp(tokio::net::TcpListener),
    /// On a socket file.
    Unix(tokio::net::UnixListener),
}

/// A listening socket of one worker that has no runtime yet.
#[derive(Debug)]
pub(super) enum Unbound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Everything that is listened on.
#[derive(Debug)]
pub(super) struct Sockets {
    /// In the order asked for, with the ports that the system chose.
    pub(super) addresses: Vec<ListenAddress>,
    /// For each worker one for each address, or more if several were passed under one name.
    pub(super) of_workers: Vec<Vec<Unbound>>,
    pub(super) files: Vec<SocketFile>,
}

impl Listener {
    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, ConnectionInfo)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                let info = ConnectionInfo { peer, local: stream.local_addr()?, known: Known::BySight };
                stream.set_nodelay(true)?;
                Ok((Either::Left(stream), info))
            }
            Self::Unix(listener) => {
                Ok((Either::Right(listener.accept().await?.0), ConnectionInfo { peer: HERE, local: HERE, known: Known::BySight }))
            }
        }
    }
}

impl From<tokio::net::TcpListener> for Listener {
    fn from(listener: tokio::net::TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl Unbound {
    /// On the runtime that is entered.
    pub(super) fn bind(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => tokio::net::TcpListener::from_std(listener).map(Listener::Tcp),
            Self::Unix(listener) => tokio::net::UnixListener::from_std(listener).map(Listener::Unix),
        }
    }

    fn duplicate(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(listener) => listener.try_clone().map(Self::Tcp),
            Self::Unix(listener) => listener.try_clone().map(Self::Unix),
        }
    }
}

impl Sockets {
    /// Opens everything for so many workers.
    pub(super) fn open(workers: usize, addresses: &[ListenAddress]) -> Result<Self, ListenError> {
        let of_workers = (0..workers).map(|_| Vec::new()).collect();
        let mut sockets = Self { addresses: Vec::with_capacity(addresses.len()), of_workers, files: Vec::new() };
        let mut passed = passed::take().map_err(ListenError::Passed)?;
        for address in addresses {
            let failed = |source| ListenError::Bind { address: address.clone(), source };
            let real = match address {
                ListenAddress::Tcp(address) => {
                    ListenAddress::Tcp(sockets.open_port(*address, Versions::of(*address, addresses)).map_err(failed)?)
                }
                ListenAddress::Unix(path) => {
                    let (listener, file) = file::listen(path, Audience::Group, BACKLOG).map_err(failed)?;
                    sockets.files.push(file);
                    sockets.share(&Unbound::Unix(listener)).map_err(failed)?;
                    address.clone()
                }
                ListenAddress::Systemd(name) => {
                    sockets.take_passed(name, &mut passed)?;
                    address.clone()
                }
            };
            sockets.addresses.push(real);
        }
        for unused in passed {
            tracing::warn!(name = %unused.name, "The service manager passes a socket {:?} that `listen` does not name", unused.name);
        }
        Ok(sockets)
    }

    fn open_port(&mut self, address: SocketAddr, versions: Versions) -> io::Result<SocketAddr> {
        // A second process would take a share of the first one's connections, and could not open its cookies if keys are
        // made up: a taken address is an error, however many workers share ours.
        drop(bind(address, versions, Sharing::Nobody)?);
        let mut real = address;
        for worker in &mut self.of_workers {
            let listener = bind(real, versions, Sharing::Workers)?;
            real = listener.local_addr()?;
            worker.push(Unbound::Tcp(listener));
        }
        Ok(real)
    }

    fn take_passed(&mut self, name: &str, passed: &mut Vec<Passed>) -> Result<(), ListenError> {
        let names: Vec<String> = passed.iter().map(|passed| passed.name.clone()).collect();
        let (ours, others) = std::mem::take(passed).into_iter().partition::<Vec<_>, _>(|passed| passed.name == name);
        *passed = others;
        if ours.is_empty() {
            return Err(ListenError::NotPassed { name: name.to_owned(), passed: names });
        }
        for socket in ours {
            let socket = match socket.listener {
                PassedListener::Tcp(listener) => {
                    SockRef::from(&listener).set_tcp_keepalive(&keep_alive()).map_err(ListenError::Passed)?;
                    Unbound::Tcp(listener)
                }
                PassedListener::Unix(listener) => Unbound::Unix(listener),
            };
            self.share(&socket).map_err(ListenError::Passed)?;
        }
        Ok(())
    }

    /// Gives every worker the same socket.
    fn share(&mut self, socket: &Unbound) -> io::Result<()> {
        for worker in &mut self.of_workers {
            worker.push(socket.duplicate()?);
        }
        Ok(())
    }
}

/// Whose sockets may listen on the same address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Nobody,
    Workers,
}

fn bind(address: SocketAddr, versions: Versions, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(sharing == Sharing::Workers)?;
    if address.is_ipv6() {
        // Whatever the system's default is.
        socket.set_only_v6(versions == Versions::Own)?;
    }
    socket.set_tcp_keepalive(&keep_alive())?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepted sockets inherit it.
const fn keep_alive() -> TcpKeepalive {
    TcpKeepalive::new().with_time(KEEP_ALIVE)
}
