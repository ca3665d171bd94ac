//! Over TLS, with certificates of the test's own.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::cluster::three_nodes;
use super::ports::free_ports;
use super::server::Redis;
use super::*;
use crate::adapters::session_store::conformance::handle;
use crate::protocol::store_address::Transport;

struct Certificates {
    directory: TempDir,
    ca_pem: String,
}

impl Certificates {
    fn new() -> Self {
        // OpenSSL, in Redis, tells certificates apart by their names.
        let named = |name: &str, address: &[String]| {
            let mut params = CertificateParams::new(address).expect("an address");
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let mut authority = named("the test's authority", &[]);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("a certificate");
        let key = KeyPair::generate().expect("a key");
        let server = named("the test's redis", &["127.0.0.1".to_owned()]).signed_by(&key, &ca).expect("a certificate");
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, pem) in [("ca.pem", ca.pem()), ("cert.pem", server.pem()), ("key.pem", key.serialize_pem())] {
            std::fs::write(directory.path().join(name), pem).expect("a file");
        }
        Self { directory, ca_pem: ca.pem() }
    }

    fn file(&self, name: &str) -> String {
        let path: PathBuf = Path::new(self.directory.path()).join(name);
        path.to_str().expect("a plain path").to_owned()
    }

    fn trusted(&self, text: &str) -> RedisAddress {
        RedisAddress { transport: Transport::Tls { ca_pem: Some(self.ca_pem.clone().into_bytes()) }, ..address(text) }
    }
}

#[tokio::test]
async fn tls_is_spoken_with_whom_we_trust_alone() {
    let certificates = Certificates::new();
    let (tls_port, cert, key) = (free_ports(1), certificates.file("cert.pem"), certificates.file("key.pem"));
    let port = tls_port.to_string();
    let tls = ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let redis = Redis::start(&tls);
    let text = format!("rediss://127.0.0.1:{tls_port}");
    let (handle, record) = (handle(), fresh(1, "first"));
    store_at(&certificates.trusted(&text)).insert(handle, &record).await.expect("a store that answers");
    let plain = store(&format!("redis://127.0.0.1:{}", redis.port));
    assert_eq!(plain.read(handle).await.map(|read| read.record), Ok(Some(record)));

    let Err(StoreFailed::NotDone(why)) = store(&text).read(handle).await else { panic!("an unknown issuer was believed") };
    assert!(why.contains("certificate"), "{why}");
    let misnamed = store_at(&certificates.trusted(&text.replace("127.0.0.1", "localhost")));
    let Err(StoreFailed::NotDone(why)) = misnamed.read(handle).await else { panic!("another name was believed") };
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_cluster_speaks_tls_as_well() {
    let certificates = Certificates::new();
    let (cert, key, ca) = (certificates.file("cert.pem"), certificates.file("key.pem"), certificates.file("ca.pem"));
    let files = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"];
    let settings = [&files[..], &["--tls-cluster", "yes", "--tls-port", "{port}", "--port", "0"]].concat();
    let nodes = three_nodes(&settings, &["--tls", "--cacert", &ca]);
    let text = format!("rediss://127.0.0.1:{}?cluster=true", nodes[0].port);
    let store = store_at(&certificates.trusted(&text));
    until("the cluster answers", || async { store.read(handle()).await.is_ok() }).await;
    let (handle, record) = (handle(), fresh(1, "first"));
    store.insert(handle, &record).await.expect("a store that answers");
    assert_eq!(store.read(handle).await.map(|read| read.record), Ok(Some(record)));
}

#[tokio::test]
async fn trust_roots_that_are_none_are_told_at_the_start() {
    for topology in ["", "?cluster=true"] {
        let address = address(&format!("rediss://127.0.0.1{topology}"));
        let address = RedisAddress { transport: Transport::Tls { ca_pem: Some(b"no certificate".to_vec()) }, ..address };
        assert!(matches!(RedisStore::connect(&address, Arc::new(SystemClock)), Err(Unusable::Roots(BadRoots::Empty))), "{topology}");
    }
}
