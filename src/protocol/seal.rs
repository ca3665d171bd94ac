//! Sealing what we hand to browsers: AES-256-GCM-SIV (RFC 8452) under keys derived by HKDF (RFC 5869), so that a value
//! comes back as it went out, to the purpose and place it was made for, or not at all. What is sealed, and for how long
//! it holds, is the business of the modules that seal.
//!
//! A sealed value is `version ‖ key id ‖ nonce ‖ ciphertext and tag` in unpadded base64url. Version, purpose and
//! context are authenticated with it, each with its length in front, so that no two of them can be cut differently.
//!
//! ```
//! use homerealm::protocol::seal::{KeyRing, Purpose};
//! use homerealm::protocol::secret::Secret;
//!
//! let keys = KeyRing::new(vec![Secret::new([7; 32])]).expect("one key");
//! let mut count = 0;
//! let mut random = |buffer: &mut [u8]| { count += 1; buffer.fill(count) }; // a real generator in real life
//! let sealed = keys.seal(Purpose::State, &["https://a.example"], b"way on", &mut random);
//! let opened = keys.open(Purpose::State, &["https://a.example"], &sealed).expect("what we sealed just now");
//! assert_eq!(opened.as_slice(), b"way on");
//! assert!(keys.open(Purpose::State, &["https://b.example"], &sealed).is_err());
//! ```

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::domain::principal::UserId;

/// Where random bytes come from: fills the buffer with unguessable ones.
pub type Random<'a> = dyn FnMut(&mut [u8]) + 'a;

/// What a sealed value is for. A value sealed for one purpose does not open for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The cookie of a sign-in attempt.
    Attempt,
    /// The cookie of remembered choices.
    Remembered,
    /// An entry of the list of revocations, in a store.
    Revocation,
    /// The cookies of a session.
    Session,
    /// The `state` parameter.
    State,
    /// What lists tell of a session, in a store.
    Summary,
}

impl Purpose {
    const ALL: [Self; 6] = [Self::Attempt, Self::Remembered, Self::Revocation, Self::Session, Self::State, Self::Summary];

    /// Also the version of what is inside: when the layout of one artefact changes, its number goes up, and what an
    /// older release sealed does not open, instead of being read wrongly.
    const fn label(self) -> &'static str {
        match self {
            Self::Attempt => "attempt 1",
            Self::Remembered => "remembered 1",
            Self::Revocation => "revocation 1",
            Self::Session => "session 3",
            Self::State => "state 1",
            Self::Summary => "summary 1",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Attempt => 0,
            Self::Remembered => 1,
            Self::Revocation => 2,
            Self::Session => 3,
            Self::State => 4,
            Self::Summary => 5,
        }
    }
}

/// Not a value that we sealed for this purpose and place. Which of the many ways it fails in is nobody's business: a
/// difference would be an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed by us for this")]
pub struct NotOurs;

/// A key ring has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key ring needs at least one key")]
pub struct NoKeys;

const VERSION: u8 = 1;
const KEY_ID_LENGTH: usize = 4;
const HEAD_LENGTH: usize = 1 + KEY_ID_LENGTH + NONCE_LEN;
const TAG_LENGTH: usize = 16;

/// The longest sealed text that is looked at, in bytes: four cookies full.
pub const MAX_SEALED_LENGTH: usize = 16 * 1024;

/// How long the sealed text of so many bytes is.
#[must_use]
pub const fn sealed_length(plaintext_length: usize) -> usize {
    ((HEAD_LENGTH + plaintext_length + TAG_LENGTH) * 4).div_ceil(3)
}

/// The keys that seal and open. All that can be computed ahead is: preparing a key for each value would double its
/// cost.
pub struct KeyRing {
    first: RingKey,
    others: Vec<RingKey>,
    mark: u64,
}

/// What somebody is called where nobody is to know who they are: the same as long as the ring's first key is, and
/// without that key it leads to nobody. 64 bits tell the people of one place apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pseudonym([u8; 8]);

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

struct RingKey {
    id: [u8; KEY_ID_LENGTH],
    by_purpose: [LessSafeKey; Purpose::ALL.len()],
    fingerprints: hmac::Key,
    pseudonyms: hmac::Key,
    moves: hmac::Key,
}

impl KeyRing {
    /// Prepares the keys. The first one seals, all of them open: rotation is a new key in front.
    ///
    /// # Errors
    /// [`NoKeys`]
    pub fn new(keys: Vec<Secret<[u8; 32]>>) -> Result<Self, NoKeys> {
        let mut keys = keys.into_iter().map(|key| RingKey::derive(&key));
        let (first, others) = (keys.next().ok_or(NoKeys)?, keys.collect::<Vec<_>>());
        let mut mark = DefaultHasher::new();
        std::iter::once(&first).chain(&others).for_each(|key| key.id.hash(&mut mark));
        Ok(Self { first, others, mark: mark.finish() })
    }

    /// Tells one ring from another, within a process: what one could not open another may.
    #[must_use]
    pub const fn mark(&self) -> u64 {
        self.mark
    }

    /// Seals. `context` says where the value may be opened again (our origin first); `random` gives the nonce.
    ///
    /// What becomes longer than [`MAX_SEALED_LENGTH`] is never opened again; [`sealed_length`] tells in time.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &[&str], plaintext: &[u8], random: &mut Random<'_>) -> String {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce);
        let mut sealed = Vec::with_capacity(HEAD_LENGTH + plaintext.len() + TAG_LENGTH);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.first.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self.first.by_purpose[purpose.index()]
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated_data(purpose, context)),
                &mut sealed[HEAD_LENGTH..],
            )
            .expect("AES-GCM-SIV seals anything below 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens.
    ///
    /// # Errors
    /// [`NotOurs`], for every reason there is.
    pub fn open(&self, purpose: Purpose, context: &[&str], sealed: &str) -> Result<Zeroizing<Vec<u8>>, NotOurs> {
        let mut buffer = Zeroizing::new(Vec::new());
        let length = self.open_into(purpose, context, sealed, &mut buffer)?.len();
        buffer.drain(..HEAD_LENGTH);
        buffer.truncate(length);
        Ok(buffer)
    }

    /// Opens into a buffer that is used again and again: its content is overwritten, the plaintext is a part of it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_into<'b>(&self, purpose: Purpose, context: &[&str], sealed: &str, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], NotOurs> {
        if sealed.len() > MAX_SEALED_LENGTH || sealed.len() < sealed_length(0) {
            return Err(NotOurs);
        }
        buffer.clear();
        URL_SAFE_NO_PAD.decode_vec(sealed, buffer).map_err(|_| NotOurs)?;
        let (head, ciphertext) = buffer.split_at_mut_checked(HEAD_LENGTH).ok_or(NotOurs)?;
        let (&version, head) = head.split_first().ok_or(NotOurs)?;
        let (id, nonce) = head.split_first_chunk::<KEY_ID_LENGTH>().ok_or(NotOurs)?;
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| NotOurs)?;
        if version != VERSION {
            return Err(NotOurs);
        }
        let key = self.all().find(|key| key.id == *id).ok_or(NotOurs)?;
        let associated_data = Aad::from(associated_data(purpose, context));
        let plaintext = key.by_purpose[purpose.index()]
            .open_in_place(Nonce::assume_unique_for_key(nonce), associated_data, ciphertext)
            .map_err(|_| NotOurs)?;
        Ok(plaintext)
    }

    /// A short mark of a text that only this ring can make, and from which the text cannot be guessed without it.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> Fingerprint {
        self.first.fingerprint(text)
    }

    /// The marks that this text has had under any key of the ring.
    pub fn fingerprints(&self, text: &str) -> impl Iterator<Item = Fingerprint> {
        self.all().map(move |key| key.fingerprint(text))
    }

    /// 256 bits that follow from these texts, and that nobody can make who has not the first key: for what moves from one
    /// place to another, to be found there by whoever comes from the same place.
    #[must_use]
    pub fn follow(&self, texts: &[&[u8]]) -> Secret<[u8; 32]> {
        Secret::new(self.first.follow(texts))
    }

    /// Whether this is how they begin under any key of the ring.
    #[must_use]
    pub fn may_follow(&self, texts: &[&[u8]], beginning: &[u8]) -> bool {
        self.all().any(|key| key.follow(texts).starts_with(beginning))
    }

    /// What somebody is called by the first key.
    #[must_use]
    pub fn pseudonym(&self, who: UserId<'_>) -> Pseudonym {
        let tenant;
        let parts = match who {
            UserId::Directory { tenant: id, object } => {
                tenant = id.to_string();
                ["directory", &tenant, object]
            }
            UserId::Subject { issuer, subject } => ["subject", issuer, subject],
        };
        let mac = hmac::sign(&self.first.pseudonyms, &length_prefixed(parts.into_iter()));
        Pseudonym(*mac.as_ref().first_chunk().expect("an HMAC-SHA256 has 32 bytes"))
    }

    fn all(&self) -> impl Iterator<Item = &RingKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// 128 bits of an HMAC-SHA256 (RFC 2104 §5 on truncation).
pub type Fingerprint = [u8; 16];

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", 1 + self.others.len())
    }
}

impl RingKey {
    fn derive(key: &Secret<[u8; 32]>) -> Self {
        let root = Salt::new(HKDF_SHA256, b"homerealm").extract(key.expose());
        let for_purpose = |purpose: Purpose| {
            let key = expand::<32>(&root, &["seal", purpose.label()]);
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &*key).expect("AES-256 takes 32 bytes"))
        };
        Self {
            // Of a value derived from the key, not of the key itself: the id is there for everybody to see.
            id: *expand::<KEY_ID_LENGTH>(&root, &["key id"]),
            by_purpose: Purpose::ALL.map(for_purpose),
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, &*expand::<32>(&root, &["fingerprint"])),
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, &*expand::<32>(&root, &["pseudonym"])),
            moves: hmac::Key::new(hmac::HMAC_SHA256, &*expand::<32>(&root, &["move"])),
        }
    }

    fn follow(&self, texts: &[&[u8]]) -> [u8; 32] {
        let mac = hmac::sign(&self.moves, &length_prefixed(texts.iter().copied()));
        *mac.as_ref().first_chunk().expect("an HMAC-SHA256 has 32 bytes")
    }

    fn fingerprint(&self, text: &str) -> Fingerprint {
        *hmac::sign(&self.fingerprints, text.as_bytes()).as_ref().first_chunk().expect("an HMAC-SHA256 has 32 bytes")
    }
}

fn expand<const N: usize>(root: &Prk, info: &[&str]) -> Zeroizing<[u8; N]> {
    struct Bytes(usize);
    impl KeyType for Bytes {
        fn len(&self) -> usize {
            self.0
        }
    }
    let info = length_prefixed(info.iter().copied());
    let mut out = Zeroizing::new([0; N]);
    let derived = root.expand(&[&info], Bytes(N)).and_then(|okm| okm.fill(&mut *out));
    derived.expect("HKDF-SHA256 gives up to 8160 bytes");
    out
}

fn associated_data(purpose: Purpose, context: &[&str]) -> Vec<u8> {
    let mut data = length_prefixed(std::iter::once(purpose.label()).chain(context.iter().copied()));
    data.push(VERSION);
    data
}

fn length_prefixed<T: AsRef<[u8]> + ?Sized>(parts: impl Iterator<Item = impl std::ops::Deref<Target = T>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    for part in parts {
        let part = (*part).as_ref();
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests;
