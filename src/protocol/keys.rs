//! A provider's signing keys (RFC 7517 §5), each with the issuer it may sign for. How they are fetched and how long
//! they are kept is not decided here.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json::{self, Bounds, JsonDefect};
use algorithm::Algorithm;
use signing_key::{Jwk, SigningKey};

pub mod algorithm;
pub mod signing_key;

#[cfg(test)]
mod tests;

const BOUNDS: Bounds = Bounds { bytes: KeySet::MAX_BYTES, depth: 16 };

/// So many keys of one `kid` are tried: enough for a roll-over with a name used twice, too few to make one token
/// expensive.
const MAX_CANDIDATES: usize = 4;

/// A provider's signing keys.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<SigningKey>,
}

/// Why a document is not a usable key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysDefect {
    /// Not the JSON it should be.
    #[error("the key set cannot be read: {0}")]
    Json(#[from] JsonDefect),
    /// None of the keys can verify a signature: an empty set must not take the place of one that works.
    #[error("the key set has no key that can verify a signature")]
    NoUsableKey,
    /// More than [`KeySet::MAX_KEYS`].
    #[error("the key set has more than {} keys", KeySet::MAX_KEYS)]
    TooManyKeys,
}

/// Why no key is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCandidate {
    /// The token names no key, and there are several.
    #[error("the token does not say which of several keys signed it")]
    Ambiguous,
    /// The key of this name is for other algorithms.
    #[error("the named key does not make signatures of this algorithm")]
    Unfit,
    /// No key of this name.
    #[error("no key of this name")]
    Unknown,
}

impl KeySet {
    /// The longest document, in bytes.
    pub const MAX_BYTES: usize = 512 * 1024;

    /// The most keys.
    pub const MAX_KEYS: usize = 1000;

    /// Reads a key set. Keys that cannot be used are passed over, one by one.
    ///
    /// # Errors
    /// [`KeysDefect`].
    pub fn read(document: &[u8]) -> Result<Self, KeysDefect> {
        let document: Document = json::read_object(document, BOUNDS)?;
        if document.keys.len() > Self::MAX_KEYS {
            return Err(KeysDefect::TooManyKeys);
        }
        let usable = |entry| match entry {
            Entry::Key(jwk) => SigningKey::try_from(*jwk).ok(),
            Entry::Other(_) => None,
        };
        let keys: Vec<_> = document.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() { Err(KeysDefect::NoUsableKey) } else { Ok(Self { keys }) }
    }

    /// The usable keys.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The keys that may have made a signature: those of this `kid` that fit the algorithm, or, for a token that names
    /// none, the only key there is.
    ///
    /// # Errors
    /// [`NoCandidate`]; only [`NoCandidate::Unknown`] can be mended by a newer key set.
    pub fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<&SigningKey>, NoCandidate> {
        let named: Vec<_> = match kid {
            Some(kid) => self.keys.iter().filter(|key| key.kid() == Some(kid)).collect(),
            None => self.keys.iter().collect(),
        };
        match (kid, named.len()) {
            (Some(_), 0) => return Err(NoCandidate::Unknown),
            (None, 2..) => return Err(NoCandidate::Ambiguous),
            _ => {}
        }
        let fitting: Vec<_> = named.into_iter().filter(|key| key.fits(algorithm)).take(MAX_CANDIDATES).collect();
        if fitting.is_empty() { Err(NoCandidate::Unfit) } else { Ok(fitting) }
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Entry>,
}

/// One entry that is not a key at all costs that entry only.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Key(Box<Jwk>),
    Other(IgnoredAny),
}
