//! What the process writes: a line per decision that a program can read, and never what opens a door.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::browser::{Browser, Page};
use crate::support::demo::location;
use crate::support::logs::access_lines;
use crate::support::process::free_ports;
use crate::support::provider::{Provider, authorities};
use crate::support::proxy::{CLIENT_SECRET, Proxy, head};
use crate::support::raw;
use crate::support::upstream::Upstream;

const BOB: &str = "bob@contoso.example";

struct World {
    proxy: Proxy,
    provider: Provider,
    _app: Upstream,
}

impl World {
    /// Everything that can be logged is logged.
    fn start() -> Self {
        let port = free_ports(1);
        let (provider, app) = (Provider::start(port), Upstream::start());
        let (head, authorities, upstream) = (head(port), authorities(provider.port), app.origin());
        let config = format!(
            "{head}{authorities}[telemetry]\naccess_log = \"json\"\naudit = {{ to = \"stdout\", identity = \"full\" }}\n[[routes]]\nname = \"open\"\nmatch = {{ path = \"/open\" }}\nauth = \"none\"\nupstream = \"{upstream}\"\n[[routes]]\nname = \"album\"\nmatch = {{ path = \"/album\" }}\naccounts = \"personal\"\nupstream = \"{upstream}\"\n[[routes]]\nname = \"desk\"\naccounts = \"work\"\nupstream = \"{upstream}\"\n"
        );
        let proxy = Proxy::start_with(port, &config, |command| {
            command.env("RUST_LOG", "trace");
        });
        Self { proxy, provider, _app: app }
    }

    /// A sign-in with everything in it that must not be told.
    async fn sign_in(&self, browser: &mut Browser) -> (Page, Vec<String>) {
        let start = self.proxy.url(&format!("/.auth/sign-in?account=work&login_hint={BOB}&return_to=/desk%3Fq%3Dmarked-query"));
        let start = browser.open_once(&start).await;
        let at_provider = location(&start);
        let page = browser.open(at_provider.as_str()).await;
        let callback = browser.press_up_to(&page, "Next", &[("login", BOB)], "/.auth/callback/").await;
        let mut secrets = vec![CLIENT_SECRET.to_owned(), BOB.into(), "marked-query".into()];
        for url in [&at_provider, &callback] {
            let telling = url.query_pairs().filter(|(name, _)| matches!(&**name, "state" | "code" | "nonce" | "code_challenge"));
            secrets.extend(telling.map(|(_, value)| value.into_owned()));
        }
        let cookies = |browser: &Browser| {
            let own = browser.cookies("localhost").into_iter().filter(|name| name.starts_with("homerealm-"));
            own.filter_map(|name| browser.cookie("localhost", &name).map(str::to_owned))
                .filter(|value| value.len() > 20)
                .collect::<Vec<_>>()
        };
        secrets.extend(cookies(browser));
        let page = browser.open(callback.as_str()).await;
        secrets.extend(cookies(browser));
        (page, secrets)
    }
}

#[tokio::test]
async fn no_line_of_any_log_opens_a_door() {
    let mut world = World::start();
    let mut browser = Browser::default();
    let (page, mut secrets) = world.sign_in(&mut browser).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    assert!(secrets.len() >= 9, "the whole walk is marked: {}", secrets.len());

    // The ways on which things go wrong talk the most.
    let bearer = "eyJhbGciOiJub25lIn0.bWFya2VkLWJlYXJlcg.bWFya2Vk";
    raw::get(world.proxy.port, &format!("localhost:{}", world.proxy.port), "/desk", &format!("authorization: Bearer {bearer}\r\n")).await;
    for path in [
        "/.auth/callback/work?code=marked-code&state=marked-state",
        "/.auth/callback/work?error=access_denied&error_description=marked-description&state=marked-state",
        "/.auth/callback/work?code=marked-code&code=marked-code&state=marked-state",
        "/.auth/sign-in?login_hint=marked@outlook.com&return_to=/desk",
        "/nowhere/../marked-twisted?token=marked-token",
    ] {
        browser.open_once(&world.proxy.url(path)).await;
    }
    let page = browser.open(&world.proxy.url("/.auth/sign-in?return_to=/desk&prompt=select_account")).await;
    browser.press(&page, "Next", &[("identifier", "marked@outlook.com")]).await;
    let page = browser.open(&world.proxy.url("/.auth/sign-out")).await;
    browser.press_once(&page, "Sign out", &[]).await;
    browser.open_once(&world.proxy.url("/open?end")).await;

    let output = world.proxy.process.stop();
    assert!(output.contains("\"url.path\":\"/open\""), "the last request's line is there:\n{output}");
    assert!(output.contains("DEBUG") || output.contains("TRACE"), "everything that can be logged is:\n{output}");
    secrets.extend(
        [
            "marked-code",
            "marked-state",
            "marked-description",
            "marked-token",
            "marked@outlook.com",
            "marked@",
            bearer,
            "bWFya2VkLWJlYXJlcg",
            "eyJ",
        ]
        .map(str::to_owned),
    );
    secrets.push("Bob Work".into());
    let told: BTreeSet<_> = secrets.iter().filter(|secret| output.contains(*secret)).collect();
    assert!(told.is_empty(), "{told:#?} in:\n{output}");
    drop(world.provider);
}

#[tokio::test]
async fn every_request_has_one_line_that_a_program_can_read() {
    let mut world = World::start();
    let mut browser = Browser::default();
    world.proxy.open(&mut browser, "/open").await;
    world.proxy.open(&mut browser, "/desk").await;
    world.sign_in(&mut browser).await;
    Browser::default().open_once(&world.proxy.url("/album?last")).await;
    let page = browser.fetch(&world.proxy.url("/a%2fb")).await;

    // Each worker hands its lines over in its own time, so their order tells nothing.
    let expected = [
        ("/open", "allow", "public", "open", Value::Null, 200),
        ("/.auth/callback/work", "allow", "signed_in", "desk", "work".into(), 303),
        ("/desk", "allow", "signed_in", "desk", "work".into(), 200),
        ("/album", "challenge", "sign_in_required", "album", Value::Null, 302),
    ];
    let find = |lines: &[Value], path: &str, outcome: &str| {
        lines.iter().find(|line| line["url.path"] == path && line["outcome"] == outcome).cloned()
    };
    let output = world.proxy.process.stop();
    let lines = access_lines(&output);
    for (path, outcome, reason, route, kind, status) in &expected {
        let line = find(&lines, path, outcome).unwrap_or_else(|| panic!("no line about {path}:\n{output}"));
        assert_eq!(line["reason"], *reason, "{line}");
        assert_eq!(line["route"], *route, "{line}");
        assert_eq!(line["account.kind"], *kind, "{line}");
        assert_eq!(line["http.response.status_code"], *status, "{line}");
        assert!(line["config.line"].as_u64().is_some_and(|line| line > 1), "{line}");
    }
    let ids: BTreeSet<_> = lines.iter().map(|line| line["decision_id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids.len(), lines.len(), "every decision has an id of its own");
    assert!(ids.contains(page.json()["decision_id"].as_str().expect("an id")), "the id on the page is the one in the log");
    assert!(browser.history.len() > 5);
    drop(world.provider);
}
