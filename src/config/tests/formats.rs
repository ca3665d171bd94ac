//! One report in every format: the same places, and in none of them a secret.

use serde_json::Value;

use super::table::{cases, files, report};
use super::{SECRET, directory, parse};
use crate::config::problem::Code;
use crate::config::report::{Colours, Report};

/// A secret and a problem behind it on its line, two places that contradict each other, a warning, letters of two bytes.
const INPUT: &str = r#"version = 1
public_url = "https://orders.example.com"
client = { id = "é", secret = "k8Q~hunter2", expires = "soon" }
[tenants]
contoso  = { id = "3a0c0000-0000-4000-8000-0000000000aa", domains = ["contoso.com"] }
fabrikam = { id = "3a0c0000-0000-4000-8000-0000000000bb", domains = ["contoso.com"] }
[session]
idel = "1h"
[[routes]]
upstream = "http://127.0.0.1:3000"
accounts = ["work", "personal"]
"#;

fn refused() -> Report {
    parse(INPUT, directory().path()).expect_err("it is refused")
}

fn json(report: &Report) -> Value {
    serde_json::to_value(report.json()).expect("a document")
}

fn sarif(report: &Report) -> Value {
    serde_json::to_value(report.sarif()).expect("a document")
}

/// Holds a text against a file beside this one; `UPDATE_CASES=1` writes it anew.
fn assert_snapshot(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests").join(name);
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(path, text).expect("the snapshot can be written");
    } else {
        assert_eq!(std::fs::read_to_string(path).expect("a snapshot"), text);
    }
}

#[test]
fn the_json_document_is_the_documented_one() {
    assert_snapshot("report.json", &(serde_json::to_string_pretty(&refused().json()).expect("a document") + "\n"));
}

#[test]
fn the_sarif_log_is_the_known_one() {
    let mut log = sarif(&refused());
    log["runs"][0]["tool"]["driver"]["rules"].take();
    log["runs"][0]["tool"]["driver"]["version"].take();
    assert_snapshot("report.sarif", &(serde_json::to_string_pretty(&log).expect("a document") + "\n"));
}

#[test]
fn every_result_of_a_sarif_log_points_to_its_rule() {
    let log = sarif(&refused());
    assert_eq!((log["version"].as_str(), log["runs"].as_array().map(Vec::len)), (Some("2.1.0"), Some(1)));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), Code::ALL.len());
    for (rule, code) in rules.iter().zip(Code::ALL) {
        assert_eq!((rule["id"].as_str(), rule["shortDescription"]["text"].as_str()), (Some(code.as_str()), Some(code.meaning())));
        assert!(rule["help"]["text"].is_string() && rule["help"]["markdown"].is_string(), "{rule}");
    }
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), refused().diagnostics().len());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(result["ruleId"], rules[index]["id"]);
        assert_eq!(result["level"], rules[index]["defaultConfiguration"]["level"]);
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], run["artifacts"][0]["location"]["uri"]);
    }
}

#[test]
fn every_format_points_to_the_same_place() {
    let directory = directory();
    let mut places = 0;
    for (path, text) in files() {
        for case in cases(&text) {
            let (report, said) = report(&case, directory.path());
            let (json, sarif) = (json(&report), sarif(&report));
            for (index, diagnostic) in report.diagnostics().iter().enumerate() {
                let region = diagnostic.region.expect("a place");
                assert!((region.start.line, region.start.column) <= (region.end.line, region.end.column));
                let place = format!("homerealm.toml:{}:{}\n", region.start.line, region.start.column);
                assert!(said.contains(&place), "{}: {}: {place}", path.display(), case.name);
                let in_json = &json["diagnostics"][index];
                let in_sarif = &sarif["runs"][0]["results"][index]["locations"][0]["physicalLocation"]["region"];
                assert_eq!((&in_json["start"]["line"], &in_json["end"]["column"]), (&in_sarif["startLine"], &in_sarif["endColumn"]));
                assert_eq!(in_json["start"]["column"].as_u64(), Some(region.start.column.into()));
                places += 1;
            }
        }
    }
    assert!(places > 150, "{places}");
}

#[test]
fn no_format_shows_a_secret() {
    let directory = directory();
    let mut hidden = 0;
    for (path, text) in files() {
        for case in cases(&text) {
            hidden += usize::from(super::expand(case.input).contains(SECRET));
            let (report, _) = report(&case, directory.path());
            let formats =
                [report.rendered(Colours::Ansi).concat(), json(&report).to_string(), sarif(&report).to_string(), format!("{report:?}")];
            assert!(formats.iter().all(|text| !text.contains(SECRET)), "{}: {}", path.display(), case.name);
        }
    }
    assert!(hidden > 10, "{hidden}");
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let report = refused();
    let coloured = report.rendered(Colours::Ansi).join("\n\n");
    let mut parts = coloured.split("\u{1b}[");
    let plain: String = parts.next().into_iter().chain(parts.filter_map(|part| part.split_once('m')).map(|(_, text)| text)).collect();
    assert!(coloured.len() > plain.len());
    assert_eq!(plain, report.to_string());
}

#[test]
fn what_to_register_is_known_before_there_is_a_secret() {
    let missing = INPUT.replace("secret = \"k8Q~hunter2\", expires = \"soon\"", "secret_file = \"/run/secrets/not-there-yet\"");
    let text = missing.replace("https://orders.example.com\"", "https://orders.example.com\"\npublic_urls = [\"https://www.example.com\"]");
    let report = parse(&text, directory().path()).expect_err("it is refused");
    let uris: Vec<_> = report.redirect_uris().callbacks.iter().map(|(name, uri)| format!("{name} {uri}")).collect();
    assert_eq!(
        uris,
        [
            "work https://orders.example.com/.auth/callback/work",
            "work https://www.example.com/.auth/callback/work",
            "personal https://orders.example.com/.auth/callback/personal",
            "personal https://www.example.com/.auth/callback/personal",
        ]
    );
    assert_eq!(
        report.redirect_uris().signed_out,
        ["https://orders.example.com/.auth/signed-out", "https://www.example.com/.auth/signed-out"]
    );
    for unknown in [text.replace("https://orders.example.com", "orders.example.com"), text.replace("[tenants]", "[tenants")] {
        let report = parse(&unknown, directory().path()).expect_err("it is refused");
        assert!(report.redirect_uris().is_empty(), "{report}");
    }
}
