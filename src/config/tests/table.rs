//! The table: files of cases, each with a name, a configuration and everything that is said about it.
//!
//! A case starts with `=== name`; its expectation follows `---`: the rendered errors, or `ok` and the warnings.
//! `UPDATE_CASES=1` writes the expectations anew, for a person to read through the difference.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{SECRET, directory, expand, parse};
use crate::config::problem::Code;

const FILES: [(&str, &str); 6] = [
    ("accounts.txt", include_str!("accounts.txt")),
    ("authorities.txt", include_str!("authorities.txt")),
    ("form.txt", include_str!("form.txt")),
    ("routes.txt", include_str!("routes.txt")),
    ("secrets.txt", include_str!("secrets.txt")),
    ("server.txt", include_str!("server.txt")),
];

struct Case<'a> {
    name: &'a str,
    input: &'a str,
    expected: &'a str,
}

fn cases(text: &str) -> impl Iterator<Item = Case<'_>> {
    text.split("=== ").skip(1).map(|case| {
        let (name, rest) = case.split_once('\n').expect("a case has a name");
        let (input, expected) = rest.split_once("---\n").expect("a case has an expectation");
        Case { name, input, expected: expected.trim_end() }
    })
}

fn said(case: &Case<'_>, directory: &std::path::Path) -> String {
    match parse(&expand(case.input), directory) {
        Ok(config) if config.warnings.is_empty() => "ok".to_owned(),
        Ok(config) => format!("ok\n{}", config.warnings.join("\n")),
        Err(problems) => problems.rendered.join("\n"),
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_way_out() {
    let directory = directory();
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut failures = String::new();
    for (file, text) in FILES {
        let mut updated = String::new();
        for case in cases(text) {
            let said = said(&case, directory.path());
            assert!(!said.contains(SECRET), "{file}: {}: a secret is shown:\n{said}", case.name);
            if said != case.expected {
                let _ = write!(failures, "{file}: {}\n--- expected\n{}\n--- said\n{said}\n", case.name, case.expected);
            }
            let _ = write!(updated, "=== {}\n{}---\n{said}\n", case.name, case.input);
        }
        if update {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests").join(file);
            std::fs::write(path, updated).expect("the cases can be written");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_code_is_exercised() {
    let expectations: String = FILES.iter().flat_map(|(_, text)| cases(text)).map(|case| format!("{}\n", case.expected)).collect();
    // Told without a line, where there is no text to quote: exercised in `bounds`.
    let elsewhere = BTreeSet::from(["E002"]);
    for code in Code::ALL {
        let word = code.as_str();
        assert_ne!(expectations.contains(&format!("[{word}]")), elsewhere.contains(word), "{word}: {}", code.meaning());
    }
}

#[test]
fn there_are_many_wrong_cases_and_right_ones_beside_them() {
    let (right, wrong): (Vec<_>, Vec<_>) = FILES.iter().flat_map(|(_, text)| cases(text)).partition(|case| case.expected.starts_with("ok"));
    assert!(wrong.len() >= 70 && right.len() >= 20, "{} wrong, {} right", wrong.len(), right.len());
    let names: BTreeSet<_> = right.iter().chain(&wrong).map(|case| case.name).collect();
    assert_eq!(names.len(), right.len() + wrong.len(), "two cases have the same name");
}

#[test]
fn codes_are_unique_and_in_order() {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
}
