//! Tests of finding a decision in a log, and of telling whether the file at hand is the one that decided.

use super::*;
use crate::config::{self, KnownRules};

const LINE: &str = r#"{"timestamp":1795384000,"http.request.method":"GET","url.path":"/finance/q3","http.response.status_code":403,"duration_ms":1.0,"client.address":"127.0.0.1","outcome":"deny","reason":"personal_account_not_allowed","decision_id":"7K3F-9QXD","route":"finance","config.line":9,"account.kind":"personal","account.membership":"unknown","account.home":"personal","authority":"personal","account.tenant":"9188040d-6c67-4c5b-b112-36a304b66dad"}"#;

const FILE: &str = r#"version = 1
public_url = "https://orders.example.com"
[client]
id = "x"
secret_file = "/nowhere/at/all"
[[routes]]
name = "finance"
upstream = "http://127.0.0.1:3000"
accounts = "work"
"#;

fn known(text: &str) -> KnownRules {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("homerealm.toml");
    std::fs::write(&file, text).expect("a file");
    config::rules_of(&file).unwrap_or_else(|report| panic!("{report}"))
}

fn id() -> DecisionId {
    DecisionId::parse("7k3f9qxd").expect("an id")
}

fn found(log: &str) -> Option<Recorded> {
    match search(id(), &mut log.as_bytes()).expect("a readable log") {
        Found::Decision(recorded) => Some(*recorded),
        Found::Nothing { .. } => None,
    }
}

#[test]
fn a_line_is_found_among_lines_of_any_sort() {
    let long = "x".repeat(3 * LONGEST_LINE);
    let broken = &LINE[..LINE.len() - 1];
    let audit = r#"{"log":"audit","version":1,"timestamp":1,"event":"authz_fail","outcome":"deny","reason":"personal_account_not_allowed","decision_id":"7K3F-9QXD","client.address":"127.0.0.1"}"#;
    let other = LINE.replace("7K3F-9QXD", "0000-0000").replace("/finance/q3", "/7K3F-9QXD");
    for before in [
        "",
        "\n\n",
        "not JSON 7K3F-9QXD\n",
        &format!("{long}{LINE}\n"),
        &format!("{broken}\n"),
        &format!("{audit}\n"),
        &format!("{other}\n"),
    ] {
        for (prefix, end) in [("", "\n"), ("", "\r\n"), ("", ""), ("2026-11-22T21:46:40.1Z stdout F ", "\n"), ("orders-1 | ", "\n")] {
            let recorded = found(&format!("{before}{prefix}{LINE}{end}")).expect("the line is there");
            assert_eq!((recorded.path.as_str(), recorded.status), ("/finance/q3", 403));
        }
        assert!(found(before).is_none(), "{before:.100}");
    }
}

#[test]
fn bytes_that_are_no_text_do_not_end_the_search() {
    let mut log = b"\xff\xfe{\n".to_vec();
    log.extend(LINE.as_bytes());
    assert!(matches!(search(id(), &mut log.as_slice()), Ok(Found::Decision(_))));
    assert!(matches!(search(id(), &mut &b""[..]), Ok(Found::Nothing { lines: 0 })));
    assert!(matches!(search(id(), &mut &b"a\nb"[..]), Ok(Found::Nothing { lines: 2 })));
}

#[test]
fn a_decision_is_told_without_the_secrets_that_the_file_names() {
    let told = told(&found(LINE).expect("the line"), &known(FILE));
    let text = told.lines.join("\n");
    assert!(
        text.starts_with("7K3F-9QXD  2026-11-22T21:46:40Z  GET /finance/q3\nREFUSED 403 personal_account_not_allowed   route \"finance\""),
        "{text}"
    );
    assert!(text.contains("FAIL   accounts = \"work\"") && text.contains("personal account") && !text.contains("note"), "{text}");
    assert_eq!(told.document["decision_id"], "7K3F-9QXD");
    assert_eq!(told.document["note"], serde_json::Value::Null);
}

#[test]
fn a_file_that_did_not_decide_is_told_apart() {
    let recorded = || found(LINE).expect("the line");
    let note = |recorded: &Recorded, text: &str| told(recorded, &known(text)).document["note"].as_str().unwrap_or_default().to_owned();
    assert!(note(&recorded(), &FILE.replace("\"finance\"", "\"money\"")).contains("has no route \"finance\""));
    let moved = note(&recorded(), &format!("# a line more\n{FILE}"));
    assert!(moved.contains("line 9 decided") && moved.contains("line 10 now"), "{moved}");
    let by_admin = |fingerprint: &str| Recorded { fingerprint: Some(fingerprint.to_owned()), ..recorded() };
    let same = known(FILE).fingerprint.to_string();
    assert_eq!(note(&by_admin(&same), FILE), "");
    assert!(note(&by_admin("0123456789ab"), FILE).contains("another configuration decided (0123456789ab;"));
}

#[test]
fn what_a_client_sent_cannot_steer_the_terminal() {
    let recorded = found(&LINE.replace("/finance/q3", "/\\u001b[31m\\u009b")).expect("the line");
    let text = told(&recorded, &known(FILE)).lines.join("\n");
    assert!(!text.contains(['\u{1b}', '\u{9b}']) && text.contains("/\\u{1b}[31m\\u{9b}"), "{text}");
}
