//! Signing in at a provider that is not ours, and what happens when it changes its keys or goes away.

use http::Method;
use url::Url;

use homerealm::domain::reason::Reason;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{assert_reason, session_cookies};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::provider::{Provider, authorities};
use crate::support::proxy::{CLIENT_ID, Proxy, configured, head};
use crate::support::upstream::Upstream;

/// A provider, an app, and the proxy between them.
struct World {
    provider: Provider,
    proxy: Proxy,
    app: Upstream,
}

impl World {
    fn start() -> Self {
        let port = free_ports(1);
        let (provider, app) = (Provider::start(port), Upstream::start());
        let proxy = Proxy::start(port, &config(port, provider.port, &app));
        Self { provider, proxy, app }
    }

    /// From a protected page to the app, with this address typed wherever one is asked for.
    async fn sign_in(&self, browser: &mut Browser, address: &str, path: &str) -> Page {
        let page = self.proxy.open(browser, path).await;
        self.finish(browser, page, address).await
    }

    async fn finish(&self, browser: &mut Browser, page: Page, address: &str) -> Page {
        let page = match page.url.path() {
            "/.auth/sign-in" => browser.press(&page, "Next", &[("identifier", address)]).await,
            _ => page,
        };
        let at_provider = page.url.port() == Some(self.provider.port);
        let page = if at_provider { browser.press(&page, "Next", &[("login", address)]).await } else { page };
        // Whoever changes accounts there passes a form that a script would send.
        if page.text().starts_with("Submitting Callback") { browser.press(&page, "Continue", &[]).await } else { page }
    }
}

fn config(port: u16, provider: u16, app: &Upstream) -> String {
    let (head, authorities, app) = (head(port), authorities(provider), app.origin());
    format!(
        r#"{head}
personal_domains = ["outlook.example"]
{authorities}
[authorities.generic]
issuer = "http://127.0.0.1:{provider}/generic"
kind   = "work"
[tenants]
contoso = {{ id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso", domains = ["contoso.example"] }}
[[routes]]
match    = {{ path = "/public/**" }}
auth     = "none"
upstream = "{app}"
[[routes]]
match       = {{ path = "/generic/**" }}
accounts    = "work"
authorities = ["generic"]
upstream    = "{app}"
[[routes]]
match    = {{ path = "/personal/**" }}
accounts = "personal"
upstream = "{app}"
[[routes]]
match       = {{ path = "/any/**" }}
accounts    = "any"
authorities = ["work", "personal"]
upstream    = "{app}"
[[routes]]
match       = {{ path = "/work/**" }}
accounts    = "work"
authorities = ["work"]
upstream    = "{app}"
"#
    )
}

fn assert_app(page: &Page, path: &str) {
    assert_eq!((page.status.as_u16(), page.url.path(), page.text().as_str()), (200, path, "app: 0 bytes"), "{}", page.url);
}

#[tokio::test]
async fn people_of_a_foreign_provider_reach_the_app_under_their_own_names() {
    let world = World::start();
    let facts = |names: &[&str]| {
        let last = world.app.last();
        names.iter().map(|name| last.header(name).unwrap_or_default()).collect::<Vec<_>>()
    };
    let names =
        ["x-forwarded-user", "x-account-kind", "x-account-tenant", "x-account-membership", "x-forwarded-name", "x-forwarded-groups"];

    let page = world.sign_in(&mut Browser::default(), "bob@contoso.example", "/work/desk?a=b").await;
    assert_app(&page, "/work/desk");
    let contoso = "3a0c0000-0000-4000-8000-0000000000aa";
    let bob = format!("b0b00000-0000-4000-8000-000000000001@{contoso}");
    assert_eq!(facts(&names), [&bob, "work", contoso, "member", "Bob Work", "67000000-0000-4000-8000-000000000001"]);
    assert_eq!(world.app.last().target, "/work/desk?a=b");
    assert_eq!(world.app.last().header("cookie"), None, "cookies of the proxy stay with the proxy");

    let page = world.sign_in(&mut Browser::default(), "ann@outlook.com", "/personal/album").await;
    assert_app(&page, "/personal/album");
    let consumers = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let ann = format!("00000000-0000-0000-0aaa-000000000001@{consumers}");
    assert_eq!(facts(&names[..3]), [&ann, "personal", consumers]);

    let mut browser = Browser::default();
    let page = world.sign_in(&mut browser, "zoe@generic.example", "/generic/").await;
    assert_app(&page, "/generic/");
    let zoe = world.app.last();
    let user = zoe.header("x-forwarded-user").expect("a user");
    assert!(user.ends_with("@127.0.0.1") && user.len() > 20 && !user.contains("zoe"), "a pairwise subject at the issuer's host: {user}");
    assert_eq!(zoe.header("x-account-kind").as_deref(), Some("work"));
    assert_eq!(zoe.header("x-account-tenant"), None);
    assert_eq!(world.app.requests().len(), 3, "nothing reaches the app before somebody is signed in");
}

#[tokio::test]
async fn who_may_not_come_in_is_told_why_and_the_app_is_not_asked() {
    let world = World::start();
    let mut browser = Browser::default();
    let page = world.sign_in(&mut browser, "ann@outlook.com", "/work/").await;
    assert_reason(&page, Reason::PersonalAccountNotAllowed);
    assert_eq!(page.heading(), "You can't sign in here with a personal account. Use your work or school account instead.");
    assert!(browser.history.iter().all(|url| url.port() == Some(world.proxy.port)), "a known personal address never leaves");

    let mut browser = Browser::default();
    let page = world.sign_in(&mut browser, "gus@contoso.example", "/work/").await;
    assert_reason(&page, Reason::PersonalGuestNotAllowed);
    assert_eq!(session_cookies(&browser), Vec::<String>::new());
    assert_eq!(world.app.requests().len(), 0);

    // The way on: another account of the same browser, although the provider remembers the first.
    let page = browser.follow(&page, "Use a different account").await;
    let page = world.finish(&mut browser, page, "bob@contoso.example").await;
    assert_app(&page, "/work/");
}

#[tokio::test]
async fn after_a_key_rollover_people_sign_in_as_before() {
    let world = World::start();
    let mut first = Browser::default();
    assert_app(&world.sign_in(&mut first, "bob@contoso.example", "/work/").await, "/work/");
    let rotate = Url::parse(&format!("http://127.0.0.1:{}/rotate", world.provider.port)).expect("a URL");
    assert_eq!(Browser::default().send(Method::POST, rotate, &[], String::new()).await.status, 204);
    assert_app(&world.sign_in(&mut Browser::default(), "bob@contoso.example", "/work/").await, "/work/");
    assert_app(&world.proxy.open(&mut first, "/work/again").await, "/work/again");
}

#[tokio::test]
async fn a_provider_that_goes_away_takes_nobody_with_it() {
    let mut world = World::start();
    let mut signed_in = Browser::default();
    assert_app(&world.sign_in(&mut signed_in, "bob@contoso.example", "/work/").await, "/work/");
    let mut on_the_way = Browser::default();
    let page = world.proxy.open(&mut on_the_way, "/work/").await;
    let at_provider = on_the_way.press(&page, "Next", &[("identifier", "bob@contoso.example")]).await;
    assert_eq!(at_provider.url.port(), Some(world.provider.port));
    let done = on_the_way.press_up_to(&at_provider, "Next", &[("login", "bob@contoso.example")], "/.auth/callback/").await;
    drop(std::mem::replace(&mut world.provider.process, Process::start(homerealm().arg("version"))));

    assert_reason(&on_the_way.open(done.as_str()).await, Reason::IdpUnavailable);
    assert_eq!(session_cookies(&on_the_way), Vec::<String>::new());
    assert_app(&world.proxy.open(&mut signed_in, "/work/still").await, "/work/still");
    assert!(world.proxy.process.is_running());
}

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_holds_up_only_its_own_people() {
    let (port, provider, app) = (free_ports(1), free_ports(1), Upstream::start());
    let mut proxy = Proxy::start(port, &config(port, provider, &app));
    let mut browser = Browser::default();
    assert_app(&proxy.open(&mut browser, "/public/").await, "/public/");
    let page = proxy.open(&mut browser, "/work/").await;
    let page = browser.press(&page, "Next", &[("identifier", "bob@contoso.example")]).await;
    assert_reason(&page, Reason::IdpUnavailable);
    assert!(page.headers.contains_key("retry-after"));
    assert!(proxy.process.is_running());

    let world = World { provider: Provider::start_at(provider, port), proxy, app };
    let page = browser.follow(&page, "Try again").await;
    assert_app(&world.finish(&mut browser, page, "bob@contoso.example").await, "/work/");
}

#[tokio::test]
async fn the_shortest_configuration_is_enough() {
    let port = free_ports(1);
    let (provider, app) = (Provider::start(port), Upstream::start());
    let (app_origin, authorities) = (app.origin(), authorities(provider.port));
    let authorities = authorities.split("[authorities.personal]").next().expect("a first half").to_owned();
    let config = format!(
        r#"version    = 1
listen     = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"
[client]
id          = "{CLIENT_ID}"
secret_file = "client-secret"
[[routes]]
upstream = "{app_origin}"
accounts = "work"
"#
    );
    // At the provider of this test instead of Microsoft's.
    let proxy = Proxy::start(port, &(config.clone() + &authorities));
    let world = World { provider, proxy, app };
    assert_app(&world.sign_in(&mut Browser::default(), "bob@contoso.example", "/").await, "/");

    // And as it stands, it is a configuration without a fault.
    let directory = configured(&config);
    let checked = homerealm().arg("check").arg(directory.path().join("homerealm.toml")).output().expect("the binary");
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{told}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(told.contains(&format!("http://localhost:{port}/.auth/callback/work")), "{told}");
}
