//! Where routes forward: to one place, or to another one for each kind of account; and how places are written. How
//! requests get there is not here.

use std::fmt;
use std::sync::Arc;

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
}

/// One place to forward to.
#[derive(Debug, Clone)]
pub enum Forward {
    /// Answer with 302 to this fixed URL.
    Redirect(url::Url),
    /// Pass the request on.
    Upstream(Arc<Upstream>),
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(url) => write!(f, "redirect to {url}"),
            Self::Upstream(upstream) => upstream.fmt(f),
        }
    }
}

/// An HTTP/1.1 origin server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// Whether to speak TLS.
    pub scheme: UpstreamScheme,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What the request's path is appended to: empty, or starting with `/` and not ending with one.
    pub base_path: String,
}

impl Upstream {
    /// Its base path left out: `https://[2001:db8::1]:8443`. The scheme's usual port is not written.
    #[must_use]
    pub fn origin(&self) -> String {
        let (scheme, usual) = match self.scheme {
            UpstreamScheme::Http => ("http", 80),
            UpstreamScheme::Https => ("https", 443),
        };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{}", self.port) }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.base_path)
    }
}

/// How to reach an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamScheme {
    /// Clear text.
    Http,
    /// TLS with the system's trust roots.
    Https,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_are_written_as_one_would_type_them() {
        let upstream = |scheme, host: &str, port, base_path: &str| {
            Upstream { scheme, host: host.into(), port, base_path: base_path.into() }.to_string()
        };
        let (http, https) = (UpstreamScheme::Http, UpstreamScheme::Https);
        for (shown, expected) in [
            (upstream(http, "app", 80, ""), "http://app"),
            (upstream(http, "app", 443, "/base"), "http://app:443/base"),
            (upstream(https, "127.0.0.1", 443, "/base"), "https://127.0.0.1/base"),
            (upstream(https, "::1", 3000, ""), "https://[::1]:3000"),
            (upstream(http, "::1", 80, ""), "http://[::1]"),
        ] {
            assert_eq!(shown, expected);
        }
    }
}
