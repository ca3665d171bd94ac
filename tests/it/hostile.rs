//! Providers that answer anything but what they should: the person gets a clear page, the app nothing, and the proxy
//! neither falls over nor fills up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use homerealm::domain::reason::Reason;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{assert_reason, location, session_cookies};
use crate::support::hostile::{Answer, Hostile};
use crate::support::proxy::{Proxy, head};
use crate::support::upstream::Upstream;

/// Each case is an authority, its name the first segment of every path at the provider; what is wrong, and how the
/// person is told.
const METADATA: &[(&str, Reason)] = &[
    ("d-html", Reason::IdpUnavailable),
    ("d-500", Reason::IdpUnavailable),
    ("d-redirect", Reason::IdpUnavailable),
    ("d-endless", Reason::IdpUnavailable),
    ("d-deep", Reason::IdpUnavailable),
    ("d-issuer", Reason::IdpUnavailable),
    ("d-empty", Reason::IdpUnavailable),
    ("d-http", Reason::IdpUnavailable),
    ("d-drip", Reason::IdpUnavailable),
];

/// The metadata are fine here.
const TOKENS: &[(&str, Reason)] = &[
    ("k-html", Reason::IdpUnavailable),
    ("k-many", Reason::IdpUnavailable),
    ("k-endless", Reason::IdpUnavailable),
    ("k-none", Reason::IdpUnavailable),
    ("t-html", Reason::IdpError),
    ("t-500", Reason::IdpUnavailable),
    ("t-redirect", Reason::IdpError),
    ("t-endless", Reason::IdpError),
    ("t-deep", Reason::IdpError),
    ("t-junk", Reason::IdpError),
    ("t-nothing", Reason::IdpError),
    ("t-grant", Reason::FlowExpired),
    ("t-client", Reason::Configuration),
    ("t-drip", Reason::IdpUnavailable),
];

const TOKEN: &str = r#"{"token_type":"Bearer","access_token":"a","id_token":"eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AAAA"}"#;

fn metadata(origin: &str, name: &str) -> String {
    let at = format!("{origin}/{name}");
    format!(
        r#"{{"issuer":"{at}","authorization_endpoint":"{at}/authorize","token_endpoint":"{at}/token","jwks_uri":"{at}/keys","response_types_supported":["code"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}}"#
    )
}

fn keys(count: usize) -> String {
    // 2048 bits, odd: nobody's key, but one in form.
    let modulus = "x".repeat(341) + "w";
    let keys: Vec<_> =
        (0..count).map(|at| format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"k{at}","n":"{modulus}","e":"AQAB"}}"#)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn deep() -> String {
    format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000))
}

fn answer(origin: &str, path: &str) -> Answer {
    let (name, endpoint) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let html = || Answer::Whole(200, "text/html", "<html><script>alert(1)</script>".into());
    match (name, endpoint) {
        ("d-html", _) => html(),
        ("d-500", _) => Answer::Whole(500, "text/plain", "no".into()),
        ("d-redirect", _) => Answer::Redirect(format!("{origin}/t-html/.well-known/openid-configuration")),
        ("d-endless", _) => Answer::Megabytes(100),
        ("d-deep", _) => Answer::json(deep()),
        ("d-issuer", _) => Answer::json(metadata(origin, "t-html")),
        ("d-empty", _) => Answer::json("{}"),
        ("d-http", _) => Answer::json(metadata(origin, "d-http").replace(&format!("{origin}/d-http/token"), "http://evil.example/token")),
        ("d-drip", _) => Answer::Drip,
        ("k-html", "keys") => html(),
        ("k-many", "keys") => Answer::json(keys(10_000)),
        ("k-endless", "keys") => Answer::Megabytes(100),
        ("k-none", "keys") => Answer::json(r#"{"keys":[]}"#),
        ("t-html", "token") => html(),
        ("t-500", "token") => Answer::Whole(500, "text/plain", "no".into()),
        ("t-redirect", "token") => Answer::Redirect(format!("{origin}/k-none/token")),
        ("t-endless", "token") => Answer::Megabytes(100),
        ("t-deep", "token") => Answer::json(deep()),
        ("t-nothing", "token") => Answer::json("{}"),
        ("t-grant", "token") => Answer::Whole(400, "application/json", r#"{"error":"invalid_grant"}"#.into()),
        ("t-client", "token") => Answer::Whole(401, "application/json", r#"{"error":"invalid_client"}"#.into()),
        ("t-drip", "token") => Answer::Drip,
        (_, ".well-known/openid-configuration") => Answer::json(metadata(origin, name)),
        (_, "keys") => Answer::json(keys(1)),
        (_, "token") => Answer::json(TOKEN),
        _ => Answer::Whole(404, "text/plain", String::new()),
    }
}

struct World {
    proxy: Proxy,
    provider: Hostile,
    app: Upstream,
}

impl World {
    /// The provider only says 503 until the proxy has been measured; then it is awake.
    fn start() -> (Self, u64) {
        let (awake, app) = (Arc::new(AtomicBool::new(false)), Upstream::start());
        let is_awake = Arc::clone(&awake);
        let provider = Hostile::start(move |origin, path| {
            if is_awake.load(Ordering::Relaxed) { answer(origin, path) } else { Answer::Whole(503, "text/plain", String::new()) }
        });
        let mut proxy = Proxy::run(|port| {
            let mut config = head(port) + "page = \"auto\"\n";
            for (name, _) in METADATA.iter().chain(TOKENS) {
                config += &format!("[authorities.{name}]\nissuer = \"http://127.0.0.1:{}/{name}\"\nkind = \"work\"\n", provider.port);
            }
            for (name, _) in METADATA.iter().chain(TOKENS) {
                config += &format!(
                    "[[routes]]\nmatch = {{ path = \"/{name}/**\" }}\naccounts = \"work\"\nauthorities = [\"{name}\"]\nupstream = \"{}\"\n",
                    app.origin()
                );
            }
            config
        });
        let all = METADATA.len() + TOKENS.len();
        proxy.process.wait_until(|output| output.matches("cannot be read").count() >= all, "a word about each provider");
        let before = proxy.process.memory();
        awake.store(true, Ordering::Relaxed);
        (Self { proxy, provider, app }, before)
    }

    /// A sign-in as far as it goes.
    async fn try_it(&self, name: &str) -> (Browser, Page) {
        let mut browser = Browser::default();
        let page = browser.open_once(&self.proxy.url(&format!("/{name}/"))).await;
        if !page.status.is_redirection() {
            return (browser, page);
        }
        let asked = location(&page);
        let state = asked.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
        let page = browser.open_once(&self.proxy.url(&format!("/.auth/callback/{name}?code=c&state={state}"))).await;
        (browser, page)
    }
}

#[tokio::test]
async fn whatever_a_provider_answers_the_person_gets_a_page_and_the_proxy_stays_as_it_is() {
    let (mut world, before) = World::start();
    let sign_ins = METADATA.iter().chain(TOKENS).map(|(name, reason)| {
        let world = &world;
        async move {
            // Nobody waits for ever: far longer than any bound of the proxy's.
            let (browser, page) =
                tokio::time::timeout(Duration::from_secs(60), world.try_it(name)).await.expect("an answer in bounded time");
            (name, reason, browser, page)
        }
    });
    for (name, reason, browser, page) in futures_util::future::join_all(sign_ins).await {
        assert_eq!(page.heading(), reason.title(), "{name}:\n{}", world.proxy.process.output());
        assert_reason(&page, *reason);
        assert_eq!(session_cookies(&browser), Vec::<String>::new(), "{name}");
        assert!(!page.body.contains("<script"), "{name}");
    }
    assert_eq!(world.app.requests().len(), 0);
    assert!(world.proxy.process.is_running());
    let grown = world.proxy.process.memory().saturating_sub(before);
    assert!(grown < 30 * 1024, "grown by {grown} kB");
    assert!(world.provider.written() < 100 << 20, "of 300 MB {} bytes were taken", world.provider.written());
}

#[tokio::test]
async fn the_same_callback_many_times_at_once_asks_the_provider_once() {
    let (world, _) = World::start();
    for name in ["t-grant", "t-junk", "t-500"] {
        let mut browser = Browser::default();
        let page = browser.open_once(&world.proxy.url(&format!("/{name}/"))).await;
        let state = location(&page).query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
        let callback = world.proxy.url(&format!("/.auth/callback/{name}?code=c&state={state}"));
        let twins = (0..8).map(|_| {
            let (mut browser, callback) = (browser.clone(), &callback);
            async move { browser.open_once(callback).await }
        });
        let pages = futures_util::future::join_all(twins).await;
        assert_eq!(world.provider.asked_for(&format!("/{name}/token")), 1, "{name}");
        assert!(pages.iter().filter(|page| page.heading() == Reason::FlowExpired.title()).count() >= 7, "{name}");
        // A page of an attempt that failed is no attempt any more either.
        assert_reason(&browser.open_once(&callback).await, Reason::FlowExpired);
        assert_eq!(world.provider.asked_for(&format!("/{name}/token")), 1, "{name}");
    }
}
