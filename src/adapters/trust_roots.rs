//! Whose certificates are believed: the system's trust roots, and those that an authority brings along. Reading the
//! system's takes milliseconds, so it is done once in the life of the process and shared by all.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// Extra trust roots that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRoots {
    /// No PEM certificate in the text.
    #[error("there is no PEM certificate in it")]
    Empty,
    /// Not PEM, or not a certificate.
    #[error("a certificate in it cannot be read")]
    Malformed,
}

/// Where systems keep all their trust roots in one file: Debian, Alpine and Arch; Fedora; openSUSE; others.
const BUNDLES: [&str; 4] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];
/// Say where they are instead, as OpenSSL understands them.
const ELSEWHERE: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Reads the system's. A machine without any is no error: http to loopback works there, and https says what is wrong
/// when it is used.
#[must_use]
pub fn of_the_system() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let bundled = if ELSEWHERE.iter().any(|variable| std::env::var_os(variable).is_some()) { None } else { bundled() };
    roots.add_parsable_certificates(bundled.unwrap_or_else(|| rustls_native_certs::load_native_certs().certs));
    Arc::new(roots)
}

/// Those of the system's bundle. Beside it there are directories with the same certificates again, each in two files of its own:
/// several hundred to open, and nothing new in them.
fn bundled() -> Option<Vec<CertificateDer<'static>>> {
    // Elsewhere the system's own certificate store counts, whatever files there are.
    if !cfg!(target_os = "linux") {
        return None;
    }
    BUNDLES.into_iter().find_map(|bundle| {
        let text = std::fs::read(bundle).ok()?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text).flatten().collect();
        if certificates.is_empty() { None } else { Some(certificates) }
    })
}

/// These and those of a PEM text.
///
/// # Errors
/// [`BadRoots`] if the text is of no use.
pub fn with(roots: &RootCertStore, pem: &[u8]) -> Result<Arc<RootCertStore>, BadRoots> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| BadRoots::Malformed)?;
    if certificates.is_empty() {
        return Err(BadRoots::Empty);
    }
    let mut roots = roots.clone();
    for certificate in certificates {
        roots.add(certificate).map_err(|_| BadRoots::Malformed)?;
    }
    Ok(Arc::new(roots))
}
