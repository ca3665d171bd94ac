//! The configuration changes while everything goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use homerealm::domain::reason::Reason;
use tempfile::TempDir;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{PROXY_HOST, assert_reason};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy, configured, head};
use crate::support::upstream::Upstream;

const ADA: &str = "ada@contoso.example";
const SESSION: &str = "homerealm-s-work";
const FILE: &str = "homerealm.toml";

/// What is logged about a configuration that was put in force, and about one that was not.
const APPLIED: &str = "was read again and is in force";
const REFUSED: &str = "cannot be used, the one from before stays in force";

/// A route for another organisation than Ada's.
const ELSEWHERE: &str = "accounts = \"work\"\ntenants = [\"3a0c0000-0000-4000-8000-0000000000bb\"]";

const KEYS: [&str; 2] = [
    "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "0c2a9d41e8b7f6553a1902cc7be84d90aa6f1e3d5b7c8890f1e2d3c4b5a69788",
];

/// A proxy in front of the development provider, whose only route is this one.
struct World {
    proxy: Proxy,
    app: Upstream,
    provider: Process,
    provider_port: u16,
}

impl World {
    fn start() -> Self {
        Self::start_with(|config| configured(&config))
    }

    /// `put` makes the directory in which the configuration lies.
    fn start_with(put: impl FnOnce(String) -> TempDir) -> Self {
        let (port, provider_port, app) = (free_ports(1), free_ports(1), Upstream::start());
        let provider = provider(provider_port, CLIENT_SECRET);
        let directory = put(config(port, provider_port, &app, "accounts = \"work\""));
        Self { proxy: Proxy::start_in(port, directory, |_| {}), app, provider, provider_port }
    }

    /// The configuration with this in its route, and perhaps tables after it.
    fn config(&self, route: &str) -> String {
        config(self.proxy.port, self.provider_port, &self.app, route)
    }

    fn write(&self, config: &str) {
        // As editors do it: never half a file under the name.
        fs::write(self.proxy.file("homerealm.new"), config).expect("a file");
        fs::rename(self.proxy.file("homerealm.new"), self.proxy.file(FILE)).expect("a rename");
    }

    /// Writes a configuration and waits until it is in force.
    fn put(&mut self, config: &str) {
        let before = count(&self.proxy.process.output(), APPLIED);
        self.write(config);
        self.proxy.process.signal("HUP");
        self.proxy.process.wait_until(|output| count(output, APPLIED) > before, "a reload");
    }

    /// Goes to the provider for a session; what is at the end of it.
    async fn try_to_sign_in(&self, browser: &mut Browser) -> Page {
        let page = self.proxy.open(browser, "/.auth/sign-in?account=work&return_to=/desk").await;
        browser.press(&page, ADA, &[]).await
    }

    async fn sign_in(&self) -> Browser {
        let mut browser = Browser::default();
        let page = self.try_to_sign_in(&mut browser).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
        browser
    }

    async fn is_in(&self, browser: &mut Browser) -> bool {
        let page = self.proxy.open(browser, "/desk").await;
        page.status == 200 && page.url.path() == "/desk"
    }
}

fn provider(port: u16, secret: &str) -> Process {
    let mut command = homerealm();
    command.args(["dev-idp", "--port", &port.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
    let mut process = Process::start(command.env("SECRET", secret));
    process.wait_for_port(port);
    process
}

fn config(port: u16, provider: u16, app: &Upstream, route: &str) -> String {
    let authority = |name: &str, path: &str| format!("[authorities.{name}]\nissuer = \"http://127.0.0.1:{provider}/{path}/v2.0\"\n");
    let authorities = [authority("work", "organizations"), authority("personal", "consumers")].concat();
    let (head, upstream) = (head(port), app.origin());
    format!("{head}[dev]\nallow = true\n{authorities}[[routes]]\nname = \"desk\"\nupstream = \"{upstream}\"\n{route}\n")
}

fn count(output: &str, what: &str) -> usize {
    output.matches(what).count()
}

#[tokio::test]
async fn a_changed_policy_is_seen_and_judges_the_sessions_that_there_are() {
    let mut world = World::start();
    let mut browser = world.sign_in().await;
    world.write(&world.config(ELSEWHERE));
    world.proxy.process.wait_for(APPLIED);
    assert_reason(&world.proxy.open(&mut browser, "/desk").await, Reason::TenantNotAllowed);
    world.write(&world.config("accounts = [\"work\", \"personal\"]"));
    world.proxy.process.wait_until(|output| count(output, APPLIED) == 2, "a second reload");
    assert!(world.is_in(&mut browser).await, "nobody was signed out, although the key of sessions is a made-up one");
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_told_once_as_check_tells_it() {
    let mut world = World::start();
    let mut browser = world.sign_in().await;
    world.write(&world.config("accounts = \"works\""));
    world.proxy.process.wait_for(REFUSED);
    let check = homerealm().arg("check").arg(world.proxy.file(FILE)).output().expect("the binary");
    let told = String::from_utf8(check.stderr).expect("UTF-8");
    let error = told.trim_end().split("\n\n").find(|problem| problem.starts_with("error[")).expect("an error").trim_end().to_owned();
    assert!(error.contains("accounts = \"works\"") && error.contains('^'), "{error}");
    // Asked again by hand there is an answer, and a file that was written anew and says the same is looked at again: neither is a
    // reason to repeat it.
    world.proxy.process.signal("HUP");
    world.proxy.process.wait_for("has not changed since it was found unusable");
    world.write(&world.config("accounts = \"works\""));
    world.proxy.process.signal("HUP");
    let output = world.proxy.process.wait_until(|output| count(output, "has not changed since") == 2, "a second answer");
    assert_eq!((count(&output, REFUSED), count(&output, &error)), (1, 1), "{output}");
    assert!(world.is_in(&mut browser).await);

    // Another mistake is news, and so is that it is mended.
    world.write("version = ");
    world.proxy.process.wait_until(|output| count(output, REFUSED) == 2, "the second refusal");
    world.write(&world.config("accounts = \"work\""));
    let output = world.proxy.process.wait_for("again the one that is in force");
    assert_eq!(count(&output, APPLIED), 0, "{output}");
    world.put(&world.config(ELSEWHERE));
    assert_reason(&world.proxy.open(&mut browser, "/desk").await, Reason::TenantNotAllowed);
}

#[tokio::test]
async fn a_change_that_breaks_a_promise_of_the_file_is_not_applied() {
    let mut world = World::start();
    let promising = |accounts: &str| {
        format!("accounts = \"{accounts}\"\n[[tests]]\nas = {{ kind = \"personal\" }}\nget = \"/desk\"\nexpect = {{ status = 403 }}")
    };
    world.put(&world.config(&promising("work")));
    world.write(&world.config(&promising("any")));
    let told = [REFUSED, "error[E041]: policy test failed: a personal account, GET /desk\n", "expected 403, got 200 signed_in\n"];
    let output = world.proxy.process.wait_until(|output| told.iter().all(|told| output.contains(told)), "what is broken");
    assert_eq!(count(&output, APPLIED), 1, "{output}");
}

#[tokio::test]
async fn a_file_that_was_missing_mends_the_configuration_when_it_appears() {
    let mut world = World::start();
    world.write(&(world.config("accounts = \"work\"") + "[session]\nkey_files = [\"key\"]\n"));
    world.proxy.process.wait_for(REFUSED);
    fs::write(world.proxy.file("key"), KEYS[0]).expect("a file");
    world.proxy.process.wait_for(APPLIED);
}

/// `homerealm.toml -> ..data/homerealm.toml`, `..data -> ..1`, and a new link renamed over `..data`.
#[tokio::test]
async fn the_link_that_kubernetes_swaps_changes_the_configuration() {
    let mut world = World::start_with(|config| {
        let directory = configured("");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("..1")).expect("a directory");
        fs::write(at("..1/homerealm.toml"), config).expect("a file");
        fs::remove_file(at(FILE)).expect("a file");
        symlink("..1", at("..data")).expect("a link");
        symlink("..data/homerealm.toml", at(FILE)).expect("a link");
        directory
    });
    let mut browser = world.sign_in().await;
    let at = |name: &str| world.proxy.file(name);
    fs::create_dir(at("..2")).expect("a directory");
    fs::write(at("..2/homerealm.toml"), world.config(ELSEWHERE)).expect("a file");
    symlink("..2", at("..data_tmp")).expect("a link");
    fs::rename(at("..data_tmp"), at("..data")).expect("a rename");
    world.proxy.process.wait_for(APPLIED);
    assert_reason(&world.proxy.open(&mut browser, "/desk").await, Reason::TenantNotAllowed);
}

#[tokio::test]
async fn a_rotated_client_secret_is_used_for_the_next_code() {
    let mut world = World::start();
    world.sign_in().await;
    world.provider.stop();
    world.provider = provider(world.provider_port, "the-secret-of-next-year-0815");
    let page = world.try_to_sign_in(&mut Browser::default()).await;
    assert_reason(&page, Reason::Configuration);
    fs::write(world.proxy.file("client-secret"), "the-secret-of-next-year-0815").expect("a file");
    let output = world.proxy.process.wait_for(APPLIED);
    world.sign_in().await;
    assert!(!output.contains("next-year"), "{output}");
}

#[tokio::test]
async fn rotating_session_keys_signs_nobody_out_until_their_key_is_taken_away() {
    let mut world = World::start();
    for (name, key) in ["old", "new"].into_iter().zip(KEYS) {
        fs::write(world.proxy.file(name), key).expect("a file");
    }
    let with_keys = |world: &World, keys: &str| world.config("accounts = \"work\"") + &format!("[session]\nkey_files = [{keys}]\n");
    world.put(&with_keys(&world, "\"old\""));
    let mut before = world.sign_in().await;
    world.put(&with_keys(&world, "\"new\", \"old\""));
    let mut since = world.sign_in().await;
    assert!(world.is_in(&mut before).await && world.is_in(&mut since).await);
    world.put(&with_keys(&world, "\"new\""));
    assert!(!world.is_in(&mut before).await && world.is_in(&mut since).await);
    // The same file with another key in it is another key.
    fs::write(world.proxy.file("new"), KEYS[0]).expect("a file");
    world.proxy.process.wait_until(|output| count(output, APPLIED) == 4, "a fourth reload");
    assert!(!world.is_in(&mut since).await);
}

#[tokio::test]
async fn what_was_counted_stays_counted_unless_the_limit_changes() {
    let mut world = World::start();
    let with_limit = |world: &World, limit: u8, page: &str| {
        world.config("accounts = [\"work\", \"personal\"]").replace("1000/min", &format!("{limit}/min")) + page
    };
    world.put(&with_limit(&world, 2, ""));
    let mut browser = Browser::default();
    let page = world.proxy.open(&mut browser, "/.auth/sign-in?return_to=/desk").await;
    for status in [422, 422, 429] {
        assert_eq!(browser.press(&page, "Next", &[]).await.status, status);
    }
    world.put(&with_limit(&world, 2, "[branding]\nname = \"Orders\"\n"));
    let page = world.proxy.open(&mut browser, "/.auth/sign-in?return_to=/desk").await;
    assert!(page.text().contains("Orders"));
    assert_eq!(browser.press(&page, "Next", &[]).await.status, 429);
    world.put(&with_limit(&world, 3, ""));
    assert_eq!(browser.press(&page, "Next", &[]).await.status, 422);
}

#[tokio::test]
async fn a_sign_in_that_began_before_a_reload_ends_after_it_and_only_once() {
    let mut world = World::start();
    let mut browser = Browser::default();
    let page = world.proxy.open(&mut browser, "/.auth/sign-in?account=work&return_to=/desk").await;
    world.put(&world.config("accounts = [\"work\", \"personal\"]"));
    let callback = browser.press_up_to(&page, ADA, &[], "/.auth/callback/").await;
    let mut second = browser.clone();
    assert_eq!(browser.open(callback.as_str()).await.url.path(), "/desk");
    world.put(&world.config("accounts = \"work\""));
    assert_reason(&second.open_once(callback.as_str()).await, Reason::FlowExpired);
}

#[tokio::test]
async fn a_moved_prefix_takes_our_own_endpoints_along() {
    let mut world = World::start();
    let mut browser = world.sign_in().await;
    let config = world.config("accounts = \"work\"").replace("[client]", "prefix = \"/door\"\n[client]");
    world.put(&config);
    assert_eq!(browser.fetch(&world.proxy.url("/door/session")).await.json()["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.proxy.open(&mut browser, "/.auth/session").await.text(), "app: 0 bytes");
}

#[tokio::test]
async fn a_key_that_takes_a_restart_is_told_and_everything_else_applies() {
    let mut world = World::start();
    let mut browser = world.sign_in().await;
    let elsewhere = free_ports(1);
    let moved = |world: &World, route: &str| {
        let port = world.proxy.port;
        world.config(route).replace(&format!("listen     = \"127.0.0.1:{port}\""), &format!("listen = \"127.0.0.1:{elsewhere}\""))
    };
    world.put(&(moved(&world, ELSEWHERE) + "[telemetry]\naccess_log = \"off\"\n"));
    world.proxy.process.wait_for("this takes a restart: listen, telemetry.access_log");
    assert_reason(&world.proxy.open(&mut browser, "/desk").await, Reason::TenantNotAllowed);
    assert!(std::net::TcpStream::connect(("127.0.0.1", elsewhere)).is_err());
    // Told once: it is no news that it still does.
    world.put(&(moved(&world, "accounts = \"work\"") + "[telemetry]\naccess_log = \"off\"\n"));
    world.put(&world.config("accounts = \"work\""));
    assert_eq!(count(&world.proxy.process.output(), "takes a restart"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_during_reloads_good_and_bad() {
    let mut world = World::start();
    let browser = world.sign_in().await;
    let session = browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (over, served, url) = (Arc::clone(&over), Arc::clone(&served), world.proxy.url("/desk"));
            let mut browser = Browser::default();
            browser.set_cookie(PROXY_HOST, SESSION, &session);
            tokio::spawn(async move {
                let mut failed = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let page = browser.open_once(&url).await;
                    served.fetch_add(1, Ordering::Relaxed);
                    if page.status != 200 || page.body != "app: 0 bytes" {
                        failed.push((page.status, page.body));
                    }
                }
                failed
            })
        })
        .collect();
    for number in 0..24 {
        let (kind, news) = if number % 2 == 0 { ("work", APPLIED) } else { ("works", REFUSED) };
        let before = served.load(Ordering::Relaxed);
        world.write(&world.config(&format!("accounts = \"{kind}\"\n# {number}")));
        world.proxy.process.signal("HUP");
        world = tokio::task::spawn_blocking(move || {
            world.proxy.process.wait_until(|output| count(output, news) > number / 2, news);
            world
        })
        .await
        .expect("no panic");
        while served.load(Ordering::Relaxed) < before + 20 {
            tokio::task::yield_now().await;
        }
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        assert_eq!(client.await.expect("no panic"), []);
    }
    let output = world.proxy.process.output();
    assert_eq!((count(&output, APPLIED), count(&output, REFUSED)), (12, 12));
}

#[tokio::test]
async fn the_command_asks_for_a_reload_and_tells_what_came_of_it() {
    let world = World::start_with(|config| {
        let admin = free_ports(1);
        configured(&format!("{config}[admin]\nlisten = \"127.0.0.1:{admin}\"\n"))
    });
    let file = world.proxy.file(FILE);
    let right = fs::read_to_string(&file).expect("a file");
    let ask = |config: &str| {
        world.write(config);
        let answer = homerealm().arg("reload").arg("-c").arg(&file).output().expect("the binary");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (answer.status.code(), text(answer.stdout), text(answer.stderr))
    };
    assert_eq!(ask(&right), (Some(0), "unchanged\n".into(), String::new()));
    assert_eq!(ask(&right.replace("1000/min", "999/min")), (Some(0), "applied\n".into(), String::new()));
    let (code, out, err) = ask(&right.replace("accounts = \"work\"", "accounts = \"works\""));
    assert_eq!((code, &*out), (Some(1), ""));
    let check = homerealm().arg("check").arg(&file).output().expect("the binary");
    let told = String::from_utf8(check.stderr).expect("UTF-8");
    let error = told.split("\n\n").find(|problem| problem.starts_with("error[")).expect("an error");
    assert!(err.contains(error) && err.contains("stays in force"), "{err}");
    let (code, out, err) = ask(&(right + "[telemetry]\naccess_log = \"off\"\n"));
    assert_eq!((code, &*out, &*err), (Some(0), "applied\n", "this takes a restart: telemetry.access_log\n"));
}
