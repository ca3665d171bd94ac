//! Decisions read back: from a line of the access log, or from what the admin listener tells of one. The keys are those
//! that the other modules here write.

use serde::Deserialize;

use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::decision::{DecisionId, DecisionRecord, Judged, Outcome};
use crate::domain::reason::Reason;
use crate::domain::route::RouteName;
use crate::domain::time::Timestamp;
use crate::domain::written::Position;

/// A decision with the request that it was about.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// When the request came.
    pub at: Timestamp,
    /// The request's method.
    pub method: String,
    /// The request's path, as it came: it may hold anything that a client can send.
    pub path: String,
    /// What was answered.
    pub status: u16,
    /// What was decided. Of its position only the line is known.
    pub decision: DecisionRecord,
    /// Which configuration decided, where that is told.
    pub fingerprint: Option<String>,
}

/// The text tells of no decision, or in words that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no decision that this version can read")]
pub struct NotADecision;

#[derive(Deserialize)]
struct Keys {
    timestamp: u64,
    #[serde(rename = "http.request.method")]
    method: String,
    #[serde(rename = "url.path")]
    path: String,
    #[serde(rename = "http.response.status_code")]
    status: u16,
    outcome: String,
    reason: String,
    decision_id: String,
    route: Option<String>,
    #[serde(rename = "config.line")]
    line: Option<u32>,
    would_refuse: Option<String>,
    #[serde(rename = "account.kind")]
    kind: Option<String>,
    #[serde(rename = "account.membership")]
    membership: Option<String>,
    #[serde(rename = "account.home")]
    home: Option<String>,
    #[serde(rename = "account.tenant")]
    tenant: Option<String>,
    authority: Option<String>,
    #[serde(rename = "config.fingerprint")]
    fingerprint: Option<String>,
}

impl Recorded {
    /// Reads one JSON object.
    ///
    /// # Errors
    /// [`NotADecision`].
    pub fn parse(json: &str) -> Result<Self, NotADecision> {
        let keys: Keys = serde_json::from_str(json).map_err(|_| NotADecision)?;
        let would_refuse = keys.would_refuse.as_deref().map(|code| Reason::parse(code).ok_or(NotADecision)).transpose()?;
        let decision = DecisionRecord {
            id: DecisionId::parse(&keys.decision_id).ok_or(NotADecision)?,
            outcome: Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == keys.outcome).ok_or(NotADecision)?,
            reason: Reason::parse(&keys.reason).ok_or(NotADecision)?,
            would_refuse,
            route: keys.route.as_deref().map(RouteName::new),
            position: keys.line.map(|line| Position { line, column: 1 }),
            who: keys.kind.as_deref().map(|kind| judged(kind, &keys)).transpose()?,
        };
        let at = Timestamp::from_unix_seconds(keys.timestamp);
        Ok(Self { at, method: keys.method, path: keys.path, status: keys.status, decision, fingerprint: keys.fingerprint })
    }
}

fn judged(kind: &str, keys: &Keys) -> Result<Judged, NotADecision> {
    let tenant = keys.tenant.as_deref().map(|id| TenantId::parse(id).map_err(|_| NotADecision)).transpose()?;
    let authority = keys.authority.as_deref().and_then(|name| AuthorityName::parse(name).ok());
    let membership = keys.membership.as_deref().and_then(Membership::parse);
    let home = keys.home.as_deref().and_then(Home::parse);
    Ok(Judged {
        kind: AccountKind::parse(kind).ok_or(NotADecision)?,
        authority: authority.ok_or(NotADecision)?,
        tenant,
        membership: membership.ok_or(NotADecision)?,
        home: home.ok_or(NotADecision)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::tests::{decision, line};

    fn written(decision: &DecisionRecord) -> String {
        let mut text = String::new();
        line(decision, "/a\"\u{1b}").write_json(&mut text);
        text
    }

    #[test]
    fn what_the_access_log_writes_is_read_back_whole() {
        let shadowed = DecisionRecord {
            outcome: Outcome::Allow,
            reason: Reason::SignedIn,
            would_refuse: Some(Reason::PersonalAccountNotAllowed),
            ..decision()
        };
        let anonymous = DecisionRecord { reason: Reason::NoRoute, route: None, position: None, who: None, ..decision() };
        for decision in [decision(), shadowed, anonymous] {
            let read = Recorded::parse(&written(&decision)).expect("a decision");
            assert_eq!((read.path.as_str(), read.method.as_str(), read.status), ("/a\"\u{1b}", "GET", 403));
            let position = decision.position.map(|position| Position { column: 1, ..position });
            assert_eq!(format!("{:?}", read.decision), format!("{:?}", DecisionRecord { position, ..decision }));
        }
    }

    #[test]
    fn other_text_and_words_of_another_version_are_no_decision() {
        let good = written(&decision());
        for wrong in [
            String::new(),
            "{}".into(),
            "[1]".into(),
            good[..good.len() - 1].into(),
            good.replace("personal_account_not_allowed", "a_reason_of_tomorrow"),
            good.replace("\"deny\"", "\"perhaps\""),
            good.replace("0000-0000\"", "0000-00\""),
            good.replace("\"unknown\"", "\"honorary\""),
        ] {
            assert_eq!(Recorded::parse(&wrong).err(), Some(NotADecision), "{wrong}");
        }
    }
}
