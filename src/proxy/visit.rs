//! Reading a request head once: which of our origins was asked, the one normalised target, who asks and how they must
//! be answered. Everything behind works on this, never on the raw head again.
//!
//! Of a trusted proxy, `X-Forwarded-Host` is read before `Host` (a proxy in front may have put its name for us there),
//! `X-Forwarded-Proto` picks between origins that share a host, and `X-Forwarded-For` tells the client. `Forwarded`
//! (RFC 7239) is not read from anybody: two fields that say the same thing are two that can disagree.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderMap, Method, header, request};
use ipnet::IpNet;

use super::trusted::TrustedProxies;
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

/// The host that a proxy in front was asked for.
pub(super) const FORWARDED_HOST: &str = "x-forwarded-host";

/// What reading needs to know.
#[derive(Debug)]
pub struct Reader {
    origins: Vec<Arc<Origin>>,
    trusted_proxies: TrustedProxies,
}

impl Reader {
    /// A reader for these origins.
    #[must_use]
    pub fn new(origins: &Origins, trusted_proxies: Vec<IpNet>) -> Self {
        Self { origins: origins.iter().cloned().map(Arc::new).collect(), trusted_proxies: trusted_proxies.into() }
    }

    /// Reads a head.
    ///
    /// # Errors
    /// [`Reason::BadRequest`] if it cannot be read one way only, [`Reason::NoRoute`] if it asks for a host that is not
    /// ours.
    pub fn read(&self, head: &request::Parts, peer: IpAddr) -> Result<Visit, Reason> {
        self.read_of(head, peer, if self.trusted_proxies.contain(peer) { Peer::TrustedProxy } else { Peer::Stranger })
    }

    /// Reads the head of somebody who is not believed about others, wherever they are.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_of_stranger(&self, head: &request::Parts, peer: IpAddr) -> Result<Visit, Reason> {
        self.read_of(head, peer, Peer::Stranger)
    }

    fn read_of(&self, head: &request::Parts, peer: IpAddr, trust: Peer) -> Result<Visit, Reason> {
        let host = host_asked(head, trust)?;
        let origin = self.origin(host, scheme_told(&head.headers, trust)?).ok_or(Reason::NoRoute)?;
        let path_and_query = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        // `OPTIONS *` ends here: it has no path that a route could match.
        let target = if host == origin.authority() {
            // As browsers write it, and as it was read when the configuration was.
            Target::parse_at(&origin, path_and_query)
        } else {
            Target::parse(host, path_and_query)
        };
        let target = target.map_err(|_| Reason::BadRequest)?;
        Ok(Visit {
            origin,
            target,
            method: head.method.clone(),
            interaction: Interaction::of(&head.method, &head.headers),
            client: self.client(&head.headers, peer, trust),
            peer: trust,
        })
    }

    fn origin(&self, host: &str, scheme: Option<Scheme>) -> Option<Arc<Origin>> {
        let mut named = self.origins.iter().filter(|origin| origin.is_named_by(host));
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
                while let Some(hop) = hops.next().filter(|_| self.trusted_proxies.contain(client)) {
                    match address_of(hop) {
                        Some(address) => client = address,
                        // What cannot be read vouches for nobody further to the left.
                        None => break,
                    }
                }
                client
            }
        }
    }
}

/// The host that was asked for. An absolute-form target overrides `Host` (RFC 9112 §3.2.2), so the two must agree: an
/// upstream could look at either.
fn host_asked(head: &request::Parts, peer: Peer) -> Result<&str, Reason> {
    let host = only(&head.headers, &header::HOST)?;
    let named = head.uri.authority().map(http::uri::Authority::as_str);
    let host = match (named, host) {
        (Some(named), Some(host)) if !named.eq_ignore_ascii_case(host) => return Err(Reason::BadRequest),
        (_, Some(host)) | (Some(host), None) => host,
        (None, None) => return Err(Reason::BadRequest),
    };
    match peer {
        Peer::Stranger => Ok(host),
        Peer::TrustedProxy => Ok(only(&head.headers, FORWARDED_HOST)?.unwrap_or(host)),
    }
}

/// An address of `X-Forwarded-For`. Some gateways write the port as well.
fn address_of(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// The scheme that a trusted proxy was asked by. Some name WebSockets' own schemes.
fn scheme_told(headers: &HeaderMap, peer: Peer) -> Result<Option<Scheme>, Reason> {
    match peer {
        Peer::Stranger => Ok(None),
        Peer::TrustedProxy => match only(headers, "x-forwarded-proto")?.map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("http" | "ws") => Ok(Some(Scheme::Http)),
            Some("https" | "wss") => Ok(Some(Scheme::Https)),
            Some(_) => Err(Reason::BadRequest),
        },
    }
}

/// The value of a field that may stand once at most (RFC 9110 §5.3).
pub(super) fn only<K: header::AsHeaderName>(headers: &HeaderMap, name: K) -> Result<Option<&str>, Reason> {
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
    fn a_hop_may_have_a_port() {
        for (hop, client) in [("198.51.100.7:4711", "198.51.100.7"), ("[2001:db8::7]:4711", "2001:db8::7"), ("2001:db8::7", "2001:db8::7")]
        {
            let told = [("host", "orders.example.com"), ("x-forwarded-for", hop)];
            assert_eq!(read(OURS, "/x", &told).expect("readable").client, client.parse::<IpAddr>().expect("an address"));
        }
    }

    #[test]
    fn an_unreadable_hop_vouches_for_nobody() {
        let told = [("host", "orders.example.com"), ("x-forwarded-for", "1.2.3.4, nonsense, 10.0.0.2")];
        assert_eq!(read(OURS, "/x", &told).expect("readable").client, IpAddr::from([10, 0, 0, 2]));
    }

    #[test]
    fn a_trusted_proxys_word_for_the_host_comes_before_the_field_itself() {
        let both = [("host", "orders.example.com"), ("x-forwarded-host", "shop.example.com:8443")];
        assert_eq!(read(OURS, "/x", &both).expect("readable").origin.host(), "shop.example.com");
        assert_eq!(read(STRANGER, "/x", &both).expect("readable").origin.host(), "orders.example.com");
        let twice = [("host", "orders.example.com"), ("x-forwarded-host", "orders.example.com"), ("x-forwarded-host", "evil.example")];
        assert_eq!(read(OURS, "/x", &twice).err(), Some(Reason::BadRequest));
    }

    #[test]
    fn a_scheme_that_cannot_be_read_is_refused_where_it_is_read_at_all() {
        for (told, readable) in [("https", true), ("HTTP", true), ("wss", true), ("gopher", false), ("https, http", false)] {
            let headers = [("host", "orders.example.com"), ("x-forwarded-proto", told)];
            assert_eq!(read(OURS, "/x", &headers).is_ok(), readable, "{told}");
            assert!(read(STRANGER, "/x", &headers).is_ok(), "{told}");
        }
    }

    #[test]
    fn the_standard_field_is_read_from_nobody() {
        let told = [("host", "orders.example.com"), ("forwarded", "for=1.2.3.4;host=shop.example.com:8443;proto=http")];
        let visit = read(OURS, "/x", &told).expect("readable");
        assert_eq!((visit.origin.host(), visit.client), ("orders.example.com", OURS));
    }

    #[test]
    fn a_request_about_the_server_as_a_whole_has_no_path_to_go_by() {
        assert_eq!(read(STRANGER, "*", &[("host", "orders.example.com")]).err(), Some(Reason::BadRequest));
    }
}
