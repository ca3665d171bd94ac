//! The schema as editors use it: taplo, which is behind the TOML support of most of them, reads whole files that name
//! the schema in their first line. What is right must pass, what has the wrong form must not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const DIRECTIVE: &str = "#:schema ./homerealm.schema.json\n";

/// Codes of mistakes that one value, or the keys of one table, show by themselves.
const OF_FORM: [&str; 9] = ["E003", "E004", "E005", "E006", "E007", "E008", "E009", "E010", "E012"];

/// Mistakes of these codes that a schema cannot tell all the same.
const BEYOND_A_SCHEMA: [(&str, &str); 11] = [
    ("a duration without end", "numbers inside of texts are not compared"),
    ("a size above counting", "numbers inside of texts are not compared"),
    ("an hourly rate between minutes", "numbers inside of texts are not compared"),
    ("a network with too many bits", "the bits behind a mask are arithmetic"),
    ("the tenant of personal accounts on a route", "a pattern that leaves out one id of all would be read by nobody"),
    ("a group by its name", "whether groups are object ids depends on the authority"),
    ("a moment in quotes", "what is a date in TOML is a text in JSON"),
    ("a secret as a header", "whether a constant is a secret depends on the header's name"),
    ("a header of an unknown fact", "what stands in braces is compared with what is known about people"),
    ("half a client certificate", "which key needs which other one would be said once for each form of `upstream`"),
    ("an address in a tenant to revoke", "what may stand before the @ depends on what stands behind it"),
];

/// Right, and refused by the schema.
const STRICTER: [(&str, &str); 1] =
    [("what is to come may be switched off in writing", "an editor should not offer keys that do nothing in this version")];

/// Files with a line that names the schema, and what taplo thinks of them.
struct Files {
    folder: TempDir,
    names: Vec<String>,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let schema = Command::new(env!("CARGO_BIN_EXE_homerealm")).arg("schema").output().expect("the binary runs");
        assert!(schema.status.success());
        fs::write(folder.path().join("homerealm.schema.json"), schema.stdout).expect("a file can be written");
        Self { folder, names: Vec::new() }
    }

    fn add(&mut self, name: &str, text: &str) {
        let text = if text.starts_with(DIRECTIVE) { text.to_owned() } else { format!("{DIRECTIVE}{text}") };
        fs::write(self.path(self.names.len()), text).expect("a file can be written");
        self.names.push(name.to_owned());
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("{number:03}.toml"))
    }

    /// The names of the files that are not as the schema says, and everything that is said about them.
    fn refused(&self) -> (BTreeSet<&str>, String) {
        let taplo = Path::new(ROOT).join("tests/parts/node_modules/@taplo/cli/dist/cli.js");
        assert!(taplo.exists(), "the test parts are not installed: run tests/run");
        let mut command = Command::new("node");
        command.arg(taplo).args(["lint", "--colors", "never"]).current_dir(self.folder.path());
        let answer = command.args((0..self.names.len()).map(|number| self.path(number))).output().expect("node runs");
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(said.contains(&format!("found files total={}", self.names.len())), "{said}");
        let is_refused = |number: &usize| said.contains(&format!("{}\"", self.path(*number).display()));
        let refused: BTreeSet<_> = (0..self.names.len()).filter(is_refused).map(|number| self.names[number].as_str()).collect();
        assert_eq!(answer.status.success(), refused.is_empty(), "{said}");
        (refused, said)
    }
}

struct Case {
    name: String,
    input: String,
    codes: BTreeSet<String>,
}

/// The cases of the unit tests.
fn cases() -> Vec<Case> {
    let folder = Path::new(ROOT).join("src/config/tests");
    let part = |name: &str| fs::read_to_string(folder.join(name)).expect("a part of the cases");
    let (head, route) = (part("head.toml"), part("route.toml"));
    let mut cases = Vec::new();
    for entry in fs::read_dir(&folder).expect("the cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        for case in fs::read_to_string(&path).expect("cases").split("=== ").skip(1) {
            let (name, rest) = case.split_once('\n').expect("a case has a name");
            let (input, expected) = rest.split_once("---\n").expect("a case has an expectation");
            let codes = expected.lines().filter_map(|line| Some(line.strip_prefix("error[")?.split_once(']')?.0.to_owned()));
            let input = input.replace("@head\n", &head).replace("@route\n", &route);
            cases.push(Case { name: name.to_owned(), input, codes: codes.collect() });
        }
    }
    cases
}

#[test]
fn what_is_right_is_right_in_an_editor_too() {
    let mut files = Files::new();
    for name in ["config/example.toml", "config/minimal.toml"] {
        files.add(name, &fs::read_to_string(Path::new(ROOT).join(name)).expect("an example"));
    }
    for case in ["one-tenant", "consumers-and-work", "behind-nginx"] {
        let starter = Command::new(env!("CARGO_BIN_EXE_homerealm")).args(["init", case]).output().expect("the binary runs");
        let text = String::from_utf8(starter.stdout).expect("text");
        assert!(text.starts_with(DIRECTIVE), "{case} names the schema: {text}");
        files.add(case, &text);
    }
    for case in cases().iter().filter(|case| case.codes.is_empty()) {
        files.add(&case.name, &case.input);
    }
    assert!(files.names.len() > 30, "only {} files", files.names.len());
    let (refused, said) = files.refused();
    assert_eq!(refused, STRICTER.map(|(name, _why)| name).into(), "{said}");
}

#[test]
fn what_has_the_wrong_form_is_wrong_in_an_editor_too() {
    let mut files = Files::new();
    for case in cases().iter().filter(|case| case.codes.iter().any(|code| OF_FORM.contains(&code.as_str()))) {
        files.add(&case.name, &case.input);
    }
    let (refused, _) = files.refused();
    let missed: BTreeSet<_> = files.names.iter().map(String::as_str).filter(|name| !refused.contains(name)).collect();
    assert_eq!(missed, BEYOND_A_SCHEMA.map(|(name, _why)| name).into());
    assert!(refused.len() > 60, "only {} were refused", refused.len());
}

#[test]
fn an_editor_shows_the_place_and_what_would_be_right() {
    let mut files = Files::new();
    files.add("a word", "version = 1\npublic_url = \"https://orders.example.com\"\nroutes = []\n[sign_in]\npage = \"allways\"\n");
    let (_, said) = files.refused();
    assert!(said.contains(":6:") && said.contains(r#""allways" is not one of ["always","auto"]"#), "{said}");
}
