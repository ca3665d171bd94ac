//! TLS: who is shown which certificate, and whose is asked for.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{on_port, request, say};
use crate::support::process::free_ports;
use crate::support::proxy::Proxy;
use crate::support::upstream::Upstream;

const TLS: &str = "[tls]\ncert_file = \"tls.crt\"\nkey_file = \"tls.key\"\n";
const APPLIED: &str = "was read again and is in force";

/// Somebody who issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
struct Issued {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    fn issue(&self, purpose: ExtendedKeyUsagePurpose) -> Issued {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Issued { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }

    /// A client that trusts this authority, and perhaps shows a certificate of its own.
    fn client(&self, own: Option<&Issued>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
        let mut config = match own {
            Some(own) => {
                let key = PrivateKeyDer::try_from(own.key.serialize_der()).expect("a key");
                config.with_client_auth_cert(vec![own.certificate.clone()], key).expect("a pair")
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

/// As whoever renews certificates does it: one file after the other, each whole.
fn put(directory: &Path, issued: &Issued) {
    for (name, content) in [("tls.crt", issued.pem.clone()), ("tls.key", issued.key.serialize_pem())] {
        fs::write(directory.join("new"), content).expect("a file");
        fs::rename(directory.join("new"), directory.join(name)).expect("a rename");
    }
}

fn start(app: &Upstream, issued: &Issued, clients: Option<&Authority>) -> Proxy {
    let port = free_ports(1);
    let more = if clients.is_some() { "client_ca_file = \"clients.crt\"\n" } else { "" };
    let directory = on_port("https", port, app, "", &format!("{TLS}{more}"));
    put(directory.path(), issued);
    if let Some(clients) = clients {
        fs::write(directory.path().join("clients.crt"), clients.0.pem()).expect("a file");
    }
    Proxy::start_in(port, directory, |_| {})
}

async fn connect(client: &TlsConnector, proxy: &Proxy) -> std::io::Result<TlsStream<TcpStream>> {
    connect_to(client, proxy.port).await
}

async fn connect_to(client: &TlsConnector, port: u16) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    client.connect(ServerName::try_from("localhost").expect("a name"), stream).await
}

/// A request on a connection that is kept; the status.
async fn ask(stream: &mut TlsStream<TcpStream>, port: u16) -> std::io::Result<u16> {
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"bytes") {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
    Ok(std::str::from_utf8(&answer[9..12]).ok().and_then(|status| status.parse().ok()).unwrap_or(0))
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().expect("a server has one")[0].clone().into_owned()
}

#[tokio::test]
async fn a_new_certificate_is_taken_over_under_load_without_a_failed_request() {
    let (app, authority) = (Upstream::start(), Authority::new());
    let pairs = [(); 4].map(|()| authority.issue(ExtendedKeyUsagePurpose::ServerAuth));
    let mut proxy = start(&app, &pairs[0], None);
    let client = authority.client(None);
    let mut kept = connect(&client, &proxy).await.expect("TLS");
    assert_eq!(ask(&mut kept, proxy.port).await.expect("an answer"), 200);

    let (ends, served, port) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), proxy.port);
    let load: Vec<_> = (0..4)
        .map(|_| {
            // Connections of each are resumed by the tickets of the ones before.
            let (client, ends, served) = (authority.client(None), Arc::clone(&ends), Arc::clone(&served));
            tokio::spawn(async move {
                while !ends.load(Ordering::Relaxed) {
                    let mut stream = connect_to(&client, port).await.expect("a handshake");
                    for _ in 0..3 {
                        assert_eq!(ask(&mut stream, port).await.expect("an answer"), 200);
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for (round, pair) in pairs.iter().enumerate().skip(1) {
        put(proxy.file("tls.crt").parent().expect("a directory"), pair);
        proxy = tokio::task::spawn_blocking(move || {
            proxy.process.wait_until(|output| output.matches(APPLIED).count() >= round, "a reload");
            proxy
        })
        .await
        .expect("a reload");
        assert_eq!(shown(&connect(&authority.client(None), &proxy).await.expect("TLS")), pair.certificate, "round {round}");
    }
    ends.store(true, Ordering::Relaxed);
    for task in load {
        task.await.expect("no request failed");
    }
    assert!(served.load(Ordering::Relaxed) > 20, "there was load");
    assert_eq!(ask(&mut kept, proxy.port).await.expect("an answer"), 200, "what is open stays open");
    assert_eq!(shown(&kept), pairs[0].certificate);
}

#[tokio::test]
async fn a_pair_that_does_not_fit_leaves_the_old_one_in_force_and_is_told() {
    let (app, authority) = (Upstream::start(), Authority::new());
    let [old, half] = [(); 2].map(|()| authority.issue(ExtendedKeyUsagePurpose::ServerAuth));
    let mut proxy = start(&app, &old, None);
    fs::write(proxy.file("tls.crt"), &half.pem).expect("a file");
    proxy.process.wait_for("error[E051]");
    let client = authority.client(None);
    assert_eq!(shown(&connect(&client, &proxy).await.expect("TLS")), old.certificate);
    fs::write(proxy.file("tls.key"), half.key.serialize_pem()).expect("a file");
    proxy.process.wait_for(APPLIED);
    assert_eq!(shown(&connect(&client, &proxy).await.expect("TLS")), half.certificate);
}

#[tokio::test]
async fn clients_show_certificates_where_they_have_to() {
    let (app, authority, staff, others) = (Upstream::start(), Authority::new(), Authority::new(), Authority::new());
    let proxy = start(&app, &authority.issue(ExtendedKeyUsagePurpose::ServerAuth), Some(&staff));
    let of_staff = staff.issue(ExtendedKeyUsagePurpose::ClientAuth);
    let of_others = others.issue(ExtendedKeyUsagePurpose::ClientAuth);
    let of_a_server = staff.issue(ExtendedKeyUsagePurpose::ServerAuth);
    for (own, expected) in [(Some(&of_staff), 200), (None, 0), (Some(&of_others), 0), (Some(&of_a_server), 0), (Some(&of_staff), 200)] {
        // With TLS 1.3 a client learns only afterwards that its certificate is refused.
        let status = match connect(&authority.client(own), &proxy).await {
            Ok(stream) => say(stream, request(proxy.port).as_bytes()).await.status(),
            Err(_) => 0,
        };
        assert_eq!(status, expected);
    }
    assert_eq!(app.requests().len(), 2);
}

#[tokio::test]
async fn what_is_no_tls_is_closed_and_keeps_nobody_waiting() {
    let (app, authority) = (Upstream::start(), Authority::new());
    let proxy = start(&app, &authority.issue(ExtendedKeyUsagePurpose::ServerAuth), None);
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(("127.0.0.1", proxy.port)).await.expect("a listener"));
    }
    let plain = TcpStream::connect(("127.0.0.1", proxy.port)).await.expect("a listener");
    assert_eq!(say(plain, request(proxy.port).as_bytes()).await.status(), 0);
    let mut stream = connect(&authority.client(None), &proxy).await.expect("TLS");
    assert_eq!(ask(&mut stream, proxy.port).await.expect("an answer"), 200);
}
