//! No input makes the proxy and a server behind it disagree about where a request ends, what it asks for, or what belongs
//! to it. Tried with servers that none of us wrote, each for every case of the table and for as many random ones as are
//! asked for:
//!
//! ```text
//! SMUGGLING_CASES=20000 SMUGGLING_SEED=7 cargo test --test it smuggling
//! ```
//!
//! Every case goes over one raw connection with a canary request behind it, once through the proxy and once to the same
//! server directly. Then four stories have to be one: what the client was answered, what the proxy's log says it let
//! through, what the server understood behind the proxy, and what it understands without one.

mod case;
mod checker;
mod conversation;
mod lenient;
mod random;
mod table;

use futures_util::StreamExt as _;

use crate::support::recorder::{Kind, Record, Recorder, Side};
use crate::support::watched::{Watched, assert_well};
use case::{Case, Expected};
use checker::Evidence;
use conversation::{Conversation, converse, tell};
use lenient::Lenient;
use random::Random;

/// Connections at a time.
const ABREAST: usize = 64;
/// Random cases, unless asked for more.
const CASES: usize = 250;

/// Runs all cases through a port and directly; gives the client's side of each.
async fn run(cases: &[Case], proxy: u16, host: &str, recorder: &Recorder) -> Vec<Conversation> {
    let through = futures_util::stream::iter(cases.iter().enumerate()).map(|(at, case)| async move {
        if recorder.kind.is_strict() {
            tell(recorder.direct, &case.bytes(&Side::Direct.tag(at), host)).await;
        }
        converse(proxy, &case.bytes(&Side::Proxied.tag(at), host)).await
    });
    through.buffered(ABREAST).collect().await
}

/// What is wrong, case by case.
fn complaints(
    cases: &[Case],
    conversations: &[Conversation],
    admitted: &[(String, String)],
    records: &[Record],
    host: &str,
) -> Vec<String> {
    let mut all = Vec::new();
    for (at, (case, conversation)) in cases.iter().zip(conversations).enumerate() {
        let of = |side: Side| {
            let tag = side.tag(at);
            records.iter().filter(move |record| record.side == side && record.target.contains(&tag)).collect::<Vec<_>>()
        };
        let tag = Side::Proxied.tag(at);
        let admitted = admitted.iter().filter(|(_, path)| path.contains(&tag)).cloned().collect();
        let evidence = Evidence { conversation, admitted, proxied: of(Side::Proxied), direct: of(Side::Direct), host };
        all.extend(evidence.complaints(case).into_iter().map(|complaint| format!("{case}:\n    {complaint}")));
    }
    let strangers = records.iter().filter(|record| record.side == Side::Proxied && !record.target.contains("/p0"));
    all.extend(strangers.map(|record| format!("nobody's request: {record:?}")));
    all
}

fn cases() -> Vec<Case> {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (count, mut random) = (number("SMUGGLING_CASES", CASES as u64), Random(number("SMUGGLING_SEED", 1)));
    let mut cases = table::cases();
    cases.extend((0..count).map(|_| random::case(&mut random)));
    cases
}

async fn nobody_disagrees_with(kind: Kind) {
    let (watched, cases) = (Watched::start(kind), cases());
    let host = watched.host();
    let conversations = run(&cases, watched.port(), &host, &watched.recorder).await;
    let (lines, records) = watched.stop();
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().expect("a text").to_owned();
    // What was let in and then failed has another outcome in the end.
    let admitted = lines.iter().filter(|line| line.get("route").is_some() && line["outcome"] != "challenge");
    let admitted: Vec<_> = admitted.map(|line| (text(line, "http.request.method"), text(line, "url.path"))).collect();
    assert_well(&complaints(&cases, &conversations, &admitted, &records, &host), cases.len());
}

#[tokio::test]
async fn nginx_and_the_proxy_never_disagree_about_a_request() {
    nobody_disagrees_with(Kind::Nginx).await;
}

#[tokio::test]
async fn node_and_the_proxy_never_disagree_about_a_request() {
    nobody_disagrees_with(Kind::Node).await;
}

#[tokio::test]
async fn a_node_that_takes_anything_and_the_proxy_never_disagree_about_a_request() {
    nobody_disagrees_with(Kind::LenientNode).await;
}

#[tokio::test]
async fn python_and_the_proxy_never_disagree_about_a_request() {
    nobody_disagrees_with(Kind::Python).await;
}

/// Inputs that get past a careless proxy, each by its own way.
const PAST_ANYBODY: &[(&str, &str)] = &[
    ("both framings", "content-length: {SL}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{S}"),
    ("a coding that nobody has", "content-length: {SL}\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n{S}"),
    ("two lengths", "content-length: 0\r\ncontent-length: {SL}\r\n\r\n{S}"),
    ("a field in a field", "x: a\nx-evil: 1\r\n\r\n"),
];

#[tokio::test]
async fn the_checker_finds_a_careless_proxy_out() {
    let recorder = Recorder::start(Kind::Python);
    let proxy = Lenient::in_front_of(recorder.proxied);
    let mut cases: Vec<_> = PAST_ANYBODY
        .iter()
        .map(|(_, rest)| Case::new(format!("POST /public/{{T}}/x HTTP/1.1\r\nhost: {{H}}\r\n{rest}"), Expected::Unsaid))
        .collect();
    for path in ["../../work/x", "%2e%2e/%2e%2e/work/x", "..%2f..%2fwork/x"] {
        cases.push(Case::new(format!("GET /public/{{T}}/{path} HTTP/1.1\r\nhost: {{H}}\r\n\r\n"), Expected::Unsaid));
    }
    cases.push(Case::new("GET /public/{T}/x HTTP/1.1\nhost: {H}\n\n", Expected::Fatal(&[400])));
    let careless = cases.len();
    cases.push(Case::new("POST /public/{T}/x HTTP/1.1\r\nhost: {H}\r\ncontent-length: 5\r\n\r\nabcde", Expected::Passed(1)));
    let host = format!("localhost:{}", proxy.port);
    let conversations = run(&cases, proxy.port, &host, &recorder).await;
    let (log, records) = (proxy.log(), recorder.stop());
    for (at, case) in cases.iter().enumerate() {
        let found = complaints(&cases, &conversations, &log, &records, &host);
        let found = found.iter().filter(|complaint| complaint.starts_with(&case.to_string())).count();
        assert_eq!(found > 0, at < careless, "{case}: {:?}\n{records:#?}", conversations[at]);
    }
}
