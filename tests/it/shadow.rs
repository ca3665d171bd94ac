//! A route with `enforce = false`: people sign in, whoever does is let in, and the logs say whom the rules would have
//! refused. The same route with `enforce = true` refuses them.

use homerealm::domain::reason::Reason;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{assert_reason, session_cookies};
use crate::support::logs::{access_lines, audit_lines};
use crate::support::process::free_ports;
use crate::support::proxy::Proxy;
use crate::support::world::World;

const CY: &str = "cy@outlook.example";
const ADA: &str = "ada@contoso.example";

fn proxy(world: &World, enforce: bool) -> Proxy {
    let port = free_ports(1);
    let routes = format!("[[routes]]\nname = \"desk\"\naccounts = \"work\"\nenforce = {enforce}\nupstream = \"APP\"\n");
    Proxy::start(port, &world.configuration(port, "audit = { to = \"stdout\" }", &routes))
}

/// From a page of the app to the sign-in page, and with an address from there.
async fn type_address(proxy: &Proxy, browser: &mut Browser, address: &str) -> Page {
    let page = proxy.open(browser, "/desk").await;
    assert_eq!(page.url.path(), "/.auth/sign-in", "nobody is signed in, so they are asked to");
    browser.press(&page, "Next", &[("identifier", address)]).await
}

#[tokio::test]
async fn whoever_signs_in_is_let_in_and_the_logs_say_whom_the_rules_would_refuse() {
    let world = World::start();
    let mut proxy = proxy(&world, false);

    let script = Browser::default().fetch(&proxy.url("/desk")).await;
    assert_eq!((script.status.as_u16(), script.json()["code"].as_str()), (401, Some("sign_in_required")));

    let mut cy = Browser::default();
    let page = type_address(&proxy, &mut cy, CY).await;
    let page = world.idp.choose(&mut cy, &page, CY).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    let seen = world.app.last();
    assert_eq!(seen.header("x-account-kind").as_deref(), Some("personal"), "the app is told who they are");
    assert!(!seen.headers.keys().any(|name| name.as_str().contains("refuse")), "and nothing of rules: {:?}", seen.headers);

    let mut ada = Browser::default();
    let page = world.idp.sign_in(&proxy, &mut ada, ADA, "work", "/desk").await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());

    let output = proxy.process.stop();
    let told = |lines: &[serde_json::Value], what: &str| -> Vec<String> {
        let of = |line: &serde_json::Value| format!("{} {} {}", line[what], line["account.kind"], line["would_refuse"]).replace('"', "");
        let mut told: Vec<_> = lines.iter().filter(|line| line["outcome"] == "allow").map(of).collect();
        told.sort();
        told
    };
    let access: Vec<_> = access_lines(&output).into_iter().filter(|line| line["url.path"] == "/desk").collect();
    assert_eq!(told(&access, "reason"), ["signed_in personal personal_account_not_allowed", "signed_in work null"]);
    let expected = [
        "authn_login_success personal personal_account_not_allowed",
        "authn_login_success work null",
        "authz_would_fail personal personal_account_not_allowed",
    ];
    assert_eq!(told(&audit_lines(&output), "event"), expected, "{output}");
    let accounts = |line: &&serde_json::Value| line["would_refuse"] == "personal_account_not_allowed";
    let position = access.iter().find(accounts).expect("cy's")["config.line"].as_u64();
    assert_eq!(position, audit_lines(&output).iter().find(accounts).expect("cy's")["config.line"].as_u64());
}

#[tokio::test]
async fn the_same_route_refuses_when_its_rules_are_enforced() {
    let world = World::start();
    let mut proxy = proxy(&world, true);
    let mut browser = Browser::default();
    let page = type_address(&proxy, &mut browser, CY).await;
    assert_reason(&page, Reason::PersonalAccountNotAllowed);
    assert!(session_cookies(&browser).is_empty());
    assert!(world.app.requests().is_empty(), "nothing reached the app");
    let output = proxy.process.stop();
    let events: Vec<_> = audit_lines(&output).iter().map(|line| format!("{} {}", line["event"], line["reason"])).collect();
    assert_eq!(events, ["\"authn_login_fail\" \"personal_account_not_allowed\""], "{output}");
    assert!(access_lines(&output).iter().all(|line| line.get("would_refuse").is_none()), "{output}");
}
