//! The sections of `codes.md`: one for each code, with examples that are what they say.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::DeTable;

use super::{directory, expand, parse, with_files_here};
use crate::config::codes::{explanation, sections};
use crate::config::problem::{Code, Severity};

/// What no example of a few lines shows.
const WITHOUT_EXAMPLE: [Code; 2] = [Code::File, Code::TooMany];

/// A whole file of an example: what it lacks is what every file has. One that starts with `version` is a whole file, and
/// so is one that is no TOML.
fn completed(example: &str) -> String {
    let example = expand(&with_files_here(example));
    let (table, errors) = DeTable::parse_recoverable(&example);
    let lacks = |key: &str| !table.get_ref().contains_key(key);
    if !errors.is_empty() || example.starts_with("version") {
        return example;
    }
    let above = [("version", "version = 1\n"), ("public_url", "public_url = \"https://orders.example.com\"\n")];
    let below = [
        ("client", "[client]\nid = \"x\"\nsecret_file = \"secret\"\n"),
        ("session", "[session]\nkey_files = [\"key\"]\n"),
        ("routes", super::ROUTE),
    ];
    let missing = |parts: &[(&str, &'static str)]| parts.iter().filter(|(key, _)| lacks(key)).map(|(_, text)| *text).collect::<String>();
    format!("{}{example}{}", missing(&above), missing(&below))
}

fn codes(text: &str, directory: &Path) -> Vec<Code> {
    let report = match parse(text, directory) {
        Ok(config) => config.warnings,
        Err(report) => report,
    };
    report.diagnostics().iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn every_code_has_one_section_in_the_order_of_the_codes() {
    let headings: Vec<_> = sections().map(|(heading, _)| heading).collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(headings, codes, "src/config/codes.md has one section per code, in the order of the codes");
}

#[test]
fn every_section_tells_why_before_it_shows_how() {
    for (heading, explanation) in sections() {
        let prose = explanation.markdown().split("\nWrong:").next().unwrap_or_default().trim();
        assert!((80..=700).contains(&prose.len()) && prose.ends_with(['.', '`']), "{heading}: {prose}");
        assert!(!explanation.plain().contains("```"), "{heading}: a fence is left over");
    }
}

#[test]
fn what_is_called_wrong_is_wrong_in_this_way_and_what_is_called_right_is_right() {
    let directory = directory();
    let mut without = BTreeSet::new();
    for code in Code::ALL {
        let word = code.as_str();
        let Some(explanation) = explanation(*code) else { panic!("{word} has no section") };
        let (Some(wrong), Some(right)) = (explanation.example("Wrong"), explanation.example("Right")) else {
            without.insert(word);
            continue;
        };
        let found = codes(&completed(wrong), directory.path());
        assert!(found.contains(code), "{word}: the wrong example gives {found:?}:\n{}", completed(wrong));
        let found = codes(&completed(right), directory.path());
        let refused = found.iter().any(|found| found.severity() == Severity::Error);
        assert!(!found.contains(code) && !refused, "{word}: the right example gives {found:?}:\n{}", completed(right));
    }
    assert_eq!(without, WITHOUT_EXAMPLE.map(Code::as_str).into());
}
