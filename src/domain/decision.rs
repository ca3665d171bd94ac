//! The one record of what was decided for a request. The page a person sees, the log line and the metric are made of it.

use std::fmt;

use serde::Serialize;

use super::account::{AccountKind, Home, Membership, TenantId};
use super::authority::AuthorityName;
use super::principal::Principal;
use super::reason::Reason;
use super::route::RouteName;
use super::written::Position;

/// Names a decision: short enough to read out on the phone, shown as `7K3F-9QXD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId([u8; 8]);

/// Crockford's base 32: no I, L, O, U, so nothing is misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl DecisionId {
    /// Makes an id of 40 random bits. They need not be unguessable: the id grants nothing.
    #[must_use]
    pub const fn from_random(bits: u64) -> Self {
        let mut text = [0; 8];
        let mut at = 0;
        while at < 8 {
            text[at] = ALPHABET[(bits >> (at * 5) & 31) as usize];
            at += 1;
        }
        Self(text)
    }

    /// Reads an id as people type it: in either case, with or without the hyphen, and with the letters that Crockford's
    /// alphabet leaves out read as the digits they look like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 8];
        let mut characters = text.bytes().filter(|byte| *byte != b'-');
        for place in &mut id {
            *place = match characters.next()?.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            if !ALPHABET.contains(place) {
                return None;
            }
        }
        characters.next().is_none().then_some(Self(id))
    }
}

impl DecisionId {
    /// Hands on the text that is shown. Every request has one, so no formatter is run for it.
    pub fn with_text<T>(self, then: impl FnOnce(&str) -> T) -> T {
        let [a, b, c, d, e, f, g, h] = self.0;
        let text = [a, b, c, d, b'-', e, f, g, h];
        then(std::str::from_utf8(&text).expect("Crockford's alphabet is ASCII"))
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Forwarded.
    Allow,
    /// Asked to sign in.
    Challenge,
    /// Refused.
    Deny,
    /// Something failed on the way.
    Error,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Challenge, Self::Deny, Self::Error];

    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Deny => "deny",
            Self::Error => "error",
        }
    }
}

/// What was decided, for whom it may concern. No address, name or token is in it.
#[derive(Debug, Clone)]
pub struct DecisionRecord {
    /// Its id.
    pub id: DecisionId,
    /// What became of the request.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Why it would have been refused, had the route enforced what it states.
    pub would_refuse: Option<Reason>,
    /// The route, if one was found.
    pub route: Option<RouteName>,
    /// The line of the configuration that decided.
    pub position: Option<Position>,
    /// Who was judged, if anybody.
    pub who: Option<Judged>,
}

/// What a decision says of a person: enough to see which rule met them, too little to know who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Personal, work or customer.
    pub kind: AccountKind,
    /// Who vouched for them.
    pub authority: AuthorityName,
    /// The tenant that issued their token.
    pub tenant: Option<TenantId>,
    /// Member, guest or unknown.
    pub membership: Membership,
    /// Where their identity lives.
    pub home: Home,
}

impl Judged {
    /// What may be written down of a person.
    #[must_use]
    pub fn of(who: &Principal) -> Self {
        Self { kind: who.kind, authority: who.authority.clone(), tenant: who.tenant, membership: who.membership, home: who.home }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_two_groups_of_four() {
        assert_eq!(DecisionId::from_random(0).to_string(), "0000-0000");
        assert_eq!(DecisionId::from_random(u64::MAX).to_string(), "ZZZZ-ZZZZ");
    }

    #[test]
    fn an_id_is_read_as_people_type_it() {
        let id = DecisionId::from_random(0x1234_5678_9abc);
        assert_eq!(DecisionId::parse(&id.to_string()), Some(id));
        assert_eq!(DecisionId::parse(&id.to_string().to_lowercase().replace('-', "")), Some(id));
        assert_eq!(DecisionId::parse("oil0-0000"), DecisionId::parse("0110-0000"));
        for wrong in ["", "0000", "0000-000", "0000-00000", "0000-000U", "0000-000é"] {
            assert_eq!(DecisionId::parse(wrong), None, "{wrong}");
        }
    }
}
