//! What sessions cost in the stores of one process: memory, disk, time. Prints figures and judges none.
//!
//! `cargo bench --bench stores [-- COUNT]`. Each part runs in a process of its own, so that none inherits the memory of
//! another. With `--profile dev`, sizes are right and times are not.

#![expect(clippy::print_stdout, reason = "figures are for whoever started this")]

mod somebody;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use homerealm::adapters::clock::SystemClock;
use homerealm::adapters::entropy::SystemEntropy;
use homerealm::adapters::session_store::file::FileStore;
use homerealm::adapters::session_store::memory::{MOST_RECORDS, MemoryStore};
use homerealm::adapters::session_store::time::MachineTime;
use homerealm::domain::session::{Lifetimes, SessionId};
use homerealm::flow::freshen::Flights;
use homerealm::flow::groups::OpenQuestions;
use homerealm::flow::keeper::Keeper;
use homerealm::flow::ports::{Clock as _, Entropy as _, SessionStore};
use homerealm::protocol::seal::KeyRing;
use homerealm::protocol::secret::Secret;
use homerealm::protocol::session_cookie::Carried;
use homerealm::protocol::session_record::{SessionRecord, Ticket, Tokens};

/// Set for the process of one part.
const PART: &str = "HOMEREALM_BENCH_PART";

/// Sign-ins that wait for the disk at the same time.
const AT_ONCE: usize = 64;

fn main() {
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let Ok(part) = std::env::var(PART) else {
        for part in ["memory, without tokens", "memory, with tokens", "file, without tokens", "file, with tokens"] {
            println!("{count} sessions in {part}");
            let program = std::env::current_exe().expect("this program");
            let ended = Command::new(program).arg(count.to_string()).env(PART, part).status().expect("this program runs");
            assert!(ended.success());
        }
        return;
    };
    let tokens = if part.ends_with("with tokens") { tokens() } else { Tokens::default() };
    let record = SessionRecord { session: somebody::session(SessionId([0; 16])), tokens };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    if part.starts_with("memory") {
        runtime.block_on(in_memory(count, &record));
    } else {
        runtime.block_on(in_file(count, &record));
    }
}

async fn in_memory(count: usize, record: &SessionRecord) {
    let before = resident();
    let store = Arc::new(MemoryStore::new(Arc::new(MachineTime::default()), MOST_RECORDS));
    let keeper = keeper(store);
    let mut some = Vec::new();
    for number in 0..count {
        let ticket = begin(&keeper, record).await;
        if number % (count / 100).max(1) == 0 {
            some.push(ticket);
        }
    }
    let after = resident();
    let (sealed, summary) = sizes(&keeper).await;
    println!("  sealed record {sealed} B, summary {summary} B");
    println!("  resident {:.1} MB, {} B a session", after as f64 / 1e6, (after - before) / count);
    checks(&keeper, &some).await;
}

async fn in_file(count: usize, record: &SessionRecord) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let open = || {
        let begun = Instant::now();
        let store = FileStore::open(folder.path(), Arc::new(MachineTime::default())).expect("a store that opens");
        (keeper(Arc::new(store)), begun.elapsed())
    };
    let (keeper, _) = open();
    let alone = (count / 100).max(1);
    let begun = Instant::now();
    for _ in 0..alone {
        begin(&keeper, record).await;
    }
    println!("  {:.0} sign-ins a second, one after the other", alone as f64 / begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let crowd = futures_util::stream::iter(alone..count).map(|_| begin(&keeper, record)).buffer_unordered(AT_ONCE);
    let tickets: Vec<_> = crowd.collect().await;
    println!("  {:.0} sign-ins a second, {AT_ONCE} at once", tickets.len() as f64 / begun.elapsed().as_secs_f64());
    drop(keeper);
    let file = fs::metadata(folder.path().join("sessions.redb")).expect("a file");
    println!("  file {:.1} MB, on the disk {} B a session", file.len() as f64 / 1e6, file.blocks() * 512 / count as u64);
    let (keeper, opening) = open();
    println!("  opened in {} ms, all of it checked", opening.as_millis());
    let some: Vec<_> = tickets.into_iter().step_by((count / 100).max(1)).collect();
    checks(&keeper, &some).await;
    println!("  resident {:.1} MB", resident() as f64 / 1e6);
}

async fn begin(keeper: &Keeper, record: &SessionRecord) -> Ticket {
    let mut record = record.clone();
    SystemEntropy.fill(&mut record.session.id.0);
    match keeper.begin(record).await.expect("a store that works").carried() {
        Carried::Ticket(ticket) => ticket,
        Carried::Whole(_) => unreachable!("there is a store"),
    }
}

/// From the ticket to the opened session.
async fn checks(keeper: &Keeper, tickets: &[Ticket]) {
    let mut times = Vec::new();
    for ticket in tickets.iter().cycle().take(tickets.len() * 200) {
        let begun = Instant::now();
        let opened = keeper.open(Carried::Ticket(ticket.clone()), SystemClock.now()).await.expect("a store that works");
        times.push(begun.elapsed());
        std::hint::black_box(opened);
    }
    times.sort();
    let at = |share: usize| times[times.len() * share / 1_000 - 1];
    println!("  a session check takes {:?} (median), {:?} (p99), {:?} (p99.9)", at(500), at(990), at(999));
}

/// The sealed record and its summary, in bytes.
async fn sizes(keeper: &Keeper) -> (usize, usize) {
    let store = keeper.store.as_ref().expect("there is a store");
    let (handle, summary) = store.list(None).await.expect("a store that works").records.swap_remove(0);
    let stored = store.read(handle).await.expect("a store that works").record.expect("it was listed");
    (stored.sealed.len(), summary.len())
}

fn keeper(store: Arc<dyn SessionStore>) -> Keeper {
    Keeper {
        store: Some(store),
        revocations: Arc::default(),
        decreed: Arc::default(),
        attendance: Arc::default(),
        flights: Arc::new(Flights::new(tokio::runtime::Handle::current())),
        questions: Arc::new(OpenQuestions::new([].into(), Arc::new(SystemClock))),
        lifetimes: Lifetimes { idle: Duration::from_secs(3_600), max: Duration::from_secs(8 * 3_600) },
        keys: Arc::new(KeyRing::new(vec![Secret::new([1; 32])]).expect("a key")),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}

/// As long as those of Entra ID.
fn tokens() -> Tokens {
    Tokens {
        refresh_token: Some(Secret::new("r".repeat(1_300))),
        fresh_until: Some(SystemClock.now() + Duration::from_secs(4_000)),
        fresh_since: Some(SystemClock.now()),
        id_token: Some(Secret::new("i".repeat(1_200))),
        ..Tokens::default()
    }
}

/// The memory that this process has of the machine, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1_024
}
