//! One upstream and another one, and what is said about them.

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::domain::destination::{CertificateFiles, Upstream, UpstreamScheme, UpstreamTls};

/// One upstream of a file in this directory, to which something was done.
fn forward(directory: &str, change: impl FnOnce(&mut Upstream, &mut Upstreams)) -> Forward {
    let mut upstream = Upstream::at(UpstreamScheme::Https, "app.internal", 443);
    // As the configuration has them: behind the directory of the file.
    let path = |name: &str| Path::new(directory).join(name);
    let certificate = CertificateFiles { certificate: path("us.pem"), key: path("us-key.pem") };
    upstream.tls = UpstreamTls { ca_file: Some(path("ca.pem")), certificate: Some(certificate), server_name: None };
    let mut upstreams = Upstreams::one(upstream.clone());
    change(&mut upstream, &mut upstreams);
    upstreams.members = vec![upstream.into()];
    Forward::Upstream(upstreams.into())
}

fn said(old: &Destination, new: &Destination) -> Vec<String> {
    changes([old, new], [Path::new("/etc/homerealm"), Path::new("/tmp")])
}

#[test]
fn every_option_of_an_upstream_is_told() {
    let one = |directory, change: fn(&mut Upstream, &mut Upstreams)| Destination::One(forward(directory, change));
    let old = one("/etc/homerealm", |_, _| {});
    for (change, expected) in [
        (
            (|upstream, _| upstream.tls.ca_file = None) as fn(&mut Upstream, &mut Upstreams),
            &["ca_file of upstream: ca.pem → the system's"][..],
        ),
        (|upstream, _| upstream.tls.ca_file = Some("/etc/ca.pem".into()), &["ca_file of upstream: ca.pem → /etc/ca.pem"]),
        (
            |upstream, _| upstream.tls.certificate = None,
            &["certificate_file of upstream: us.pem → none", "key_file of upstream: us-key.pem → none"],
        ),
        (|upstream, _| upstream.tls.server_name = Some("app".into()), &["server_name of upstream: its host → app"]),
        (|upstream, _| upstream.host = HostField::Own, &["host of upstream: public → own"]),
        (
            |_, upstreams| upstreams.health = Some(HealthCheck { path: "/healthz".into(), every: Duration::from_secs(5) }),
            &["health of upstream: none → /healthz every 5s"],
        ),
        (|_, upstreams| upstreams.max_connections = NonZeroU32::new(7), &["max_connections of upstream: no bound → 7"]),
        (|upstream, _| upstream.base_path = "/base".into(), &["upstream: https://app.internal → https://app.internal/base"]),
        // The same files beside another configuration, and the very same.
        (|_, _| {}, &[]),
        (|upstream, _| upstream.tls.ca_file = Some("/etc/homerealm/ca.pem".into()), &[]),
    ] {
        assert_eq!(said(&old, &one("/tmp", change)), expected);
    }
}

#[test]
fn options_are_told_for_each_kind_of_account() {
    let by_kind = |personal| Destination::ByKind { work: Some(forward("", |_, _| {})), personal, customer: None };
    let own = || Some(forward("", |upstream, _| upstream.host = HostField::Own));
    let expected = ["host of upstream for personal accounts: public → own"];
    assert_eq!(said(&by_kind(Some(forward("", |_, _| {}))), &by_kind(own())), expected);
    assert_eq!(said(&Destination::One(forward("", |_, _| {})), &by_kind(own())), expected);
    assert!(said(&by_kind(None), &by_kind(own())).is_empty(), "that is told as access");
}
