//! What a stranger may try with names, paths, headers and parameters: none of it reaches an app, and none of it comes
//! back as markup.

use http::Method;
use url::Url;

use homerealm::domain::reason::Reason;

use crate::support::browser::Browser;
use crate::support::demo::{Demo, PROXY_HOST, assert_reason};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy, head};
use crate::support::raw;
use crate::support::upstream::Upstream;

/// A proxy of the test's own in front of an app that notes everything.
struct World {
    proxy: Proxy,
    app: Upstream,
    _provider: Process,
}

impl World {
    fn start() -> Self {
        let (port, provider, app) = (free_ports(1), free_ports(2), Upstream::start());
        let mut command = homerealm();
        command.args(["dev-idp", "--port", &provider.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
        let mut process = Process::start(command.env("SECRET", CLIENT_SECRET));
        process.wait_for_port(provider);
        let (head, app_origin, nobody) = (head(port), app.origin(), provider + 1);
        let config = format!(
            r#"{head}[dev]
allow = true
[authorities.work]
issuer = "http://127.0.0.1:{provider}/organizations/v2.0"
[[routes]]
match    = {{ path = "/public/**" }}
auth     = "none"
upstream = "{app_origin}"
[[routes]]
match    = {{ path = "/optional/**" }}
auth     = "optional"
accounts = "work"
upstream = "{app_origin}"
[[routes]]
match    = {{ path = "/small/**" }}
auth     = "none"
max_body = "1KB"
upstream = "{app_origin}"
[[routes]]
match    = {{ path = "/down/**" }}
auth     = "none"
upstream = "http://127.0.0.1:{nobody}"
[[routes]]
match    = {{ path = "/slow/**" }}
auth     = "none"
timeouts = {{ response = "200ms" }}
upstream = "{app_origin}"
[[routes]]
match    = {{ path = "/work/**" }}
accounts = "work"
upstream = "{app_origin}"
"#
        );
        Self { proxy: Proxy::start(port, &config), app, _provider: process }
    }

    fn host(&self) -> String {
        format!("localhost:{}", self.proxy.port)
    }

    async fn get(&self, target: &str, headers: &str) -> raw::Answer {
        raw::get(self.proxy.port, &self.host(), target, headers).await
    }

    async fn signed_in(&self) -> Browser {
        let mut browser = Browser::default();
        let page = self.proxy.open(&mut browser, "/.auth/sign-in?account=work&return_to=/work/").await;
        let page = browser.press(&page, "ada@contoso.example", &[]).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/work/"), "{}", page.text());
        browser
    }
}

const FORGED: &[(&str, &str)] = &[
    ("X-Forwarded-User", "evil"),
    ("x-forwarded-user", "evil"),
    ("X-FORWARDED-USER", "evil"),
    ("X_Forwarded_User", "evil"),
    ("X-Forwarded_User", "evil"),
    ("X.Forwarded.User", "evil"),
    ("X-Forwarded-Email", "evil@evil.example"),
    ("X_Forwarded_Email", "evil@evil.example"),
    ("X-Forwarded-Preferred-Username", "evil"),
    ("X-Forwarded-Name", "evil"),
    ("X-Forwarded-Groups", "evil"),
    ("X-Account-Kind", "evil"),
    ("X_Account_Kind", "evil"),
    ("X-Account-Tenant", "evil"),
    ("X-Account-Membership", "evil"),
    ("X-Account-Home", "evil"),
    ("X-Homerealm-Assertion", "evil"),
    ("X-Forwarded-For", "6.6.6.6"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "evil"),
    ("X_Forwarded_For", "6.6.6.6"),
    ("Forwarded", "for=6.6.6.6;host=evil.example"),
];

#[tokio::test]
async fn an_app_is_told_about_people_by_nobody_but_us() {
    let world = World::start();
    let mut ada = world.signed_in().await;
    let mut nobody = Browser::default();
    for (path, browser, is_known) in [
        ("/public/", &mut nobody, false),
        ("/optional/", &mut Browser::default(), false),
        ("/optional/", &mut ada.clone(), true),
        ("/work/", &mut ada, true),
    ] {
        let before = world.app.requests().len();
        let mut headers = FORGED.to_vec();
        headers.extend([("Connection", "X-Forwarded-User, X-Account-Kind"), ("accept", "*/*")]);
        let page = browser.send(Method::GET, Url::parse(&world.proxy.url(path)).expect("a URL"), &headers, String::new()).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert_eq!(world.app.requests().len(), before + 1);
        let seen = world.app.last();
        for (name, value) in &seen.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("evil") && !value.contains("6.6.6.6"), "{path}: {name}: {value}");
            assert!(!name.as_str().contains(['_', '.']), "{path}: {name}");
        }
        assert_eq!(seen.header("x-account-kind").as_deref(), is_known.then_some("work"), "{path}");
        assert_eq!(seen.header("x-forwarded-user").is_some(), is_known, "{path}");
        assert_eq!(seen.header("x-forwarded-for").as_deref(), Some("127.0.0.1"), "{path}");
        assert_eq!(seen.header("x-forwarded-host"), Some(world.host()), "{path}");
        assert_eq!(seen.header("x-forwarded-proto").as_deref(), Some("http"), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_could_be_read_two_ways_reaches_nobody() {
    let world = World::start();
    for target in [
        "/work/../public/x",
        "/public/../work/x",
        "/public/%2e%2e/work/x",
        "/public/.%2E/work/x",
        "/public/./x",
        "/public/..;/work/x",
        "/public/..%2fwork",
        "/public%2fx",
        "/public/a%5cb",
        "/public/a\\b",
        "//public/x",
        "/public//x",
        "/public/%00",
        "/public/%0d%0aSet-Cookie:a=b",
        "/public/%",
        "/public/%zz",
        "/public/x#fragment",
        "/public/%252e%252e/work",
        "http://evil.example/public/x",
    ] {
        let answer = world.get(target, "accept: text/html\r\n").await;
        let reached = world.app.requests().len();
        assert_eq!((answer.status(), reached), (400, 0), "{target}: {answer:?}");
    }
    let before = world.app.requests().len();
    assert_eq!(world.get("/public/a%20b/x?q=../..&r=//", "").await.status(), 200);
    assert_eq!(world.app.requests().len(), before + 1);
    assert_eq!(world.app.last().target, "/public/a%20b/x?q=../..&r=//");
}

#[tokio::test]
async fn only_our_own_host_is_answered_for_and_own_endpoints_are_never_forwarded() {
    let world = World::start();
    let port = world.proxy.port;
    for host in [
        "evil.example",
        "localhost",
        &format!("localhost:{}", port + 1),
        &format!("localhost.evil.example:{port}"),
        &format!("127.0.0.1:{port}"),
    ] {
        let answer = raw::get(port, host, "/public/x", "").await;
        assert_eq!(answer.status(), 404, "{host}: {answer:?}");
        assert!(!answer.0.contains("evil.example"), "{host}: {answer:?}");
    }
    for target in
        ["/.auth", "/.auth/", "/.auth/nothing", "/.auth/assets/../../public/x", "/.AUTH/session", "/.auth/callback", "/.auth/session/x"]
    {
        let answer = world.get(target, "accept: text/html\r\n").await;
        assert!(matches!(answer.status(), 400 | 404), "{target}: {answer:?}");
    }
    for target in ["/", "/workx", "/WORK/", "/nothing"] {
        assert_eq!(world.get(target, "accept: text/html\r\n").await.status(), 404, "{target}");
    }
    assert_eq!(world.app.requests().len(), 0);
    assert_eq!(raw::get(port, &format!("LOCALHOST:{port}"), "/public/x", "").await.status(), 200);
}

#[tokio::test]
async fn a_bad_head_is_refused_before_anybody_reads_it() {
    let world = World::start();
    let (port, host) = (world.proxy.port, world.host());
    for request in [
        format!("GET /public/x HTTP/1.1\r\nhost: {host}\r\nhost: {host}\r\n\r\n"),
        "GET /public/x HTTP/1.1\r\n\r\n".to_owned(),
        format!("POST /public/x HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("POST /public/x HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
        format!("POST /public/x HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        format!("GET /public/x HTTP/1.1\r\nhost: {host}\r\nx-a : b\r\n\r\n"),
        format!("GET /public/x HTTP/1.1\r\nhost: {host}\r\nx-a: b\r\n c\r\n\r\n"),
        format!("GET /public/x HTTP/1.1\nhost: {host}\n\n"),
        format!("GET /public/x HTTP/1.1\r\nhost: {host}\r\nx-big: {}\r\n\r\n", "a".repeat(200_000)),
    ] {
        let answer = raw::exchange(port, request.as_bytes()).await;
        assert!(matches!(answer.status(), 0 | 400 | 414 | 431), "{request:.80}: {answer:?}");
    }
    assert_eq!(world.app.requests().len(), 0);
}

#[tokio::test]
async fn bodies_pass_and_their_failures_have_pages() {
    let world = World::start();
    let mut browser = Browser::default();
    let url = |path: &str| Url::parse(&world.proxy.url(path)).expect("a URL");
    let html = [("accept", "text/html")];
    let page = browser.send(Method::POST, url("/public/up"), &html, "x".repeat(1 << 20)).await;
    assert_eq!((page.status.as_u16(), page.text().as_str()), (200, "app: 1048576 bytes"));
    assert_eq!(world.app.last().method, Method::POST);
    assert_eq!(browser.send(Method::POST, url("/small/up"), &html, "x".repeat(1_000)).await.status, 200);
    assert_reason(&browser.send(Method::POST, url("/small/up"), &html, "x".repeat(1_001)).await, Reason::BodyTooLarge);

    assert_reason(&browser.open(&world.proxy.url("/down/")).await, Reason::UpstreamUnavailable);
    assert_eq!(browser.fetch(&world.proxy.url("/down/")).await.json()["code"], "upstream_unavailable");
    assert_reason(&browser.open(&world.proxy.url("/slow/hold")).await, Reason::UpstreamTimeout);
    assert_reason(&browser.open(&world.proxy.url("/nothing")).await, Reason::NoRoute);
    assert_eq!(browser.open(&world.proxy.url("/slow/")).await.status, 200);
}

const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}",
    "<svg/onload=alert(1)>@contoso.example",
    "\u{202e}moc.live@ada",
];

#[tokio::test]
async fn nothing_that_a_stranger_writes_becomes_markup() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let own = |path: &str| Url::parse(&demo.url(path)).expect("a URL");
    for payload in PAYLOADS {
        let mut pages = Vec::new();
        for (path, name) in [
            ("/.auth/sign-in", "login_hint"),
            ("/.auth/sign-in", "return_to"),
            ("/.auth/sign-in", "notice"),
            ("/.auth/sign-in", "prompt"),
            ("/.auth/sign-out", "return_to"),
            ("/.auth/callback/work", "error_description"),
            ("/.auth/callback/work", "state"),
            ("/work/", "q"),
            ("/nothing/here", "q"),
        ] {
            let mut url = own(path);
            url.query_pairs_mut().append_pair(name, payload);
            if path.contains("callback") {
                url.query_pairs_mut().append_pair("error", "access_denied");
            }
            if name == "login_hint" {
                url.query_pairs_mut().append_pair("return_to", &format!("/work/?x={payload}"));
            }
            pages.push(browser.open(url.as_str()).await);
        }
        for return_to in ["/work/", "/personal/", "/any/"] {
            let page = browser.open(&demo.url(&format!("/.auth/sign-in?return_to={return_to}"))).await;
            pages.push(browser.press_once(&page, "Next", &[("identifier", payload)]).await);
        }
        for page in pages {
            assert!(page.status != 500, "{payload}: {}", page.url);
            for tag in page.tags() {
                assert!(!matches!(tag.name.as_str(), "script" | "iframe" | "object" | "base"), "{payload} on {}: <{}>", page.url, tag.name);
                assert!(tag.attributes.keys().all(|name| !name.starts_with("on")), "{payload} on {}: {:?}", page.url, tag.attributes);
                for name in ["href", "src", "action"] {
                    let target = tag.attribute(name).unwrap_or("/");
                    assert!(target.starts_with('/') || target.starts_with("http"), "{payload} on {}: {target}", page.url);
                }
            }
            assert!(!page.body.contains("<svg/onload") && !page.body.contains("<img src=x"), "{payload} on {}", page.url);
        }
    }
}

#[tokio::test]
async fn every_answer_of_our_own_is_guarded() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, "cy@outlook.example", "personal", "/personal/").await;
    let mut answers = Vec::new();
    for path in [
        "/.auth/sign-in",
        "/.auth/sign-in?return_to=/work/",
        "/.auth/sign-in?account=work&return_to=/work/",
        "/.auth/sign-in?a=1&a=1",
        "/.auth/sign-out",
        "/.auth/signed-out",
        "/.auth/session",
        "/.auth/nothing",
        "/.auth/callback/work",
        "/.auth/callback/work?state=x&error=access_denied",
        "/.auth/callback/work?state=x&code=y",
        "/work/",
        "/nothing",
        "/.auth/assets/nothing.css",
    ] {
        answers.push(browser.open_once(&demo.url(path)).await);
        answers.push(browser.fetch(&demo.url(path)).await);
    }
    let page = browser.open(&demo.url("/.auth/sign-in?return_to=/work/")).await;
    for typed in ["", "nonsense", "cy@outlook.example", "ada@contoso.example", "dee@contoso.example", "+14255550100"] {
        answers.push(browser.press_once(&page, "Next", &[("identifier", typed)]).await);
    }
    for answer in answers {
        let field = |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default();
        let at = format!("{} {}", answer.status, answer.url);
        assert!(field("cache-control").contains("no-store"), "{at}: {:?}", answer.headers);
        assert_eq!(field("x-content-type-options"), "nosniff", "{at}");
        if field("content-type").starts_with("text/html") {
            let title = answer.tags().into_iter().find(|tag| tag.name == "title").expect("a title");
            assert!(title.text.contains(&answer.heading()), "{at}: {}", title.text);
            let policy = field("content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{at}: {policy}");
            assert!(!policy.contains("unsafe") && policy.contains("form-action"), "{at}: {policy}");
            assert!(!field("referrer-policy").is_empty(), "{at}");
        }
        assert_eq!(field("server"), "", "{at}");
    }
    // What pages load is kept: it is named by its content.
    let style = page.tags().into_iter().find(|tag| tag.name == "link").expect("a style sheet");
    let style = browser.open_once(&demo.url(style.attribute("href").expect("its address"))).await;
    assert!(style.status == 200 && style.headers["cache-control"].to_str().expect("ASCII").contains("immutable"));
    assert_eq!(browser.cookies(PROXY_HOST).iter().filter(|name| name.starts_with("__Host-")).count(), 0);
}
