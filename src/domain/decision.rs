//! The one record of what was decided for a request. The page a person sees, the log line and the metric are made of it.

use std::fmt;

use super::account::AccountKind;
use super::reason::Reason;

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
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, character) in self.0.iter().enumerate() {
            if at == 4 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*character))?;
        }
        Ok(())
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// The route, if one was found.
    pub route: Option<super::route::RouteName>,
    /// Where the route stands in the configuration.
    pub position: Option<super::route::Position>,
    /// The kind of account, if somebody was judged.
    pub kind: Option<AccountKind>,
    /// Their authority.
    pub authority: Option<super::authority::AuthorityName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_two_groups_of_four() {
        assert_eq!(DecisionId::from_random(0).to_string(), "0000-0000");
        assert_eq!(DecisionId::from_random(u64::MAX).to_string(), "ZZZZ-ZZZZ");
    }
}
