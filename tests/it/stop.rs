//! Starting and stopping: what a supervisor sees of the process, and what somebody at a terminal is told.

use std::process::{Command, Stdio};

use homerealm::domain::reason::Reason;

use crate::support::browser::Browser;
use crate::support::demo::assert_reason;
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy, configured, head};
use crate::support::raw;
use crate::support::upstream::Upstream;

fn open_route(port: u16, app: &Upstream) -> String {
    format!("{}[[routes]]\nauth = \"none\"\nupstream = \"{}\"\n", head(port), app.origin())
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_process_ends() {
    for name in ["TERM", "INT"] {
        let app = Upstream::start();
        let mut proxy = Proxy::run(|port| open_route(port, &app));
        let port = proxy.port;
        let under_way = tokio::spawn(async move { raw::get(port, &format!("localhost:{port}"), "/hold", "").await });
        app.wait_for(1).await;
        proxy.process.signal(name);
        proxy.process.wait_for("Stopping");
        app.let_go();
        let answer = under_way.await.expect("no panic");
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert!(answer.0.ends_with("app: 0 bytes"), "{answer:?}");
        let ended = tokio::task::spawn_blocking(move || proxy.process.wait()).await.expect("no panic");
        assert_eq!(ended.code(), Some(0), "{name}");
    }
}

#[tokio::test]
async fn the_demo_stops_when_it_is_asked_to() {
    let mut demo = crate::support::demo::Demo::start();
    demo.process.signal("INT");
    let ended = demo.process.wait();
    assert_eq!(ended.code(), Some(0), "{}", demo.process.output());
}

/// Runs to the end: the exit code and all that was printed.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().expect("the binary");
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_configuration_that_cannot_be_used_ends_the_process_with_1_and_says_why() {
    let nowhere = tempfile::tempdir().expect("a temporary directory");
    for command in ["run", "check"] {
        let with_file = |file: &std::path::Path| {
            let mut binary = homerealm();
            binary.arg(command);
            if command == "run" {
                binary.arg("-c");
            }
            ended(binary.arg(file))
        };
        let (code, told) = with_file(&nowhere.path().join("missing.toml"));
        assert!(code == Some(1) && told.contains("missing.toml"), "{command}: {code:?} {told}");

        let invalid = configured(&(head(1) + "detect = \"nonsense\"\n[[routes]]\nacounts = \"work\"\nupstream = \"http://127.0.0.1:1\"\n"));
        let (code, told) = with_file(&invalid.path().join("homerealm.toml"));
        assert!(code == Some(1) && told.contains("homerealm.toml:"), "{command}: {code:?} {told}");
        assert!(!told.contains(CLIENT_SECRET), "{command}: {told}");

        let literal = configured(
            "version = 1\npublic_url = \"http://localhost:1\"\n[client]\nid = \"x\"\nsecret = \"literal-and-seen-by-all\"\n[[routes]]\nauth = \"none\"\nupstream = \"http://127.0.0.1:1\"\n",
        );
        let (code, told) = with_file(&literal.path().join("homerealm.toml"));
        assert!(code == Some(1) && told.contains("secret_file"), "{command}: {code:?} {told}");
        assert!(!told.contains("literal-and-seen-by-all"), "{command}: {told}");
    }
}

#[test]
fn wrong_usage_ends_the_process_with_2() {
    for arguments in [&["run", "--nonsense"][..], &["nonsense"], &[], &["demo", "--port", "x"], &["check", "a", "b"]] {
        let (code, told) = ended(homerealm().args(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {told}");
        assert!(told.contains("--help"), "{arguments:?}: {told}");
    }
    let (code, told) = ended(homerealm().arg("--version"));
    assert!(code == Some(0) && told.starts_with("homerealm "), "{told}");
}

#[test]
fn an_address_that_is_taken_ends_the_process_with_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let directory = configured(&(head(port) + "[[routes]]\nauth = \"none\"\nupstream = \"http://127.0.0.1:1\"\n"));
    let (code, told) = ended(homerealm().arg("run").arg("-c").arg(directory.path().join("homerealm.toml")));
    assert!(code == Some(1) && told.contains(&port.to_string()), "{code:?} {told}");
}

#[tokio::test]
async fn a_development_provider_is_used_only_where_that_is_allowed() {
    let (provider, app) = (free_ports(1), Upstream::start());
    let mut command = homerealm();
    command.args(["dev-idp", "--port", &provider.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
    let mut development = Process::start(command.env("SECRET", CLIENT_SECRET));
    development.wait_for_port(provider);
    let config = |port: u16, dev: &str| {
        format!(
            "{}{dev}[authorities.work]\nissuer = \"http://127.0.0.1:{provider}/organizations/v2.0\"\n[[routes]]\naccounts = \"work\"\nupstream = \"{}\"\n",
            head(port),
            app.origin()
        )
    };
    let start = "/.auth/sign-in?account=work&return_to=/desk";
    for dev in ["", "[dev]\nallow = false\n"] {
        let mut proxy = Proxy::run(|port| config(port, dev));
        let page = proxy.open(&mut Browser::default(), start).await;
        assert_reason(&page, Reason::IdpUnavailable);
        proxy.process.wait_for("[dev] allow = true");
    }
    let proxy = Proxy::run(|port| config(port, "[dev]\nallow = true\n"));
    let mut browser = Browser::default();
    let page = proxy.open(&mut browser, start).await;
    let page = browser.press(&page, "ada@contoso.example", &[]).await;
    assert_eq!((page.status.as_u16(), page.text().as_str()), (200, "app: 0 bytes"));
}
