//! Files that are no configuration: too large, not text, not there, noise.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::{HEAD, ROUTE, directory, parse, with_files_here};
use crate::config::report::Colours;
use crate::config::{MAX_FILE_LENGTH, load};

const EXAMPLE: &str = include_str!("../../../config/example.toml");

fn refusal_of(path: &Path) -> String {
    load(path).expect_err("it is refused").to_string()
}

#[test]
fn a_file_that_cannot_be_one_is_refused_with_its_name() {
    let directory = directory();
    let file = directory.path().join("homerealm.toml");
    let head = format!("error[E002]: the configuration file cannot be used\n--> {}\n = note: ", file.display());
    assert!(refusal_of(&file).starts_with(&head), "missing: {}", refusal_of(&file));
    fs::write(&file, [b'#', 0xff]).expect("a file can be written");
    assert_eq!(refusal_of(&file), format!("{head}it is not UTF-8 from byte 1 on"));
    let longest = usize::try_from(MAX_FILE_LENGTH).expect("a megabyte can be counted");
    fs::write(&file, "#".repeat(longest + 1)).expect("a file can be written");
    assert_eq!(refusal_of(&file), format!("{head}it is larger than 1 MiB"));
}

#[test]
fn a_file_of_the_largest_length_is_read() {
    let directory = directory();
    let file = directory.path().join("homerealm.toml");
    let longest = usize::try_from(MAX_FILE_LENGTH).expect("a megabyte can be counted");
    let text = format!("{HEAD}{ROUTE}#");
    fs::write(&file, text.clone() + &" ".repeat(longest - text.len())).expect("a file can be written");
    let config = load(&file).expect("a configuration");
    assert_eq!(config.rules.routes.routes().len(), 1);
}

#[test]
fn deep_nesting_is_refused_where_it_starts_to_be_too_deep() {
    let directory = directory();
    let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    let tables = format!("{}a = 1", "a.".repeat(10_000));
    for text in [deep, tables] {
        let problems = parse(&text, directory.path()).expect_err("it is refused");
        assert!(problems.to_string().starts_with("error[E001]: this is not TOML\n--> homerealm.toml:1:"), "{problems}");
    }
}

#[test]
fn more_problems_than_anybody_reads_are_counted() {
    let directory = directory();
    let text: String = (0..150).map(|number| format!("unknown{number} = {number}\n")).collect();
    let rendered = parse(&text, directory.path()).expect_err("it is refused").rendered(Colours::Plain);
    assert_eq!((rendered.len(), rendered[100].as_str()), (101, "… and 54 more"));
}

#[test]
fn a_line_of_a_megabyte_is_not_quoted() {
    let directory = directory();
    let text = format!("# {}\nversion = \"{}\"\n", "é".repeat(1000), "x".repeat(500_000));
    let problems = parse(&text, directory.path()).expect_err("it is refused").to_string();
    assert!(problems.contains("--> homerealm.toml:2:11\n") && problems.len() < 4000, "{}", problems.len());
}

#[test]
fn more_routes_than_anybody_can_mean_are_refused_at_once() {
    let directory = directory();
    let text = HEAD.to_owned() + &"[[routes]]\nupstream='http://a'\nauth='none'\n".repeat(20_000);
    let problems = parse(&text, directory.path()).expect_err("it is refused").to_string();
    assert!(problems.starts_with("error[E017]: more than 1000 routes\n --> homerealm.toml:9:"), "{problems}");
}

#[test]
fn more_entries_than_anybody_keeps_by_hand_are_not_compared_with_each_other() {
    let directory = directory();
    let scopes: String = (0..50_000).map(|number| format!("'s{number}',")).collect();
    let list = format!("{HEAD}{ROUTE}[authorities.work]\nscopes = [{scopes}]\n");
    let tenant = |number: usize| format!("t{number} = {{ id = '3a0c0000-0000-4000-8000-{number:012}' }}\n");
    let tenants = format!("{HEAD}{ROUTE}[tenants]\n{}", (0..1001).map(tenant).collect::<String>());
    for (text, line) in [(list, 13), (tenants, 12)] {
        let problems = parse(&text, directory.path()).expect_err("it is refused").to_string();
        assert!(
            problems.starts_with("error[E017]: more than 1000 ") && problems.contains(&format!("> homerealm.toml:{line}:")),
            "{problems}"
        );
    }
}

/// The example with a stretch of it replaced.
fn mutated(start: usize, length: usize, by: &str) -> String {
    let characters: Vec<char> = with_files_here(EXAMPLE).chars().collect();
    let start = start % characters.len();
    let end = (start + length).min(characters.len());
    characters[..start].iter().copied().chain(by.chars()).chain(characters[end..].iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused_without_a_panic(text in "\\PC{0,200}") {
        let problems = parse(&text, Path::new("/nonexistent")).expect_err("it is refused");
        prop_assert!(problems.counts().errors > 0);
    }

    #[test]
    fn bytes_that_are_text_by_chance_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let problems = parse(&String::from_utf8_lossy(&bytes), Path::new("/nonexistent")).expect_err("it is refused");
        prop_assert!(problems.counts().errors > 0);
    }

    #[test]
    fn a_damaged_example_is_refused_or_read_without_a_panic(
        start in 0..EXAMPLE.len(),
        length in 0..20usize,
        by in "[]\\[\\]\"'={}#é\n a-z0-9.,]{0,6}",
    ) {
        // With its secret files where they are: a comment may be damaged without any harm.
        let directory = directory();
        if let Err(problems) = parse(&mutated(start, length, &by), directory.path()) {
            prop_assert!(problems.counts().errors > 0);
            for rendered in problems.rendered(Colours::Plain).iter().take(100) {
                prop_assert!((rendered.starts_with("error[E") || rendered.starts_with("warning[W")) && rendered.contains(" homerealm.toml:"), "{}", rendered);
            }
        }
    }
}
