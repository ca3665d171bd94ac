//! `homerealm diff` as a pipeline uses it: exit codes, and an answer for programs.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::process::homerealm;

/// The configuration of the README's first lines, its secret in a variable.
fn file(directory: &Path, name: &str, keys: &str) -> PathBuf {
    let minimal = include_str!("../../config/minimal.toml");
    let text: Vec<_> = minimal.lines().map(|line| if line.starts_with("secret_file") { "secret_env = \"SECRET\"" } else { line }).collect();
    let path = directory.join(name);
    std::fs::write(&path, format!("{}\n{keys}\n", text.join("\n"))).expect("a writable directory");
    path
}

fn diff(files: [&Path; 2], options: &[&str]) -> Output {
    homerealm().arg("diff").args(files).args(options).env("SECRET", "a secret").env_remove("NO_COLOR").output().expect("the binary")
}

#[test]
fn the_exit_code_tells_whether_somebody_gains() {
    let directory = tempfile::tempdir().expect("a directory");
    let all = file(directory.path(), "all.toml", "");
    let few = file(directory.path(), "few.toml", "groups = [\"7d0e0000-0000-4000-8000-0000000000f1\"]");
    let broken = file(directory.path(), "broken.toml", "acounts = \"work\"");
    for (files, code, said) in
        [([&all, &all], 0, "nobody gains or loses access"), ([&all, &few], 0, "LOSE access"), ([&few, &all], 3, "GAIN access")]
    {
        let output = diff(files.map(PathBuf::as_path), &[]);
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.code() == Some(code) && text.contains(said), "{files:?}: {}\n{text}", output.status);
        assert!(!text.contains('\x1b'), "colours where nobody sees them: {text}");
    }
    let idle = file(directory.path(), "idle.toml", "[session]\nidle = \"10m\"");
    for (new, differs) in [(&idle, true), (&all, false)] {
        let text = String::from_utf8(diff([&all, new], &[]).stdout).expect("text");
        assert_eq!(text.contains("The files differ in other things"), differs, "{text}");
    }
    let output = diff([&broken, &broken], &[]);
    let complaints = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{}", output.status);
    assert_eq!(complaints.matches("did you mean `accounts`").count(), 2, "of both files is told: {complaints}");
    assert_eq!(diff([&all, &few], &["--format", "yaml"]).status.code(), Some(2));
}

#[test]
fn programs_read_who_gains_and_where() {
    let directory = tempfile::tempdir().expect("a directory");
    let all = file(directory.path(), "all.toml", "");
    let few = file(directory.path(), "few.toml", "groups = [\"7d0e0000-0000-4000-8000-0000000000f1\"]");
    let output = diff([&few, &all], &["--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&told["version"], &told["gain"], &told["lose"]), (&1.into(), &1.into(), &0.into()));
    assert!(told["old"]["fingerprint"].as_str().is_some_and(|print| print.len() == 12) && told["old"] != told["new"], "{told}");
    let change = &told["changes"][0];
    assert_eq!((&change["direction"], &change["people"]["kind"]), (&"gain".into(), &"work".into()));
    assert_eq!(change["people"]["belonging"], "none_of");
    assert_eq!(change["people"]["groups"][0], "7d0e0000-0000-4000-8000-0000000000f1");
    // The line that refused is that of `groups`, the last of its file.
    let lines = std::fs::read_to_string(&few).expect("the file").lines().count();
    assert_eq!(change["old"]["line"], lines, "{told}");
}
