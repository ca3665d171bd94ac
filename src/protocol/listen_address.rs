//! Where to listen, as the configuration says it. Nothing is opened here.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// An entry of `listen`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// `0.0.0.0:8080`
    Tcp(SocketAddr),
    /// `unix:/run/homerealm.sock`
    Unix(PathBuf),
    /// `systemd:web`: every socket of this name that the service manager passes on.
    Systemd(String),
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}
