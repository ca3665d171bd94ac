//! The audit log, walked through: a line for everybody who signs in, is turned away or signs out, none for what is
//! simply served, and nothing in it that tells more of people than it is meant to.

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::logs::{access_lines, audit_lines, lines};
use crate::support::process::{free_ports, homerealm};
use crate::support::proxy::{Proxy, configured};
use crate::support::world::World;

const ADA: &str = "ada@contoso.example";
const BO: &str = "bo@fabrikam.example";
const CY: &str = "cy@outlook.example";
const FLO: &str = "flo@contoso.example";
const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";

const ROUTES: &str = r#"
[[routes]]
name = "album"
match = { path = "/album" }
accounts = ["personal", "work"]
upstream = "APP"
[[routes]]
name = "desk"
accounts = "work"
tenants = ["contoso"]
upstream = "APP"
"#;

fn proxy(world: &World, audit: &str) -> Proxy {
    let port = free_ports(1);
    Proxy::start(port, &world.configuration(port, audit, ROUTES))
}

/// Everything that is to be told, and much that is not.
async fn walk(world: &World, proxy: &Proxy) {
    let (mut ada, mut bo, mut cy) = (Browser::default(), Browser::default(), Browser::default());
    // Nobody yet; then somebody who is served three times.
    proxy.open(&mut ada, "/desk").await;
    for path in ["/desk", "/desk/a", "/album"] {
        let page =
            if path == "/desk" { world.idp.sign_in(proxy, &mut ada, ADA, "work", path).await } else { proxy.open(&mut ada, path).await };
        assert_eq!(page.status, 200, "{path}: {}", page.text());
    }
    // A good account of the wrong organisation, turned away when it comes back.
    assert_eq!(world.idp.sign_in(proxy, &mut bo, BO, "work", "/desk").await.status, 403);
    // Somebody who may be here, but not there.
    assert_eq!(world.idp.sign_in(proxy, &mut cy, CY, "personal", "/album").await.status, 200);
    assert_eq!(proxy.open(&mut cy, "/desk").await.status, 403);
    // Before leaving, at the provider, and without an attempt.
    let page = proxy.open(&mut Browser::default(), "/desk").await;
    assert_eq!(Browser::default().press(&page, "Next", &[("identifier", CY)]).await.status, 403);
    let failed = world.idp.sign_in(proxy, &mut Browser::default(), FLO, "work", "/desk").await;
    assert!(failed.status.is_server_error(), "{}", failed.text());
    proxy.open(&mut Browser::default(), "/.auth/callback/work?code=marked-code&state=marked-state").await;
    let page = proxy.open(&mut ada, "/.auth/sign-out").await;
    ada.press_once(&page, "Sign out", &[]).await;
}

/// What happened, why and to which kind of account, sorted: each worker hands its lines over in its own time.
fn told(lines: &[Value]) -> Vec<String> {
    let of = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
        [text("event"), text("reason"), text("authority"), text("account.kind"), text("account.kind_chosen"), text("route")].join(" ")
    };
    let mut told: Vec<_> = lines.iter().map(of).collect();
    told.sort();
    told
}

const TOLD: [&str; 8] = [
    "authn_login_fail flow_expired work - - -",
    "authn_login_fail idp_unavailable work - - -",
    "authn_login_fail personal_account_not_allowed - - - desk",
    "authn_login_fail tenant_not_allowed work work work desk",
    "authn_login_success signed_in personal personal personal album",
    "authn_login_success signed_in work work work desk",
    "authz_fail personal_account_not_allowed personal personal - desk",
    "session_ended public work work - -",
];

fn of<'a>(lines: &'a [Value], event: &str, kind: &str) -> &'a Value {
    lines.iter().find(|line| line["event"] == event && line["account.kind"] == kind).unwrap_or_else(|| panic!("no {event} in {lines:#?}"))
}

#[tokio::test]
async fn a_file_tells_who_came_who_was_refused_and_who_left_by_names_that_lead_nowhere() {
    let world = World::start();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("audit.log");
    let mut proxy = proxy(&world, &format!("audit = {{ to = \"file:{}\" }}", path.display()));
    walk(&world, &proxy).await;
    let output = proxy.process.stop();
    assert!(audit_lines(&output).is_empty(), "{output}");
    let text = std::fs::read_to_string(&path).expect("the audit log");
    let lines = audit_lines(&text);
    assert_eq!(told(&lines), TOLD, "{text}");

    let ada = of(&lines, "authn_login_success", "work");
    let name = ada["user"].as_str().expect("a name");
    assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!(of(&lines, "session_ended", "work")["user"], *name, "the same person has the same name");
    let cy = &of(&lines, "authn_login_success", "personal")["user"];
    assert_eq!(of(&lines, "authz_fail", "personal")["user"], *cy);
    assert_ne!(cy, name);
    for (key, value) in [
        ("outcome", "allow"),
        ("account.membership", "member"),
        ("account.home", "this_tenant"),
        ("account.tenant", CONTOSO),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(ada[key], value, "{key} in {ada}");
    }
    for secret in [ADA, BO, CY, "Ada", "marked-", "ada00000", "/desk", "code"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }

    // A line here and a line there are about the same decision.
    let access = access_lines(&output);
    for line in &lines {
        let other = access.iter().find(|other| other["decision_id"] == line["decision_id"]).unwrap_or_else(|| panic!("no line for {line}"));
        for key in ["timestamp", "outcome", "reason", "route", "config.line"] {
            assert_eq!(line.get(key), other.get(key), "{key} in {line} and {other}");
        }
    }
}

#[tokio::test]
async fn on_one_stream_every_audit_line_follows_its_access_line_and_names_people_in_full_if_told_to() {
    let world = World::start();
    let mut proxy = proxy(&world, "audit = { to = \"stdout\", identity = \"full\" }");
    walk(&world, &proxy).await;
    let output = proxy.process.stop();
    let all: Vec<_> = lines(&output).collect();
    for (before, line) in all.iter().zip(&all[1..]).filter(|(_, line)| line["log"] == "audit") {
        assert_eq!(before["decision_id"], line["decision_id"], "{before}\n{line}");
    }
    let audit = audit_lines(&output);
    assert_eq!(told(&audit), TOLD, "{output}");
    assert_eq!(of(&audit, "authn_login_success", "work")["user"], format!("ada00000-0000-4000-8000-000000000001@{CONTOSO}"));
    for secret in [ADA, BO, CY, "marked-"] {
        assert!(!audit.iter().any(|line| line.to_string().contains(secret)), "{secret} in {output}");
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_told_and_with_the_access_log_off_the_audit_log_goes_on() {
    let world = World::start();
    let mut quiet = proxy(&world, "");
    world.idp.sign_in(&quiet, &mut Browser::default(), ADA, "work", "/desk").await;
    assert!(audit_lines(&quiet.process.stop()).is_empty());

    for to in ["stdout", "stderr"] {
        let port = free_ports(1);
        let text = world
            .configuration(port, &format!("audit = {{ to = \"{to}\" }}"), ROUTES)
            .replace("access_log = \"json\"", "access_log = \"off\"");
        let mut proxy = Proxy::start(port, &text);
        world.idp.sign_in(&proxy, &mut Browser::default(), ADA, "work", "/desk").await;
        let output = proxy.process.stop();
        assert_eq!(told(&audit_lines(&output)), [TOLD[5]], "{to}:\n{output}");
        assert!(access_lines(&output).is_empty(), "{output}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_keeps_the_proxy_from_starting() {
    let world = World::start();
    let text = world.configuration(free_ports(1), "audit = { to = \"file:audit.log\" }", ROUTES);
    let directory = configured(&text);
    // Not even root can make a file where a link leads nowhere.
    std::os::unix::fs::symlink("missing/audit.log", directory.path().join("audit.log")).expect("a link");
    let ended = homerealm().arg("run").arg("-c").arg(directory.path().join("homerealm.toml")).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(1));
    let output = String::from_utf8_lossy(&ended.stderr);
    assert!(output.contains("the audit log cannot be written to") && output.contains("audit.log: No such file"), "{output}");
}

#[tokio::test]
async fn a_file_that_was_renamed_is_opened_anew_when_the_proxy_is_told() {
    let world = World::start();
    let directory = tempfile::tempdir().expect("a directory");
    let (path, rotated) = (directory.path().join("audit.log"), directory.path().join("audit.log.1"));
    let mut proxy = proxy(&world, &format!("audit = {{ to = \"file:{}\" }}", path.display()));
    assert_eq!(world.idp.sign_in(&proxy, &mut Browser::default(), CY, "personal", "/album").await.status, 200);
    let is_written = |_: &str| std::fs::read_to_string(&path).is_ok_and(|text| text.contains("authn_login_success"));
    proxy.process.wait_until(is_written, "a line about the sign-in");
    std::fs::rename(&path, &rotated).expect("a file that is there");
    proxy.process.signal("HUP");
    proxy.process.wait_until(|_| path.exists(), "a new file");
    assert_eq!(world.idp.sign_in(&proxy, &mut Browser::default(), ADA, "work", "/desk").await.status, 200);
    proxy.process.stop();
    let kinds = |path: &std::path::Path| -> Vec<_> {
        let text = std::fs::read_to_string(path).expect("a file");
        audit_lines(&text).iter().map(|line| line["account.kind"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!((kinds(&rotated), kinds(&path)), (vec![Some("personal".to_owned())], vec![Some("work".to_owned())]));
}
