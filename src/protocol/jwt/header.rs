//! The protected header (RFC 7515 §4): which algorithm, which key, and nothing that would change how the rest is read.
//! Keys and addresses of keys in it (`jwk`, `jku`, `x5c`, `x5u`) are not even looked at.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::Purpose;
use crate::protocol::id_token::TokenDefect;
use crate::protocol::json::{self, Bounds};
use crate::protocol::keys::algorithm::Algorithm;

/// A certificate chain may travel in it.
const BOUNDS: Bounds = Bounds { bytes: 16 * 1024, depth: 8 };

/// What is used of a header.
#[derive(Debug)]
pub(super) struct Header {
    /// `alg`
    pub(super) algorithm: Algorithm,
    /// `kid`
    pub(super) kid: Option<String>,
}

impl Header {
    /// Reads and judges a header.
    pub(super) fn read(document: &[u8], purpose: Purpose) -> Result<Self, TokenDefect> {
        let mut members: Members = json::read_object(document, BOUNDS).map_err(|_| TokenDefect::Header)?;
        // Extensions that must be understood, unencoded or compressed payloads, encryption, tokens in tokens.
        if ["b64", "crit", "cty", "enc", "zip"].into_iter().any(|name| members.0.contains_key(name)) {
            return Err(TokenDefect::UnsupportedHeader);
        }
        if !purpose.allows(members.text("typ")?.as_deref()) {
            return Err(TokenDefect::Type);
        }
        let algorithm = members.text("alg")?.and_then(|name| Algorithm::parse(&name)).ok_or(TokenDefect::Algorithm)?;
        Ok(Self { algorithm, kid: members.text("kid")? })
    }
}

impl Purpose {
    /// Media types are compared without case, and `application/` may be left out (RFC 7515 §4.1.9).
    fn allows(self, media_type: Option<&str>) -> bool {
        let Some(media_type) = media_type else { return true };
        let media_type = media_type.to_ascii_lowercase();
        match self {
            Self::AccessToken => matches!(media_type.as_str(), "jwt" | "at+jwt" | "application/at+jwt"),
            Self::IdToken => media_type == "jwt",
            Self::Logout => matches!(media_type.as_str(), "jwt" | "logout+jwt" | "application/logout+jwt"),
        }
    }
}

/// All members, none of them twice (RFC 7515 §4).
struct Members(BTreeMap<String, Value>);

impl Members {
    fn text(&mut self, name: &str) -> Result<Option<String>, TokenDefect> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenDefect::Header),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueMembers)
    }
}

struct UniqueMembers;

impl<'de> Visitor<'de> for UniqueMembers {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("a member occurs twice"));
            }
        }
        Ok(Members(members))
    }
}
