//! What is remembered, what is forgotten, and what is counted for ever.

use super::*;
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::authority::AuthorityName;
use crate::domain::decision::Judged;
use crate::domain::reason::Reason;
use crate::domain::route::RouteName;
use counters::{MOST_SERIES, OVERFLOW};

fn decision(id: u64, outcome: Outcome, reason: Reason) -> DecisionRecord {
    DecisionRecord {
        id: DecisionId::from_random(id),
        outcome,
        reason,
        would_refuse: None,
        route: Some(RouteName::new("finance")),
        position: None,
        who: None,
    }
}

fn note(notebook: &Notebook, decision: &DecisionRecord, method: &Method, path: &str) {
    notebook.note(&Line {
        at: Timestamp::from_unix_seconds(1_800_000_000),
        events: &[],
        decision,
        method,
        path,
        status: StatusCode::OK,
        took: Duration::from_millis(2),
        client: [127, 0, 0, 1].into(),
        fingerprint: Fingerprint([7; 6]),
        answered: Instant::now(),
    });
}

fn ids(entries: &[Entry]) -> Vec<DecisionId> {
    entries.iter().map(|entry| entry.decision.id).collect()
}

#[test]
fn a_flood_of_challenges_pushes_out_no_refusal() {
    let journal = Journal::default();
    let notebook = journal.notebook();
    let refusal = decision(1, Outcome::Deny, Reason::PersonalAccountNotAllowed);
    note(&notebook, &refusal, &Method::GET, "/finance");
    for id in 2..3000 {
        note(&notebook, &decision(id, Outcome::Challenge, Reason::SignInRequired), &Method::GET, "/");
    }
    assert!(journal.find(refusal.id).is_some());
    assert!(journal.find(DecisionId::from_random(2)).is_none(), "the oldest challenge has made room");
    assert!(journal.find(DecisionId::from_random(2999)).is_some());
    assert_eq!(journal.newest(usize::MAX, |_| true).len(), KEPT + 1);
}

#[test]
fn the_newest_comes_first_whoever_noted_it() {
    let journal = Journal::default();
    let workers = [journal.notebook(), journal.notebook()];
    let outcomes = [Outcome::Allow, Outcome::Challenge, Outcome::Deny, Outcome::Error];
    for id in 0..12_usize {
        note(&workers[id % 2], &decision(id as u64, outcomes[id % 4], Reason::SignedIn), &Method::GET, "/");
    }
    let expected: Vec<_> = (0..12).rev().map(DecisionId::from_random).collect();
    assert_eq!(ids(&journal.newest(100, |_| true)), expected);
    assert_eq!(ids(&journal.newest(5, |_| true)), expected[..5]);
    let denied = journal.newest(100, |entry| entry.decision.outcome == Outcome::Deny);
    assert_eq!(ids(&denied), [10, 6, 2].map(DecisionId::from_random));
}

#[test]
fn what_a_client_sends_is_remembered_up_to_a_bound_only() {
    let journal = Journal::default();
    let notebook = journal.notebook();
    let long = format!("/{}", "é".repeat(9000));
    let method = Method::from_bytes("X".repeat(5000).as_bytes()).expect("a token");
    let mut record = decision(0, Outcome::Error, Reason::BadRequest);
    note(&notebook, &record, &method, &long);
    let kept = journal.find(record.id).expect("kept");
    assert!(kept.path.len() <= LONGEST_PATH && long.starts_with(&kept.path), "{}", kept.path.len());
    assert_eq!(kept.method.as_str(), "X".repeat(LONGEST_METHOD));
    for id in 0..2000 {
        record.id = DecisionId::from_random(id);
        note(&notebook, &record, &Method::from_bytes(b"PROPFIND").expect("a token"), "/short");
    }
    let newest = journal.newest(1, |_| true).remove(0);
    assert_eq!((newest.path.as_str(), newest.method.as_str()), ("/short", "PROPFIND"));
}

#[test]
fn the_json_of_an_entry_is_the_access_logs_and_the_configuration_that_decided() {
    let journal = Journal::default();
    let record = DecisionRecord {
        who: Some(Judged {
            kind: AccountKind::Work,
            authority: AuthorityName::work(),
            tenant: None,
            membership: Membership::Guest,
            home: Home::OtherTenant,
        }),
        would_refuse: Some(Reason::GuestNotAllowed),
        ..decision(5, Outcome::Allow, Reason::SignedIn)
    };
    note(&journal.notebook(), &record, &Method::POST, "/a\"}}");
    let entry = journal.find(record.id).expect("kept");
    let (mut logged, mut text) = (String::new(), String::new());
    entry.line().write_json(&mut logged);
    entry.write_json(&mut text);
    let logged: serde_json::Value = serde_json::from_str(&logged).expect("JSON");
    let mut shown: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(shown["config.fingerprint"], "070707070707");
    assert_eq!(shown["url.path"], "/a\"}}");
    shown.as_object_mut().expect("an object").remove("config.fingerprint");
    assert_eq!(shown, logged);
}

#[test]
fn counts_of_all_workers_are_one_count() {
    let journal = Journal::default();
    let workers = [journal.notebook(), journal.notebook()];
    let mut tried = decision(1, Outcome::Allow, Reason::SignedIn);
    tried.would_refuse = Some(Reason::GroupRequired);
    for worker in &workers {
        note(worker, &tried, &Method::GET, "/");
        note(worker, &decision(2, Outcome::Deny, Reason::GuestNotAllowed), &Method::GET, "/");
        note(worker, &DecisionRecord { route: None, ..decision(3, Outcome::Error, Reason::NoRoute) }, &Method::GET, "/");
    }
    let counters = journal.counters();
    let finance = RouteName::new("finance");
    assert_eq!(counters.decisions.of(&finance, |label| label.outcome == Outcome::Allow), 2);
    assert_eq!(counters.decisions.of(&finance, |_| true), 4);
    assert_eq!(counters.would_be_refusals.of(&finance, |label| label.reason == Reason::GroupRequired), 2);
    assert_eq!(counters.decisions.of(&RouteName::new("another"), |_| true), 0);
    assert!(counters.decisions.iter().any(|(route, label, count)| (route, label.reason, count) == ("_none", Reason::NoRoute, 2)));
}

#[test]
fn more_series_than_anybody_looks_at_are_counted_together() {
    let journal = Journal::default();
    let workers = [journal.notebook(), journal.notebook()];
    let routes = MOST_SERIES + 500;
    for (number, worker) in (0..routes).flat_map(|number| workers.iter().map(move |worker| (number, worker))) {
        let route = Some(RouteName::new(&format!("route-{number}")));
        note(worker, &DecisionRecord { route, ..decision(1, Outcome::Allow, Reason::Public) }, &Method::GET, "/");
    }
    let counters = journal.counters();
    assert!(counters.decisions.iter().count() <= MOST_SERIES + 1);
    let beyond: u64 = counters.decisions.iter().filter(|(route, ..)| *route == OVERFLOW).map(|(.., count)| count).sum();
    assert_eq!(beyond, 1000);
    assert_eq!(counters.decisions.iter().map(|(.., count)| count).sum::<u64>(), 2 * routes as u64, "nothing is lost");
}
