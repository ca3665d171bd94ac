//! Any bytes as a configuration file: read without a panic and in bounded time, answered the same way twice, in an
//! answer of bounded length that shows no secret.
//!
//! No file is there to be read; the one environment variable that is lets a file without a mistake be loaded.

#![no_main]

use std::fmt::Display;
use std::path::Path;

use chrono::NaiveDate;
use homerealm::config::{Config, parse_with};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Part of every literal secret among the seeds. No message of ours has it.
const LITERAL: &str = "hunter2";

/// Keys under which nobody can have meant anything but a secret.
const SECRETS: [&str; 3] = ["client_secret", "password", "secret"];

/// More problems than are shown, of lines longer than are quoted.
const LONGEST_ANSWER: usize = 1024 * 1024;

fn read(text: &str) -> Result<Config, impl Display> {
    let environment = |name: &str| (name == "CLIENT_SECRET").then(|| "in-no-output".to_owned());
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day of the calendar");
    parse_with(text, "fuzz.toml", Path::new("/nonexistent"), &environment, today)
}

/// Everything that somebody may get to see.
fn shown(answer: &Result<Config, impl Display>) -> String {
    match answer {
        Ok(config) => format!("{}\n{config:?}", config.text),
        Err(problems) => problems.to_string(),
    }
}

fn has_literal_secret(text: &str) -> bool {
    match text.parse::<toml::Table>() {
        Ok(table) => table.iter().any(|(key, value)| is_literal_secret(key, value)),
        // What is no TOML is masked line by line.
        Err(_) => text.lines().any(|line| {
            let value = line.split_once('=').filter(|(key, _)| SECRETS.contains(&key.trim()));
            value.is_some_and(|(_, value)| value.contains(LITERAL))
        }),
    }
}

fn is_literal_secret(key: &str, value: &toml::Value) -> bool {
    match value {
        toml::Value::String(text) => SECRETS.contains(&key) && text.contains(LITERAL),
        toml::Value::Array(items) => items.iter().any(|item| is_literal_secret(key, item)),
        toml::Value::Table(table) => table.iter().any(|(key, value)| is_literal_secret(key, value)),
        _ => false,
    }
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let answer = read(text);
    let said = shown(&answer);
    assert_eq!(said, shown(&read(text)), "the same file is answered in two ways");
    assert!(!said.is_empty() && said.len() <= LONGEST_ANSWER + 4 * text.len(), "an answer of {} bytes", said.len());
    assert!(!said.contains("in-no-output"), "the client secret is shown");
    if text.matches(LITERAL).count() == 1 && has_literal_secret(text) {
        assert!(!said.contains(LITERAL), "a literal secret is shown");
    }
    Corpus::Keep
});
