//! Files of the audit log: made for their owner, appended to, found again after a rotation, and refused in time.

use std::fs;
use std::path::Path;

use super::*;
use crate::domain::reason::Reason;
use crate::telemetry::audit::{Event, Happening};
use crate::telemetry::tests::{decision, line};

fn start(path: &Path) -> Result<Logs, LogError> {
    Logs::start(None, Some(Destination::File(path.to_owned())))
}

fn tell(logs: &Logs, happening: Happening) {
    let decision = decision();
    let events = [Event { happening, person: None, authority: None, chosen: None }];
    logs.pens().write(&Line { events: &events, ..line(&decision, "/") });
}

fn told(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a readable file");
    let event = |line: &str| line.parse::<serde_json::Value>().expect("JSON")["event"].as_str().expect("a word").to_owned();
    text.lines().map(event).collect()
}

#[test]
fn a_file_is_made_for_its_owner_only_and_appended_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("audit.log");
    for happening in [Happening::SignedIn, Happening::SessionEnded] {
        let logs = start(&path).expect("a file");
        tell(&logs, happening);
        logs.close();
    }
    assert_eq!(told(&path), ["authn_login_success", "session_ended"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_renamed_file_is_left_behind_when_it_is_opened_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, rotated) = (directory.path().join("audit.log"), directory.path().join("audit.log.1"));
    let logs = start(&path).expect("a file");
    fs::rename(&path, &rotated).expect("renamed");
    logs.reopen();
    tell(&logs, Happening::Refused);
    logs.close();
    assert_eq!((told(&rotated), told(&path)), (vec![], vec!["authz_fail".to_owned()]));
}

#[test]
fn a_file_that_cannot_be_opened_anew_goes_on_being_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, rotated) = (directory.path().join("audit.log"), directory.path().join("audit.log.1"));
    let logs = start(&path).expect("a file");
    fs::rename(&path, &rotated).expect("renamed");
    fs::create_dir(&path).expect("something else of its name");
    logs.reopen();
    tell(&logs, Happening::Refused);
    logs.close();
    assert_eq!(told(&rotated), ["authz_fail"]);
}

#[test]
fn a_file_that_cannot_be_made_is_told_with_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(start(&directory.path().join("audit.log")).is_ok());
    let error = start(&directory.path().join("missing/audit.log")).expect_err("there is no such directory").to_string();
    assert!(error.starts_with("the audit log cannot be written to ") && error.contains("missing/audit.log: "), "{error}");
}

#[test]
fn a_decision_without_events_is_not_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("audit.log");
    let logs = start(&path).expect("a file");
    let decision = crate::domain::decision::DecisionRecord { reason: Reason::SignedIn, ..decision() };
    logs.pens().write(&line(&decision, "/"));
    logs.close();
    assert_eq!(told(&path), Vec::<String>::new());
}

#[test]
fn two_logs_on_standard_output_share_one_pen() {
    let logs = Logs::start(Some(Format::Json), Some(Destination::Stdout)).expect("threads");
    let pens = logs.pens();
    let (Some((_, access)), Some(audit)) = (&pens.access, &pens.audit) else { panic!("both are on") };
    assert!(Rc::ptr_eq(access, audit));
    drop(pens);
    logs.close();

    let logs = Logs::start(Some(Format::Json), Some(Destination::Stderr)).expect("threads");
    let pens = logs.pens();
    let (Some((_, access)), Some(audit)) = (&pens.access, &pens.audit) else { panic!("both are on") };
    assert!(!Rc::ptr_eq(access, audit));
    drop(pens);
    logs.close();
}
