//! Reading a request head once: which of our origins was asked, the one normalised target, who asks and how they must
//! be answered. Everything behind works on this, never on the raw head again.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method, header, request};
use ipnet::IpNet;

use crate::domain::interaction::Interaction;
use crate::domain::origin::{Origin, Origins, Scheme};
use crate::domain::reason::Reason;
use crate::domain::target::Target;

/// A request, read.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The origin that was asked.
    pub origin: Arc<Origin>,
    /// Host, path and query in the one form that everything uses.
    pub target: Target,
    /// The method.
    pub method: Method,
    /// How to answer somebody who is not signed in.
    pub interaction: Interaction,
    /// Who asks, looked up behind trusted proxies.
    pub client: IpAddr,
    /// Whether the peer may speak for others.
    pub peer: Peer,
}

/// Whether the peer of the connection is one of `trusted_proxies`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Anybody: what it says of others is dropped.
    Stranger,
    /// A proxy of ours: its `X-Forwarded-*` fields are read.
    TrustedProxy,
}

/// What reading needs to know.
#[derive(Debug)]
pub struct Reader {
    origins: Vec<Arc<Origin>>,
    trusted_proxies: Vec<IpNet>,
}

impl Reader {
    /// A reader for these origins.
    #[must_use]
    pub fn new(origins: &Origins, trusted_proxies: Vec<IpNet>) -> Self {
        Self { origins: origins.iter().cloned().map(Arc::new).collect(), trusted_proxies }
    }

    /// Reads a head.
    ///
    /// # Errors
    /// [`Reason::BadRequest`] if it cannot be read one way only, [`Reason::NoRoute`] if it asks for a host that is not
    /// ours.
    pub fn read(&self, head: &request::Parts, peer: IpAddr) -> Result<Visit, Reason> {
        let trust = if self.is_trusted(peer) { Peer::TrustedProxy } else { Peer::Stranger };
        let host = self.host_field(head, trust)?;
        let origin = self.origin(host, scheme_told(head, trust)).ok_or(Reason::NoRoute)?;
        let path_and_query = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        // `OPTIONS *` asks about the server as a whole; there is no path to match it by.
        let target = Target::parse(host, path_and_query).map_err(|_| Reason::BadRequest)?;
        Ok(Visit {
            origin,
            target,
            method: head.method.clone(),
            interaction: Interaction::of(&head.method, &head.headers),
            client: self.client(&head.headers, peer, trust),
            peer: trust,
        })
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        // The common configuration has none: then this is one comparison.
        !self.trusted_proxies.is_empty() && self.trusted_proxies.iter().any(|net| net.contains(&address.to_canonical()))
    }

    /// The host that was asked for. An absolute-form target overrides `Host` (RFC 9112 §3.2.2), so the two must agree:
    /// an upstream could look at either.
    fn host_field<'a>(&self, head: &'a request::Parts, peer: Peer) -> Result<&'a str, Reason> {
        let host = only(&head.headers, &header::HOST)?;
        let named = head.uri.authority().map(http::uri::Authority::as_str);
        let host = match (named, host) {
            (Some(named), Some(host)) if !named.eq_ignore_ascii_case(host) => return Err(Reason::BadRequest),
            (_, Some(host)) | (Some(host), None) => host,
            (None, None) => return Err(Reason::BadRequest),
        };
        match peer {
            Peer::Stranger => Ok(host),
            Peer::TrustedProxy => Ok(only(&head.headers, "x-forwarded-host")?.unwrap_or(host)),
        }
    }

    fn origin(&self, host: &str, scheme: Option<Scheme>) -> Option<Arc<Origin>> {
        let mut named = self.origins.iter().filter(|origin| named_by(origin, host));
        let first = named.clone().next();
        let fitting = scheme.and_then(|scheme| named.find(|origin| origin.scheme() == scheme));
        fitting.or(first).cloned()
    }

    /// The client behind our own proxies: from the right, the first address that is none of them.
    fn client(&self, headers: &HeaderMap, peer: IpAddr, trust: Peer) -> IpAddr {
        match trust {
            Peer::Stranger => peer,
            Peer::TrustedProxy => {
                let told = headers.get_all("x-forwarded-for").into_iter().rev();
                let mut hops = told.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')).map(str::trim);
                let mut client = peer;
                while let Some(hop) = hops.next().filter(|_| self.is_trusted(client)) {
                    match hop.parse() {
                        Ok(address) => client = address,
                        // What cannot be read vouches for nobody further to the left.
                        Err(_) => break,
                    }
                }
                client
            }
        }
    }
}

/// TLS may end at a proxy in front, so the port a browser named need not be in `Host`: origins are compared as written.
fn named_by(origin: &Origin, host: &str) -> bool {
    origin.is_named_by(host)
}

fn scheme_told(head: &request::Parts, peer: Peer) -> Option<Scheme> {
    match peer {
        Peer::Stranger => None,
        Peer::TrustedProxy => match head.headers.get("x-forwarded-proto")?.as_bytes() {
            b"http" => Some(Scheme::Http),
            b"https" => Some(Scheme::Https),
            _ => None,
        },
    }
}

/// The value of a field that may stand once at most (RFC 9110 §5.3).
fn only<K: header::AsHeaderName>(headers: &HeaderMap, name: K) -> Result<Option<&str>, Reason> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Reason::BadRequest),
        (Some(_), Some(_)) => Err(Reason::BadRequest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn reader() -> Reader {
        let origins = Origins::new(
            Origin::parse("https://orders.example.com").expect("an origin"),
            vec![Origin::parse("https://shop.example.com:8443").expect("an origin")],
        );
        Reader::new(&origins, vec!["10.0.0.0/8".parse().expect("a network")])
    }

    fn read(peer: IpAddr, target: &str, headers: &[(&str, &str)]) -> Result<Visit, Reason> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reader().read(&request.body(()).expect("a request").into_parts().0, peer)
    }

    #[test]
    fn only_our_own_hosts_are_answered_for() {
        assert!(read(STRANGER, "/x", &[("host", "ORDERS.example.com:443")]).is_ok());
        assert!(read(STRANGER, "/x", &[("host", "shop.example.com:8443")]).is_ok());
        assert_eq!(read(STRANGER, "/x", &[("host", "shop.example.com")]).err(), Some(Reason::NoRoute));
        assert_eq!(read(STRANGER, "/x", &[("host", "evil.example")]).err(), Some(Reason::NoRoute));
    }

    #[test]
    fn a_missing_repeated_or_contradicting_host_is_refused() {
        let ours = ("host", "orders.example.com");
        assert_eq!(read(STRANGER, "/x", &[]).err(), Some(Reason::BadRequest));
        assert_eq!(read(STRANGER, "/x", &[ours, ours]).err(), Some(Reason::BadRequest));
        assert_eq!(read(STRANGER, "http://evil.example/x", &[ours]).err(), Some(Reason::BadRequest));
        assert!(read(STRANGER, "http://orders.example.com/x", &[ours]).is_ok());
    }

    #[test]
    fn only_trusted_proxies_speak_for_others() {
        let told =
            [("host", "10.0.0.9"), ("x-forwarded-host", "orders.example.com"), ("x-forwarded-for", "1.2.3.4, 198.51.100.7, 10.0.0.2")];
        assert_eq!(read(STRANGER, "/x", &told).err(), Some(Reason::NoRoute));
        let visit = read(OURS, "/x", &told).expect("readable");
        assert_eq!(visit.client, IpAddr::from([198, 51, 100, 7]), "the rightmost that is none of ours");
        let lied = [("host", "orders.example.com"), ("x-forwarded-for", "1.2.3.4")];
        assert_eq!(read(STRANGER, "/x", &lied).expect("readable").client, STRANGER);
    }

    #[test]
    fn an_unreadable_hop_vouches_for_nobody() {
        let told = [("host", "orders.example.com"), ("x-forwarded-for", "1.2.3.4, nonsense, 10.0.0.2")];
        assert_eq!(read(OURS, "/x", &told).expect("readable").client, IpAddr::from([10, 0, 0, 2]));
    }
}
