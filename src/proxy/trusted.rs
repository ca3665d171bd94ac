//! Whose word about others is taken: `trusted_proxies`.

use std::net::IpAddr;

use ipnet::IpNet;

/// The networks of our own proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether somebody at this address is one.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        // The common configuration has none: then this is one comparison.
        !self.0.is_empty() && self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }
}
