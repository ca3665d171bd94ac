//! What HTTP/2 can say that HTTP/1 cannot, or must not: none of it makes the servers behind us see a request that we did
//! not judge. The counterpart of `smuggling`, with frames made by hand.
//!
//! The frames are held against nginx as well: what is to pass the proxy passes nginx, so it is what it says it is.

mod table;

use std::time::Duration;

use futures_util::StreamExt as _;

use crate::support::frames::{Frames, Outcome, converse};
use crate::support::nginx;
use crate::support::process::{Process, free_ports};
use crate::support::recorder::{Kind, Record, Recorder, Side};
use crate::support::watched::{Watched, assert_well};
use table::{After, Case, Expected, cases};

/// How long a case may leave both of its streams without an end.
const PATIENCE: Duration = Duration::from_secs(3);
const ABREAST: usize = 32;
/// The stream of the case, and the one of an innocent request behind it.
const STREAM: u32 = 1;
const CANARY: u32 = 3;

fn tag(at: usize) -> String {
    Side::Proxied.tag(at)
}

fn frames(case: &Case, tag: &str, host: &str) -> Frames {
    let fill = |text: &str| -> Vec<u8> {
        match text.strip_prefix("{A*").and_then(|count| count.strip_suffix('}')) {
            Some(count) => vec![b'a'; count.parse().expect("a number")],
            None => text.replace("{T}", tag).replace("{H}", host).into_bytes(),
        }
    };
    let mut frames = Frames::new();
    let section = |frames: &mut Frames, stream, fields: &[(&str, &str)], is_last| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (fill(name), fill(value))).collect();
        frames.headers(stream, fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())), is_last);
    };
    section(&mut frames, STREAM, &case.fields, matches!(case.after, After::Nothing));
    match case.after {
        After::Nothing => {}
        After::Data(pieces) => {
            for (at, piece) in pieces.iter().enumerate() {
                frames.data(STREAM, piece.as_bytes(), at + 1 == pieces.len());
            }
        }
        After::Trailers(trailers) => {
            frames.data(STREAM, b"body", false);
            section(&mut frames, STREAM, trailers, true);
        }
        After::EndlessTrailers(trailers) => {
            frames.data(STREAM, b"body", false);
            section(&mut frames, STREAM, trailers, false);
        }
    }
    let canary = [(":method", "GET"), (":scheme", "http"), (":authority", "{H}"), (":path", "/public/{T}/canary")];
    section(&mut frames, CANARY, &canary, true);
    frames
}

async fn run(cases: &[Case], port: u16, host: &str) -> Vec<Outcome> {
    let all = cases.iter().enumerate().map(|(at, case)| frames(case, &tag(at), host));
    futures_util::stream::iter(all)
        .map(|frames| async move { converse(port, &frames, &[STREAM, CANARY], PATIENCE).await })
        .buffered(ABREAST)
        .collect()
        .await
}

/// What is wrong with a case, seen from its client and from the server behind.
fn complaints(case: &Case, tag: &str, outcome: &Outcome, records: &[Record], host: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let (canaries, own): (Vec<_>, Vec<_>) =
        records.iter().filter(|record| record.target.contains(tag)).partition(|record| record.target.ends_with("/canary"));
    let stream = outcome.streams.get(&STREAM).cloned().unwrap_or_default();
    let is_refused = stream.reset.is_some() || outcome.goodbye.is_some() || outcome.is_closed;
    let whole: Vec<_> = own.iter().filter(|record| record.complete).collect();
    let is_well = match case.expected {
        Expected::Refused(statuses) => own.is_empty() && stream.status.map_or(is_refused, |status| statuses.contains(&status)),
        Expected::Broken => whole.is_empty() && stream.status.map_or(is_refused, |status| matches!(status, 400 | 413 | 431)),
        Expected::Passed(request) => {
            let understood = request.replace("{T}", tag);
            let body = match case.after {
                After::Data(pieces) => pieces.concat(),
                After::Trailers(_) => "body".to_owned(),
                After::Nothing | After::EndlessTrailers(_) => String::new(),
            };
            let seen: Vec<_> = own.iter().map(|record| (format!("{} {}", record.method, record.target), record.body.clone())).collect();
            stream.status == Some(200) && seen == [(understood, body)]
        }
        Expected::Unsaid => whole.len() == usize::from(stream.status == Some(200)),
    };
    if !is_well {
        complaints.push(format!("{:?} was expected; {outcome:?}; seen: {own:?}", case.expected));
    }
    let is_canary_well = match outcome.streams.get(&CANARY).and_then(|canary| canary.status) {
        Some(200) => canaries.len() == 1,
        Some(_) => false,
        None => is_refused && canaries.len() <= 1,
    };
    if !is_canary_well {
        complaints.push(format!("the innocent one: {outcome:?}; seen: {canaries:?}"));
    }
    for record in own {
        if record.evil || record.broken.is_some() || !record.host.eq_ignore_ascii_case(host) {
            complaints.push(format!("forged: {record:?}"));
        }
        if !record.resolved.as_deref().is_some_and(|path| path.starts_with("/public/")) {
            complaints.push(format!("a path that nobody admitted: {record:?}"));
        }
    }
    complaints
}

async fn nobody_is_misled(kind: Kind) {
    let (watched, cases) = (Watched::start(kind), cases());
    let host = watched.host();
    let outcomes = run(&cases, watched.port(), &host).await;
    assert!(outcomes.iter().all(|outcome| outcome.is_spoken), "HTTP/2 by prior knowledge is not spoken");
    let (lines, records) = watched.stop();
    let mut all = Vec::new();
    for (at, (case, outcome)) in cases.iter().zip(&outcomes).enumerate() {
        let found = complaints(case, &tag(at), outcome, &records, &host);
        all.extend(found.into_iter().map(|complaint| format!("{:?}, {:?}:\n    {complaint}", case.fields, case.after)));
    }
    let is_logged = |record: &Record| lines.iter().any(|line| line["url.path"] == record.path());
    let strangers = records.iter().filter(|record| !is_logged(record));
    all.extend(strangers.map(|record| format!("nobody's request: {record:?}")));
    assert_well(&all, cases.len());
}

#[tokio::test]
async fn nginx_sees_nothing_of_a_malformed_http_2_request() {
    nobody_is_misled(Kind::Nginx).await;
}

#[tokio::test]
async fn node_sees_nothing_of_a_malformed_http_2_request() {
    nobody_is_misled(Kind::Node).await;
}

#[tokio::test]
async fn python_sees_nothing_of_a_malformed_http_2_request() {
    nobody_is_misled(Kind::Python).await;
}

#[tokio::test]
async fn cookies_in_pieces_are_put_together_once() {
    let watched = Watched::start(Kind::Python);
    let host = watched.host();
    let mut fields = table::get().to_vec();
    fields.extend([("cookie", "a=1"), ("cookie", "homerealm-s-work=x"), ("cookie", "b=2"), ("cookie", "c=3; d=4")]);
    let case = Case { fields, after: After::Nothing, expected: Expected::Passed("GET /public/{T}/x") };
    let outcomes = run(std::slice::from_ref(&case), watched.port(), &host).await;
    let (_, records) = watched.stop();
    assert_eq!(complaints(&case, &tag(0), &outcomes[0], &records, &host), Vec::<String>::new());
    let cookies: Vec<_> = records.iter().filter(|record| record.target.ends_with("/x")).map(|record| record.cookie.as_str()).collect();
    assert_eq!(cookies, ["a=1; b=2; c=3; d=4"]);
}

/// nginx in place of the proxy.
fn nginx_in_front_of(upstream: u16, port: u16) -> (Process, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let server = format!(
        "server {{\nlisten 127.0.0.1:{port} http2;\nlocation / {{\nproxy_pass http://127.0.0.1:{upstream};\nproxy_http_version 1.1;\n\
         proxy_set_header Host $http_host;\nproxy_set_header Connection \"\";\n}}\n}}\n"
    );
    let mut process = nginx::start(directory.path(), &server);
    process.wait_for_port(port);
    (process, directory)
}

#[tokio::test]
async fn what_is_to_pass_passes_nginx_too() {
    let (recorder, port) = (Recorder::start(Kind::Node), free_ports(1));
    let (nginx, _directory) = nginx_in_front_of(recorder.proxied, port);
    let mut cases = cases();
    // It passes paths on as they are spelled, fragments included, takes no `host` beside `:authority` and (as of 1.22) no trailers.
    let is_our_way = |case: &Case| {
        matches!(case.after, After::Trailers(_))
            || case.fields.iter().any(|(name, value)| value.contains("%41") || value.contains('#') || *name == "host")
    };
    cases.retain(|case| matches!(case.expected, Expected::Passed(_)) && !is_our_way(case));
    let host = format!("localhost:{port}");
    let outcomes = run(&cases, port, &host).await;
    drop(nginx);
    let records = recorder.stop();
    for (at, (case, outcome)) in cases.iter().zip(&outcomes).enumerate() {
        assert_eq!(complaints(case, &tag(at), outcome, &records, &host), Vec::<String>::new(), "{case:?}");
    }
}
