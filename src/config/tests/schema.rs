//! The schema and the reader know the same keys, words and forms, both ways. That a real validator agrees is tested
//! with the built binary, in `tests/it/schema.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{directory, parse};
use crate::config::SCHEMA;
use crate::domain::reason::Reason;

/// A key that no table has, and a word that no key knows.
const UNHEARD_OF: &str = "unheard_of";

/// Where a value stands.
#[derive(Clone)]
enum Step {
    Key(String),
    /// In a list.
    Item,
}

/// One value that the schema describes: a table once for each of its forms.
struct Node<'s> {
    path: Vec<Step>,
    schema: &'s Value,
}

impl Node<'_> {
    fn place(&self) -> String {
        let words = self.path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item => None,
        });
        words.collect::<Vec<_>>().join(".")
    }

    /// A file in which this value is `value`, and nothing else.
    fn file(&self, value: &Value) -> String {
        let (first, rest) = self.path.split_first().expect("the file itself is no value");
        let Step::Key(key) = first else { panic!("the file is a table") };
        let value = rest.iter().rev().fold(inline(value), |inner, step| match step {
            Step::Key(key) => format!("{{ {key} = {inner} }}"),
            Step::Item => format!("[{inner}]"),
        });
        format!("{key} = {value}\n")
    }

    fn keys(&self) -> BTreeSet<&str> {
        self.schema["properties"].as_object().expect("a table's schema").keys().map(String::as_str).collect()
    }
}

/// JSON as TOML.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            format!("{{ {} }}", table.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// Follows a reference.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    schema["$ref"].as_str().map_or(schema, |to| {
        let found = to.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        found.unwrap_or_else(|| panic!("{to} leads nowhere"))
    })
}

/// Every value that the schema describes, below `path`.
fn nodes<'s>(root: &'s Value, schema: &'s Value, path: &[Step], found: &mut Vec<Node<'s>>) {
    let schema = resolved(root, schema);
    found.push(Node { path: path.to_vec(), schema });
    for form in ["allOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten() {
        nodes(root, form, path, found);
    }
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        nodes(root, value, &[path, &[Step::Key(key.clone())]].concat(), found);
    }
    if schema["additionalProperties"].is_object() {
        nodes(root, &schema["additionalProperties"], &[path, &[Step::Key("somebody".to_owned())]].concat(), found);
    }
    if schema["items"].is_object() {
        nodes(root, &schema["items"], &[path, &[Step::Item]].concat(), found);
    }
}

fn all(root: &Value) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    nodes(root, root, &[], &mut found);
    found
}

fn problems(text: &str) -> String {
    parse(text, directory().path()).expect_err("nothing of this is a whole configuration").to_string()
}

/// The keys that the reader allows where this table stands.
fn allowed(node: &Node<'_>) -> BTreeSet<String> {
    let required = node.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut probe: serde_json::Map<String, Value> = required.map(|key| (key.to_owned(), 0.into())).collect();
    probe.insert(UNHEARD_OF.to_owned(), 0.into());
    let text = if node.path.is_empty() { format!("{UNHEARD_OF} = 0\n") } else { node.file(&Value::Object(probe)) };
    let said = parse(&text, directory().path()).expect_err("nothing of this is a whole configuration");
    let about = said.diagnostics().iter().find(|about| about.title.contains(&format!("unknown key `{UNHEARD_OF}`")));
    let notes = &about.unwrap_or_else(|| panic!("{text}\n{said}")).notes;
    let keys = notes.iter().find_map(|note| note.strip_prefix("allowed here: ")).expect("the reader tells what it allows");
    keys.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_table_of_the_schema_has_the_keys_that_the_reader_allows_there() {
    let root = schema();
    let tables: Vec<_> = all(&root).into_iter().filter(|node| node.schema["additionalProperties"] == false).collect();
    for table in &tables {
        let expected: BTreeSet<_> = table.keys().into_iter().map(str::to_owned).collect();
        assert_eq!(allowed(table), expected, "{}", table.place());
    }
    assert!(tables.len() > 20, "only {} tables were found", tables.len());
}

#[test]
fn the_words_of_the_schema_are_those_that_the_reader_knows() {
    let root = schema();
    let mut compared = 0;
    for node in all(&root) {
        let Some(words) = node.schema["enum"].as_array().filter(|_| node.path.last().is_some_and(|step| matches!(step, Step::Key(_))))
        else {
            continue;
        };
        // The form of a table beside a word, and the reasons, which have a test of their own.
        let Some(words) = words.iter().map(Value::as_str).collect::<Option<BTreeSet<_>>>().filter(|words| !words.contains("no_route"))
        else {
            continue;
        };
        let said = problems(&node.file(&UNHEARD_OF.into()));
        let expected = said.lines().filter_map(|line| line.split_once("^ expected ")).map(|(_, expected)| expected);
        let known: BTreeSet<_> = expected.flat_map(|expected| expected.split('"').skip(1).step_by(2)).collect();
        assert_eq!(known, words, "{}:\n{said}", node.place());
        compared += 1;
    }
    assert!(compared > 10, "only {compared} were compared");
}

#[test]
fn the_reasons_of_the_schema_are_all_there_are() {
    let root = schema();
    let reasons = root["definitions"]["test"]["properties"]["expect"]["properties"]["reason"]["enum"].as_array().expect("words");
    let reasons: Vec<_> = reasons.iter().filter_map(Value::as_str).collect();
    assert_eq!(reasons, Reason::ALL.iter().map(|reason| reason.code()).collect::<Vec<_>>());
}

#[test]
fn every_default_and_example_of_the_schema_is_taken_by_the_reader() {
    let root = schema();
    let mut taken = 0;
    for node in all(&root).iter().filter(|node| !node.path.is_empty()) {
        let examples = node.schema["examples"].as_array().into_iter().flatten();
        for value in examples.chain(node.schema.get("default")) {
            let (text, said) = (node.file(value), problems(&node.file(value)));
            let form = ["E001", "E003", "E004", "E005", "E006", "E008", "E010", "E012", "E018"];
            let refused = form.iter().any(|code| said.contains(&format!("error[{code}]")));
            assert!(!refused, "{}: {text}{said}", node.place());
            taken += 1;
        }
    }
    assert!(taken > 60, "only {taken} were tried");
}

#[test]
fn every_key_is_described_in_one_sentence() {
    let root = schema();
    let mut described: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for node in all(&root).iter().filter(|node| matches!(node.path.last(), Some(Step::Key(key)) if key != "somebody")) {
        // Where a value has several forms, it is the value that is described; each form may be.
        described.entry(node.place()).or_default().extend(node.schema["description"].as_str());
    }
    for (place, descriptions) in described {
        let is_sentence = |text: &&str| text.ends_with('.') && text.len() > 10 && !text.trim_end_matches('.').contains(". ");
        assert!(!descriptions.is_empty() && descriptions.iter().all(is_sentence), "{place}: {descriptions:?}");
    }
}

#[test]
fn the_schema_has_no_word_that_validators_do_not_know_and_no_definition_in_vain() {
    const WORDS: [&str; 26] = [
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "default",
        "description",
        "enum",
        "examples",
        "format",
        "if",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minProperties",
        "minimum",
        "not",
        "oneOf",
        "pattern",
        "properties",
        "propertyNames",
        "required",
        "then",
        "type",
    ];
    fn check(schema: &Value) {
        for (word, value) in schema.as_object().into_iter().flatten() {
            assert!(WORDS.contains(&word.as_str()), "{word}");
            match word.as_str() {
                "properties" => value.as_object().expect("keys").values().for_each(check),
                "allOf" | "anyOf" | "oneOf" => value.as_array().expect("alternatives").iter().for_each(check),
                "additionalProperties" | "if" | "items" | "not" | "propertyNames" | "then" => check(value),
                _ => {}
            }
        }
    }
    let mut root = schema();
    let table = root.as_object_mut().expect("a schema");
    assert_eq!(table.remove("$schema"), Some("http://json-schema.org/draft-07/schema#".into()));
    assert_eq!(table.remove("title"), Some("Homerealm".into()));
    let definitions = table.remove("definitions").expect("definitions");
    check(&root);
    for (name, definition) in definitions.as_object().expect("definitions") {
        check(definition);
        assert!(SCHEMA.contains(&format!("\"#/definitions/{name}\"")), "nothing refers to {name}");
    }
}
