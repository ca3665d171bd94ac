//! Configurations that are wrong, with what is said about them to the letter, beside configurations that are right.

mod bounds;
mod codes;
mod files_read;
mod formats;
mod not_before;
mod promises;
mod schema;
mod table;
mod tls;
mod values;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::OnceLock;

use chrono::NaiveDate;
use tempfile::TempDir;

use super::report::Report;
use super::{Config, parse_with};

/// What `@head` stands for at the start of a case: everything but the routes, eight lines.
const HEAD: &str = include_str!("tests/head.toml");

/// What `@route` stands for: a route that is right, three lines.
const ROUTE: &str = include_str!("tests/route.toml");

/// A literal secret in many cases. It must never be in a message.
const SECRET: &str = "k8Q~hunter2";

/// A directory with the files that the cases name.
fn directory() -> TempDir {
    let directory = TempDir::new().expect("a directory for files can be made");
    let tls = tls::files();
    let files: [(&str, &[u8]); 15] = [
        ("secret", b"the-client-secret\n"),
        ("empty", b""),
        ("newline", b"\n"),
        ("two-lines", b"one\ntwo\n"),
        ("binary", b"\xff\xfe\x00"),
        ("large", &[b'a'; 64 * 1024 + 1]),
        ("key", b"5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\n"),
        ("key-raw", b"\x00an old key of just thirty-two b"),
        ("key-base64", b"X3C/GKCGAHAW6UiwSu07ghA6Nr6kF1W2zd+vEKzjxu8=\n"),
        ("key-half", b"5f70bf18a086007016e948b04aed3b82\n"),
        ("key-short", b"hunter2\n"),
        ("key-zero", &[0; 32]),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
        ("logo.svg", b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n"),
        ("logo.png", b"\x89PNG\r\n\x1a\n\x00"),
    ];
    let [client, other] = certificates();
    let made = [("client.pem", &client.0), ("client-key.pem", &client.1), ("other-key.pem", &other.1)];
    let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let made = made.iter().map(|(name, content)| (*name, content.as_bytes())).chain([("encrypted-key.pem", &encrypted[..])]);
    let tls = tls.iter().map(|(name, content)| (*name, content.as_bytes()));
    for (name, content) in files.into_iter().chain(made).chain(tls) {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("a file can be written");
        let mode = if name.ends_with("open.key") { 0o644 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a file of ours");
    }
    let made = std::process::Command::new("mkfifo").arg(directory.path().join("pipe")).status();
    assert!(made.expect("a system with mkfifo").success());
    directory
}

/// Two certificates with their keys, PEM. The same ones in every directory: to make them takes time.
fn certificates() -> &'static [(String, String); 2] {
    static MADE: OnceLock<[(String, String); 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        ["client.example", "other.example"].map(|name| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            (made.cert.pem(), made.signing_key.serialize_pem())
        })
    })
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day of the calendar")
}

fn parse(text: &str, directory: &Path) -> Result<Config, Report> {
    let environment = |name: &str| match name {
        "CLIENT_SECRET" => Some("from-the-environment".to_owned()),
        "EMPTY_SECRET" => Some(String::new()),
        _ => None,
    };
    parse_with(text, "homerealm.toml", directory, &environment, today())
}

/// The files of this test in place of those of a container.
fn with_files_here(text: &str) -> String {
    let names = [("client-secret", "secret"), ("customers-secret", "secret"), ("session-key", "key")];
    names
        .iter()
        .fold(text.to_owned(), |text, (there, here)| text.replace(&format!("/run/secrets/{there}"), here))
        .replace("/etc/homerealm/tls/", "")
}

fn expand(case: &str) -> String {
    case.replace("@head\n", HEAD).replace("@route\n", ROUTE)
}
