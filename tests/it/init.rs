//! Starter files: each is right as it is printed, in `check` and in an editor, and its promises hold.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use homerealm::config;
use tempfile::TempDir;

const CASES: [&str; 3] = ["one-tenant", "consumers-and-work", "behind-nginx"];

fn init(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_homerealm")).arg("init").args(arguments).current_dir(folder).output().expect("the binary runs")
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder can be made")
}

fn printed(case: &str) -> String {
    let answer = init(&[case], folder().path());
    assert!(answer.status.success() && answer.stderr.is_empty(), "{answer:?}");
    String::from_utf8(answer.stdout).expect("text")
}

#[test]
fn a_starter_is_right_once_its_two_secrets_are_there_and_its_ids_are_somebodys() {
    for case in CASES {
        let folder = folder();
        let answer = init(&[case, "-o", "homerealm.toml"], folder.path());
        assert!(answer.status.success(), "{case}: {answer:?}");
        let check =
            || Command::new(env!("CARGO_BIN_EXE_homerealm")).arg("check").current_dir(folder.path()).output().expect("the binary runs");
        fs::write(folder.path().join("session-key"), "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\n").expect("a file");
        fs::write(folder.path().join("client-secret"), "a-client-secret\n").expect("a file");
        let warned = check();
        let said = String::from_utf8_lossy(&warned.stderr);
        assert!(warned.status.success() && said.matches("warning[").count() == 1 && said.contains("warning[W011]"), "{case}:\n{said}");
        let file = folder.path().join("homerealm.toml");
        let text = fs::read_to_string(&file).expect("it was written");
        fs::write(&file, text.replace("00000000-0000-0000-0000-000000000000", "3a0c0000-0000-4000-8000-0000000000aa")).expect("a file");
        let right = check();
        let said = String::from_utf8_lossy(&right.stderr);
        assert!(right.status.success() && said.is_empty(), "{case}:\n{said}");
    }
}

#[test]
fn a_starter_without_its_secrets_fails_for_that_alone() {
    for case in CASES {
        let folder = folder();
        init(&[case, "-o", "homerealm.toml"], folder.path());
        let problems = config::load(&folder.path().join("homerealm.toml")).expect_err("two files are missing").to_string();
        let errors: Vec<_> = problems.lines().filter(|line| line.starts_with("error[")).collect();
        let unreadable = |name: &str| format!("error[E013]: the file of `{name}` cannot be read");
        assert_eq!(errors, [unreadable("secret_file"), unreadable("key_files")], "{case}:\n{problems}");
    }
}

#[test]
fn a_starter_is_short_and_has_nothing_in_it_that_could_be_somebodys() {
    for case in CASES {
        let text = printed(case);
        assert!(text.lines().count() <= 60 && text.contains("[[tests]]"), "{case}");
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| word.len() == 36 && word.contains('-')) {
            assert_eq!(word, "00000000-0000-0000-0000-000000000000", "{case}");
        }
        for (_, host) in text
            .match_indices("://")
            .map(|(at, _)| text[at + 3..].split_once(['/', '"', ':']).map_or(("", ""), |(host, rest)| (rest, host)))
        {
            assert!(host.ends_with(".example.com") || ["127.0.0.1", "login.microsoftonline.com"].contains(&host), "{case}: {host}");
        }
    }
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let folder = folder();
    let file = folder.path().join("homerealm.toml");
    fs::write(&file, "mine").expect("a file");
    let answer = init(&["one-tenant", "-o", "homerealm.toml"], folder.path());
    assert_eq!(answer.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&answer.stderr), "homerealm init: homerealm.toml is there already; name another file\n");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    let elsewhere = init(&["one-tenant", "-o", "nowhere/homerealm.toml"], folder.path());
    assert_eq!(elsewhere.status.code(), Some(1), "{elsewhere:?}");
}

#[test]
fn a_new_file_is_what_would_be_printed_and_the_way_on_is_told() {
    let folder = folder();
    fs::create_dir(folder.path().join("it's here")).expect("a folder");
    for case in CASES {
        let file = format!("it's here/{case}.toml");
        let answer = init(&[case, "--output", &file], folder.path());
        assert_eq!(fs::read_to_string(folder.path().join(&file)).expect("a file"), printed(case));
        let said = String::from_utf8(answer.stdout).expect("text");
        let commands: Vec<_> = said.lines().filter(|line| line.starts_with("  ")).collect();
        assert_eq!(commands.len(), 3, "{said}");
        assert!(commands[0].contains(r"openssl rand -hex 32 > 'it'\''s here/session-key'"), "{said}");
        assert!(commands[1].contains(r"cat > 'it'\''s here/client-secret'"), "{said}");
        assert_eq!(commands[2], format!(r"  homerealm check 'it'\''s here/{case}.toml'"));
    }
}

#[test]
fn without_a_case_the_cases_are_listed() {
    let answer = init(&[], folder().path());
    let said = String::from_utf8_lossy(&answer.stderr);
    assert_eq!(answer.status.code(), Some(2), "{said}");
    for case in CASES {
        assert!(said.contains(&format!("\n  {case} ")), "{case}:\n{said}");
    }
    assert_eq!(init(&["no-such-case"], folder().path()).status.code(), Some(2));
}
