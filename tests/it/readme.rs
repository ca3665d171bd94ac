//! The README speaks of what is there: its table of reasons is the enum's, its ten lines are the minimal example.

use homerealm::domain::reason::Reason;

const BEGIN: &str = "-->\n";
const END: &str = "<!-- /reasons -->";

fn table() -> String {
    let rows = Reason::ALL
        .iter()
        .map(|reason| format!("| `{}` | {} | {} | {} |\n", reason.code(), reason.status(), reason.title(), reason.meaning()));
    format!("| code | status | what people read | what it means |\n|---|---|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_table_of_reasons_is_the_enums() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("the README");
    let start =
        readme.find("<!-- reasons:").and_then(|at| readme[at..].find(BEGIN).map(|behind| at + behind + BEGIN.len())).expect("a marker");
    let end = readme.find(END).expect("a marker");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{}{}{}", &readme[..start], table(), &readme[end..])).expect("a writable README");
    } else {
        assert_eq!(&readme[start..end], table(), "run: UPDATE_README=1 cargo test --test it readme");
    }
}

#[test]
fn the_ten_lines_are_the_minimal_example() {
    let readme = include_str!("../../README.md");
    let minimal = include_str!("../../config/minimal.toml");
    assert!(readme.contains(&format!("```toml\n{minimal}```")), "config/minimal.toml and the README's first example differ");
}
