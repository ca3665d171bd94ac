//! Sessions side by side, signing out, sessions that end by themselves, and cookies that are none of ours.

use http::Method;
use url::Url;

use homerealm::domain::reason::Reason;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{Demo, PROXY_HOST, assert_reason, attempt_cookies, location, session_cookies};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy, head};
use crate::support::upstream::Upstream;

const ADA: &str = "ada@contoso.example";
const CY: &str = "cy@outlook.example";
const SESSION: &str = "homerealm-s-work";

#[track_caller]
fn assert_asks_to_sign_in(page: &Page) {
    assert_eq!((page.status.as_u16(), page.url.path(), &*page.heading()), (200, "/.auth/sign-in", "Sign in"), "{}", page.text());
}

async fn both(demo: &Demo) -> Browser {
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    demo.sign_in(&mut browser, CY, "personal", "/personal/").await;
    assert_eq!(session_cookies(&browser), ["homerealm-s-personal", SESSION]);
    browser
}

#[tokio::test]
async fn every_route_takes_the_session_that_it_admits() {
    let demo = Demo::shared();
    let mut browser = both(&demo).await;
    for (path, who) in [("/work/", ADA), ("/personal/", CY), ("/any/", ADA)] {
        let page = browser.open(&demo.url(path)).await;
        assert!(page.status == 200 && page.text().contains(who), "{path}: {}", page.text());
    }
    assert!(browser.open(&demo.url("/mailbox")).await.text().contains("mailbox of work and school accounts"));
    browser.forget(PROXY_HOST, |name| name == SESSION);
    assert!(browser.open(&demo.url("/any/")).await.text().contains(CY));
    assert!(browser.open(&demo.url("/mailbox")).await.text().contains("mailbox of personal accounts"));
    assert_reason(&browser.open(&demo.url("/work/")).await, Reason::PersonalAccountNotAllowed);
}

#[tokio::test]
async fn the_session_document_says_who_and_holds_nothing_that_opens_a_door() {
    let demo = Demo::shared();
    let nobody = Browser::default().fetch(&demo.url("/.auth/session")).await;
    assert_eq!((nobody.status.as_u16(), nobody.json()["code"].as_str()), (401, Some("sign_in_required")));

    let mut browser = both(&demo).await;
    let page = browser.fetch(&demo.url("/.auth/session")).await;
    assert_eq!(page.status, 200);
    let document = page.json();
    let sessions = document["sessions"].as_array().expect("a list");
    assert_eq!(sessions.len(), 2);
    let work = sessions.iter().find(|session| session["authority"] == "work").expect("Ada's");
    assert_eq!((work["kind"].as_str(), work["membership"].as_str(), work["name"].as_str()), (Some("work"), Some("member"), Some("Ada")));
    assert_eq!(work["tenant"], "3a0c0000-0000-4000-8000-0000000000aa");
    assert!(work["expires_in"].as_u64().is_some_and(|seconds| (3_000..=3_600).contains(&seconds)));
    assert!(sessions.iter().any(|session| session["kind"] == "personal" && session["username"] == CY));
    for secret in ["eyJ", "token", "nonce", "sid", "code", browser.cookie(PROXY_HOST, SESSION).expect("a session")] {
        assert!(!page.body.contains(secret), "{secret}: {}", page.body);
    }
}

#[tokio::test]
async fn signing_out_asks_first_then_ends_one_session_or_all_here_and_at_the_provider() {
    let demo = Demo::shared();
    let mut browser = both(&demo).await;
    let asks = browser.open(&demo.url("/.auth/sign-out?return_to=/public/")).await;
    assert_eq!(session_cookies(&browser).len(), 2, "a link signs nobody out");
    assert!(asks.text().contains(ADA) || asks.text().contains("Ada"), "{}", asks.text());

    let mut one = browser.clone();
    let work = asks.forms()[0].clone();
    let page = one.submit(&asks, &work, &[("session", "work")]).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/.auth/signed-out"), "{}", page.text());
    assert!(one.history.iter().any(|url| url.path().ends_with("/oauth2/v2.0/logout")), "{:#?}", one.history);
    assert_eq!(session_cookies(&one), ["homerealm-s-personal"]);
    assert!(one.open(&demo.url("/personal/")).await.text().contains(CY));
    assert_reason(&one.open(&demo.url("/work/")).await, Reason::PersonalAccountNotAllowed);

    let page = browser.press(&asks, "Sign out of everything here", &[]).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/.auth/signed-out"), "{}", page.text());
    assert_eq!(session_cookies(&browser), Vec::<String>::new());

    // The next sign-in asks which account, although somebody may still be signed in at the provider.
    let before = browser.history.len();
    demo.to_provider(&mut browser, "work", "/work/").await;
    let asked = browser.history[before..].iter().find(|url| url.path().ends_with("/authorize")).expect("the provider was asked");
    assert!(asked.query_pairs().any(|(name, value)| name == "prompt" && value == "select_account"), "{asked}");
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_out_and_nobody_in() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for path in ["/.auth/sign-out", "/.auth/sign-in"] {
        for foreign in [
            &[("origin", "https://evil.example"), form][..],
            &[("origin", "null"), form],
            &[("origin", "http://localhost"), form],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), form],
            &[("sec-fetch-site", "cross-site"), form],
            &[("sec-fetch-site", "same-site"), form],
        ] {
            let page = browser
                .send(Method::POST, Url::parse(&demo.url(path)).expect("a URL"), foreign, "session=*&identifier=x@y.example".into())
                .await;
            assert_eq!(page.status, 400, "{path} {foreign:?}: {}", page.text());
            assert!(!page.headers.contains_key("set-cookie"), "{path} {foreign:?}");
        }
        let bare = browser
            .send(
                Method::POST,
                Url::parse(&demo.url(path)).expect("a URL"),
                &[("origin", &demo.proxy), ("content-type", "text/plain")],
                "session=*".into(),
            )
            .await;
        assert_eq!(bare.status, 400, "{path}: only forms are read");
    }
    assert_eq!(browser.open(&demo.url("/work/")).await.status, 200);
}

#[tokio::test]
async fn every_sign_in_makes_another_session() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    let first = browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    let page = browser.open_once(callback.as_str()).await;
    assert_eq!(location(&page).path(), "/work/");
    assert_ne!(browser.cookie(PROXY_HOST, SESSION), Some(&*first));
}

#[tokio::test]
async fn a_cookie_that_is_no_session_of_this_origin_means_nobody() {
    let demo = Demo::shared();
    let other = Demo::start();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    let session = browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    let sealed = session.split_once('.').expect("a count").1;
    let mut elsewhere = Browser::default();
    other.sign_in(&mut elsewhere, ADA, "work", "/work/").await;
    other.callback(&mut elsewhere, ADA, "work", "/work/").await;
    let attempt = attempt_cookies(&elsewhere).pop().expect("an attempt");
    let attempt = elsewhere.cookie(PROXY_HOST, &attempt).expect("it is there").to_owned();
    let foreign = elsewhere.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    let (last, rest) = session.split_at(session.len() - 1);
    let flipped = format!("{last}{}", if rest == "A" { "B" } else { "A" });
    let values = [
        String::new(),
        "garbage".into(),
        "1.".into(),
        "1.AAAA".into(),
        sealed.to_owned(),
        format!("0.{sealed}"),
        format!("2.{sealed}"),
        format!("9.{sealed}"),
        format!("999999999999999999999.{sealed}"),
        format!("-1.{sealed}"),
        format!("1.{sealed}{sealed}"),
        format!("1.{attempt}"),
        attempt,
        foreign,
        flipped,
        format!("1.{}", "A".repeat(3_700)),
    ];
    for value in values {
        let mut browser = Browser::default();
        browser.set_cookie(PROXY_HOST, SESSION, &value);
        let page = browser.open(&demo.url("/work/")).await;
        assert_asks_to_sign_in(&page);
        assert_eq!(browser.fetch(&demo.url("/.auth/session")).await.status, 401, "{value}");
    }
    // Of two cookies of one name nobody can say which is meant; one of them opens the door alone.
    for (cookies, status) in [
        (format!("{SESSION}={session}; {SESSION}={session}"), 401),
        (format!("{SESSION}={session}; {SESSION}=garbage"), 401),
        (format!("{SESSION}={session}; {SESSION}.1=garbage"), 401),
        (format!("homerealm-s-personal={session}"), 401),
        (format!("{SESSION}={session}"), 200),
    ] {
        let url = Url::parse(&demo.url("/work/")).expect("a URL");
        let page = Browser::default().send(Method::GET, url, &[("cookie", &cookies), ("accept", "application/json")], String::new()).await;
        assert_eq!(page.status, status, "{}", &cookies[..cookies.len().min(60)]);
    }
}

#[tokio::test]
async fn cookies_of_the_proxy_reach_no_app_and_no_app_sets_them() {
    let world = Short::start("1h");
    let mut browser = Browser::default();
    browser.set_cookie(PROXY_HOST, "theme", "dark");
    world.sign_in(&mut browser).await;
    let session = browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    let page = world.proxy.open(&mut browser, "/again").await;
    assert_eq!(page.status, 200);
    assert_eq!(world.app.last().header("cookie").as_deref(), Some("app=1; theme=dark"));
    assert_eq!(browser.cookie(PROXY_HOST, SESSION), Some(&*session), "the app cannot plant a session");
    assert_eq!(browser.cookies(PROXY_HOST).into_iter().filter(|name| name.starts_with("__Host-")).count(), 0);
}

#[tokio::test]
async fn an_idle_session_ends_and_its_person_is_told_so() {
    let world = Short::start("3s");
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    // The document tells when the session has ended, without being a visit itself.
    let ended = loop {
        let page = browser.fetch(&world.proxy.url("/.auth/session")).await;
        if page.status == 401 {
            break page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(ended.json()["code"], "session_expired");
    let page = world.proxy.open(&mut browser, "/desk").await;
    assert_asks_to_sign_in(&page);
    assert_eq!(
        page.url.query_pairs().find(|(name, _)| name == "notice").map(|(_, value)| value.into_owned()).as_deref(),
        Some("session_expired")
    );
    assert!(page.text().contains("ended"), "{}", page.text());
    let program = browser.fetch(&world.proxy.url("/desk")).await;
    assert_eq!((program.status.as_u16(), program.json()["code"].as_str()), (401, Some("session_expired")));
    assert_eq!(world.app.requests().len(), 1);
}

#[tokio::test]
async fn clearing_everything_takes_attempts_along() {
    let demo = Demo::shared();
    let mut browser = both(&demo).await;
    demo.callback(&mut browser, ADA, "work", "/work/").await;
    browser.set_cookie(PROXY_HOST, "homerealm-s-work.3", "left-over");
    let asks = browser.open(&demo.url("/.auth/sign-out")).await;
    // The left-over makes the work session unreadable, so that the page knows of one session only.
    browser.press(&asks, "Sign out", &[]).await;
    let left: Vec<_> = browser.cookies(PROXY_HOST).into_iter().filter(|name| name.starts_with("homerealm-")).collect();
    assert_eq!(left, ["homerealm-prompt"]);
    // An attempt that was cleared away is like any that is missing.
    assert_reason(&browser.open_once(&demo.url("/.auth/callback/work?state=x&code=y")).await, Reason::FlowExpired);
}

/// A proxy with a session lifetime of the test's own.
struct Short {
    proxy: Proxy,
    app: Upstream,
    _provider: Process,
}

impl Short {
    fn start(idle: &str) -> Self {
        let (port, provider, app) = (free_ports(1), free_ports(1), Upstream::start());
        let mut command = homerealm();
        command.args(["dev-idp", "--port", &provider.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
        let mut process = Process::start(command.env("SECRET", CLIENT_SECRET));
        process.wait_for_port(provider);
        let (head, app_origin) = (head(port), app.origin());
        let config = format!(
            "{head}[dev]\nallow = true\n[session]\nidle = \"{idle}\"\n[authorities.work]\nissuer = \"http://127.0.0.1:{provider}/organizations/v2.0\"\n[[routes]]\naccounts = \"work\"\nupstream = \"{app_origin}\"\n"
        );
        Self { proxy: Proxy::start(port, &config), app, _provider: process }
    }

    async fn sign_in(&self, browser: &mut Browser) {
        let page = self.proxy.open(browser, "/.auth/sign-in?account=work&return_to=/desk").await;
        let page = browser.press(&page, ADA, &[]).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    }
}
