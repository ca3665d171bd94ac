//! What is kept of a session, and in which form: the session with the tokens that keep it going; and, where it is kept in
//! a store, the ticket to it. The ticket is in the browser's cookie and nowhere else. It holds the only key to the record,
//! so a store that is stolen is ciphertext, and a cookie alone opens nothing that was removed from the store.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::id_token::NonceMark;
use super::seal::{KeyRing, NotOurs, Random};
use super::secret::Secret;
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;

/// A session, and what keeps it going.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// The session.
    pub session: Session,
    /// Its tokens: those that something still needs.
    pub tokens: Tokens,
}

/// Tokens of a session. Never shown, never logged, and kept only where something still needs them.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// To ask for the claims anew; `None`: they hold until the session ends.
    pub refresh_token: Option<Secret<String>>,
    /// When the claims were asked for last. Of two records of a session, the later one is the truth.
    pub fresh_since: Option<Timestamp>,
    /// When the claims are to be asked for anew at the latest: the real expiry of the access token (RFC 6749 §5.1). Only
    /// together with a refresh token.
    pub fresh_until: Option<Timestamp>,
    /// The nonce of the sign-in, which refreshed ID tokens may repeat.
    pub nonce: Option<NonceMark>,
    /// For questions to the authority that could not be asked at the sign-in; gone once they are answered.
    pub access_token: Option<Secret<String>>,
    /// For `id_token_hint` (OpenID Connect RP-Initiated Logout 1.0 §2). Left out of cookies: the opaque hint does there.
    pub id_token: Option<Secret<String>>,
}

/// The name of a record in a store. It leads to nothing without the ticket's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Handle(pub [u8; 16]);

/// The way to a record in a store, and the only key to it.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Where the record is.
    pub handle: Handle,
    /// What opens it.
    pub key: Secret<[u8; 32]>,
}

/// The longest sealed record that is opened, in bytes.
pub const MAX_SEALED_LENGTH: usize = 64 * 1024;

/// Also the version of what is inside.
const PURPOSE: &[u8] = b"homerealm session record 2";
const TAG_LENGTH: usize = 16;

/// As it is written. Secrets are not serialisable elsewhere, so that none is by accident.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    session: std::borrow::Cow<'a, Session>,
    refresh_token: Option<&'a str>,
    fresh_since: Option<Timestamp>,
    fresh_until: Option<Timestamp>,
    nonce: Option<NonceMark>,
    access_token: Option<&'a str>,
    id_token: Option<&'a str>,
}

impl Tokens {
    /// Whether there is none: then nothing in the record opens any door.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.refresh_token.is_none() && self.access_token.is_none() && self.id_token.is_none()
    }
}

impl SessionRecord {
    /// A session without tokens: it lives until it ends.
    #[must_use]
    pub fn bare(session: Session) -> Self {
        Self { session, tokens: Tokens::default() }
    }

    /// Whether this one was made from a later answer of the authority's than the other of the same session.
    #[must_use]
    pub fn is_fresher_than(&self, other: &Self) -> bool {
        self.tokens.fresh_since > other.tokens.fresh_since
    }

    /// The record as bytes, in the clear.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        fn exposed(secret: Option<&Secret<String>>) -> Option<&str> {
            secret.map(|secret| secret.expose().as_str())
        }
        let Tokens { refresh_token, fresh_since, fresh_until, nonce, access_token, id_token } = &self.tokens;
        let written = Written {
            session: std::borrow::Cow::Borrowed(&self.session),
            refresh_token: exposed(refresh_token.as_ref()),
            fresh_since: *fresh_since,
            fresh_until: *fresh_until,
            nonce: *nonce,
            access_token: exposed(access_token.as_ref()),
            id_token: exposed(id_token.as_ref()),
        };
        Zeroizing::new(postcard::to_allocvec(&written).expect("strings and numbers can be written"))
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (written, rest) = postcard::take_from_bytes::<Written<'_>>(bytes).ok()?;
        let kept = |text: Option<&str>| text.map(|text| Secret::new(text.to_owned()));
        let tokens = Tokens {
            refresh_token: kept(written.refresh_token),
            fresh_since: written.fresh_since,
            fresh_until: written.fresh_until,
            nonce: written.nonce,
            access_token: kept(written.access_token),
            id_token: kept(written.id_token),
        };
        rest.is_empty().then(|| Self { session: written.session.into_owned(), tokens })
    }
}

impl Handle {
    /// For keys of stores: 32 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Ticket {
    /// A new one.
    #[must_use]
    pub fn new(random: &mut Random<'_>) -> Self {
        let (mut handle, mut key) = ([0; 16], Zeroizing::new([0; 32]));
        random(&mut handle);
        random(&mut *key);
        Self { handle: Handle(handle), key: Secret::new(*key) }
    }

    /// The one for a session that moves from a cookie into a store. Where it goes follows from the session, and its key from
    /// who it is as well, which the cookie says and the store does not: whichever of its cookies comes first, all of them lead
    /// to the same place.
    #[must_use]
    pub fn of_moved(record: &SessionRecord, keys: &KeyRing) -> Self {
        let id = &record.session.id.0[..];
        let handle = keys.follow(&[b"handle", id]);
        let who = &record.session.principal;
        let object = who.object.as_deref().unwrap_or_default();
        let key = keys.follow(&[b"key", id, who.issuer.as_bytes(), who.subject.as_bytes(), object.as_bytes()]);
        Self { handle: Handle(*handle.expose().first_chunk().expect("32 are more than 16")), key }
    }

    /// Whether this is the way to a session that moved: then there are cookies that held all of it.
    #[must_use]
    pub fn is_of_moved(&self, session: SessionId, keys: &KeyRing) -> bool {
        keys.may_follow(&[b"handle", &session.0], &self.handle.0)
    }

    /// Seals a record for the store: nonce ‖ ciphertext ‖ tag.
    #[must_use]
    pub fn seal(&self, record: &SessionRecord, random: &mut Random<'_>) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce);
        let plaintext = record.encode();
        let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + TAG_LENGTH);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&plaintext);
        let tag = self
            .key()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(self.associated_data()), &mut sealed[NONCE_LEN..])
            .expect("AES-GCM-SIV seals anything below 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens a record of the store's. `buffer` is scratch space that holds it in the clear afterwards.
    ///
    /// # Errors
    /// [`NotOurs`]: another ticket's, changed, or of another version.
    pub fn open(&self, sealed: &[u8], buffer: &mut Vec<u8>) -> Result<SessionRecord, NotOurs> {
        if sealed.len() > MAX_SEALED_LENGTH {
            return Err(NotOurs);
        }
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(NotOurs)?;
        buffer.clear();
        buffer.extend_from_slice(ciphertext);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plaintext = self.key().open_in_place(nonce, Aad::from(self.associated_data()), buffer).map_err(|_| NotOurs)?;
        SessionRecord::decode(plaintext).ok_or(NotOurs)
    }

    fn key(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, self.key.expose()).expect("AES-256 takes 32 bytes"))
    }

    fn associated_data(&self) -> [u8; PURPOSE.len() + 16] {
        let mut data = [0; PURPOSE.len() + 16];
        data[..PURPOSE.len()].copy_from_slice(PURPOSE);
        data[PURPOSE.len()..].copy_from_slice(&self.handle.0);
        data
    }
}

#[cfg(test)]
mod tests;
