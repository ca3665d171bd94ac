//! Signed tokens in the compact form (RFC 7515 §3.1, RFC 7519): split, held against a provider's keys, and only then
//! opened. What the claims must say depends on what the token is for: see [`super::id_token`],
//! [`super::access_token`] and [`super::logout_token`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::id_token::TokenDefect;
use super::json::{self, Bounds};
use super::keys::algorithm::Algorithm;
use super::keys::signing_key::SigningKey;
use super::keys::{KeySet, NoCandidate};
use claims::Claims;
use header::Header;

pub(super) mod checks;
pub(super) mod claims;
pub(super) mod header;
pub(super) mod person;

#[cfg(test)]
pub(crate) mod forge;

/// The longest token, in bytes: two hundred groups make ten thousand.
pub const MAX_BYTES: usize = 64 * 1024;

const CLAIMS: Bounds = Bounds { bytes: MAX_BYTES, depth: 16 };

/// What a token is presented as. A token for one purpose must not pass for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To call an API (RFC 9068).
    AccessToken,
    /// To tell us who signed in.
    IdToken,
    /// To tell us who was signed out (OpenID Connect Back-Channel Logout 1.0 §2.4).
    Logout,
}

/// A token whose signature holds. Only [`verify`] makes one, so no claim is read before that.
#[derive(Debug)]
pub(super) struct Verified<'a> {
    /// What it says.
    pub(super) claims: Claims,
    /// The key that signed.
    pub(super) key: &'a SigningKey,
    /// How it signed.
    pub(super) algorithm: Algorithm,
}

/// Checks the signature, and opens the claims if it holds.
pub(super) fn verify<'a>(raw: &str, purpose: Purpose, keys: &'a KeySet) -> Result<Verified<'a>, TokenDefect> {
    let parts = Parts::split(raw)?;
    let header = Header::read(&decode(parts.header)?, purpose)?;
    let algorithm = header.algorithm;
    let kid = header.kid.as_deref();
    let candidates = keys.candidates(kid, algorithm).map_err(|none| match none {
        NoCandidate::Ambiguous => TokenDefect::AmbiguousKey,
        NoCandidate::Unfit => TokenDefect::KeyAlgorithm,
        NoCandidate::Unknown => TokenDefect::UnknownKey,
    })?;
    let signature = decode(parts.signature)?;
    let signed = parts.signed.as_bytes();
    // A provider that names no keys may have replaced its only one; a named key never changes.
    let defect = if kid.is_some() { TokenDefect::Signature } else { TokenDefect::UnknownKey };
    let key = candidates.into_iter().find(|key| key.verifies(algorithm, signed, &signature)).ok_or(defect)?;
    let claims = json::read_object(&decode(parts.payload)?, CLAIMS).map_err(|_| TokenDefect::Claims)?;
    Ok(Verified { claims, key, algorithm })
}

/// The claims of a token that nobody has checked: good for choosing whose keys to ask for, and for nothing else.
pub(super) fn unverified_claims(raw: &str) -> Option<Claims> {
    let payload = decode(Parts::split(raw).ok()?.payload).ok()?;
    json::read_object(&payload, CLAIMS).ok()
}

struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// What the signature is over: header and payload as they were sent.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn split(raw: &'a str) -> Result<Self, TokenDefect> {
        if raw.len() > MAX_BYTES {
            return Err(TokenDefect::TooLong);
        }
        let (signed, signature) = raw.rsplit_once('.').ok_or(TokenDefect::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenDefect::Form)?;
        // Five parts would be an encrypted token (RFC 7516 §3.1).
        if payload.contains('.') {
            return Err(TokenDefect::Form);
        }
        Ok(Self { header, payload, signature, signed })
    }
}

/// Without padding and with clean last bits: one token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, TokenDefect> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenDefect::Form)
}
