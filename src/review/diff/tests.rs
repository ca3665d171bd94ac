//! One small change of a file each, and every word that is said about it. What the files do not say, the base says.

use super::*;
use crate::config;

const BASE: &str = r#"version = 1
listen = "127.0.0.1:8080"
public_url = "https://orders.example.com"
public_urls = ["https://www.example.com"]
[client]
id = "6f0c2a4e-0000-4000-8000-000000000001"
secret_env = "S"
[authorities.work]
[authorities.personal]
[authorities.contoso]
issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0"
[authorities.customers]
issuer = "https://id.example.com/customers"
kind = "customer"
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso" }
fabrikam = { id = "3a0c0000-0000-4000-8000-0000000000bb", name = "Fabrikam" }
"#;

/// A route at each place where one is wanted; `keys` are the keys of the one that is compared.
fn file(keys: &str) -> String {
    format!(
        "{BASE}[[routes]]\nname = \"shop\"\nmatch = {{ path = \"/shop/**\" }}\n{keys}\nupstream = \"http://127.0.0.1:3000\"\n\
         [[routes]]\nname = \"rest\"\naccounts = \"any\"\nupstream = \"http://127.0.0.1:3000\"\n"
    )
}

fn rules(text: &str, name: &str) -> std::sync::Arc<Rules> {
    let environment = |_: &str| Some("a secret".to_owned());
    let config = config::parse_with(text, name, Path::new("."), &environment, chrono::NaiveDate::default());
    config.unwrap_or_else(|problems| panic!("{problems}")).rules
}

fn said(old: &str, new: &str) -> String {
    let diff = diff(&rules(old, "old"), &rules(new, "new")).expect("few routes");
    text(&diff, Style::Plain)
}

/// The lines of a text without the spaces that align them.
fn squeezed(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).filter(|line| !line.is_empty()).collect()
}

#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    assert_eq!(squeezed(&said(old, new)), expected, "\n{}", said(old, new));
}

/// What is said under the heading of the compared route, without its lines' numbers.
#[track_caller]
fn check_people(old: &str, new: &str, expected: &[&str]) {
    let lines = squeezed(&said(&file(old), &file(new)));
    let people: Vec<_> = lines[..lines.len() - 1].iter().filter_map(|line| line.split_once(" old:")).map(|(line, _)| line).collect();
    assert_eq!(people, expected, "{old} → {new}");
}

#[test]
fn whatever_lets_the_same_people_in_is_no_change() {
    for (old, new) in [
        ("accounts = \"work\"", "accounts = \"work\""),
        ("accounts = \"work\"", "accounts = \"work\"\nguests = \"deny\""),
        ("accounts = \"work\"\ntenants = [\"contoso\", \"fabrikam\"]", "accounts = \"work\"\ntenants = [\"fabrikam\", \"contoso\"]"),
        // Members of Contoso have two ways in, and need one.
        ("accounts = \"work\"\ntenants = [\"contoso\"]", "accounts = \"work\"\ntenants = [\"contoso\"]\nauthorities = [\"contoso\"]"),
        // The tenant of the only authority, said twice.
        ("accounts = \"work\"\nauthorities = [\"contoso\"]", "accounts = \"work\"\nauthorities = [\"contoso\"]\ntenants = [\"contoso\"]"),
        ("accounts = \"work\"", "accounts = \"work\"\ntimeouts = { connect = \"5s\" }"),
    ] {
        check(&file(old), &file(new), &["nobody gains or loses access"]);
        check(&file(new), &file(old), &["nobody gains or loses access"]);
    }
}

#[test]
fn each_key_moves_the_people_that_it_speaks_of() {
    let work = "accounts = \"work\"";
    let contoso = "accounts = \"work\"\ntenants = [\"contoso\"]";
    let group = "groups = [\"7d0e0000-0000-4000-8000-0000000000f1\"]";
    let other = "groups = [\"9a0e0000-0000-4000-8000-0000000000f1\"]";
    for (old, new, gains, loses) in [
        (work, "accounts = \"any\"", &["personal accounts", "customer accounts"][..], &[][..]),
        (work, "accounts = \"personal\"", &["personal accounts"], &["members of every organisation"]),
        (work, contoso, &[], &["members of every organisation but Contoso"]),
        (contoso, "accounts = \"work\"\ntenants = [\"contoso\", \"fabrikam\"]", &["members of Fabrikam"], &[]),
        (contoso, &format!("{contoso}\nguests = \"allow\""), &["guests and possible guests of Contoso"], &[]),
        (contoso, &format!("{contoso}\nguests = \"work\""), &["guests and possible guests of Contoso whose home is a work account"], &[]),
        (
            &format!("{contoso}\nguests = \"work\""),
            &format!("{contoso}\nguests = \"allow\""),
            &["guests and possible guests of Contoso whose home is not a work account"],
            &[],
        ),
        (contoso, &format!("{contoso}\n{group}"), &[], &["members of Contoso not in group 7d0e0000…"]),
        (
            &format!("{contoso}\n{group}"),
            &format!("{contoso}\n{other}"),
            &["members of Contoso in group 9a0e0000…"],
            &["members of Contoso in group 7d0e0000…"],
        ),
        (&format!("{contoso}\n{group}"), &format!("{contoso}\n{group}\nroles = [\"Audit\"]"), &["members of Contoso with role Audit"], &[]),
        (
            &format!("{contoso}\n{group}\nroles = [\"Audit\"]"),
            contoso,
            &["members of Contoso neither in group 7d0e0000… nor with role Audit"],
            &[],
        ),
        (work, "accounts = \"work\"\nauthorities = [\"contoso\"]", &[], &["members of every organisation but Contoso"]),
        (
            contoso,
            &format!("{contoso}\nenforce = false\nguests = \"deny\""),
            &[
                "personal accounts",
                "customer accounts",
                "guests and possible guests of Contoso",
                "work accounts of every organisation but Contoso",
            ],
            &[],
        ),
        (work, "auth = \"none\"", &["everybody, without signing in"], &[]),
        (work, "auth = \"optional\"", &["everybody, without signing in"], &[]),
    ] {
        let directed = |gains: &[&str], loses: &[&str]| {
            let gains = gains.iter().map(|who| format!("{who} GAIN access"));
            gains.chain(loses.iter().map(|who| format!("{who} LOSE access"))).collect::<Vec<_>>()
        };
        let there = directed(gains, loses);
        let changes = new.contains("enforce").then(|| "what it states is not enforced any more CHANGES".to_owned());
        check_people(old, new, &there.iter().map(String::as_str).chain(changes.as_deref()).collect::<Vec<_>>());
        // What one gains on the way there is lost on the way back; who need not sign in is told of in another way.
        if !new.contains("auth =") {
            let back = directed(loses, gains);
            let changes = new.contains("enforce").then(|| "what it states is enforced CHANGES".to_owned());
            check_people(new, old, &back.iter().map(String::as_str).chain(changes.as_deref()).collect::<Vec<_>>());
        }
    }
}

#[test]
fn who_must_sign_in_now_is_told_with_those_who_need_not_mind() {
    let closed = "everybody but members of Contoso, who must sign in now LOSE access";
    check_people("auth = \"none\"", "accounts = \"work\"\ntenants = [\"contoso\"]", &[closed]);
    check_people("auth = \"optional\"", "accounts = \"work\"\ntenants = [\"contoso\"]", &[closed]);
    let passed_on = "the identity of whoever is signed in is passed on CHANGES";
    check_people("auth = \"none\"", "auth = \"optional\"", &[passed_on]);
}

#[test]
fn tokens_are_told_of_by_what_they_are_for() {
    let with = |bearer: &str| format!("accounts = \"work\"\ntenants = [\"contoso\"]\nbearer = {bearer}");
    let read = with("{ audiences = [\"api://orders\"], scopes = [\"read\"] }");
    let of = "of members of Contoso";
    let gain = |token: &str| format!("access tokens for {token}, {of} GAIN access");
    let lose = |token: &str| format!("access tokens for {token}, {of} LOSE access");
    for (old, new, expected) in [
        ("accounts = \"work\"\ntenants = [\"contoso\"]", read.as_str(), vec![gain("api://orders with scope read")]),
        (
            &read,
            &read.replace("[\"contoso\"]", "[\"contoso\", \"fabrikam\"]"),
            vec!["members of Fabrikam, also with access tokens for api://orders with scope read GAIN access".to_owned()],
        ),
        (&read, &with("{ audiences = [\"api://orders\"] }"), vec![gain("api://orders without scope read")]),
        (
            &read,
            &with("{ audiences = [\"api://orders\"], scopes = [\"read\", \"write\"] }"),
            vec![lose("api://orders with scope read but not write")],
        ),
        (
            &read,
            &with("{ audiences = [\"api://a\", \"api://b\"], scopes = [\"read\"] }"),
            vec![gain("api://a or api://b with scope read"), lose("api://orders with scope read")],
        ),
        (
            &read,
            &with("{ audiences = [\"api://orders\"], scopes = [\"read\"], roles = [\"Caller\"] }"),
            vec![format!("access tokens for api://orders with scope read, {of} without role Caller LOSE access")],
        ),
    ] {
        check_people(old, new, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn a_person_of_a_provider_that_is_gone_cannot_sign_in_whatever_the_name() {
    let old = file("accounts = [\"work\", \"customer\"]");
    let new = old.replace("https://id.example.com/customers", "https://id.example.com/clients");
    check(
        &old,
        &new,
        &[
            "shop /shop/**",
            "customer accounts at id.example.com/clients GAIN access old:18 new:18",
            "customer accounts at id.example.com/customers LOSE access old:18 new:18",
            "rest everything else",
            "customer accounts at id.example.com/clients GAIN access old:23 new:23",
            "customer accounts at id.example.com/customers LOSE access old:23 new:23",
            "2 gains and 2 losses of access",
        ],
    );
}

#[test]
fn an_authority_that_is_named_by_a_domain_is_that_domains() {
    let old =
        file("accounts = \"work\"\nauthorities = [\"contoso\"]").replace("3a0c0000-0000-4000-8000-0000000000aa/v2.0", "contoso.com/v2.0");
    let new = old.replace("contoso.com/v2.0", "fabrikam.com/v2.0");
    check_lines(
        &old,
        &new,
        &["members of the organisation of fabrikam.com GAIN access", "members of the organisation of contoso.com LOSE access"],
    );
    // `[tenants]` may tell whose the domain is.
    let known = old.replace("name = \"Fabrikam\"", "name = \"Fabrikam\", domains = [\"fabrikam.com\"]");
    let new = new.replace("name = \"Fabrikam\"", "name = \"Fabrikam\", domains = [\"fabrikam.com\"]");
    check_lines(&known, &new, &["members of Fabrikam GAIN access", "members of the organisation of contoso.com LOSE access"]);
}

#[track_caller]
fn check_lines(old: &str, new: &str, expected: &[&str]) {
    let lines = squeezed(&said(old, new));
    for line in expected {
        assert!(lines.iter().any(|said| said.starts_with(line)), "{line}\n{lines:#?}");
    }
}

#[test]
fn requests_are_told_as_the_file_matches_them() {
    let work = "accounts = \"work\"";
    let base = file(work);
    let matching = |matcher: &str| base.replace("{ path = \"/shop/**\" }", matcher);
    let personal = |text: &str| text.replace(work, "accounts = \"personal\"");
    for (matcher, asked) in [
        ("{ path = \"/shop/**\" }", "shop /shop/**"),
        ("{ path = \"/shop\", methods = [\"GET\"] }", "shop GET /shop"),
        ("{ path = \"/*/b\", methods = [\"GET\", \"POST\", \"HEAD\"] }", "shop GET, POST /*/b"),
        ("{ path = \"/shop/**\", host = \"www.example.com\" }", "shop www.example.com/shop/**"),
        ("{ host = \"www.example.com\" }", "shop www.example.com/**"),
        ("{ methods = [\"DELETE\"] }", "shop DELETE /**"),
    ] {
        let old = matching(matcher);
        let lines = squeezed(&said(&old, &personal(&old)));
        assert_eq!(lines[0], asked, "{matcher}: {lines:#?}");
    }
    let old = base.replace("accounts = \"any\"", "accounts = \"work\"");
    assert_eq!(squeezed(&said(&old, &base))[0], "rest everything else");
}

#[test]
fn a_request_may_find_another_route_than_before() {
    let old = file("accounts = \"work\"");
    let sale = "[[routes]]\nname = \"sale\"\nmatch = { path = \"/shop/sale/**\" }\nauth = \"none\"\nupstream = \"http://127.0.0.1:3000\"\n[[routes]]\nname = \"shop\"";
    let new = old.replace("[[routes]]\nname = \"shop\"", sale);
    check(
        &old,
        &new,
        &["sale (was shop) /shop/sale/**", "everybody, without signing in GAIN access old:18 new:18", "1 gain and no loss of access"],
    );
    // A name is no more than that.
    check(&old, &old.replace("name = \"shop\"", "name = \"store\""), &["nobody gains or loses access"]);
}

#[test]
fn what_another_letter_case_makes_ambiguous_lets_nobody_in() {
    let old = file("accounts = \"work\"");
    let new = old.replace("/shop/**", "/Shop/**");
    check(
        &old,
        &new,
        &[
            "shop /Shop/**",
            "members of every organisation GAIN access old: no route new:18",
            "shop /shop/**",
            "members of every organisation LOSE access old:18 new: no route",
            "1 gain and 1 loss of access",
        ],
    );
}

#[test]
fn a_route_that_is_gone_leaves_what_no_other_takes() {
    let old = file("accounts = \"work\"");
    let new = old.split("[[routes]]\nname = \"rest\"").next().expect("a first part");
    check(
        &old,
        new,
        &[
            "rest everything else",
            "members of every organisation LOSE access old:23 new: no route",
            "personal accounts LOSE access old:23 new: no route",
            "customer accounts LOSE access old:23 new: no route",
            "no gain and 3 losses of access",
        ],
    );
    check(
        new,
        &old,
        &[
            "rest everything else",
            "members of every organisation GAIN access old: no route new:23",
            "personal accounts GAIN access old: no route new:23",
            "customer accounts GAIN access old: no route new:23",
            "3 gains and no loss of access",
        ],
    );
}

#[test]
fn hosts_and_the_prefix_decide_too() {
    let old = file("auth = \"none\"").replace("accounts = \"any\"", "auth = \"none\"");
    let new = old.replace("\"https://www.example.com\"", "\"https://shop.example.com\"");
    check(
        &old,
        &new,
        &[
            "shop shop.example.com/shop/**",
            "everybody, without signing in GAIN access old: no route new:18",
            "rest shop.example.com/**",
            "everybody, without signing in GAIN access old: no route new:23",
            "shop www.example.com/shop/**",
            "everybody LOSE access old:18 new: no route",
            "rest www.example.com/**",
            "everybody LOSE access old:23 new: no route",
            "2 gains and 2 losses of access",
        ],
    );
    let prefixed = old.replace("version = 1\n", "version = 1\nprefix = \"/auth\"\n");
    check_lines(&old, &prefixed, &["everybody, without signing in GAIN access", "everybody LOSE access"]);
}

#[test]
fn what_moves_nobody_is_told_apart() {
    let old = file("accounts = \"work\"");
    let new = old.replacen("127.0.0.1:3000", "127.0.0.1:4000", 1);
    check(
        &old,
        &new,
        &[
            "shop /shop/**",
            "upstream: http://127.0.0.1:3000 → http://127.0.0.1:4000 CHANGES old:18 new:18",
            "nobody gains or loses access; 1 other change",
        ],
    );
    for (keys, phrase) in [
        ("headers = { preset = \"none\" }", "identity headers: standard → none"),
        ("headers = { set = { X-App-User = \"{oid}\" } }", "other headers are set or removed"),
        ("unauthenticated = \"401\"", "unauthenticated: auto → 401"),
        ("strip_prefix = true", "strip_prefix: nothing → /shop"),
    ] {
        check_people("accounts = \"work\"", &format!("accounts = \"work\"\n{keys}"), &[&format!("{phrase} CHANGES")]);
    }
}

#[test]
fn the_line_that_refuses_is_named_and_the_route_that_admits() {
    let tenants = "accounts = \"work\"\ntenants = [\"contoso\"]";
    check(
        &file(tenants),
        &file("accounts = \"any\""),
        &[
            "shop /shop/**",
            "personal accounts GAIN access old:21 new:18",
            "customer accounts GAIN access old:21 new:18",
            "members of every organisation but Contoso GAIN access old:22 new:18",
            "3 gains and no loss of access",
        ],
    );
}

#[test]
fn lines_are_aligned_and_coloured_where_that_is_seen() {
    let (old, new) = (file("accounts = \"work\""), file("accounts = \"any\""));
    assert_eq!(
        said(&old, &new),
        "shop  /shop/**\n  personal accounts  GAIN access  old:21  new:18\n  customer accounts  GAIN access  old:21  new:18\n\n2 gains and no loss of access"
    );
    let diff = diff(&rules(&old, "old"), &rules(&new, "new")).expect("few routes");
    assert!(text(&diff, Style::Coloured).contains("\x1b[1;31mGAIN access\x1b[0m"));
    assert!(!text(&diff, Style::Plain).contains('\x1b'));
}

#[test]
fn programs_are_told_the_same() {
    let (old, new) = (file("accounts = \"work\""), file("accounts = \"work\"\nguests = \"allow\"\ntenants = [\"contoso\"]"));
    let diff = diff(&rules(&old, "old"), &rules(&new, "new")).expect("few routes");
    let json = json(&diff, [Default::default(); 2]);
    assert_eq!((&json["version"], &json["gain"], &json["lose"]), (&1.into(), &1.into(), &1.into()));
    let change = &json["changes"][0];
    assert_eq!(change["direction"], "gain");
    assert_eq!(change["old"], serde_json::json!({ "route": "shop", "line": 18, "column": 1 }));
    assert_eq!(change["request"]["pattern"], "/shop/**");
    assert_eq!(change["request"]["example"], "GET orders.example.com/shop");
    assert_eq!(change["people"]["tenant"]["tenants"][0]["ids"][0], "3a0c0000-0000-4000-8000-0000000000aa");
    assert_eq!(change["people"]["membership"], serde_json::json!(["guest", "unknown"]));
    assert_eq!(change["phrase"], "guests and possible guests of Contoso");
}
