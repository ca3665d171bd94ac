//! The parts of a JSON line that every log has alike, so that one query finds a decision in all of them.

use crate::domain::decision::{DecisionRecord, Judged};

/// A JSON string; serde knows how to escape, and a `&str` cannot fail.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Appends a JSON string. Nearly none has anything to escape (RFC 8259 §7).
pub(super) fn write_quoted(text: &mut String, value: &str) {
    let is_plain = value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        append(text, &["\"", value, "\""]);
    } else {
        text.push_str(&quoted(value));
    }
}

/// Appends a number. Every request has several, so no formatter is run for them.
pub(super) fn write_number(text: &mut String, number: impl itoa::Integer) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// Appends texts one after the other.
pub(super) fn append(text: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| text.push_str(part));
}

/// Appends what was decided: everything but who was judged.
pub(super) fn write_decision(text: &mut String, decision: &DecisionRecord) {
    append(text, &[r#","outcome":""#, decision.outcome.as_str(), r#"","reason":""#, decision.reason.code()]);
    text.push_str(r#"","decision_id":""#);
    decision.id.with_text(|id| append(text, &[id, "\""]));
    if let Some(route) = &decision.route {
        text.push_str(r#","route":"#);
        write_quoted(text, route.as_str());
    }
    if let Some(position) = decision.position {
        text.push_str(r#","config.line":"#);
        write_number(text, position.line);
    }
    if let Some(refusal) = decision.would_refuse {
        append(text, &[r#","would_refuse":""#, refusal.code(), "\""]);
    }
}

/// Appends what may be told of a person.
pub(super) fn write_judged(text: &mut String, who: &Judged) {
    append(text, &[r#","account.kind":""#, who.kind.as_str(), r#"","account.membership":""#, who.membership.as_str()]);
    append(text, &[r#"","account.home":""#, who.home.as_str(), r#"","authority":""#, who.authority.as_str(), "\""]);
    if let Some(tenant) = who.tenant {
        tenant.with_text(|tenant| append(text, &[r#","account.tenant":""#, tenant, "\""]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_quoted_as_serde_does() {
        for value in
            (0..=0x100).filter_map(char::from_u32).map(|character| format!("/a{character}b")).chain([String::new(), "/\u{1f980}".into()])
        {
            let mut text = String::from("before ");
            write_quoted(&mut text, &value);
            assert_eq!(text, format!("before {}", serde_json::json!(value)));
        }
    }
}
