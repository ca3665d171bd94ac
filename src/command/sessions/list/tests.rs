//! What is printed of an answer, and what is asked for.

use super::*;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}

fn session() -> Value {
    json!({
        "id": "0f8b5c1de2a94b0c8d6f7a3b21e4c590",
        "kind": "work",
        "authority": "work",
        "user": "ada@3a0c\u{1b}[2J",
        "user_in_audit_log": "0123456789abcdef",
        "tenant": "3a0c0000-0000-4000-8000-0000000000aa",
        "tenant_name": "Contoso",
        "signed_in_at": "2027-01-15T07:00:00Z",
        "last_seen": "2027-01-15T07:59:30Z",
        "ends_at": "2027-01-15T08:59:30Z",
    })
}

#[test]
fn sessions_are_a_table_with_ages() {
    let personal = json!({ "id": "1", "kind": "personal", "authority": "personal", "user": "b@c", "tenant": null, "signed_in_at": "x" });
    assert_eq!(
        sessions_table(&[session(), personal], now()),
        [
            "SESSION                           ACCOUNT   BY        USER               ORGANISATION  SIGNED IN  LAST HERE",
            r"0f8b5c1de2a94b0c8d6f7a3b21e4c590  work      work      ada@3a0c\u{1b}[2J  Contoso       1 h ago    30 s ago",
            "1                                 personal  personal  b@c                -             x",
        ]
    );
}

#[test]
fn one_session_is_told_fact_by_fact() {
    let lines = facts(&session(), now());
    assert!(lines.contains(&"in the audit log  0123456789abcdef".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"organisation      Contoso 3a0c0000-0000-4000-8000-0000000000aa".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"signed in         2027-01-15T07:00:00Z, 1 h ago".to_owned()), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:#?}");
}

#[test]
fn revocations_come_below_and_say_where_they_come_from() {
    let told = json!({
        "entries": [
            { "scope": "all", "not_before": "2027-01-15T07:58:00Z", "why": "key leaked", "from": "configuration" },
            { "scope": "user", "user": "a@b", "not_before": "2027-01-15T07:00:00Z", "why": "\u{9b}2J", "from": "running" },
            { "scope": "subject", "authority": "work", "not_before": "2027-01-15T07:00:00Z", "why": "x", "from": "running" },
            { "scope": "provider_session", "authority": "work", "not_before": "2027-01-15T07:00:00Z", "why": "x", "from": "running" },
        ],
        "total": 7,
        "trouble": "the session store fails: gone",
    });
    assert_eq!(
        revocations_lines(&told, now()),
        [
            "",
            "REVOKED           WHOSE              WHEN       FROM           WHY",
            "all               everybody          2 min ago  configuration  key leaked",
            r"user              a@b                1 h ago    running        \u{9b}2J",
            "subject           somebody at work   1 h ago    running        x",
            "provider_session  a session at work  1 h ago    running        x",
            "and 3 more, of fewer people",
            "What other replicas have revoked may be missing: the session store fails: gone",
        ]
    );
    assert!(revocations_lines(&json!({ "entries": [], "total": 0, "trouble": null }), now()).is_empty());
}

#[test]
fn a_filter_becomes_a_query() {
    let filter = Filter { user: Some("a b@c".into()), tenant: None, kind: Some(Kind::Personal), authority: Some("personal".into()) };
    assert_eq!(filter.path(None), "/sessions?user=a+b%40c&kind=personal&authority=personal");
    assert_eq!(filter.path(Some("1 2")), "/sessions?user=a+b%40c&kind=personal&authority=personal&from=1+2");
}

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    filter: Filter,
}

#[test]
fn a_filter_that_says_nothing_is_no_filter() {
    for word in ["--user", "--tenant", "--authority"] {
        let parse = |value| <Line as clap::Parser>::try_parse_from(["list", word, value]);
        assert!(parse("x").is_ok_and(|line| line.filter.path(None).ends_with("=x")), "{word}");
        assert!(parse("").is_err(), "{word}");
    }
}
