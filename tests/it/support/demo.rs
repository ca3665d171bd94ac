//! A running demo (`homerealm demo`), and the ways through it that many tests begin with.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use homerealm::domain::reason::Reason;
use url::Url;

use super::browser::{Browser, Page};
use super::process::{Process, free_ports, homerealm};

/// A running demo.
pub struct Demo {
    pub process: Process,
    pub proxy: String,
    pub provider: String,
    pub port: u16,
}

/// A host as cookies know it.
pub const PROXY_HOST: &str = "localhost";
/// Likewise.
pub const PROVIDER_HOST: &str = "127.0.0.1";

impl Demo {
    pub fn start() -> Self {
        let port = free_ports(3);
        let mut process = Process::start(homerealm().args(["demo", "--port", &port.to_string()]));
        process.wait_for("below");
        Self { process, proxy: format!("http://localhost:{port}"), provider: format!("http://127.0.0.1:{}", port + 1), port }
    }

    /// The one demo of all tests that leave nothing behind in it (everybody has a browser of their own). It ends with
    /// the last of them.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Demo>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let demo = Arc::new(Self::start());
            *shared = Arc::downgrade(&demo);
            demo
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.proxy)
    }

    /// From the wanted page to the provider's, by the link that names the kind.
    pub async fn to_provider(&self, browser: &mut Browser, kind: &str, wanted: &str) -> Page {
        let page = browser.open(&self.url(&format!("/.auth/sign-in?account={kind}&return_to={wanted}"))).await;
        assert!(page.url.as_str().starts_with(&self.provider), "{}:\n{}", page.url, page.text());
        page
    }

    /// All the way.
    pub async fn sign_in(&self, browser: &mut Browser, person: &str, kind: &str, wanted: &str) -> Page {
        let page = self.to_provider(browser, kind, wanted).await;
        let page = browser.press(&page, person, &[]).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, wanted), "{}", page.text());
        page
    }

    /// The callback that a person's choice leads to, not visited yet.
    pub async fn callback(&self, browser: &mut Browser, person: &str, kind: &str, wanted: &str) -> Url {
        let start = self.url(&format!("/.auth/sign-in?account={kind}&return_to={wanted}"));
        let start = browser.open_once(&start).await;
        let asked = browser.open_once(location(&start).as_str()).await;
        // A provider that knows the person already does not ask.
        let answer = if asked.status.is_redirection() { asked } else { browser.press_once(&asked, person, &[]).await };
        let callback = location(&answer);
        assert!(callback.as_str().starts_with(&self.url("/.auth/callback/")), "{callback}");
        callback
    }
}

/// Where a redirect leads.
pub fn location(page: &Page) -> Url {
    let target = page.headers.get(http::header::LOCATION).unwrap_or_else(|| panic!("{} is no redirect:\n{}", page.url, page.text()));
    page.url.join(target.to_str().expect("ASCII")).expect("a URL")
}

/// The reason that a page tells, by its heading.
pub fn reason_of(page: &Page) -> Option<Reason> {
    let heading = page.heading();
    Reason::ALL.iter().copied().find(|reason| reason.title() == heading)
}

/// Holds that a page tells this reason, with its status and a way on.
#[track_caller]
pub fn assert_reason(page: &Page, reason: Reason) {
    assert_eq!(reason_of(page), Some(reason), "{}\n{}", page.url, page.text());
    assert_eq!(page.status.as_u16(), reason.status(), "{}", page.text());
    let ways = page.body.split("class=\"actions\"").nth(1).unwrap_or_default();
    assert!(ways.contains("href=\"/") || ways.contains("action=\"/"), "no way on: {}", page.body);
}

/// The names of our session cookies in a browser.
pub fn session_cookies(browser: &Browser) -> Vec<String> {
    browser.cookies(PROXY_HOST).into_iter().filter(|name| name.starts_with("homerealm-s-")).collect()
}

/// The names of our attempt cookies in a browser.
pub fn attempt_cookies(browser: &Browser) -> Vec<String> {
    browser.cookies(PROXY_HOST).into_iter().filter(|name| name.starts_with("homerealm-a-")).collect()
}
