//! Rules in words.

use std::sync::Arc;

use super::{keys, prose};
use crate::config;
use crate::domain::policy::Check;
use crate::domain::rules::Rules;

const HEAD: &str = "version = 1\npublic_url = \"https://orders.example.com\"\n[client]\nid = \"x\"\nsecret_env = \"S\"\n";

/// One route with these keys.
fn rules(keys: &str) -> Arc<Rules> {
    let text = format!("{HEAD}[[routes]]\nname = \"desk\"\naccounts = \"work\"\n{keys}\nupstream = \"http://127.0.0.1:3000\"\n");
    let environment = |_: &str| Some("a secret".to_owned());
    let config = config::parse_with(&text, "homerealm.toml", std::path::Path::new("."), &environment, chrono::NaiveDate::default());
    config.unwrap_or_else(|problems| panic!("{problems}")).rules
}

#[test]
fn everything_that_is_asked_of_a_token_is_told() {
    for (bearer, expected) in [
        ("audiences = [\"a\"]", "a"),
        ("audiences = [\"a\", \"b\"], scopes = [\"s\"]", "a or b with scope s"),
        ("audiences = [\"a\"], scopes = [\"s\", \"t\"]", "a with scopes s and t"),
        ("audiences = [\"a\"], roles = [\"Reader\"]", "a with role Reader"),
        ("audiences = [\"a\"], scopes = [\"s\"], roles = [\"Reader\", \"Writer\"]", "a with scope s and with role Reader or Writer"),
    ] {
        let rules = rules(&format!("bearer = {{ {bearer} }}"));
        let told = prose::admitted(&rules.routes.routes()[0], &rules);
        assert_eq!(told.last().map(String::as_str), Some(&*format!("also by access tokens for {expected}")), "{told:?}");
    }
}

#[test]
fn ids_are_shortened_where_they_can_be_told_apart() {
    let group = |end: &str| format!("\"7d0e0000-0000-4000-8000-0000000000{end}\"");
    let (finance, sales, other) = (group("f1"), group("f2"), "\"8d0e0000-0000-4000-8000-0000000000f1\"");
    for (groups, expected) in [
        (finance.clone(), "[\"7d0e0000…\"]".to_owned()),
        (format!("{finance}, {other}"), "[\"7d0e0000…\", \"8d0e0000…\"]".to_owned()),
        (format!("{finance}, {sales}, {other}"), format!("[{finance}, {sales}, \"8d0e0000…\"]")),
    ] {
        let rules = rules(&format!("groups = [{groups}]"));
        let told = keys::key(Check::Groups, &rules, &rules.routes.routes()[0]);
        assert_eq!(told, Some(format!("groups = {expected}")));
    }
}
