//! Who we are in TLS, towards clients and upstreams alike: a certificate with those that lead to a root, and the private key that belongs to it.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use rustls_pki_types::pem::{Error as PemError, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

mod validity;

pub use validity::Validity;

/// A chain and its key, which fit.
#[derive(Clone)]
pub struct TlsIdentity {
    /// Ready for handshakes.
    pub certified: Arc<CertifiedKey>,
    /// From when to when the certificate is valid; `None`: it does not say so in a way that can be read.
    pub validity: Option<Validity>,
}

/// Why there is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// The file of the certificates.
    #[error("{0}")]
    Chain(BadFile),
    /// The file of the key.
    #[error("{0}")]
    Key(BadFile),
    /// Each is right by itself.
    #[error("the key is not that of the first certificate")]
    Mismatch,
}

/// What is wrong with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// Something else is in it, or nothing.
    #[error("there is nothing of the kind in it, in PEM form")]
    Empty,
    /// It begins well.
    #[error("what is in it cannot be read")]
    Malformed,
    /// A key that needs a pass phrase.
    #[error("the key is encrypted: nobody is there to type its pass phrase")]
    Encrypted,
    /// A kind of key or curve that TLS does not use.
    #[error("this kind of key is not one that TLS uses")]
    Unsupported,
}

impl TlsIdentity {
    /// Reads a chain, the own certificate first, and its key, both PEM.
    ///
    /// # Errors
    /// [`BadIdentity`]
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, BadIdentity> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| BadIdentity::Chain(BadFile::Malformed))?;
        let own = chain.first().ok_or(BadIdentity::Chain(BadFile::Empty))?;
        let validity = Validity::of(own);
        let key = private_key(key).map_err(BadIdentity::Key)?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows: whatever else there is, it is about the key")]
        let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => BadIdentity::Mismatch,
            Error::InvalidCertificate(_) => BadIdentity::Chain(BadFile::Malformed),
            _ => BadIdentity::Key(BadFile::Unsupported),
        })?;
        Ok(Self { certified: Arc::new(certified), validity })
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, BadFile> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(PemError::NoItemsFound) => Err(match std::str::from_utf8(pem) {
            Ok(text) if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") => BadFile::Encrypted,
            Ok(_) | Err(_) => BadFile::Empty,
        }),
        Err(_) => Err(BadFile::Malformed),
    }
}

impl PartialEq for TlsIdentity {
    /// The same certificates: their key is the same then as well.
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

impl Eq for TlsIdentity {}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").field("validity", &self.validity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
