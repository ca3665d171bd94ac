//! `homerealm explain`, held against a running proxy: what it says of a real decision is what was decided, and what it says
//! of made-up people is what becomes of real ones.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use homerealm::config::Config;
use homerealm::demo::settings::{self, Ports};
use homerealm::domain::account::{AccountKind, Home, Membership, TenantId};
use homerealm::domain::authority::AuthorityName;
use homerealm::domain::made_up::{MadeUp, Someone};
use homerealm::domain::route::Route;
use homerealm::domain::target::Target;
use homerealm::review::judgement::judge;
use serde_json::Value;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{Demo, reason_of};
use crate::support::dev_idp::DevIdp;
use crate::support::process::{free_ports, homerealm};
use crate::support::proxy::{Proxy, configured, head};
use crate::support::upstream::Upstream;

const CY: &str = "cy@outlook.example";

fn explain(arguments: &[&str], input: &str) -> Output {
    let mut command = homerealm();
    let command: &mut Command = command.arg("explain").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program that starts");
    // Whoever does not read closes its end.
    let _closed_pipe = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("a child of ours")
}

#[track_caller]
fn told(arguments: &[&str], input: &str) -> String {
    let output = explain(arguments, input);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(output.stderr));
    text(output.stdout)
}

fn file(directory: &Path) -> String {
    directory.join("homerealm.toml").display().to_string()
}

/// A configuration with an admin listener on the next port.
fn configuration(port: u16, idp: &DevIdp, app: &Upstream) -> String {
    let (head, idp, app, admin) = (head(port), idp.configuration(), app.origin(), port + 1);
    format!(
        "{head}{idp}[admin]\nlisten = \"127.0.0.1:{admin}\"\n[telemetry]\naccess_log = \"json\"\n\
         [[routes]]\nname = \"album\"\nmatch = {{ path = \"/album/**\" }}\naccounts = [\"personal\", \"work\"]\nupstream = \"{app}\"\n\
         [[routes]]\nname = \"desk\"\nmatch = {{ path = \"/desk/**\" }}\naccounts = \"work\"\nupstream = \"{app}\"\n\
         [[routes]]\nname = \"rest\"\naccounts = [\"personal\", \"work\"]\nupstream = \"{app}\"\n"
    )
}

/// The id that a page tells people to read out.
fn reference(page: &Page) -> String {
    let is_id = |word: &&str| {
        word.len() == 9
            && word.as_bytes()[4] == b'-'
            && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    let text = page.text();
    text.split_ascii_whitespace().find(is_id).unwrap_or_else(|| panic!("no id in: {text}")).to_owned()
}

#[tokio::test]
async fn a_decision_is_told_alike_by_the_log_and_by_the_admin_listener_and_as_it_was_made() {
    let (idp, app, port) = (DevIdp::start(), Upstream::start(), free_ports(2));
    let text = configuration(port, &idp, &app);
    let mut proxy = Proxy::start(port, &text);
    let mut cy = Browser::default();
    assert_eq!(idp.sign_in(&proxy, &mut cy, CY, "personal", "/album").await.status, 200);
    let page = proxy.open(&mut cy, "/desk/q3").await;
    assert_eq!(page.status, 403, "{}", page.text());
    let id = reference(&page);

    // The same file somewhere else, where there are no secrets.
    let here = configured(&text);
    std::fs::remove_file(here.path().join("client-secret")).expect("it was there");
    let (file, admin) = (file(here.path()), format!("127.0.0.1:{}", port + 1));
    let by_admin = told(&[&id, "-c", &file, "--admin", &admin], "");
    let by_file = told(&[&id.to_lowercase(), "-c", &file], "");
    let log: String = proxy.process.stop().lines().map(|line| format!("2026-11-22T21:46:40Z stdout F {line}\n")).collect();
    let by_log = told(&[&id, "-", "-c", &file], &log);
    assert_eq!((&by_admin, &by_file), (&by_log, &by_log));

    let mut lines = by_log.lines();
    let request = lines.next().expect("a line");
    assert!(request.starts_with(&id) && request.ends_with("  GET /desk/q3"), "{request}");
    let told_lines: Vec<_> = lines.collect();
    assert!(told_lines[0].starts_with("REFUSED 403 personal_account_not_allowed   route \"desk\""), "{by_log}");
    let failed: Vec<_> = told_lines.iter().filter(|line| line.trim_start().starts_with("FAIL")).collect();
    assert!(failed.len() == 1 && failed[0].contains("accounts = \"work\"") && failed[0].contains("personal account"), "{by_log}");
    assert!(told_lines.iter().any(|line| line.contains("Use your work or school account instead.")), "{by_log}");

    // Somebody like that is told the same, but for what a record does not know.
    let made_up = told(&["--as", "kind=personal,email=cy@outlook.example", "/desk/q3", "-c", &file], "");
    let shared: Vec<_> = made_up.lines().filter(|line| !line.starts_with("  next")).collect();
    assert_eq!(shared, told_lines, "{made_up}");

    let json = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");
    let document = json(told(&[&id, "-", "-c", &file, "--format", "json"], &log));
    assert_eq!((&document["decision_id"], &document["path"], &document["status"]), (&id.as_str().into(), &"/desk/q3".into(), &403.into()));
    assert_eq!(document["note"], Value::Null);
    let decided = document["checks"].as_array().expect("checks").iter().find(|check| check["step"] == "FAIL").expect("a failure");
    let logged: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok()).collect();
    let line = &logged.iter().find(|line| line["decision_id"] == *id && line.get("log").is_none()).expect("the line")["config.line"];
    assert_eq!(decided["place"], format!("{file}:{line}"), "the log names the line that explain names");

    // Another file is told to be another.
    let moved = configured(&format!("# one line more\n{text}"));
    let note = told(&[&id, "-", "-c", &self::file(moved.path())], &log);
    assert!(note.contains(&format!("line {line} decided")), "{note}");
    let unknown = explain(&["0000-0000", "-", "-c", &file], &log);
    assert_eq!(unknown.status.code(), Some(1), "an id that is in no line");
}

#[test]
fn what_cannot_be_meant_is_usage_and_what_does_not_work_is_an_error() {
    let here = configured(&format!("{}[[routes]]\nupstream = \"http://127.0.0.1:3000\"\naccounts = \"work\"\n", head(8080)));
    let broken = configured("version = 2\n");
    let (file, broken) = (file(here.path()), file(broken.path()));
    for (arguments, code, expected) in [
        (&["--as", "nobody", "/x", "-c", &file][..], 0, ""),
        (&["--sign-in", CY, "/x", "-c", &file], 0, ""),
        (&["--as", "kind=wrk", "/x", "-c", &file], 2, "did you mean `work`?"),
        (&["--as", "nobody", "x", "-c", &file], 2, "neither a path"),
        (&["--as", "nobody", "--sign-in", CY, "/x", "-c", &file], 2, "cannot be used with"),
        (&["--sign-in", "@", "/x", "-c", &file], 2, "not an email address"),
        (&["/x", "-c", &file], 2, "say who comes"),
        (&["7K3F-9QXD", "-", "--admin", "127.0.0.1:1", "-c", &file], 2, "not together with --admin"),
        (&[], 2, "required"),
        (&["7K3F-9QXD", "-", "-c", &file], 1, "no decision 7K3F-9QXD in 0 lines"),
        (&["7K3F-9QXD", "-c", &file], 1, "has no admin listener"),
        (&["7K3F-9QXD", "--admin", "127.0.0.1:1", "-c", &file], 1, "nobody answers"),
        (&["--as", "nobody", "/x", "-c", &broken], 1, "E009"),
        (&["--as", "nobody", "/x", "-c", "/nowhere/at/all.toml"], 1, "E002"),
    ] {
        let output = explain(arguments, "");
        let complaint = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
        assert!(complaint.contains(expected) && complaint.is_empty() == (code == 0), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_file_whose_tests_fail_can_be_explained() {
    let promise = "[[tests]]\nas = \"nobody\"\nget = \"/\"\nexpect = { status = 200 }\n";
    let text = format!("{}[[routes]]\nupstream = \"http://127.0.0.1:3000\"\naccounts = \"work\"\n{promise}", head(8080));
    let here = configured(&text);
    let told = told(&["--as", "nobody", "/", "-c", &file(here.path())], "");
    assert!(told.starts_with("ASKED TO SIGN IN 302 sign_in_required"), "{told}");
}

/// Somebody who is really signed in, and the person that this makes them.
struct Signed {
    browser: Browser,
    like: MadeUp,
}

async fn everybody(demo: &Demo) -> Vec<Signed> {
    let contoso = TenantId::parse("3a0c0000-0000-4000-8000-0000000000aa").ok();
    let fabrikam = TenantId::parse("3a0c0000-0000-4000-8000-0000000000bb").ok();
    let work = |tenant, authority| MadeUp { tenant, authority: AuthorityName::parse(authority).ok(), ..MadeUp::of(AccountKind::Work) };
    let guest = |home| MadeUp { membership: Some(Membership::Guest), home: Some(home), ..work(contoso, "contoso") };
    let mut signed = Vec::new();
    for (person, kind, wanted, like) in [
        ("ada@contoso.example", "work", "/work/", work(contoso, "work")),
        ("ada@contoso.example", "work", "/contoso/", work(contoso, "contoso")),
        ("bo@fabrikam.example", "work", "/work/", work(fabrikam, "work")),
        (CY, "personal", "/personal/", MadeUp::of(AccountKind::Personal)),
        ("eve@mail.example", "work", "/partners/", guest(Home::Personal)),
        ("fay@fabrikam.example", "work", "/partners/", guest(Home::OtherTenant)),
    ] {
        let mut browser = Browser::default();
        demo.sign_in(&mut browser, person, kind, wanted).await;
        signed.push(Signed { browser, like });
    }
    signed
}

/// A path that the route's pattern matches.
fn path(route: &Route) -> String {
    route.matcher.path.as_ref().map_or("/", |pattern| pattern.as_str()).trim_end_matches("**").to_owned()
}

fn demo_config(demo: &Demo) -> Config {
    let ports = Ports::starting_at(demo.port).expect("three ports");
    settings::config(&settings::text(ports, std::net::Ipv4Addr::LOCALHOST.into()), "secret").expect("the demo's own configuration")
}

#[tokio::test]
async fn made_up_people_are_answered_as_real_ones_are() {
    let demo = Demo::start();
    let rules = demo_config(&demo).rules;
    let mut differences = Vec::new();
    for Signed { mut browser, like } in everybody(&demo).await {
        for route in rules.routes.routes() {
            let path = path(route);
            let page = browser.open_once(&demo.url(&path)).await;
            let target = Target::parse(&format!("localhost:{}", demo.port), &path).expect("a target");
            let judgement = judge(&rules, &Someone::Person(like.clone()), &http::Method::GET, &target);
            // Only a refusal tells its reason in a heading.
            let refused = if page.status == 403 { reason_of(&page) } else { None };
            let said = (judgement.status, Some(judgement.reason).filter(|_| judgement.status == 403));
            if said != (page.status.as_u16(), refused) {
                differences
                    .push(format!("{:?} at {:?}, {path}: said {said:?}, was {} {refused:?}", like.kind, like.authority, page.status));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
