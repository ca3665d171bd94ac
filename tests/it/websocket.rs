//! WebSockets in real use: `tests/parts/websocket.mjs` on both sides, with a library that none of us wrote.

use std::path::Path;
use std::process::Command;

use crate::support::browser::Browser;
use crate::support::demo::PROXY_HOST;
use crate::support::dev_idp::DevIdp;
use crate::support::process::{Process, free_ports};
use crate::support::proxy::{Proxy, head};
use crate::support::raw;

const ADA: &str = "ada@contoso.example";

fn node(arguments: &[&str], environment: &[(&str, &str)]) -> Process {
    let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts");
    assert!(parts.join("node_modules/ws").exists(), "the test parts are not installed: run tests/run");
    let mut command = Command::new("node");
    Process::start(command.current_dir(parts).arg("websocket.mjs").args(arguments).envs(environment.iter().copied()))
}

/// A server, a proxy before it, and somebody who is signed in.
struct World {
    idp: DevIdp,
    server: Process,
    server_port: u16,
    proxy: Proxy,
    admin: u16,
    browser: Browser,
}

impl World {
    async fn start() -> Self {
        let (idp, port, server_port) = (DevIdp::start(), free_ports(2), free_ports(1));
        let mut server = node(&["serve"], &[("PORT", &server_port.to_string())]);
        server.wait_for("listening");
        let (head, authorities, admin) = (head(port), idp.configuration(), port + 1);
        let proxy = Proxy::start(
            port,
            &format!(
                "{head}{authorities}[admin]\nlisten = \"127.0.0.1:{admin}\"\n\
                 [defaults]\naccounts = \"work\"\n\
                 [[routes]]\nmatch = {{ path = \"/off/**\" }}\nwebsocket = false\nupstream = \"http://127.0.0.1:{server_port}\"\n\
                 [[routes]]\nupstream = \"http://127.0.0.1:{server_port}\"\n"
            ),
        );
        let mut world = Self { idp, server, server_port, proxy, admin, browser: Browser::default() };
        let page = world.idp.sign_in(&world.proxy, &mut world.browser, ADA, "work", "/desk").await;
        assert_eq!((page.status.as_u16(), &*page.body), (200, "no WebSocket"));
        world
    }

    /// Starts a client that is signed in.
    fn client(&self, cases: &[&str]) -> Process {
        let names = self.browser.cookies(PROXY_HOST).into_iter().filter(|name| name.starts_with("homerealm-s-"));
        let cookies: Vec<_> =
            names.map(|name| format!("{name}={}", self.browser.cookie(PROXY_HOST, &name).expect("it is there"))).collect();
        self.client_with(cases, &cookies.join("; "))
    }

    fn client_with(&self, cases: &[&str], cookie: &str) -> Process {
        let (at, sent) = (self.proxy.origin().replace("http:", "ws:"), format!("http://127.0.0.1:{}/sent", self.server_port));
        node(cases, &[("AT", &at), ("COOKIE", cookie), ("SENT", &sent)])
    }

    /// Plays these cases to their end.
    fn plays(&self, cases: &[&str]) {
        ends_well(self.client(cases));
    }

    async fn metrics(&self) -> String {
        raw::get(self.admin, &format!("127.0.0.1:{}", self.admin), "/metrics", "").await.0
    }

    /// Waits until a series of the metrics has this value: what has ended is counted a moment later.
    async fn counts(&self, series: &str, value: u64) {
        let line = format!("{series} {value}\n");
        for _ in 0..500 {
            if self.metrics().await.contains(&line) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no {line}{}", self.metrics().await);
    }
}

#[track_caller]
fn ends_well(mut client: Process) {
    assert!(client.wait().success(), "{}", client.output());
}

const OPEN: &str = r#"homerealm_streams_open{kind="websocket"}"#;
const ENDED_BY_PEER: &str = r#"homerealm_streams_ended_total{kind="websocket",by="peer"}"#;
const ENDED_BY_SESSION: &str = r#"homerealm_streams_ended_total{kind="websocket",by="session_ended"}"#;

#[tokio::test]
async fn a_websocket_behaves_as_if_nobody_were_in_between() {
    let mut world = World::start().await;
    world.plays(&["messages", "pings", "protocols"]);
    world.plays(&["closes", "vanishes"]);
    for heard in ["/echo 4000 the client is done", "/close 4001 the server is done", "/vanish 1006", "/echo 1006"] {
        world.server.wait_for(&format!("closed {heard}"));
    }
    world.counts(OPEN, 0).await;
}

#[tokio::test]
async fn who_may_not_open_a_websocket_gets_an_answer_and_the_app_hears_nothing() {
    let mut world = World::start().await;
    world.plays(&["off"]);
    ends_well(world.client_with(&["stranger"], ""));
    assert!(!world.server.output().contains("opened"), "{}", world.server.output());
    world.plays(&["foreign"]);
    world.server.wait_for("closed /echo");
    assert_eq!(world.server.output().matches("opened").count(), 1, "that of our own pages");
}

#[tokio::test]
async fn a_reader_that_is_slow_holds_the_writer_back_and_nothing_piles_up() {
    let world = World::start().await;
    world.plays(&["messages"]);
    let before = world.proxy.process.memory();
    let mut client = world.client(&["slow"]);
    client.wait_for("stalled");
    let stalled = world.proxy.process.memory();
    client.signal("USR2");
    client.wait_for("drained");
    let drained = world.proxy.process.memory();
    client.signal("USR2");
    ends_well(client);
    assert!(stalled < before + 2048 && drained < before + 2048, "{before}, {stalled}, {drained} kB, of 64 MiB that passed");
}

#[tokio::test]
async fn a_crowd_is_told_why_it_ends_and_counted() {
    let mut world = World::start().await;
    let (mut crowd, mut deaf) = (world.client(&["crowd"]), world.client(&["deaf"]));
    crowd.wait_for("crowded");
    deaf.wait_for("held");
    world.counts(OPEN, 201).await;

    let mut holds = world.client(&["holds"]);
    holds.wait_for("held");
    let asks = world.browser.open(&world.proxy.url("/.auth/sign-out")).await;
    world.browser.press(&asks, "Sign out", &[]).await;
    for client in [&mut holds, &mut deaf] {
        client.wait_for("ended 1008 session ended");
    }
    for client in [crowd, holds, deaf] {
        ends_well(client);
    }
    let told = |output: &str| output.matches("closed /echo 1008 session ended").count() == 201;
    world.server.wait_until(told, "201 sockets closed");
    world.counts(OPEN, 0).await;
    world.counts(ENDED_BY_SESSION, 202).await;
    world.counts(ENDED_BY_PEER, 0).await;

    world.idp.sign_in(&world.proxy, &mut world.browser, ADA, "work", "/desk").await;
    let mut client = world.client(&["holds"]);
    client.wait_for("held");
    world.proxy.process.signal("TERM");
    client.wait_for("ended 1001 going away");
    ends_well(client);
    world.server.wait_for("closed /echo 1001 going away");
    assert!(world.proxy.process.wait().success());
}
