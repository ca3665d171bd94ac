//! The claims that are read (RFC 7519 §4.1, OpenID Connect Core §2 and §5.1, Microsoft's own), as they were sent.
//!
//! Two sorts of members. What a decision depends on has one type, and any other fails the token. What providers vary,
//! or what is only shown, is kept as sent and read leniently in [`super::person`], because a display name of the wrong
//! type must not lock anybody out. Every member is named here, so that none can occur twice.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;

/// The claims of a token. No `Debug` with content: most of it is about a person.
#[derive(Deserialize)]
pub(in crate::protocol) struct Claims {
    pub(in crate::protocol) iss: Option<String>,
    pub(in crate::protocol) sub: Option<String>,
    pub(in crate::protocol) aud: Option<Audience>,
    pub(in crate::protocol) azp: Option<String>,
    pub(in crate::protocol) exp: Option<NumericDate>,
    pub(in crate::protocol) nbf: Option<NumericDate>,
    pub(in crate::protocol) iat: Option<NumericDate>,
    pub(in crate::protocol) nonce: Option<String>,
    pub(in crate::protocol) at_hash: Option<String>,
    pub(in crate::protocol) c_hash: Option<String>,
    pub(in crate::protocol) tid: Option<String>,
    pub(in crate::protocol) oid: Option<String>,
    pub(in crate::protocol) jti: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::protocol) events: Option<Value>,
    // Present with `null` is not the same as absent: it is there and cannot be read.
    #[serde(default, deserialize_with = "present")]
    pub(in crate::protocol) idp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::protocol) acct: Option<Value>,
    pub(in crate::protocol) appid: Option<Value>,
    pub(in crate::protocol) client_id: Option<Value>,
    pub(in crate::protocol) email: Option<Value>,
    pub(in crate::protocol) email_verified: Option<Value>,
    pub(in crate::protocol) groups: Option<Value>,
    pub(in crate::protocol) hasgroups: Option<Value>,
    pub(in crate::protocol) login_hint: Option<Value>,
    pub(in crate::protocol) name: Option<Value>,
    pub(in crate::protocol) preferred_username: Option<Value>,
    pub(in crate::protocol) roles: Option<Value>,
    pub(in crate::protocol) scope: Option<Value>,
    pub(in crate::protocol) scp: Option<Value>,
    pub(in crate::protocol) sid: Option<Value>,
    pub(in crate::protocol) xms_edov: Option<Value>,
    #[serde(rename = "_claim_names")]
    pub(in crate::protocol) claim_names: Option<Value>,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

/// `aud`: one or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::protocol) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(in crate::protocol) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Several(audiences) => audiences,
        }
    }
}

/// Seconds since the epoch (RFC 7519 §2). Fractions are cut off; what is negative or beyond a 53-bit integer is refused,
/// not wrapped round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct NumericDate(pub(in crate::protocol) u64);

const LATEST: u64 = (1 << 53) - 1;

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOfSeconds)
    }
}

struct NumberOfSeconds;

impl Visitor<'_> for NumberOfSeconds {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds since 1970")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
        if seconds <= LATEST { Ok(NumericDate(seconds)) } else { Err(E::custom("out of range")) }
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
        #[expect(clippy::cast_precision_loss, reason = "the bound itself is exact")]
        let in_range = (0.0..=LATEST as f64).contains(&seconds);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, and cutting off the fraction is meant")]
        if in_range { Ok(NumericDate(seconds as u64)) } else { Err(E::custom("out of range")) }
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
