//! The admin listener of a running proxy: what it knows of decisions, who can reach it, and how it ends.

use std::process::{Command, Stdio};

use homerealm::domain::reason::Reason;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::browser::Browser;
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, configured, head};
use crate::support::raw::{self, Answer};
use crate::support::upstream::Upstream;

/// A proxy with an admin listener, and an app behind it.
struct World {
    process: Process,
    port: u16,
    admin: u16,
    app: Upstream,
    directory: TempDir,
}

const ADMIN_PATHS: [&str; 16] = [
    "/livez",
    "/readyz",
    "/readyz?verbose",
    "/startupz",
    "/metrics",
    "/decisions",
    "/decisions?format=json",
    "/decisions/7K3F-9QXD",
    "/sessions",
    "/sessions?format=json",
    "/sessions/07070707070707070707070707070707",
    "/sessions/revoke",
    "/routes",
    "/config",
    "/reload",
    "/admin.css",
];

/// What some answer of the admin listener has, and nothing else.
const MARKS: [&str; 7] =
    ["Homerealm admin", "homerealm_", "in force since", "config.fingerprint", "\"outcome\"", "--warn-tint", "\"kept_in\""];

impl World {
    fn start(rest: &str) -> Self {
        let port = free_ports(2);
        let (app, admin) = (Upstream::start(), port + 1);
        let routes = rest.replace("APP", &app.origin());
        let directory = configured(&format!("{}[admin]\nlisten = \"127.0.0.1:{admin}\"\n{routes}", head(port)));
        let mut process = Process::start(homerealm().arg("run").arg("-c").arg(directory.path().join("homerealm.toml")));
        process.wait_for_port(port);
        process.wait_for_port(admin);
        Self { process, port, admin, app, directory }
    }

    async fn admin(&self, target: &str, headers: &str) -> Answer {
        raw::get(self.admin, &format!("localhost:{}", self.admin), target, headers).await
    }

    async fn json(&self, target: &str) -> Value {
        let answer = self.admin(target, "accept: application/json\r\n").await;
        let (_, body) = answer.0.split_once("\r\n\r\n").expect("a head and a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{target}: {error}: {answer:?}"))
    }

    fn health(&self, arguments: &[&str]) -> (Option<i32>, String) {
        health(homerealm().arg("health").arg("-c").arg(self.directory.path().join("homerealm.toml")).args(arguments))
    }
}

fn health(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().expect("the binary");
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

const OPEN: &str = "[[routes]]\nname = \"open\"\nauth = \"none\"\nupstream = \"APP\"\n";

#[tokio::test]
async fn nothing_of_it_is_reachable_through_the_public_listener() {
    let world = World::start(OPEN);
    let hosts = [format!("localhost:{}", world.port), format!("localhost:{}", world.admin)];
    for path in ADMIN_PATHS {
        for prefix in ["", "/.auth", "/.auth/admin", "/admin"] {
            for host in &hosts {
                for method in ["GET", "POST"] {
                    let target = format!("{prefix}{path}");
                    let request = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                    let answer = raw::exchange(world.port, request.as_bytes()).await;
                    assert!(answer.status() >= 200, "{method} {target}: {answer:?}");
                    let body = answer.0.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                    let told: Vec<_> = MARKS.iter().filter(|mark| body.contains(**mark)).collect();
                    assert!(told.is_empty(), "{method} {target} at {host}: {told:?} in {answer:?}");
                }
            }
        }
    }
    // So that a mark that nobody writes any more does not make this pass.
    let mut everything = String::new();
    for path in ["/", "/metrics", "/config", "/decisions?format=json", "/sessions?format=json", "/admin.css"] {
        everything.push_str(&world.admin(path, "accept: text/html\r\n").await.0);
    }
    let missing: Vec<_> = MARKS.iter().filter(|mark| !everything.contains(**mark)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn it_answers_for_no_route_and_no_endpoint_of_the_proxy() {
    let world = World::start(OPEN);
    for path in ["/anything", "/.auth/sign-in", "/.auth/session", "/.auth/check", "/.auth/assets/style.css"] {
        assert_eq!(world.admin(path, "").await.status(), 404, "{path}");
    }
    assert!(world.app.requests().is_empty());
    let rebound = raw::get(world.admin, "rebound.example", "/decisions", "").await;
    assert_eq!(rebound.status(), 421, "{rebound:?}");
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_is_seen_beside_its_route() {
    // Nobody listens on port 1.
    let world = World::start("[[routes]]\nname = \"open\"\nauth = \"none\"\nupstream = [\"APP\", \"http://127.0.0.1:1\"]\n");
    let conditions = || async {
        let routes = world.json("/routes").await;
        let of = |member: usize| routes[0]["upstreams"][member]["condition"].as_str().unwrap_or_default().to_owned();
        [of(0), of(1)]
    };
    assert_eq!(conditions().await, ["well", "well"], "nothing speaks against them yet");
    // One of two by chance, so one of these goes to it.
    for _ in 0..60 {
        let answer = raw::get(world.port, &format!("localhost:{}", world.port), "/", "").await;
        assert_eq!(answer.status(), 200, "{answer:?}");
    }
    assert_eq!(conditions().await, ["well", "avoided"]);
}

#[tokio::test]
async fn a_refusal_is_found_by_the_id_that_the_person_sees() {
    let provider = free_ports(1);
    let mut command = homerealm();
    command.args(["dev-idp", "--port", &provider.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
    let mut development = Process::start(command.env("SECRET", CLIENT_SECRET));
    development.wait_for_port(provider);
    let issuer = |kind: &str| format!("http://127.0.0.1:{provider}/{kind}/v2.0");
    let world = World::start(&format!(
        "[dev]\nallow = true\n[telemetry]\naccess_log = \"json\"\n[authorities.work]\nissuer = \"{}\"\n[authorities.personal]\nissuer = \"{}\"\n\
         [[routes]]\nname = \"album\"\nmatch = {{ path = \"/album\" }}\naccounts = \"personal\"\nupstream = \"APP\"\n\
         [[routes]]\nname = \"trial\"\nmatch = {{ path = \"/trial\" }}\naccounts = \"personal\"\nenforce = false\nupstream = \"APP\"\n\
         [[routes]]\nname = \"desk\"\naccounts = \"work\"\nupstream = \"APP\"\n",
        issuer("organizations"),
        issuer("consumers")
    ));
    let origin = format!("http://localhost:{}", world.port);
    let mut browser = Browser::default();
    let page = browser.open(&format!("{origin}/.auth/sign-in?account=work&return_to=/desk")).await;
    let page = browser.press(&page, "ada@contoso.example", &[]).await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.text());

    let refusal = browser.fetch(&format!("{origin}/album?secret=1")).await;
    let id = refusal.json()["decision_id"].as_str().expect("an id").to_owned();
    let found = world.json(&format!("/decisions/{id}")).await;
    for (key, value) in [
        ("decision_id", &*id),
        ("outcome", "deny"),
        ("reason", Reason::WorkAccountNotAllowed.code()),
        ("route", "album"),
        ("url.path", "/album"),
        ("account.kind", "work"),
        ("account.membership", "member"),
    ] {
        assert_eq!(found[key], value, "{key}: {found}");
    }
    let page = world.admin(&format!("/decisions/{id}"), "accept: text/html\r\n").await;
    assert!(page.0.contains("FAIL   accounts") && page.0.contains("homerealm.toml:"), "{page:?}");

    browser.fetch(&format!("{origin}/trial")).await;
    let tried = world.json("/decisions?reason=work_account_not_allowed&outcome=allow").await;
    assert_eq!(tried[0]["would_refuse"], "work_account_not_allowed", "{tried}");
    let newest = world.json("/decisions?kind=work&limit=2").await;
    let routes: Vec<_> = newest.as_array().expect("a list").iter().map(|one| one["route"].as_str().expect("a route")).collect();
    assert_eq!(routes, ["trial", "album"], "the newest first, whichever worker answered");
    let metrics = world.admin("/metrics", "").await.0;
    for series in [
        r#"homerealm_decisions_total{route="album",outcome="deny",reason="work_account_not_allowed",kind="work"} 1"#,
        r#"homerealm_shadow_refusals_total{route="trial",reason="work_account_not_allowed",kind="work"} 1"#,
    ] {
        assert!(metrics.contains(series), "{metrics}");
    }
    let config = world.admin("/config", "").await.0;
    assert!(config.contains("accounts = \"personal\"") && !config.contains(CLIENT_SECRET), "{config}");

    // The log says the same, word for word.
    let World { mut process, .. } = world;
    let output = process.stop();
    let logged = output.lines().find(|line| line.contains(&id)).expect("a line");
    let logged: Value = serde_json::from_str(logged).expect("JSON");
    let mut found = found;
    let fingerprint = found.as_object_mut().expect("an object").remove("config.fingerprint");
    assert!(fingerprint.is_some_and(|fingerprint| fingerprint.as_str().is_some_and(|text| text.len() == 12)));
    assert_eq!(found, logged);
}

#[tokio::test]
async fn while_requests_are_finished_it_says_so_and_then_it_ends() {
    let mut world = World::start(OPEN);
    assert_eq!(world.admin("/readyz", "").await.status(), 200);
    let port = world.port;
    let under_way = tokio::spawn(async move { raw::get(port, &format!("localhost:{port}"), "/hold", "").await });
    world.app.wait_for(1).await;
    let sent = Command::new("kill").args(["-TERM", &world.process.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
    world.process.wait_for("Stopping");
    while world.admin("/readyz", "").await.status() == 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.admin("/readyz", "").await.status(), 503);
    assert_eq!(world.admin("/livez", "").await.status(), 200);
    let (code, told) = world.health(&[]);
    assert!(code == Some(1) && told.contains("draining"), "{code:?} {told}");
    world.app.let_go();
    assert_eq!(under_way.await.expect("no panic").status(), 200);
    let World { mut process, .. } = world;
    let ended = tokio::task::spawn_blocking(move || process.wait()).await.expect("no panic");
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn health_tells_by_its_exit_code_and_needs_no_secrets() {
    let mut world = World::start(OPEN);
    std::fs::remove_file(world.directory.path().join("client-secret")).expect("it was there");
    for (probe, told) in [("livez", "live"), ("readyz", "ready"), ("startupz", "started")] {
        assert_eq!(world.health(&[probe]), (Some(0), format!("{told}\n")));
    }
    let address = format!("127.0.0.1:{}", world.admin);
    assert_eq!(health(homerealm().args(["health", "--admin", &address])), (Some(0), "ready\n".into()));
    world.process.stop();
    let (code, told) = world.health(&[]);
    assert!(code == Some(1) && told.contains(&address), "{code:?} {told}");
    let (code, told) = health(homerealm().args(["health", "--admin", "192.0.2.7:9090"]));
    assert!(code == Some(1) && told.contains("--admin 192.0.2.7:9090"), "{code:?} {told}");
    assert_eq!(world.health(&["nonsense"]).0, Some(2));
}

#[test]
fn health_says_what_to_add_where_there_is_no_admin_listener() {
    let without = configured(&(head(1) + OPEN));
    let (code, told) = health(homerealm().arg("health").arg("-c").arg(without.path().join("homerealm.toml")));
    assert!(code == Some(1) && told.contains("[admin]\nlisten = \"127.0.0.1:9090\""), "{code:?} {told}");
    let wrong = configured(&(head(1) + "[admin]\nlisten = \"0.0.0.0:9090\"\n" + OPEN));
    let (code, told) = health(homerealm().arg("health").arg("-c").arg(wrong.path().join("homerealm.toml")));
    assert!(code == Some(1) && told.contains("error[E042]"), "{code:?} {told}");
}

#[test]
fn a_socket_in_the_file_system_is_found_by_its_path_and_gone_afterwards() {
    let (port, app) = (free_ports(1), Upstream::start());
    let sockets = tempfile::tempdir().expect("a temporary directory");
    let path = sockets.path().join("admin.sock");
    let admin = format!("unix:{}", path.display());
    let directory = configured(&format!("{}[admin]\nlisten = \"{admin}\"\n{}", head(port), OPEN.replace("APP", &app.origin())));
    let file = directory.path().join("homerealm.toml");
    let mut process = Process::start(homerealm().arg("run").arg("-c").arg(&file));
    process.wait_for("Admin listener on unix:");
    assert_eq!(health(homerealm().args(["health", "--admin", &admin])), (Some(0), "ready\n".into()));
    assert_eq!(health(homerealm().arg("health").arg("-c").arg(&file)), (Some(0), "ready\n".into()));
    process.stop();
    assert!(!path.exists());
}
