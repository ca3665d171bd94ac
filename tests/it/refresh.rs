//! Sessions in cookies whose claims hold for some seconds: they go on, change with their people, and end when their
//! provider says so and not before.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use serde_json::Value;
use url::Url;

use crate::support::browser::{Browser, Page};
use crate::support::demo::PROXY_HOST;
use crate::support::dev_idp::DevIdp;
use crate::support::logs::audit_lines;
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::provider::{Provider, authorities};
use crate::support::proxy::{Proxy, head};
use crate::support::upstream::Upstream;

const ADA: &str = "ada@contoso.example";
const BOB: &str = "bob@contoso.example";
const ADAS_GROUP: &str = "9f0c0000-0000-4000-8000-0000000000a1";
const SESSION: &str = "homerealm-s-work";

/// How long access tokens hold where that is waited for, in seconds.
const SHORT: u64 = 2;
/// And where many requests are to come while they hold, however busy the machine is.
const LONG: u64 = 8;

struct World {
    idp: DevIdp,
    proxy: Proxy,
    app: Upstream,
    browser: Browser,
}

impl World {
    /// Ada is signed in.
    async fn start(life: u64) -> Self {
        let (port, app) = (free_ports(1), Upstream::start());
        let idp = DevIdp::start_with(|command| {
            command.args(["--token-lifetime", &life.to_string()]);
        });
        let (head, app_origin, parts) = (head(port), app.origin(), idp.configuration());
        let asks = parts
            .replace("[authorities.work]\n", "[authorities.work]\nscopes = [\"openid\", \"profile\", \"email\", \"offline_access\"]\n");
        let config = format!(
            "{head}{asks}[telemetry]\naudit = {{ to = \"stdout\", identity = \"full\" }}\n\
             [[routes]]\nname = \"vault\"\nmatch = {{ path = \"/vault/**\" }}\naccounts = \"work\"\ngroups = [\"{ADAS_GROUP}\"]\nupstream = \"{app_origin}\"\n\
             [[routes]]\nname = \"desk\"\naccounts = \"work\"\nupstream = \"{app_origin}\"\n"
        );
        let mut world = Self { idp, proxy: Proxy::start(port, &config), app, browser: Browser::default() };
        let page = world.idp.sign_in(&world.proxy, &mut world.browser, ADA, "work", "/desk").await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
        world
    }

    /// As a script of the app's asks, which is never redirected.
    async fn ask(&mut self, path: &str) -> Page {
        self.browser.fetch(&self.proxy.url(path)).await
    }

    async fn change(&self, form: &str) {
        let url = Url::parse(&format!("{}/people/ada", self.idp.origin)).expect("a URL");
        assert_eq!(Browser::default().send(Method::POST, url, &[], form.into()).await.status, 204);
    }

    async fn refreshes(&self) -> (u64, u64) {
        counted(&self.idp.origin).await
    }

    /// Asks until something is so.
    async fn until(&mut self, path: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.ask(path).await;
            if is_so(&page) {
                return page;
            }
            assert!(Instant::now() < patience, "not within a minute: {} {}", page.status, page.text());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Goes on asking until there were so many refreshes.
    async fn until_refreshed(&mut self, times: u64) {
        let patience = Instant::now() + Duration::from_secs(60);
        while self.refreshes().await.0 < times {
            assert_eq!(self.ask("/desk").await.status, 200);
            assert!(Instant::now() < patience, "no {times} refreshes within a minute");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Refreshes that a provider has granted and refused.
async fn counted(origin: &str) -> (u64, u64) {
    let page = Browser::default().fetch(&format!("{origin}/refreshes")).await;
    let count = |key| page.json()[key].as_u64().unwrap_or_else(|| panic!("no count: {}", page.text()));
    (count("granted"), count("refused"))
}

#[tokio::test]
async fn a_session_goes_on_over_several_refreshes() {
    let mut world = World::start(SHORT).await;
    let first = world.browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    world.until_refreshed(3).await;
    assert_eq!(world.ask("/vault/").await.status, 200);
    assert_ne!(world.browser.cookie(PROXY_HOST, SESSION), Some(&*first), "the browser has what the refreshes brought");
    assert_eq!(world.refreshes().await.1, 0, "no token was spent twice");
    assert_eq!(world.app.last().header("x-forwarded-groups").as_deref(), Some(ADAS_GROUP));
}

#[tokio::test]
async fn who_leaves_a_group_is_out_with_the_next_refresh_and_who_comes_back_is_in() {
    let mut world = World::start(SHORT).await;
    assert_eq!(world.ask("/vault/").await.status, 200);
    world.change("groups=").await;
    let refused = world.until("/vault/", |page| page.status == 403).await;
    assert_eq!(refused.json()["code"], "group_required");
    assert_eq!(world.ask("/desk").await.status, 200, "still signed in");
    world.change(&format!("groups={ADAS_GROUP}")).await;
    world.until("/vault/", |page| page.status == 200).await;
}

#[tokio::test]
async fn a_refusal_ends_the_session_and_the_audit_log_tells_it_once() {
    let mut world = World::start(SHORT).await;
    world.change("refresh=refused").await;
    let ended = world.until("/desk", |page| page.status != 200).await;
    assert_eq!((ended.status.as_u16(), ended.json()["code"].as_str()), (401, Some("session_expired")));
    assert!(ended.headers.get_all("set-cookie").iter().next().is_none(), "no cookie is deleted that could be a newer one");
    for _ in 0..3 {
        assert_eq!(world.ask("/desk").await.status, 401);
    }
    assert_eq!(world.refreshes().await.1, 1);
    // Whoever signs in anew is in.
    world.change("refresh=granted").await;
    let page = world.proxy.open(&mut world.browser, "/.auth/sign-in?account=work&return_to=/desk").await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    let output = world.proxy.process.stop();
    let ended: Vec<Value> = audit_lines(&output).into_iter().filter(|line| line["event"] == "session_ended").collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!((&ended[0]["reason"], &ended[0]["authority"]), (&"session_expired".into(), &"work".into()));
    assert_eq!(ended[0]["user"], "ada00000-0000-4000-8000-000000000001@3a0c0000-0000-4000-8000-0000000000aa");
}

#[tokio::test]
async fn a_provider_that_is_down_ends_no_session() {
    let mut world = World::start(SHORT).await;
    world.until_refreshed(1).await;
    drop(std::mem::replace(&mut world.idp.process, Process::start(homerealm().arg("version"))));
    let patience = Instant::now() + Duration::from_secs(60);
    while !world.proxy.process.output().contains("cannot be refreshed and go on as they are") {
        assert_eq!(world.ask("/vault/").await.status, 200);
        assert!(Instant::now() < patience, "nobody asked the provider within a minute");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..10 {
        assert_eq!(world.ask("/vault/").await.status, 200);
    }
}

#[tokio::test]
async fn fifty_requests_at_the_end_of_the_claims_are_one_refresh() {
    let mut world = World::start(LONG).await;
    let browser = world.browser.clone();
    // Nobody comes while the claims run out; whoever comes then carries the same cookie as all others.
    tokio::time::sleep(Duration::from_secs(LONG + 1)).await;
    let pages = join_all((0..50).map(|_| {
        let mut browser = browser.clone();
        let url = world.proxy.url("/vault/");
        async move { browser.fetch(&url).await }
    }))
    .await;
    assert!(pages.iter().all(|page| page.status == 200), "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
    assert_eq!(world.refreshes().await, (1, 0));
    // And all were given what came of it: the old cookie is as good as the new one for a while.
    assert_eq!(world.ask("/desk").await.status, 200);
    assert_eq!(world.refreshes().await.1, 0);
}

#[tokio::test]
async fn a_provider_that_is_not_ours_rotates_its_tokens_and_nobody_notices() {
    let (port, at, app) = (free_ports(1), free_ports(1), Upstream::start());
    let provider = Provider::start_with(at, port, |command| {
        command.env("ACCESS_TTL", LONG.to_string()).env("TOKEN_DELAY_MS", "100");
    });
    let (head, authorities, app_origin) = (head(port), authorities(provider.port), app.origin());
    let proxy = Proxy::start(port, &format!("{head}{authorities}[[routes]]\naccounts = \"work\"\nupstream = \"{app_origin}\"\n"));
    let mut browser = Browser::default();
    let page = proxy.open(&mut browser, "/.auth/sign-in?account=work&return_to=/desk").await;
    let page = browser.press(&page, "Next", &[("login", BOB)]).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    let origin = format!("http://127.0.0.1:{}", provider.port);
    for round in 1..3 {
        tokio::time::sleep(Duration::from_secs(LONG + 1)).await;
        let pages = join_all((0..50).map(|_| {
            let mut browser = browser.clone();
            let url = proxy.url("/desk");
            async move { browser.fetch(&url).await }
        }))
        .await;
        assert!(pages.iter().all(|page| page.status == 200), "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
        assert_eq!(counted(&origin).await, (round, 0));
        assert_eq!(browser.fetch(&proxy.url("/desk")).await.status, 200);
    }
}
