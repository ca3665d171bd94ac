//! Tests of what a typed address is said to lead to.

use super::*;
use crate::config;

const HEAD: &str = r#"
version = 1
public_url = "https://orders.example.com"
[client]
id = "x"
secret_env = "S"
[authorities.work]
[authorities.personal]
[authorities.contoso]
issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0"
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso", domains = ["contoso.com"] }
fabrikam = { id = "3a0c0000-0000-4000-8000-0000000000bb", name = "Fabrikam" }
"#;

const ROUTES: &str = r#"
[[routes]]
name = "open"
match = { path = "/open" }
auth = "none"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "help"
match = { path = "/help" }
auth = "optional"
authorities = ["work"]
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "finance"
match = { path = "/finance/**" }
accounts = "work"
authorities = ["work"]
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "any"
match = { path = "/any/**" }
accounts = ["work", "personal"]
authorities = ["work", "personal"]
unauthenticated = "401"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "contoso"
match = { path = "/contoso/**", methods = ["GET", "POST"] }
accounts = ["work", "personal"]
tenants = ["contoso"]
authorities = ["contoso", "personal"]
upstream = "http://127.0.0.1:3000"
"#;

fn rules(sign_in: &str) -> std::sync::Arc<Rules> {
    let text = format!("{HEAD}{sign_in}{ROUTES}");
    let environment = |_: &str| Some("secret".to_owned());
    let parsed = config::parse_with(&text, "homerealm.toml", std::path::Path::new("."), &environment, chrono::NaiveDate::default());
    parsed.unwrap_or_else(|report| panic!("{report}")).rules
}

fn asked(rules: &Rules, typed: &str, method: &Method, path: &str) -> Result<Vec<String>, NoSignIn> {
    let typed = Identifier::parse(typed).expect("an identifier");
    let target = Target::parse("orders.example.com", path).expect("a target");
    Routing::of(rules, &typed, method, &target).map(|routing| routing.lines(rules, &typed))
}

#[track_caller]
fn told(rules: &Rules, typed: &str, path: &str) -> String {
    asked(rules, typed, &Method::GET, path).expect("somebody signs in there").join("\n")
}

#[test]
fn a_personal_address_is_said_to_be_refused_before_anybody_leaves() {
    let told = told(&rules(""), "cy@outlook.com", "/finance/q3");
    let expected = "\
SIGN-IN cy@outlook.com   route \"finance\" (homerealm.toml:26)
  start    whoever is not signed in is sent to the sign-in
  page = \"always\"  (in force)
    our page comes first, then a refusal, before anybody leaves: outlook.com is a domain of personal accounts
    403 personal_account_not_allowed
    \"You can't sign in here with a personal account. Use your work or school account instead.\"
  page = \"auto\"
    at once to \"work\" (organizations): the only possible authority";
    assert_eq!(told, expected);
}

#[test]
fn every_answer_of_a_look_up_is_gone_through_and_nobody_is_asked() {
    let told = told(&rules("[sign_in]\ndetect = \"lookup\"\nambiguous = \"work\"\npage = \"auto\"\n"), "ada@unlisted.example", "/contoso/");
    let expected = "\
SIGN-IN ada@unlisted.example   route \"contoso\" (homerealm.toml:43)
  start    whoever is not signed in is sent to the sign-in
  page = \"always\"
    our page comes first, then an authority is asked whose domain unlisted.example is:
      Contoso                  to \"contoso\" (Contoso)
      another organisation's   a refusal, before anybody leaves
                               403 tenant_not_allowed
                               \"This account belongs to another organisation.\"
      no organisation's        to \"personal\" (consumers)
      no answer                the question which account:
                                 work      to \"contoso\" (Contoso)
                                 personal  to \"personal\" (consumers)
  page = \"auto\"  (in force)
    as with \"always\": more than one authority is possible";
    assert_eq!(told, expected);
}

#[test]
fn without_look_ups_an_unlisted_domain_and_a_phone_number_are_asked_about() {
    let rules = rules("");
    for typed in ["ada@unlisted.example", "+1 425 555 0100"] {
        let told = told(&rules, typed, "/any/");
        assert!(told.contains("then the question which account:") && told.contains("work      to \"work\" (organizations)"), "{told}");
        assert!(told.contains("gets 401"), "{told}");
    }
    let told = told(&rules, "ada@contoso.com", "/finance/");
    assert!(told.contains("then to \"work\" (organizations): contoso.com is in `domains` of the file"), "{told}");
}

#[test]
fn where_nobody_signs_in_no_address_leads_anywhere() {
    let rules = rules("");
    for (method, path, expected) in [
        (Method::GET, "/open", NoSignIn::Public),
        (Method::GET, "/nowhere", NoSignIn::NoRoute(Reason::NoRoute)),
        (Method::DELETE, "/contoso/", NoSignIn::NoRoute(Reason::NoRoute)),
        (Method::GET, "/Finance/q3", NoSignIn::NoRoute(Reason::NoRoute)),
        (Method::GET, "/.auth/session", NoSignIn::Own),
    ] {
        assert_eq!(asked(&rules, "cy@outlook.com", &method, path).err(), Some(expected), "{method} {path}");
    }
    assert!(told(&rules, "cy@outlook.com", "/help").contains("nobody has to sign in"));
}

#[test]
fn a_form_is_never_answered_with_a_redirect() {
    let lines = asked(&rules(""), "ada@contoso.com", &Method::POST, "/contoso/").expect("somebody signs in there");
    assert!(lines[1].contains("gets 401"), "{lines:?}");
}

#[test]
fn programs_are_told_the_same_without_the_address() {
    let rules = rules("[sign_in]\ndetect = \"lookup\"\nambiguous = \"work\"\n");
    let of = |typed: &str, path: &str| {
        let typed = Identifier::parse(typed).expect("an identifier");
        let target = Target::parse("orders.example.com", path).expect("a target");
        let json = Routing::of(&rules, &typed, &Method::GET, &target).expect("somebody signs in there").json(&rules);
        assert!(!json.to_string().contains(typed.as_str()), "{json}");
        json
    };
    let refused = of("cy@outlook.com", "/finance/");
    assert_eq!(refused["typed"]["refused"], "personal_account_not_allowed");
    assert_eq!(
        (&refused["at_once_with_auto"], &refused["start"], &refused["page"]),
        (&"work".into(), &"redirect".into(), &"always".into())
    );
    let looked_up = of("ada@unlisted.example", "/contoso/");
    assert_eq!(looked_up["typed"]["lookup"], "unlisted.example");
    assert_eq!(looked_up["typed"]["answers"][0]["answer"], serde_json::json!(["Contoso"]));
    assert_eq!(looked_up["typed"]["answers"][0]["go"], "contoso");
    assert_eq!(looked_up["typed"]["answers"][1]["refused"], "tenant_not_allowed");
    assert_eq!(looked_up["typed"]["answers"][2]["go"], "personal");
}
