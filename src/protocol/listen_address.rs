//! Where to listen, as the configuration says it. Nothing is opened here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
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

/// Whose connections a TCP address takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// Those of IPv6 and of IPv4.
    Both,
    /// Those of its own version of IP.
    Own,
}

impl Versions {
    /// For an address of a list. `[::]` takes IPv4 as well, unless the list has an IPv4 address with the same port: then
    /// that says what is wanted of IPv4.
    #[must_use]
    pub fn of(address: SocketAddr, list: &[ListenAddress]) -> Self {
        let is_ipv4_there = |other: &ListenAddress| match other {
            ListenAddress::Tcp(other) => other.port() == address.port() && other.ip().to_canonical().is_ipv4(),
            ListenAddress::Unix(_) | ListenAddress::Systemd(_) => false,
        };
        match address.ip() {
            IpAddr::V6(ip) if ip.is_unspecified() && !list.iter().any(is_ipv4_there) => Self::Both,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::Own,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unspecified_address_of_ipv6_takes_ipv4_unless_the_list_says_what_is_wanted_of_it() {
        for (list, expected) in [
            (&["[::]:80"][..], Versions::Both),
            (&["[::]:80", "[::1]:80"], Versions::Both),
            (&["[::]:80", "0.0.0.0:80"], Versions::Own),
            (&["[::]:80", "127.0.0.1:80"], Versions::Own),
            (&["[::]:80", "0.0.0.0:81"], Versions::Both),
            (&["[::1]:80"], Versions::Own),
            (&["0.0.0.0:80", "[::]:80"], Versions::Own),
        ] {
            let addresses: Vec<SocketAddr> = list.iter().map(|text| text.parse().expect("an address")).collect();
            let whole: Vec<_> = addresses.iter().copied().map(ListenAddress::Tcp).collect();
            assert_eq!(Versions::of(addresses[0], &whole), expected, "{list:?}");
        }
    }
}
