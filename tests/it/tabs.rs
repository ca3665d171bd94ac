//! Many tabs at once, and whoever is no tab: scripts, sockets and programs start no sign-in.

use homerealm::domain::reason::Reason;
use url::Url;

use crate::support::browser::Browser;
use crate::support::demo::{Demo, PROXY_HOST, assert_reason, attempt_cookies, session_cookies};
use crate::support::raw;

const ADA: &str = "ada@contoso.example";
const TABS: usize = 12;
const KEPT: usize = 6;

/// The callbacks of as many tabs, begun one after the other in one browser, none of them visited.
async fn begun(demo: &Demo, browser: &mut Browser) -> Vec<Url> {
    let mut callbacks = Vec::new();
    for tab in 0..TABS {
        callbacks.push(demo.callback(browser, ADA, "work", &format!("/work/tab-{tab}")).await);
        assert!(attempt_cookies(browser).len() <= KEPT, "{:?}", attempt_cookies(browser));
    }
    callbacks
}

#[tokio::test]
async fn six_of_twelve_tabs_are_kept_and_the_others_have_a_way_on() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callbacks = begun(&demo, &mut browser).await;
    assert_eq!(attempt_cookies(&browser).len(), KEPT);
    let mut kept = Vec::new();
    for (tab, callback) in callbacks.iter().enumerate() {
        // Each as if it were the first to come back.
        let page = browser.clone().open(callback.as_str()).await;
        if page.status == 200 {
            assert_eq!(page.url.path(), format!("/work/tab-{tab}"), "{}", page.text());
            kept.push(tab);
        } else {
            assert_reason(&page, Reason::FlowExpired);
            assert_eq!(page.link("Try again"), Some(format!("/work/tab-{tab}")));
        }
    }
    // Which of those that began within one second are the oldest is nobody's to say; the last one is not among them.
    assert_eq!((kept.len(), kept.last()), (KEPT, Some(&(TABS - 1))));
}

#[tokio::test]
async fn once_one_tab_is_signed_in_all_others_get_where_they_wanted() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callbacks = begun(&demo, &mut browser).await;
    browser.open(callbacks[TABS - 1].as_str()).await;
    assert_eq!(session_cookies(&browser).len(), 1);
    // Some order with old and new mixed.
    for tab in (0..TABS).map(|step| step * 5 % TABS) {
        let page = browser.open(callbacks[tab].as_str()).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, &*format!("/work/tab-{tab}")), "{}", page.text());
    }
    assert_eq!(attempt_cookies(&browser), Vec::<String>::new());
}

#[tokio::test]
async fn of_tabs_begun_in_the_same_moment_none_is_lost() {
    let demo = Demo::shared();
    // Six requests that leave before any answer is there: none knows of the others' cookies.
    let tabs = (0..KEPT).map(|tab| {
        let demo = &demo;
        async move {
            let mut browser = Browser::default();
            let callback = demo.callback(&mut browser, ADA, "work", &format!("/work/tab-{tab}")).await;
            (browser, callback)
        }
    });
    let mut browser = Browser::default();
    let mut callbacks = Vec::new();
    for (tab, callback) in futures_util::future::join_all(tabs).await {
        for name in attempt_cookies(&tab) {
            browser.set_cookie(PROXY_HOST, &name, tab.cookie(PROXY_HOST, &name).expect("it is there"));
        }
        callbacks.push(callback);
    }
    for (tab, callback) in callbacks.iter().enumerate().rev() {
        let page = browser.open(callback.as_str()).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, &*format!("/work/tab-{tab}")), "{}", page.text());
    }
}

#[tokio::test]
async fn programs_are_told_where_to_sign_in_and_start_nothing() {
    let demo = Demo::shared();
    let url = Url::parse(&demo.url("/work/orders?page=2")).expect("a URL");
    for (who, headers) in [
        ("fetch", &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("accept", "*/*")][..]),
        ("XMLHttpRequest", &[("x-requested-with", "XMLHttpRequest"), ("accept", "text/html")]),
        ("an image", &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"), ("accept", "image/*")]),
        ("an iframe", &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("accept", "text/html")]),
        ("a prefetch", &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-purpose", "prefetch;prerender")]),
        ("curl", &[("accept", "*/*")]),
        ("a bearer client", &[("authorization", "Bearer nonsense"), ("accept", "text/html")]),
        (
            "a WebSocket",
            &[
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ],
        ),
    ] {
        let page = Browser::default().send(http::Method::GET, url.clone(), headers, String::new()).await;
        assert_eq!(page.status, 401, "{who}");
        assert_eq!(page.headers.get("content-type").map(|value| value.as_bytes()), Some(&b"application/problem+json"[..]), "{who}");
        assert!(page.headers.contains_key("www-authenticate"), "{who}");
        assert!(!page.headers.contains_key("set-cookie") && !page.headers.contains_key("location"), "{who}");
        let problem = page.json();
        assert_eq!(problem["code"], "sign_in_required", "{who}");
        assert_eq!(problem["sign_in_url"], demo.url("/.auth/sign-in?return_to=%2Fwork%2Forders%3Fpage%3D2"), "{who}");
        assert!(problem["decision_id"].as_str().is_some_and(|id| !id.is_empty()), "{who}");
    }
    // The same address, asked for by a person.
    let page = Browser::default().open_once(url.as_str()).await;
    assert_eq!(page.status, 302);
}

#[tokio::test]
async fn grpc_clients_get_a_status_of_their_own_kind() {
    let demo = Demo::shared();
    let request = format!(
        "POST /work/orders.Orders/List HTTP/1.1\r\nhost: localhost:{}\r\ncontent-type: application/grpc+proto\r\nte: trailers\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        demo.port
    );
    let answer = raw::exchange(demo.port, request.as_bytes()).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let head = answer.0.to_ascii_lowercase();
    assert!(head.contains("grpc-status: 16\r\n") && head.contains("content-type: application/grpc\r\n"), "{head}");
    assert!(!head.contains("set-cookie"), "{head}");
}
