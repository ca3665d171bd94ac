//! A running proxy as its admin listener sees and steers it; and what is under way when the configuration changes.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use homerealm::admin::control::{Control, Outcome, Phase};
use homerealm::app::{App, Source};
use homerealm::config;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::process::free_ports;
use crate::support::proxy::{configured, head};
use crate::support::raw;

/// A proxy in this process, and where its configuration is.
struct Running {
    app: App,
    control: Arc<dyn Control>,
    port: u16,
    directory: TempDir,
}

const OPEN: &str = "[[routes]]\nname = \"open\"\nauth = \"none\"\nupstream = \"http://127.0.0.1:9\"\n";

impl Running {
    async fn start(rest: &str) -> Self {
        let port = free_ports(1);
        let directory = configured(&quiet(port, rest));
        let path = directory.path().join("homerealm.toml");
        let config = config::load(&path).unwrap_or_else(|problems| panic!("{problems}"));
        // So seldom that only what is asked for is read.
        let source = Source::File { path, look_every: Duration::from_secs(3600) };
        let app = App::start(config, source).await.expect("a proxy that starts");
        Self { control: app.control(), app, port, directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("homerealm.toml")
    }

    async fn reload(&self, rest: &str) -> Outcome {
        fs::write(self.file(), quiet(self.port, rest)).expect("a file");
        self.control.reload().await.outcome.clone()
    }

    async fn until(&self, phase: Phase) {
        tokio::time::timeout(Duration::from_secs(60), async {
            while self.control.phase() != phase {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("still {:?}", self.control.phase()));
    }
}

/// A configuration that leaves this process's standard output alone.
fn quiet(port: u16, rest: &str) -> String {
    format!("{}[telemetry]\naccess_log = \"off\"\n{rest}", head(port))
}

#[tokio::test]
async fn a_proxy_is_ready_when_every_authority_was_asked_whatever_it_said() {
    let authority = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", authority.local_addr().expect("bound"));
    let running = Running::start(&format!(
        "[authorities.work]\nissuer = \"{origin}/organizations/v2.0\"\n[[routes]]\naccounts = \"work\"\nupstream = \"http://127.0.0.1:9\"\n"
    ))
    .await;
    let (connection, _) = authority.accept().await.expect("somebody asks");
    assert_eq!(running.control.phase(), Phase::Starting, "it has asked and waits for the answer");
    drop((connection, authority));
    running.until(Phase::Ready).await;
    let control = Arc::clone(&running.control);
    running.app.stop().await;
    assert_eq!(control.phase(), Phase::Draining);
    let Outcome::Refused { problems } = control.reload().await.outcome.clone() else { panic!("it reads again at its end") };
    assert!(problems.contains("stopping"), "{problems}");
}

#[tokio::test]
async fn what_is_in_force_and_how_the_last_reload_ended_can_be_seen() {
    let running = Running::start(OPEN).await;
    let control = &running.control;
    let first = control.live();
    assert!(control.last_reload().is_none() && first.rules.routes.named("open").is_some());
    assert!(first.text.contains("public_url"));

    assert_eq!(control.reload().await.outcome, Outcome::Unchanged);
    assert_eq!(running.reload(&OPEN.replace("\"open\"", "\"ajar\"")).await, Outcome::Applied);
    let second = control.live();
    assert!(second.rules.routes.named("ajar").is_some() && second.fingerprint != first.fingerprint && second.since >= first.since);

    let Outcome::Refused { problems } = running.reload(&OPEN.replace("none", "nobody")).await else { panic!("it is wrong") };
    assert!(problems.contains("error[") && problems.contains("\"nobody\"") && problems.contains('^'), "{problems}");
    assert_eq!(control.last_reload().map(|last| last.outcome.clone()), Some(Outcome::Refused { problems }));
    assert_eq!(control.live().fingerprint, second.fingerprint);

    assert_eq!(running.reload(&OPEN.replace("\"open\"", "\"ajar\"")).await, Outcome::Unchanged);
    assert_eq!(control.last_reload().map(|last| last.outcome.clone()), Some(Outcome::Unchanged), "all is well again");
    let elsewhere = quiet(running.port, OPEN).replace("127.0.0.1:", "127.0.0.2:");
    fs::write(running.file(), elsewhere).expect("a file");
    assert_eq!(control.reload().await.outcome, Outcome::Applied);

    // What wants a restart still does, and what was read was read, whatever comes of reading again.
    let unchanged = control.reload().await;
    assert_eq!((&unchanged.outcome, unchanged.last_success), (&Outcome::Unchanged, unchanged.at));
    fs::write(running.file(), "version = 9").expect("a file");
    let refused = control.reload().await;
    assert!(matches!(refused.outcome, Outcome::Refused { .. }), "{:?}", refused.outcome);
    assert_eq!(refused.last_success, unchanged.last_success);
    assert_eq!([&*unchanged.wants_restart, &*refused.wants_restart], [["listen"]; 2]);
    running.app.stop().await;
}

#[tokio::test]
async fn a_configuration_that_is_right_and_cannot_be_used_changes_nothing() {
    let running = Running::start(OPEN).await;
    let authority = "[authorities.work]\nca_file = \"roots.pem\"\n[[routes]]\nname = \"desk\"\naccounts = \"work\"\nupstream = \"http://127.0.0.1:9\"\n";
    let not_a_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(running.directory.path().join("roots.pem"), not_a_certificate).expect("a file");
    let Outcome::Refused { problems } = running.reload(authority).await else { panic!("it cannot be used") };
    assert_eq!(problems, "authority work: a certificate in it cannot be read");
    assert!(running.control.live().rules.routes.named("open").is_some());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(running.directory.path().join("roots.pem"), made.cert.pem()).expect("a file");
    assert_eq!(running.reload(authority).await, Outcome::Applied);
    running.app.stop().await;
}

#[tokio::test]
async fn reloads_that_are_asked_for_at_once_come_one_after_the_other() {
    let running = Running::start(OPEN).await;
    fs::write(running.file(), quiet(running.port, &OPEN.replace("\"open\"", "\"ajar\""))).expect("a file");
    let all = futures_util::future::join_all((0..20).map(|_| running.control.reload())).await;
    let mut outcomes: Vec<_> = all.iter().map(|reload| reload.outcome.clone()).collect();
    outcomes.retain(|outcome| *outcome != Outcome::Unchanged);
    assert_eq!(outcomes, [Outcome::Applied]);
    running.app.stop().await;
}

/// An app that answers `/stream` with a chunk at once and another one when the gate is opened, and switches to WebSocket at
/// `/socket`, where every byte comes back.
async fn app(listener: TcpListener, gate: tokio::sync::watch::Receiver<bool>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut gate = gate.clone();
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                stream.read_line(&mut head).await?;
            }
            if head.starts_with("GET /socket") {
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await?;
                let (mut from, mut to) = tokio::io::split(stream);
                tokio::io::copy(&mut from, &mut to).await?;
            } else {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nbefore\r\n").await?;
                drop(gate.wait_for(|open| *open).await);
                stream.write_all(b"5\r\nafter\r\n0\r\n\r\n").await?;
            }
            std::io::Result::Ok(())
        });
    }
}

/// Reads until this has come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(char::from(stream.read_u8().await.unwrap_or_else(|error| panic!("{error} after {text}"))));
    }
    text
}

async fn open(port: u16, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a listening port");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("a connection that takes a request");
    stream
}

#[tokio::test]
async fn websockets_streams_and_idle_connections_outlive_a_reload_that_takes_their_route_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = OPEN.replace("127.0.0.1:9", &listener.local_addr().expect("bound").to_string());
    let (gate, held) = tokio::sync::watch::channel(false);
    tokio::spawn(app(listener, held));
    let running = Running::start(&upstream).await;

    let mut stream = open(running.port, "/stream", "").await;
    read_until(&mut stream, "before").await;
    let handshake =
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let mut socket = open(running.port, "/socket", handshake).await;
    assert!(read_until(&mut socket, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    socket.write_all(b"before").await.expect("an open socket");
    read_until(&mut socket, "before").await;

    let gone = "[[routes]]\nname = \"other\"\nmatch = { path = \"/other\" }\nauth = \"none\"\nupstream = \"http://127.0.0.1:9\"\n";
    assert_eq!(running.reload(gone).await, Outcome::Applied);
    socket.write_all(b"after").await.expect("an open socket");
    read_until(&mut socket, "after").await;
    gate.send_replace(true);
    read_until(&mut stream, "after\r\n0\r\n\r\n").await;

    // The next request on the very same connection is the new configuration's.
    let request = format!("GET /stream HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n", running.port);
    stream.write_all(request.as_bytes()).await.expect("a connection that is kept");
    assert!(read_until(&mut stream, "\r\n").await.starts_with("HTTP/1.1 404"));
    assert_eq!(raw::get(running.port, &format!("localhost:{}", running.port), "/stream", "").await.status(), 404);
    drop(socket);
    running.app.stop().await;
}
