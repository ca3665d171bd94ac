//! Groups as tests want them.

use std::num::NonZeroU32;

use rustls::RootCertStore;

use super::super::wire::upstream_tls;
use super::*;

/// Of `http://NAME` upstreams.
pub(super) fn group<T: AsRef<str>>(urls: &[T], max_connections: Option<u32>) -> Arc<Group> {
    let upstream = |url: &T| {
        let host = url.as_ref().strip_prefix("http://").expect("http");
        Arc::new(Upstream::at(UpstreamScheme::Http, host, 80))
    };
    let configured = Upstreams {
        members: urls.iter().map(upstream).collect(),
        health: None,
        max_connections: max_connections.and_then(NonZeroU32::new),
    };
    let tls = upstream_tls(Arc::new(RootCertStore::empty()), None).expect("no roots at all");
    // Long enough ago for something to have happened since.
    let start = Instant::now() - std::time::Duration::from_secs(60);
    Arc::new(Group::since(start, &configured, &tls).expect("hosts"))
}
