//! What a signed-in request costs us, without reading and writing HTTP: all of it, and its parts.
//!
//! `cargo bench --bench request` builds without link-time optimisation; what is shipped is a little faster. How many
//! allocations a request makes is held by `tests/it/allocations.rs`.

mod world;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use homerealm::adapters::clock::SystemClock;
use homerealm::adapters::session_store::memory::{MOST_RECORDS, MemoryStore};
use homerealm::adapters::session_store::time::MachineTime;
use homerealm::domain::authority::AuthorityName;
use homerealm::domain::decision::{DecisionId, DecisionRecord, Judged, Outcome};
use homerealm::domain::policy::{Presented, Subject};
use homerealm::domain::reason::Reason;
use homerealm::flow::keeper::Opened;
use homerealm::flow::ports::{Clock as _, SessionStore};
use homerealm::protocol::cookies::{Dialect, OwnCookies};
use homerealm::protocol::session_cookie::{self, Carried, Sealed};
use homerealm::protocol::session_record::SessionRecord;
use homerealm::proxy::listen::{ConnectionInfo, Known};
use homerealm::proxy::respond::{Redirect, redirect};
use homerealm::proxy::shared::Shared;
use homerealm::telemetry::access_log::Format;
use homerealm::telemetry::journal::Journal;
use homerealm::telemetry::{Line, Recorder};
use http::{HeaderMap, Method, StatusCode};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// From the head of a request to the line in the log.
fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    for routes in [10, 100, 1000] {
        let shared = world::shared(routes, None);
        let cookie = world::cookie(&shared, &Carried::Whole(Arc::new(world::record())));
        let (proxy, _log) = world::proxy(shared);
        let peer = ConnectionInfo { peer: (CLIENT, 50_000).into(), local: ([127, 0, 0, 1], 443).into(), known: Known::BySight };
        group.bench_function(BenchmarkId::new("routes", routes), |bencher| {
            bencher.iter_batched(
                || world::request(world::LAST, &cookie),
                |request| {
                    let response = Rc::clone(&proxy).serve(request, peer).now_or_never().expect("nothing to wait for");
                    assert_eq!(response.status(), StatusCode::FOUND);
                    response
                },
                BatchSize::SmallInput,
            );
        });
    }
}

/// From the `Cookie` field to the decision.
fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    let shared = world::shared(100, None);
    let cookie = world::cookie(&shared, &Carried::Whole(Arc::new(world::record())));
    let headers = world::request(world::LAST, &cookie).headers().clone();
    group.bench_function("cookie", |bencher| bencher.iter(|| session(&shared, black_box(&headers))));
    for count in [1, 100_000] {
        let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::new(Arc::new(MachineTime::default()), MOST_RECORDS));
        let shared = world::shared(100, Some(store));
        let begin = |_| shared.keeper.begin(world::record()).now_or_never().expect("no waiting").expect("room").carried();
        let carried = (0..count).map(begin).fold(None, |_, carried| Some(carried)).expect("one at least");
        let cookie = world::cookie(&shared, &carried);
        let headers = world::request(world::LAST, &cookie).headers().clone();
        group.bench_function(BenchmarkId::new("memory", count), |bencher| bencher.iter(|| session(&shared, black_box(&headers))));
    }
}

fn session(shared: &Shared, headers: &HeaderMap) {
    let origin = shared.rules.origins.first();
    let own = OwnCookies::read(headers, Dialect::of(origin));
    let work = AuthorityName::work();
    let Sealed::Whole(sealed) = session_cookie::find(&own, &work) else { panic!("there is a session") };
    let carried = session_cookie::open(&sealed, &work, origin, &shared.keys, &mut Vec::new()).expect("it is ours");
    let opened = shared.keeper.open(carried, SystemClock.now()).now_or_never().expect("no waiting").expect("a store that works");
    let Opened::Live(kept) = opened else { panic!("it is live") };
    let route = shared.rules.routes.named("last").expect("the last route");
    black_box(route.decide(Presented::Sessions(&[&kept.session().principal])));
}

fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for routes in [10, 100, 1000] {
        let shared = world::shared(routes, None);
        let (head, _) = world::request(world::LAST, "").into_parts();
        let visit = shared.reader.read(&head, CLIENT).expect("readable");
        group.bench_function(BenchmarkId::new("find", routes), |bencher| {
            bencher.iter(|| black_box(shared.rules.routes.find(black_box(&visit.target), &visit.method).is_ok()));
        });
    }
}

fn parts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("part");
    let shared = world::shared(100, None);
    let (head, _) = world::request(world::LAST, "a=b").into_parts();
    group.bench_function("head", |bencher| bencher.iter(|| shared.reader.read(black_box(&head), CLIENT)));
    let route = shared.rules.routes.named("last").expect("the last route");
    let principal = world::record().session.principal;
    group.bench_function("policy", |bencher| {
        bencher.iter(|| route.judge(black_box(Subject { principal: &principal, grant: None })).is_ok());
    });
    let record = world::record();
    group.bench_function("drop", |bencher| {
        bencher.iter_batched(|| SessionRecord::decode(&record.encode()).expect("a record"), drop, BatchSize::SmallInput);
    });
    group.bench_function("the redirect that answers", |bencher| {
        bencher.iter(|| redirect(Redirect::Found, black_box("https://elsewhere.example/")));
    });
    let decision = DecisionRecord {
        id: DecisionId::from_random(0x1234_5678_9abc),
        outcome: Outcome::Allow,
        reason: Reason::SignedIn,
        would_refuse: None,
        route: Some(route.name.clone()),
        position: Some(route.position),
        who: Some(Judged::of(&principal)),
    };
    let line = Line {
        at: SystemClock.now(),
        decision: &decision,
        events: &[],
        method: &Method::GET,
        path: "/last/orders/2024-11",
        status: StatusCode::OK,
        took: Duration::from_micros(1234),
        client: CLIENT,
        fingerprint: shared.fingerprint,
        answered: Instant::now(),
    };
    let journal = Journal::default();
    for (name, notebook) in [("line", None), ("line and journal", Some(journal.notebook()))] {
        let logs = world::access_log(Format::Json);
        let recorder = Recorder { logs: logs.pens(), notebook };
        group.bench_function(name, |bencher| bencher.iter(|| recorder.record(black_box(&line))));
    }
}

fn all(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    requests(criterion);
    sessions(criterion);
    route(criterion);
    parts(criterion);
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1500)).sample_size(40);
    targets = all
}
criterion_main!(benches);
