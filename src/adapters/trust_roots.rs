//! Whose certificates are believed: the system's trust roots, and those that an authority brings along. Reading the
//! system's takes tens of milliseconds, so it is done once in the life of the process and shared by all.

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

/// Reads the system's. A machine without any is no error: http to loopback works there, and https says what is wrong
/// when it is used.
#[must_use]
pub fn of_the_system() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
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
