//! Groups as tests want them, and what one takes over from another.

use std::num::NonZeroU32;

use rustls::RootCertStore;

use super::super::wire::upstream_tls;
use super::*;
use crate::domain::destination::HealthCheck;

/// Of `http://NAME` upstreams.
pub(super) fn group<T: AsRef<str>>(urls: &[T], max_connections: Option<u32>) -> Arc<Group> {
    made_of(urls, max_connections, None)
}

fn made_of<T: AsRef<str>>(urls: &[T], max_connections: Option<u32>, health: Option<HealthCheck>) -> Arc<Group> {
    let upstream = |url: &T| {
        let host = url.as_ref().strip_prefix("http://").expect("http");
        Arc::new(Upstream::at(UpstreamScheme::Http, host, 80))
    };
    let configured =
        Upstreams { members: urls.iter().map(upstream).collect(), health, max_connections: max_connections.and_then(NonZeroU32::new) };
    let tls = upstream_tls(Arc::new(RootCertStore::empty()), None).expect("no roots at all");
    // Long enough ago for something to have happened since.
    let start = Instant::now() - std::time::Duration::from_secs(60);
    Arc::new(Group::since(start, &configured, &tls).expect("hosts"))
}

#[test]
fn another_group_knows_of_its_members_what_the_one_before_knew() {
    let watched = |path: &str| Some(HealthCheck { path: path.into(), every: std::time::Duration::from_secs(5) });
    let known = made_of(&["http://a", "http://b", "http://c"], None, watched("/"));
    known.members[0].failed(&"a test");
    known.members[1].standing.is_well(false);
    let alone = made_of(&["http://a"], None, None);
    alone.learn_from(&known);
    assert_eq!(alone.members[0].condition(), Condition::Well, "nobody is asked instead of it");
    for (health, of_b) in [(watched("/"), Condition::Unwell), (watched("/another"), Condition::Well), (None, Condition::Well)] {
        let next = made_of(&["http://new", "http://c", "http://b", "http://a"], Some(7), health);
        next.learn_from(&known);
        let conditions = next.members.iter().map(|member| member.condition());
        assert_eq!(conditions.collect::<Vec<_>>(), [Condition::Well, Condition::Well, of_b, Condition::Avoided]);
    }
}
