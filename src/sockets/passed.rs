//! Sockets that the service manager opened for us and passed on, each with a name (`sd_listen_fds`: `LISTEN_PID`,
//! `LISTEN_FDS` and `LISTEN_FDNAMES`).

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::{Domain, Socket, Type};

/// What a socket is called that was given no name.
const UNNAMED: &str = "unknown";

/// A listening socket with its name, ready for an event loop.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) name: String,
    pub(crate) listener: PassedListener,
}

/// What kind it is of.
#[derive(Debug)]
pub(crate) enum PassedListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Takes everything that was passed. The descriptors are ours from now on, so a second time there is nothing.
///
/// # Errors
/// The variables cannot be read, or what was passed is nothing that could be listened on.
pub(crate) fn take() -> io::Result<Vec<Passed>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let passed = sd_listen_fds::get().map_err(io::Error::other)?;
    let named = |(name, descriptor): (Option<String>, sd_listen_fds::OwnedFd)| {
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| UNNAMED.to_owned());
        let listener = listening(Socket::from(descriptor.into_std()));
        let listener = listener.map_err(|error| io::Error::new(error.kind(), format!("the socket {name:?} that was passed: {error}")))?;
        Ok(Passed { name, listener })
    };
    passed.into_iter().map(named).collect()
}

fn listening(socket: Socket) -> io::Result<PassedListener> {
    if socket.r#type()? != Type::STREAM {
        return Err(io::Error::other("it is for datagrams"));
    }
    if !socket.is_listener()? {
        // Accept=yes of systemd starts a process for each connection.
        return Err(io::Error::other("it does not listen: a socket unit needs Accept=no"));
    }
    socket.set_cloexec(true)?;
    socket.set_nonblocking(true)?;
    match socket.domain()? {
        Domain::UNIX => Ok(PassedListener::Unix(socket.into())),
        _ => Ok(PassedListener::Tcp(socket.into())),
    }
}
