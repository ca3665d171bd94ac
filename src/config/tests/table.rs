//! The table: files of cases, each with a name, a configuration and everything that is said about it.
//!
//! A case starts with `=== name`; its expectation follows `---`: the rendered errors, or `ok` and the warnings.
//! `UPDATE_CASES=1` writes the expectations anew, for a person to read through the difference.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{SECRET, directory, expand, parse};
use crate::config::problem::Code;
use crate::config::report::{Colours, Report};

/// Told where there is no text to quote, so no case can show it: `bounds` does.
const WITHOUT_CASE: [Code; 1] = [Code::File];

/// All files of cases, by name.
pub(super) fn files() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests");
    let paths = std::fs::read_dir(folder).expect("the folder of this file").map(|entry| entry.expect("a file").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a file of cases");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

pub(super) struct Case<'a> {
    pub(super) name: &'a str,
    pub(super) input: &'a str,
    expected: &'a str,
}

pub(super) fn cases(text: &str) -> impl Iterator<Item = Case<'_>> {
    text.split("=== ").skip(1).map(|case| {
        let (name, rest) = case.split_once('\n').expect("a case has a name");
        let (input, expected) = rest.split_once("---\n").expect("a case has an expectation");
        Case { name, input, expected: expected.trim_end() }
    })
}

/// What is said about a case, and its text.
pub(super) fn report(case: &Case<'_>, directory: &Path) -> (Report, String) {
    let (mut said, report) = match parse(&expand(case.input), directory) {
        Ok(config) => (vec!["ok".to_owned()], config.warnings),
        Err(report) => (Vec::new(), report),
    };
    said.extend(report.rendered(Colours::Plain));
    (report, said.join("\n"))
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_way_out() {
    let directory = directory();
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut failures = String::new();
    for (path, text) in files() {
        let file = path.display();
        let mut updated = String::new();
        for case in cases(&text) {
            let (_, said) = report(&case, directory.path());
            assert!(!said.contains(SECRET), "{file}: {}: a secret is shown:\n{said}", case.name);
            if said != case.expected {
                let _ = write!(failures, "{file}: {}\n--- expected\n{}\n--- said\n{said}\n", case.name, case.expected);
            }
            let _ = write!(updated, "=== {}\n{}---\n{said}\n", case.name, case.input);
        }
        if update {
            std::fs::write(path, updated).expect("the cases can be written");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn no_code_is_without_a_case_and_no_case_that_is_wrong_without_a_code() {
    let directory = directory();
    let mut shown = BTreeSet::from(WITHOUT_CASE.map(Code::as_str));
    for (path, text) in files() {
        for case in cases(&text) {
            let (report, said) = report(&case, directory.path());
            let codes: Vec<_> = report.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
            assert!(!codes.is_empty() || said == "ok", "{}: {} is refused for no reason", path.display(), case.name);
            assert!(!codes.iter().any(|code| WITHOUT_CASE.contains(code)), "{}: {} can be shown", path.display(), case.name);
            shown.extend(codes.into_iter().map(Code::as_str));
        }
    }
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !shown.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn there_are_many_wrong_cases_and_right_ones_beside_them() {
    let files = files();
    let (right, wrong): (Vec<_>, Vec<_>) = files.iter().flat_map(|(_, text)| cases(text)).partition(|case| case.expected.starts_with("ok"));
    assert!(wrong.len() >= 70 && right.len() >= 20, "{} wrong, {} right", wrong.len(), right.len());
    let names: BTreeSet<_> = right.iter().chain(&wrong).map(|case| case.name).collect();
    assert_eq!(names.len(), right.len() + wrong.len(), "two cases have the same name");
}

#[test]
fn codes_are_unique_and_in_order() {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
}
