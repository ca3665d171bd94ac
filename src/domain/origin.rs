//! Our own public origins: the only hosts we answer for and the only places a return target may lead to.

use std::fmt;

/// Scheme, host and port under which browsers reach us.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
    text: String,
    authority: String,
}

/// http or https.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Clear text: only sensible on loopback.
    Http,
    /// TLS, ended here or in front of us.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Why a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is https://host or https://host:port, with no path, query or user name")]
pub struct NotAnOrigin;

impl Origin {
    /// Reads `https://host[:port]`, a single slash at the end forgiven. Host names become lower case and ASCII.
    ///
    /// # Errors
    /// [`NotAnOrigin`] for anything with more or less in it.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let url = url::Url::parse(text).map_err(|_| NotAnOrigin)?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(NotAnOrigin),
        };
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none() && !text.contains(['@', '\\']);
        let host = url.host_str().filter(|host| bare && nobody && !host.is_empty()).ok_or(NotAnOrigin)?.to_owned();
        let port = url.port().unwrap_or_else(|| scheme.default_port());
        let authority = if port == scheme.default_port() { host.clone() } else { format!("{host}:{port}") };
        Ok(Self { scheme, text: format!("{}://{authority}", scheme.as_str()), host, port, authority })
    }

    /// http or https.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host name, lower case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port, the scheme's default filled in.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host, and port where it is not the scheme's default: what a `Host` field says.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The serialisation that browsers send in `Origin` (RFC 6454 §6.2).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the host is this machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether a `Host` field (or `:authority`) names this origin. The scheme's default port may be written out.
    #[must_use]
    pub fn is_named_by(&self, host_field: &str) -> bool {
        let (host, port) = match host_field.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let Some(port) = digits.then(|| port.parse().ok()).flatten() else { return false };
                (host, port)
            }
            _ => (host_field, self.scheme.default_port()),
        };
        port == self.port && host.eq_ignore_ascii_case(&self.host)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// All our origins; the first is the one shown and used where a request names none. Never empty.
#[derive(Debug, Clone)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// The first origin and the others.
    #[must_use]
    pub fn new(first: Origin, others: Vec<Origin>) -> Self {
        Self(std::iter::once(first).chain(others).collect())
    }

    /// The main origin.
    #[must_use]
    pub fn first(&self) -> &Origin {
        &self.0[0]
    }

    /// All of them, the main one first.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }

    /// The origin a `Host` field names.
    #[must_use]
    pub fn named_by(&self, host_field: &str) -> Option<&Origin> {
        self.0.iter().find(|origin| origin.is_named_by(host_field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_ports_and_case_do_not_matter() {
        let origin = Origin::parse("https://Orders.Example.com/").expect("an origin");
        assert_eq!(origin.as_str(), "https://orders.example.com");
        for host in ["orders.example.com", "ORDERS.example.com", "orders.example.com:443"] {
            assert!(origin.is_named_by(host), "{host}");
        }
        for host in ["orders.example.com:80", "orders.example.com:", "orders.example.com.", "a@orders.example.com", "example.com", ""] {
            assert!(!origin.is_named_by(host), "{host}");
        }
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets() {
        let origin = Origin::parse("http://[::1]:8080").expect("an origin");
        assert!(origin.is_loopback() && origin.is_named_by("[::1]:8080") && !origin.is_named_by("[::1]"));
    }

    #[test]
    fn more_than_an_origin_is_refused() {
        for text in [
            "https://a.example/x",
            "https://a.example/?q",
            "https://a.example/#f",
            "https://u@a.example",
            "ftp://a.example",
            "a.example",
            "https://a\\b",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
