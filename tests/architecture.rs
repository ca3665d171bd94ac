//! Holds the tree to what it promises, by reading it as text: imports point one way, every file says what it is, no
//! file grows past what one idea needs.

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer with the layers it may import from. A layer may always import from itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("sockets", &[]),
    ("protocol", &["domain"]),
    ("flow", &["domain", "protocol"]),
    ("adapters", &["domain", "protocol", "flow"]),
    ("review", &["domain"]),
    ("config", &["domain", "protocol", "review"]),
    ("admin", &["domain", "sockets", "config", "review", "telemetry"]),
    ("telemetry", &["domain"]),
    ("proxy", &["domain", "sockets", "protocol", "flow", "telemetry"]),
    ("app", &["domain", "protocol", "flow", "adapters", "review", "config", "admin", "telemetry", "proxy"]),
    ("dev_idp", &["domain", "protocol"]),
    ("sample_app", &[]),
    ("demo", &["domain", "protocol", "flow", "adapters", "config", "telemetry", "proxy", "app", "dev_idp", "sample_app"]),
    (
        "command",
        &[
            "domain",
            "sockets",
            "protocol",
            "flow",
            "adapters",
            "review",
            "config",
            "admin",
            "telemetry",
            "proxy",
            "app",
            "dev_idp",
            "sample_app",
            "demo",
        ],
    ),
];

/// What a pure decision has no business with.
const IMPURE: &[&str] =
    &["std::fs", "std::net::Tcp", "std::env", "SystemTime", "Instant::now", "tokio", "hyper", "rand::", "tracing", "async fn"];

const MOST_LINES: usize = 400;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn name(path: &Path) -> String {
    path.strip_prefix(source_root()).expect("below src").display().to_string()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") || path.ends_with("properties.rs")
}

/// The code of a file: without comments, and without its test module at the end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a readable file");
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn check(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn imports_point_one_way() {
    let mut complaints = Vec::new();
    for (layer, allowed) in LAYERS {
        let folder = source_root().join(layer);
        let file = source_root().join(format!("{layer}.rs"));
        let mut files = if folder.is_dir() { sources(&folder) } else { Vec::new() };
        files.extend(file.is_file().then_some(file));
        assert!(!files.is_empty(), "the layer {layer} has no files: mend this table");
        for path in files.iter().filter(|path| !is_test(path)) {
            let code = code(path);
            for (other, _) in LAYERS {
                if other != layer && !allowed.contains(other) && code.contains(&format!("crate::{other}::")) {
                    complaints.push(format!("{} imports {other}, which {layer} must not know", name(path)));
                }
            }
        }
    }
    check(&complaints);
}

#[test]
fn decisions_are_pure() {
    let mut complaints = Vec::new();
    let pure = ["domain", "review"].into_iter().flat_map(|layer| sources(&source_root().join(layer)));
    for path in pure.filter(|path| !is_test(path)) {
        let (path, code) = (&path, code(&path));
        complaints.extend(IMPURE.iter().filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", name(path))));
    }
    check(&complaints);
}

#[test]
fn every_file_says_what_lives_in_it() {
    let silent = |path: &PathBuf| !fs::read_to_string(path).expect("a readable file").starts_with("//!");
    check(
        &sources(&source_root())
            .iter()
            .filter(|path| silent(path))
            .map(|path| format!("{}: starts without //!", name(path)))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_holds_more_than_one_idea_needs() {
    let mut complaints = Vec::new();
    for path in sources(&source_root()).iter().filter(|path| !is_test(path)) {
        let lines = code(path).lines().count();
        if lines > MOST_LINES {
            complaints.push(format!("{}: {lines} lines of code, at most {MOST_LINES}", name(path)));
        }
    }
    check(&complaints);
}

#[test]
fn nothing_reaches_past_its_parents_parent() {
    let climbs = |path: &&PathBuf| code(path).contains("super::super::super");
    check(&sources(&source_root()).iter().filter(climbs).map(|path| format!("{}: use crate:: instead", name(path))).collect::<Vec<_>>());
}
