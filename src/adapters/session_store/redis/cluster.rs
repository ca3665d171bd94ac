//! A cluster: how the client library is set up for one, and who its primaries are. Where which key is, redirections, and
//! connections to single nodes are the library's business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, ConnectionAddr, RedisResult, TlsCertificates, Value, cmd, from_redis_value};

use super::Unusable;
use super::line::{ANSWER, CONNECT};
use crate::adapters::trust_roots;
use crate::protocol::store_address::{RedisAddress, Transport};

/// For redirections, and for the moments in which a cluster finds a new primary.
const RETRIES: u32 = 5;
const RETRY_AFTER_MS: (u64, u64) = (10, 200);

/// A primary, as the cluster calls it.
pub(super) type Node = (String, u16);

pub(super) fn client(address: &RedisAddress) -> Result<ClusterClient, Unusable> {
    let (secure, root_cert) = match &address.transport {
        Transport::Plain => (false, None),
        Transport::Tls { ca_pem } => (true, Some(roots(ca_pem.as_deref())?)),
    };
    let node = |(host, port): &(String, u16)| match secure {
        false => ConnectionAddr::Tcp(host.clone(), *port),
        true => ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None },
    };
    let mut builder = ClusterClientBuilder::new(address.nodes.iter().map(node))
        .connection_timeout(CONNECT)
        .response_timeout(ANSWER)
        .overall_response_timeout(Some(ANSWER))
        .retries(RETRIES)
        .min_retry_wait(RETRY_AFTER_MS.0)
        .max_retry_wait(RETRY_AFTER_MS.1);
    if let Some(name) = &address.username {
        builder = builder.username(name);
    }
    if let Some(password) = &address.password {
        builder = builder.password(password.expose());
    }
    if root_cert.is_some() {
        // The library takes whichever provider the process has; without this, it would depend on who asks first.
        let _there_is_one = rustls::crypto::aws_lc_rs::default_provider().install_default();
        builder = builder.certs(TlsCertificates { client_tls: None, root_cert });
    }
    Ok(builder.build()?)
}

/// The system's trust roots and these, in PEM: the library knows the one or the other.
fn roots(ca_pem: Option<&[u8]>) -> Result<Vec<u8>, Unusable> {
    let mut pem = Vec::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // What rustls would stumble over is of no use to anybody.
        if rustls::RootCertStore::empty().add(certificate.clone()).is_ok() {
            pem.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
            pem.extend_from_slice(STANDARD.encode(&certificate).as_bytes());
            pem.extend_from_slice(b"\n-----END CERTIFICATE-----\n");
        }
    }
    if let Some(ours) = ca_pem {
        trust_roots::with(&rustls::RootCertStore::empty(), ours)?;
        pem.extend_from_slice(ours);
    }
    Ok(pem)
}

/// The primaries, in the order of their addresses.
pub(super) async fn primaries(connection: &mut ClusterConnection) -> RedisResult<Vec<Node>> {
    let slots: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(connection).await?;
    let mut primaries = Vec::new();
    for range in slots {
        // First slot, last slot, the primary, its replicas.
        if let Some(primary) = range.into_iter().nth(2) {
            let primary: Vec<Value> = from_redis_value(primary)?;
            let mut parts = primary.into_iter();
            if let (Some(host), Some(port)) = (parts.next(), parts.next()) {
                primaries.push((from_redis_value(host)?, from_redis_value(port)?));
            }
        }
    }
    primaries.sort_unstable();
    primaries.dedup();
    Ok(primaries)
}

/// Asks one node.
pub(super) async fn ask(connection: &mut ClusterConnection, node: &Node, question: Cmd) -> RedisResult<Value> {
    let (host, port) = node.clone();
    connection.route_command(question, RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host, port })).await
}
