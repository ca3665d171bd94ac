//! One public key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), made ready once for every signature that it may verify.
//!
//! It is our own implementation of `openidconnect`'s key trait: that crate's key forgets Microsoft's `issuer` member,
//! without which one tenant's key could sign for another.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKeyType, CoreJsonWebKeyUse};
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyId, SignatureVerificationError};
use serde::{Deserialize, Serialize};

use super::algorithm::Algorithm;
use crate::domain::account::TenantId;
use crate::domain::authority::issuer_template_admits;

/// A key as a provider publishes it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    issuer: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    #[serde(skip_serializing)]
    d: Option<String>,
    #[serde(skip_serializing)]
    k: Option<String>,
}

/// Why a published key is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// `use`, `key_ops` or `alg` say that it is for something else.
    #[error("the key is not for verifying signatures that are believed here")]
    Purpose,
    /// The private half is published as well: whoever reads it can sign.
    #[error("the key is published with its private half")]
    Private,
    /// A key type or curve that is not supported.
    #[error("the key is of an unsupported type")]
    Type,
    /// Wrong size, not on the curve, an exponent nobody uses, or not base64url.
    #[error("the key's numbers are not those of a usable key")]
    Weak,
}

/// A public key that may verify signatures.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Jwk", into = "Jwk")]
pub struct SigningKey {
    jwk: Jwk,
    kid: Option<JsonWebKeyId>,
    key_type: CoreJsonWebKeyType,
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

impl SigningKey {
    /// `kid`
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.jwk.kid.as_deref()
    }

    /// Whether it can have made signatures of this algorithm.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.verifiers.iter().any(|(ours, _)| *ours == algorithm)
    }

    /// Whether it may sign for this issuer. A key without Microsoft's `issuer` member may sign for whatever its
    /// authority may.
    #[must_use]
    pub fn admits(&self, tenant: Option<TenantId>, issuer: &str) -> bool {
        self.jwk.issuer.as_deref().is_none_or(|template| issuer_template_admits(template, tenant, issuer))
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.verifiers.iter().any(|(ours, key)| *ours == algorithm && key.verify_sig(message, signature).is_ok())
    }
}

impl TryFrom<Jwk> for SigningKey {
    type Error = UnusableKey;

    fn try_from(jwk: Jwk) -> Result<Self, UnusableKey> {
        if jwk.d.is_some() || jwk.k.is_some() {
            return Err(UnusableKey::Private);
        }
        let for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let for_verifying = jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        if !for_signatures || !for_verifying {
            return Err(UnusableKey::Purpose);
        }
        let (key_type, mut verifiers) = match jwk.kty.as_str() {
            "RSA" => (CoreJsonWebKeyType::RSA, rsa(&jwk)?),
            "EC" => (CoreJsonWebKeyType::EllipticCurve, vec![elliptic_curve(&jwk)?]),
            "OKP" => (CoreJsonWebKeyType::OctetKeyPair, vec![octet_key_pair(&jwk)?]),
            _ => return Err(UnusableKey::Type),
        };
        if let Some(only) = &jwk.alg {
            verifiers.retain(|(algorithm, _)| algorithm.as_str() == only);
        }
        if verifiers.is_empty() {
            return Err(UnusableKey::Purpose);
        }
        Ok(Self { kid: jwk.kid.clone().map(JsonWebKeyId::new), key_type, verifiers, jwk })
    }
}

impl From<SigningKey> for Jwk {
    fn from(key: SigningKey) -> Self {
        key.jwk
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.jwk.kid).field("kty", &self.jwk.kty).finish_non_exhaustive()
    }
}

impl JsonWebKey for SigningKey {
    type KeyUse = CoreJsonWebKeyUse;
    type SigningAlgorithm = Algorithm;

    fn key_id(&self) -> Option<&JsonWebKeyId> {
        self.kid.as_ref()
    }

    fn key_type(&self) -> &CoreJsonWebKeyType {
        &self.key_type
    }

    fn key_use(&self) -> Option<&CoreJsonWebKeyUse> {
        Some(&CoreJsonWebKeyUse::Signature)
    }

    fn signing_alg(&self) -> JsonWebKeyAlgorithm<&Algorithm> {
        match self.verifiers.as_slice() {
            [(only, _)] => JsonWebKeyAlgorithm::Algorithm(only),
            _ => JsonWebKeyAlgorithm::Unspecified,
        }
    }

    /// A key that verifies nothing: shared secrets are not believed.
    fn new_symmetric(_: Vec<u8>) -> Self {
        Self { jwk: Jwk::default(), kid: None, key_type: CoreJsonWebKeyType::Symmetric, verifiers: Vec::new() }
    }

    fn verify_signature(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureVerificationError> {
        if self.verifies(*algorithm, message, signature) {
            Ok(())
        } else {
            Err(SignatureVerificationError::CryptoError("the signature is not this key's".into()))
        }
    }

    fn hash_bytes(&self, bytes: &[u8], algorithm: &Algorithm) -> Result<Vec<u8>, String> {
        if self.fits(*algorithm) {
            Ok(digest::digest(algorithm.hash(), bytes).as_ref().to_vec())
        } else {
            Err(format!("{} is not an algorithm of this key", algorithm.as_str()))
        }
    }
}

type Verifier = (Algorithm, ParsedPublicKey);

fn rsa(jwk: &Jwk) -> Result<Vec<Verifier>, UnusableKey> {
    let (n, e) = (number(jwk.n.as_deref())?, number(jwk.e.as_deref())?);
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    // An exponent of one makes every message its own signature; those in use fit 32 bits.
    let exponent_is_usual = e.len() <= 4 && e.last().is_some_and(|byte| byte % 2 == 1) && e != [1];
    if !(2048..=8192).contains(&bits) || !exponent_is_usual {
        return Err(UnusableKey::Weak);
    }
    let components = RsaPublicKeyComponents { n, e };
    let prepare = |algorithm| {
        let parsed = components.to_parsed_public_key(rsa_parameters(algorithm)?).ok()?;
        Some((algorithm, parsed))
    };
    Algorithm::RSA.into_iter().map(prepare).collect::<Option<Vec<_>>>().ok_or(UnusableKey::Weak)
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Es384 => None,
    }
}

fn elliptic_curve(jwk: &Jwk) -> Result<Verifier, UnusableKey> {
    let (algorithm, parameters, size) = match jwk.crv.as_deref() {
        Some("P-256") => (Algorithm::Es256, &signature::ECDSA_P256_SHA256_FIXED, 32),
        Some("P-384") => (Algorithm::Es384, &signature::ECDSA_P384_SHA384_FIXED, 48),
        _ => return Err(UnusableKey::Type),
    };
    let (x, y) = (octets(jwk.x.as_deref())?, octets(jwk.y.as_deref())?);
    if x.len() != size || y.len() != size {
        return Err(UnusableKey::Weak);
    }
    let point = [&[4][..], &x, &y].concat();
    ParsedPublicKey::new(parameters, point).map(|key| (algorithm, key)).map_err(|_| UnusableKey::Weak)
}

fn octet_key_pair(jwk: &Jwk) -> Result<Verifier, UnusableKey> {
    if jwk.crv.as_deref() != Some("Ed25519") {
        return Err(UnusableKey::Type);
    }
    let x = octets(jwk.x.as_deref())?;
    if x.len() != 32 {
        return Err(UnusableKey::Weak);
    }
    ParsedPublicKey::new(&signature::ED25519, x).map(|key| (Algorithm::EdDsa, key)).map_err(|_| UnusableKey::Weak)
}

fn octets(text: Option<&str>) -> Result<Vec<u8>, UnusableKey> {
    URL_SAFE_NO_PAD.decode(text.ok_or(UnusableKey::Weak)?).map_err(|_| UnusableKey::Weak)
}

/// A number without the leading zeros that some providers write (RFC 7518 §2, Base64urlUInt, forbids them).
fn number(text: Option<&str>) -> Result<Vec<u8>, UnusableKey> {
    let octets = octets(text)?;
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    if octets.len() == zeros { Err(UnusableKey::Weak) } else { Ok(octets[zeros..].to_vec()) }
}
