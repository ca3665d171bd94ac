//! The signature algorithms that are believed (RFC 7518 §3.1, RFC 8037 §3.1): asymmetric ones only, so that `none` and
//! the HMAC family cannot even be written down.

use aws_lc_rs::digest;
use openidconnect::core::CoreJsonWebKeyType;
use serde::{Deserialize, Serialize};

/// An allow-listed `alg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519; the name also covers Ed448, which is not supported.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA over P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA over P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::EdDsa, Self::Es256, Self::Es384, Self::Ps256, Self::Ps384, Self::Ps512, Self::Rs256, Self::Rs384, Self::Rs512];

    /// Those of RSA keys.
    pub(super) const RSA: [Self; 6] = [Self::Ps256, Self::Ps384, Self::Ps512, Self::Rs256, Self::Rs384, Self::Rs512];

    /// Reads an `alg` value; names are case-sensitive (RFC 7515 §4.1.1). `None` for whatever is not on the list.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Its name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The hash that `at_hash` is made with (OpenID Connect Core §3.1.3.6): the algorithm's own.
    pub(super) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Es256 | Self::Ps256 | Self::Rs256 => &digest::SHA256,
            Self::Es384 | Self::Ps384 | Self::Rs384 => &digest::SHA384,
            Self::EdDsa | Self::Ps512 | Self::Rs512 => &digest::SHA512,
        }
    }
}

impl openidconnect::JwsSigningAlgorithm for Algorithm {
    type KeyType = CoreJsonWebKeyType;

    fn key_type(&self) -> Option<CoreJsonWebKeyType> {
        Some(match self {
            Self::EdDsa => CoreJsonWebKeyType::OctetKeyPair,
            Self::Es256 | Self::Es384 => CoreJsonWebKeyType::EllipticCurve,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => CoreJsonWebKeyType::RSA,
        })
    }

    fn uses_shared_secret(&self) -> bool {
        false
    }

    fn rsa_sha_256() -> Self {
        Self::Rs256
    }
}
