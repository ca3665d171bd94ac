//! The session file: of a process that is killed, a hundred times, at any moment; and of a proxy, for its people.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use homerealm::adapters::entropy::SystemEntropy;
use homerealm::adapters::session_store::file::FileStore;
use homerealm::adapters::session_store::time::{MachineTime, Time as _};
use homerealm::flow::ports::{Entropy as _, Replaced, SessionStore as _, Stored};
use homerealm::protocol::session_record::Handle;

use crate::support::browser::Browser;
use crate::support::dev_idp::DevIdp;
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{Proxy, configured, head};
use crate::support::upstream::Upstream;

/// Set for the process that is to be killed: the folder of its session file.
const FOLDER: &str = "HOMEREALM_TEST_SESSION_FOLDER";

const KILLS: u32 = 100;

/// After so many, a new folder: so that making the file is interrupted as well, and all of it can be looked at each time.
const KILLS_PER_FOLDER: u32 = 10;

/// What was told of a record before the process was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Inserted,
    Replaced,
    Removed,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_until_killed(Path::new(&folder));
    }
    let runtime = runtime();
    let mut acknowledged = 0;
    for _ in 0..KILLS / KILLS_PER_FOLDER {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mut told = BTreeMap::new();
        for _ in 0..KILLS_PER_FOLDER {
            told.extend(killed_process(folder.path(), up_to(120)));
            let store = FileStore::open(folder.path(), Arc::new(MachineTime::default())).expect("a start never fails");
            runtime.block_on(look(&store, &told));
        }
        acknowledged += told.len();
    }
    assert!(acknowledged > 1_000, "there was something to lose: {acknowledged}");
}

/// Everything that was acknowledged is there. What was under way may be there.
async fn look(store: &FileStore, told: &BTreeMap<[u8; 16], Told>) {
    for (handle, told) in told {
        let found = store.read(Handle(*handle)).await.expect("a disk that works").record;
        let version = found.as_ref().map(|record| record.version);
        let fits = match told {
            Told::Inserted => matches!(version, Some(1 | 2)),
            Told::Replaced if is_to_go(*handle) => matches!(version, Some(2) | None),
            Told::Replaced => version == Some(2),
            Told::Removed => version.is_none(),
        };
        assert!(fits, "{told:?}, and now it is version {version:?}");
        assert!(found.is_none_or(|record| *record.sealed == *sealed(Handle(*handle), record.version)), "it is what was written");
    }
}

/// Has a process write until it has told so many things, and kills it. What it told.
fn killed_process(folder: &Path, lines: usize) -> Vec<([u8; 16], Told)> {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "session_file::nothing_acknowledged_is_lost_when_the_process_is_killed", "--nocapture"]);
    let mut child = command.env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("this program");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut told = Vec::new();
    let mut line = String::new();
    let mut next_line = |output: &mut BufReader<_>| {
        line.clear();
        // A line that was not finished was not told.
        (output.read_line(&mut line).expect("a pipe") > 0 && line.ends_with('\n')).then(|| told.extend(parse(&line))).is_some()
    };
    for _ in 0..lines {
        assert!(next_line(&mut output), "it writes until it is killed");
    }
    child.kill().expect("a child of ours");
    while next_line(&mut output) {}
    child.wait().expect("a child of ours");
    told
}

fn parse(line: &str) -> Option<([u8; 16], Told)> {
    let (what, handle) = line.trim_end().split_once(' ')?;
    let told = match what {
        "inserted" => Told::Inserted,
        "replaced" => Told::Replaced,
        "removed" => Told::Removed,
        _ => return None,
    };
    Some((u128::from_str_radix(handle, 16).ok()?.to_be_bytes(), told))
}

/// The process that is to be killed.
fn write_until_killed(folder: &Path) -> ! {
    tell("starting");
    let time = MachineTime::default();
    let store = Arc::new(FileStore::open(folder, Arc::new(time)).expect("a start never fails"));
    tell("started");
    let runtime = runtime();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            runtime.spawn(async move {
                loop {
                    write_one(&store, time).await;
                }
            })
        })
        .collect();
    let (ended, ..) = runtime.block_on(futures_util::future::select_all(writers));
    panic!("writers write until the process ends: {ended:?}");
}

async fn write_one(store: &FileStore, time: MachineTime) {
    let handle = Handle(random());
    let record = |version| Stored {
        version,
        expires_at: time.now() + Duration::from_secs(3_600),
        summary: "summary".into(),
        sealed: sealed(handle, version),
    };
    store.insert(handle, &record(1)).await.expect("a disk that works");
    tell(&format!("inserted {}", handle.to_hex()));
    assert_eq!(store.replace(handle, 1, &record(2)).await, Ok(Replaced::Done));
    tell(&format!("replaced {}", handle.to_hex()));
    if is_to_go(handle.0) {
        store.remove(handle).await.expect("a disk that works");
        tell(&format!("removed {}", handle.to_hex()));
    }
}

fn is_to_go(handle: [u8; 16]) -> bool {
    handle[15] < 64
}

/// Bytes that tell whose and which version they are, from none to more than half a page.
fn sealed(handle: Handle, version: u64) -> Box<[u8]> {
    let length = usize::from(handle.0[0]) * 10;
    handle.0.into_iter().chain(version.to_be_bytes()).cycle().take(length).collect()
}

fn tell(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").expect("somebody who reads");
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    bytes
}

fn up_to(most: u16) -> usize {
    usize::from(u16::from_le_bytes([random()[0], random()[1]]) % most)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

const ADA: &str = "ada@contoso.example";
const KEY: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// A proxy that keeps sessions in a file beside its configuration.
fn proxy(provider: &DevIdp, app: &Upstream) -> Proxy {
    let port = free_ports(1);
    let (head, idp, app) = (head(port), provider.configuration(), app.origin());
    let routes = format!("[[routes]]\naccounts = \"work\"\nupstream = \"{app}\"\n");
    let directory = configured(&format!("{head}{idp}[session]\nstore = \"file:sessions\"\nkey_files = [\"key\"]\n{routes}"));
    std::fs::write(directory.path().join("key"), KEY).expect("a file");
    Proxy::start_in(port, directory, |_| {})
}

/// The same configuration in another process.
fn again(proxy: &Proxy) -> Command {
    let mut command = homerealm();
    command.args(["run", "-c"]).arg(proxy.file("homerealm.toml"));
    command
}

fn restart(proxy: &mut Proxy) {
    proxy.process = Process::start(&mut again(proxy));
    proxy.process.wait_for_port(proxy.port);
}

fn assert_refused(proxy: &Proxy, told: &str) {
    let ended = again(proxy).output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(1) && errors.contains(told), "{}: {errors}", ended.status);
}

#[tokio::test]
async fn people_stay_signed_in_when_the_proxy_is_killed_and_those_who_signed_out_stay_out() {
    let (provider, app) = (DevIdp::start(), Upstream::start());
    let mut proxy = proxy(&provider, &app);
    let [mut stays, mut leaves] = [Browser::default(), Browser::default()];
    for browser in [&mut stays, &mut leaves] {
        let page = provider.sign_in(&proxy, browser, ADA, "work", "/desk").await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    }
    let stolen = leaves.clone();
    let asks = proxy.open(&mut leaves, "/.auth/sign-out").await;
    leaves.press_once(&asks, "Sign out", &[]).await;

    proxy.process.signal("KILL");
    proxy.process.wait();
    restart(&mut proxy);
    assert_eq!(stays.fetch(&proxy.url("/desk")).await.status, 200);
    for mut browser in [leaves, stolen] {
        assert_eq!(browser.fetch(&proxy.url("/desk")).await.status, 401);
    }
}

#[test]
fn a_proxy_that_cannot_have_its_session_file_says_what_to_do_and_does_not_start() {
    let (provider, app) = (DevIdp::start(), Upstream::start());
    let mut proxy = proxy(&provider, &app);
    assert_refused(&proxy, "Give each a folder of its own, or have them share their sessions in Redis");

    proxy.process.stop();
    std::fs::write(proxy.file("sessions/sessions.redb"), "something else").expect("a file");
    assert_refused(&proxy, "move it away to begin with an empty one, which signs everybody out");

    std::fs::remove_file(proxy.file("sessions/sessions.redb")).expect("a file");
    restart(&mut proxy);
}
