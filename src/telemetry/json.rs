//! The parts of a JSON line that every log has alike, so that one query finds a decision in all of them.

use std::fmt::Write as _;

use crate::domain::decision::{DecisionRecord, Judged};

/// A JSON string; serde knows how to escape, and a `&str` cannot fail.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Appends what was decided: everything but who was judged.
pub(super) fn write_decision(text: &mut String, decision: &DecisionRecord) {
    let (outcome, reason) = (decision.outcome.as_str(), decision.reason.code());
    let _infallible = write!(text, r#","outcome":"{outcome}","reason":"{reason}","decision_id":"{}""#, decision.id);
    if let Some(route) = &decision.route {
        let _infallible = write!(text, r#","route":{}"#, quoted(route.as_str()));
    }
    if let Some(position) = decision.position {
        let _infallible = write!(text, r#","config.line":{}"#, position.line);
    }
    if let Some(refusal) = decision.would_refuse {
        let _infallible = write!(text, r#","would_refuse":"{}""#, refusal.code());
    }
}

/// Appends what may be told of a person.
pub(super) fn write_judged(text: &mut String, who: &Judged) {
    let (kind, membership, home) = (who.kind.as_str(), who.membership.as_str(), who.home.as_str());
    let _infallible = write!(
        text,
        r#","account.kind":"{kind}","account.membership":"{membership}","account.home":"{home}","authority":"{}""#,
        who.authority
    );
    if let Some(tenant) = who.tenant {
        let _infallible = write!(text, r#","account.tenant":"{tenant}""#);
    }
}
