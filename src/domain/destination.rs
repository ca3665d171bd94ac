//! Where routes forward: to one place, or to another one for each kind of account; and how places are written. How
//! requests get there is not here.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::account::AccountKind;

/// Where a route forwards.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Everybody to the same place.
    One(Forward),
    /// Each kind to its own place; a kind without one is answered with `no_route`.
    ByKind {
        /// For work accounts.
        work: Option<Forward>,
        /// For personal accounts.
        personal: Option<Forward>,
        /// For customer accounts.
        customer: Option<Forward>,
    },
}

impl Destination {
    /// The place for somebody of this kind (`None`: nobody is signed in).
    #[must_use]
    pub const fn of(&self, kind: Option<AccountKind>) -> Option<&Forward> {
        match (self, kind) {
            (Self::One(forward), _) => Some(forward),
            (Self::ByKind { work, .. }, Some(AccountKind::Work)) => work.as_ref(),
            (Self::ByKind { personal, .. }, Some(AccountKind::Personal)) => personal.as_ref(),
            (Self::ByKind { customer, .. }, Some(AccountKind::Customer)) => customer.as_ref(),
            (Self::ByKind { .. }, None) => None,
        }
    }

    /// The upstreams that somebody is led to, each once.
    #[must_use]
    pub fn upstreams(&self) -> Vec<&Arc<Upstreams>> {
        let mut found: Vec<&Arc<Upstreams>> = Vec::new();
        for kind in AccountKind::ALL {
            match self.of(Some(kind)) {
                Some(Forward::Upstream(upstreams)) if !found.iter().any(|found| Arc::ptr_eq(found, upstreams)) => found.push(upstreams),
                Some(Forward::Redirect(_) | Forward::Upstream(_)) | None => {}
            }
        }
        found
    }
}

/// One place to forward to.
#[derive(Debug, Clone)]
pub enum Forward {
    /// Answer with 302 to this fixed URL.
    Redirect(url::Url),
    /// Pass the request on.
    Upstream(Arc<Upstreams>),
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(url) => write!(f, "redirect to {url}"),
            Self::Upstream(upstreams) => upstreams.fmt(f),
        }
    }
}

/// One origin server, or several that serve the same and share the load.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstreams {
    /// In file order. Never empty.
    pub members: Vec<Arc<Upstream>>,
    /// How each is asked whether it is well; `None`: only requests tell.
    pub health: Option<HealthCheck>,
    /// The most connections of this process to each; `None` sets no bound.
    pub max_connections: Option<NonZeroU32>,
}

/// A request of our own by which an upstream shows that it is well: with a 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    /// What is asked for, behind the base path.
    pub path: String,
    /// How often.
    pub every: Duration,
}

/// An origin server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// What is spoken.
    pub scheme: UpstreamScheme,
    /// Where it listens.
    pub address: UpstreamAddress,
    /// What the request's path is appended to: empty, or starting with `/` and not ending with one.
    pub base_path: String,
    /// What its `Host` says.
    pub host: HostField,
    /// How TLS is spoken to it; of no meaning in clear text.
    pub tls: UpstreamTls,
}

/// Where an upstream listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UpstreamAddress {
    /// Over TCP.
    Tcp {
        /// Host name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// At a socket in the file system.
    Unix(PathBuf),
}

/// What `Host` an upstream is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HostField {
    /// The one that the browser asked for: an app builds its links from it.
    #[default]
    Public,
    /// The upstream's own, for servers that know themselves by no other name.
    Own,
}

/// How TLS is spoken to an upstream. The files are named here; the configuration reads them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UpstreamTls {
    /// Trust roots in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its key.
    pub certificate: Option<CertificateFiles>,
    /// The name its certificate must have, and that is asked for (SNI), in place of its host.
    pub server_name: Option<String>,
}

/// A certificate chain and its key, in PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertificateFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Upstreams {
    /// A single upstream, of which nothing special is known.
    #[must_use]
    pub fn one(upstream: Upstream) -> Self {
        Self { members: vec![Arc::new(upstream)], health: None, max_connections: None }
    }
}

impl fmt::Display for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, member) in self.members.iter().enumerate() {
            write!(f, "{}{member}", if number == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Upstream {
    /// An upstream over TCP, everything else as usual.
    #[must_use]
    pub fn at(scheme: UpstreamScheme, host: &str, port: u16) -> Self {
        let address = UpstreamAddress::Tcp { host: host.into(), port };
        Self { scheme, address, base_path: String::new(), host: HostField::default(), tls: UpstreamTls::default() }
    }

    /// What its `Host` says: `public`, where browsers asked, or host and port of its own. A socket in the file system has no
    /// name, and says `localhost`.
    #[must_use]
    pub fn host_field<'a>(&'a self, public: &'a str) -> Cow<'a, str> {
        match (self.host, &self.address) {
            (HostField::Public, _) => Cow::Borrowed(public),
            (HostField::Own, UpstreamAddress::Unix(_)) => Cow::Borrowed("localhost"),
            (HostField::Own, UpstreamAddress::Tcp { host, port }) => Cow::Owned(self.authority(host, *port)),
        }
    }

    /// The scheme's usual port is not written (RFC 9110 §4.2.3).
    fn authority(&self, host: &str, port: u16) -> String {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        if port == self.scheme.usual_port() { host } else { format!("{host}:{port}") }
    }

    /// Its base path left out: `https://[2001:db8::1]:8443`, `unix:/run/app.sock`. The scheme's usual port is not written.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.address {
            UpstreamAddress::Unix(path) => format!("unix:{}", path.display()),
            UpstreamAddress::Tcp { host, port } => format!("{}://{}", self.scheme.as_str(), self.authority(host, *port)),
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.base_path)
    }
}

/// How to speak to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamScheme {
    /// HTTP/1.1 in clear text.
    Http,
    /// HTTP/2 or HTTP/1.1 over TLS, as the upstream likes (ALPN, RFC 7301).
    Https,
    /// HTTP/2 in clear text, with prior knowledge (RFC 9113 §3.3).
    H2c,
}

impl UpstreamScheme {
    /// As it is written in front of `://`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::H2c => "h2c",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that need not be written.
    #[must_use]
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::H2c | Self::Http => 80,
            Self::Https => 443,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_are_written_as_one_would_type_them() {
        let upstream = |scheme, host: &str, port, base_path: &str| {
            Upstream { base_path: base_path.into(), ..Upstream::at(scheme, host, port) }.to_string()
        };
        let (http, https, h2c) = (UpstreamScheme::Http, UpstreamScheme::Https, UpstreamScheme::H2c);
        for (shown, expected) in [
            (upstream(http, "app", 80, ""), "http://app"),
            (upstream(http, "app", 443, "/base"), "http://app:443/base"),
            (upstream(https, "127.0.0.1", 443, "/base"), "https://127.0.0.1/base"),
            (upstream(https, "::1", 3000, ""), "https://[::1]:3000"),
            (upstream(http, "::1", 80, ""), "http://[::1]"),
            (upstream(h2c, "app", 50051, ""), "h2c://app:50051"),
        ] {
            assert_eq!(shown, expected);
        }
        let socket = UpstreamAddress::Unix("/run/app.sock".into());
        assert_eq!(Upstream { address: socket, ..Upstream::at(http, "", 0) }.to_string(), "unix:/run/app.sock");
    }

    #[test]
    fn an_upstream_is_told_the_public_host_or_its_own() {
        let app = Upstream::at(UpstreamScheme::Https, "app.internal", 443);
        let socket = Upstream { address: UpstreamAddress::Unix("/run/app.sock".into()), ..app.clone() };
        let elsewhere = Upstream::at(UpstreamScheme::Http, "::1", 3000);
        for (upstream, own) in [(app, "app.internal"), (elsewhere, "[::1]:3000"), (socket, "localhost")] {
            assert_eq!(upstream.host_field("orders.example.com"), "orders.example.com");
            assert_eq!(Upstream { host: HostField::Own, ..upstream }.host_field("orders.example.com"), own);
        }
    }
}
