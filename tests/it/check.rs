//! `homerealm check` and `homerealm help` as a person, a pipeline and an editor see them: exit codes, formats, what goes to
//! which stream, and what is asked of the network.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::hostile::{Answer, Hostile};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, configured};
use crate::support::raw;
use crate::support::upstream::Upstream;

/// A file without a complaint, up to its routes.
const HEAD: &str = r#"version = 1
public_url = "https://orders.example.com"
[client]
id = "x"
secret_file = "client-secret"
[session]
key_files = ["session-key"]
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa" }
"#;

const ROUTE: &str = "[[routes]]\nupstream = \"http://127.0.0.1:3000\"\naccounts = \"any\"\n";

const REGISTER: &str = "  work         https://orders.example.com/.auth/callback/work\n  \
    personal     https://orders.example.com/.auth/callback/personal\n  \
    (sign-out)   https://orders.example.com/.auth/signed-out\n";

/// How a command ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ended(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().expect("a command that runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn directory(config: &str) -> TempDir {
    let directory = configured(config);
    std::fs::write(directory.path().join("session-key"), "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
        .expect("a file");
    directory
}

/// `check homerealm.toml`, where the file is.
fn command(directory: &Path, options: &[&str]) -> Command {
    let mut command = homerealm();
    command.current_dir(directory).arg("check").arg("homerealm.toml").args(options).env_remove("NO_COLOR");
    command
}

fn check(config: &str, options: &[&str]) -> Ended {
    ended(&mut command(directory(config).path(), options))
}

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", ended.out, ended.err))
}

#[test]
fn a_file_without_a_complaint_ends_with_0_and_says_what_is_in_it() {
    let Ended { code, out, err } = check(&format!("{HEAD}{ROUTE}"), &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let summary = "homerealm.toml: 1 route · 1 tenant · no policy tests · 0 errors, 0 warnings\n";
    assert_eq!(out, format!("Register these redirect URIs:\n{REGISTER}\n{summary}"));
}

#[test]
fn a_file_that_breaks_a_promise_of_its_own_is_neither_right_nor_run() {
    let promise = "[[tests]]\nas = { kind = \"personal\" }\nget = \"/orders\"\nexpect = { status = 403 }\n";
    let kept = format!("{HEAD}{ROUTE}{promise}").replace("\"any\"", "\"work\"");
    let Ended { code, out, .. } = check(&kept, &[]);
    assert!(code == Some(0) && out.contains(" · 1 policy test passed · "), "{out}");
    let broken = directory(&format!("{HEAD}{ROUTE}{promise}"));
    let run = ended(homerealm().current_dir(broken.path()).args(["run", "-c", "homerealm.toml"]));
    for Ended { code, err, .. } in [ended(&mut command(broken.path(), &[])), run] {
        assert_eq!(code, Some(1), "{err}");
        assert!(err.starts_with("error[E041]: policy test failed: a personal account, GET /orders\n"), "{err}");
        assert!(err.contains("expected 403, got 200 signed_in\n") && err.contains("accounts = \"any\""), "{err}");
    }
}

#[test]
fn errors_and_warnings_are_told_together_and_counted() {
    let Ended { code, out, err } = check(&format!("{HEAD}{ROUTE}flavour = 1\n").replace("key_files", "idel = \"1h\"\n# "), &[]);
    assert_eq!(code, Some(1));
    let [warning, unknown, far] = ["warning[W001]", "error[E003]: unknown key `idel`", "error[E003]: unknown key `flavour`"];
    let places: Vec<_> = [warning, unknown, far].iter().map(|text| err.find(text)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{err}");
    assert!(out.ends_with("\nhomerealm.toml: 2 errors, 1 warning\n"), "{out}");
}

#[test]
fn warnings_are_no_failure_unless_they_are_denied() {
    let config = format!("{HEAD}{ROUTE}").replace("key_files = [\"session-key\"]\n", "");
    for format in ["human", "json", "sarif"] {
        assert_eq!(check(&config, &["--format", format]).code, Some(0), "{format}");
        assert_eq!(check(&config, &["--format", format, "--deny-warnings"]).code, Some(1), "{format}");
    }
    assert_eq!(check(&format!("{HEAD}{ROUTE}"), &["--deny-warnings"]).code, Some(0));
}

#[test]
fn wrong_usage_ends_with_2() {
    for options in [&["--format", "xml"][..], &["--color", "blue"], &["--nonsense"]] {
        let Ended { code, err, .. } = check(&format!("{HEAD}{ROUTE}"), options);
        assert!(code == Some(2) && err.contains("--help"), "{options:?}: {err}");
    }
}

#[test]
fn redirect_uris_are_told_before_there_is_a_secret() {
    let directory = directory(&format!("{HEAD}{ROUTE}"));
    std::fs::remove_file(directory.path().join("client-secret")).expect("it was there");
    let Ended { code, out, err } = ended(&mut command(directory.path(), &[]));
    assert!(code == Some(1) && err.contains("error[E013]"), "{err}");
    assert!(out.contains(REGISTER), "{out}");
    let told = document(&ended(&mut command(directory.path(), &["--format", "json"])));
    assert_eq!(told["redirect_uris"][1]["uri"], "https://orders.example.com/.auth/callback/personal");
    assert_eq!(told["signed_out_uris"][0], "https://orders.example.com/.auth/signed-out");
}

#[test]
fn documents_are_all_that_is_on_standard_output() {
    let wrong = format!("{HEAD}{ROUTE}flavour = 1\n");
    let ended = check(&wrong, &["--format", "json"]);
    let told = document(&ended);
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""));
    assert_eq!((&told["version"], &told["file"], &told["counts"]["errors"]), (&1.into(), &"homerealm.toml".into(), &1.into()));
    assert_eq!((&told["diagnostics"][0]["code"], &told["diagnostics"][0]["start"]["line"]), (&"E003".into(), &13.into()));
    assert_eq!((told.get("contents"), told.get("online")), (None, None));

    let right = document(&check(&format!("{HEAD}{ROUTE}"), &["--format", "json"]));
    assert_eq!(right["contents"], serde_json::json!({ "routes": 1, "tenants": 1, "policy_tests": 0 }));

    let ended = check(&wrong, &["--format", "sarif"]);
    let log = document(&ended);
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""));
    assert_eq!((&log["version"], &log["runs"][0]["results"][0]["ruleId"]), (&"2.1.0".into(), &"E003".into()));
}

#[test]
fn a_file_that_is_not_there_is_a_document_as_well() {
    let directory = directory("");
    std::fs::remove_file(directory.path().join("homerealm.toml")).expect("it was there");
    let told = document(&ended(&mut command(directory.path(), &["--format", "json"])));
    assert_eq!((&told["diagnostics"][0]["code"], told["diagnostics"][0].get("start")), (&"E002".into(), None));
    let log = document(&ended(&mut command(directory.path(), &["--format", "sarif"])));
    assert_eq!(log["runs"][0]["results"][0]["locations"][0]["physicalLocation"].get("region"), None);
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let directory = directory(&format!("{HEAD}{ROUTE}flavour = 1\n"));
    let is_coloured = |command: &mut Command| {
        let Ended { out, err, .. } = ended(command);
        let told = out + &err;
        assert!(told.contains("E003"), "{told}");
        told.contains("\u{1b}[")
    };
    assert!(!is_coloured(&mut command(directory.path(), &[])), "a pipe is no terminal");
    assert!(is_coloured(command(directory.path(), &["--color", "always"]).env("NO_COLOR", "1")), "asked for by name");
    // `script` gives its command a terminal.
    let on_terminal = |option: &str| {
        let mut command = Command::new("script");
        let line = format!("'{}' check homerealm.toml --color {option}", env!("CARGO_BIN_EXE_homerealm"));
        command.current_dir(directory.path()).args(["-qec", &line, "/dev/null"]).env_remove("NO_COLOR");
        command
    };
    assert!(is_coloured(&mut on_terminal("auto")));
    assert!(is_coloured(on_terminal("auto").env("NO_COLOR", "")), "an empty NO_COLOR says nothing");
    assert!(!is_coloured(on_terminal("auto").env("NO_COLOR", "1")));
    assert!(!is_coloured(&mut on_terminal("never")));
}

#[test]
fn every_code_can_be_asked_about() {
    let help = |topic: &[&str]| ended(homerealm().arg("help").args(topic));
    let Ended { code, out, .. } = help(&["e003"]);
    assert!(code == Some(0) && out.starts_with("E003: The key does not exist here.\n") && out.contains("    acounts"), "{out}");
    for short in ["E3", "e03", "E0003"] {
        let Ended { code, out, .. } = help(&[short]);
        assert_eq!((code, out.starts_with("E003: ")), if short.len() > 4 { (Some(2), false) } else { (Some(0), true) }, "{short}: {out}");
    }
    let list = help(&["codes"]).out;
    assert!(list.contains("E040  Earlier routes") && list.contains("W001  Sessions"), "{list}");
    assert!(help(&["check"]).out.contains("--deny-warnings"));
    assert!(help(&[]).out.contains("homerealm help codes"));
    let Ended { code, err, .. } = help(&["E0O3"]);
    assert!(code == Some(2) && err.contains("did you mean E003?"), "{err}");
    let Ended { code, err, .. } = help(&["quantum-chromodynamics"]);
    assert!(code == Some(2) && err.contains("homerealm help codes"), "{err}");
}

/// A file whose authority `work` is at this port of this machine.
fn at(provider: u16, dev: &str, routes: &str) -> String {
    format!("{HEAD}[authorities.work]\nissuer = \"http://127.0.0.1:{provider}/organizations/v2.0\"\n[dev]\nallow = {dev}\n{routes}")
}

fn route(path: &str, upstream: &str) -> String {
    format!("[[routes]]\nname = \"{path}\"\nmatch = {{ path = \"/{path}/**\" }}\nupstream = \"{upstream}\"\naccounts = \"work\"\n")
}

fn development_provider(port: u16) -> Process {
    let mut command = homerealm();
    command.args(["dev-idp", "--port", &port.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
    let mut process = Process::start(command.env("SECRET", CLIENT_SECRET));
    process.wait_for_port(port);
    process
}

#[test]
fn online_everything_that_the_file_names_is_asked() {
    let (provider, nobody, app) = (free_ports(1), free_ports(1), Upstream::start());
    let _development = development_provider(provider);

    // Two routes lead to one upstream: it is asked once.
    let up = route("a", &app.origin()) + &route("b", &format!("{}/base", app.origin()));
    let Ended { code, out, err } = check(&at(provider, "true", &up), &["--online", "--deny-warnings"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("ok    authority work: issuer http://127.0.0.1:"), "{out}");
    assert!(lines[0].contains(" key") && lines[0].ends_with(", clocks agree"), "{out}");
    assert_eq!(lines[1], format!("ok    upstream  {}: connected", app.origin()));
    assert!(out.ends_with(" · 2 of 2 online\n"), "{out}");

    let down = up.clone() + &route("down", &format!("http://127.0.0.1:{nobody}"));
    let Ended { code, out, .. } = check(&at(provider, "true", &down), &["--online"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains(&format!("FAIL  upstream  http://127.0.0.1:{nobody}: cannot connect")) && out.contains("(route \"down\")"),
        "{out}"
    );
    assert!(out.ends_with(" · 2 of 3 online\n"), "{out}");

    // TLS is spoken where the file says so.
    let tls = route("tls", &app.origin().replace("http://", "https://"));
    let Ended { code, out, .. } = check(&at(provider, "true", &tls), &["--online"]);
    assert!(code == Some(1) && out.contains("FAIL  upstream  https://"), "{out}");

    // What the proxy would not believe is no answer here either.
    let told = document(&check(&at(provider, "false", &up), &["--online", "--format", "json"]));
    assert_eq!((&told["online"][0]["asked"], &told["online"][0]["outcome"]), (&"authority".into(), &"failed".into()));
    assert!(told["online"][0]["detail"].as_str().is_some_and(|why| why.contains("[dev] allow = true")), "{told}");
    assert_eq!((&told["online"][1]["asked"], &told["online"][1]["outcome"]), (&"upstream".into(), &"ok".into()));

    let ended = check(&at(nobody, "true", &up), &["--online", "--format", "sarif"]);
    assert!(ended.code == Some(1) && ended.err.contains("FAIL  authority work: "), "{}", ended.err);
    assert_eq!(document(&ended)["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn online_a_key_set_without_keys_is_a_failure() {
    let provider =
        Hostile::start(|origin, path| Answer::json(if path.ends_with("/keys") { r#"{"keys":[]}"#.into() } else { metadata(origin) }));
    let app = Upstream::start();
    let Ended { code, out, .. } = check(&at(provider.port, "true", &route("a", &app.origin())), &["--online"]);
    assert!(code == Some(1) && out.contains("/keys: the key set has no key"), "{out}");
}

fn metadata(origin: &str) -> String {
    serde_json::json!({
        "issuer": format!("{origin}/{{tenantid}}/v2.0"),
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
        "response_types_supported": ["code"],
    })
    .to_string()
}

#[tokio::test]
async fn online_a_clock_that_is_off_is_a_warning() {
    let port = free_ports(1);
    let _development = development_provider(port);
    let path = "/organizations/v2.0/.well-known/openid-configuration";
    let answer = raw::get(port, &format!("127.0.0.1:{port}"), path, "").await;
    let document = answer.0.split_once("\r\n\r\n").expect("a head").1.to_owned();
    // The same document from a machine whose clock stands still: the field goes where the media type ends.
    let late = "application/json\r\ndate: Tue, 15 Nov 1994 08:12:31 GMT";
    let relay = Hostile::start(move |_, _| Answer::Whole(200, late, document.clone()));
    let discovery = format!("]\ndiscovery = \"http://127.0.0.1:{}{path}\"", relay.port);
    let config =
        at(port, "true", &route("a", &Upstream::start().origin())).replace("[authorities.work]", &format!("[authorities.work{discovery}"));
    let Ended { code, out, .. } = check(&config, &["--online"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("warn  authority work: issuer ") && out.contains(" s behind this machine's"), "{out}");
    assert_eq!(check(&config, &["--online", "--deny-warnings"]).code, Some(1));
}

#[test]
fn a_file_with_errors_asks_nobody() {
    let Ended { code, out, .. } = check(&format!("{HEAD}{ROUTE}flavour = 1\n"), &["--online"]);
    assert!(code == Some(1) && out.contains("Nobody was asked") && !out.contains("FAIL"), "{out}");
}
