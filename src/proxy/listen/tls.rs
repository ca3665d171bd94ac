//! TLS towards clients: versions 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN (RFC 7301), resumption by tickets that cost no
//! memory (RFC 8446 §4.6.1), no early data, which anybody on the way could send twice (RFC 8446 §8).

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;

use super::Negotiated;
use crate::protocol::tls_identity::TlsIdentity;

const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// No TLS with what was configured.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    /// What clients are to prove who they are with cannot be checked.
    #[error("[tls] client_ca_file: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
    /// The cryptography behind it.
    #[error("[tls]: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS as this server. With `clients`, whoever connects must show a certificate that leads to one of them.
///
/// # Errors
/// [`ServerTlsError`]
pub fn server_tls(identity: &TlsIdentity, clients: Option<&Arc<RootCertStore>>) -> Result<Arc<ServerConfig>, ServerTlsError> {
    let provider = Arc::new(default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match clients {
        Some(roots) => config.with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider).build()?),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.certified))));
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    config.ticketer = Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// What a handshake agreed upon. A client that names no protocol speaks HTTP/1.1.
pub(super) fn negotiated(alpn: Option<&[u8]>) -> Negotiated {
    if alpn == Some(HTTP_2) { Negotiated::Http2 } else { Negotiated::Http1 }
}
