//! Sessions in a real Redis, through real proxies: shared by several, and lost by no outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use homerealm::domain::reason::Reason;
use http::StatusCode;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{PROXY_HOST, assert_reason};
use crate::support::dev_idp::DevIdp;
use crate::support::process::free_ports;
use crate::support::proxy::{Proxy, configured, head};
use crate::support::raw;
use crate::support::redis::Redis;
use crate::support::stall::Stall;
use crate::support::upstream::Upstream;

const ADA: &str = "ada@contoso.example";
const SESSION: &str = "homerealm-s-work";
const KEY: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// Settings with which Redis acknowledges nothing that it has not written down.
const LASTING: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A proxy, an app behind it, a provider, and a stretch of network on the way to Redis.
struct World {
    redis: Redis,
    stall: Stall,
    provider: DevIdp,
    app: Upstream,
    proxy: Proxy,
}

impl World {
    fn start(settings: &[&str]) -> Self {
        let redis = Redis::start(settings);
        let stall = Stall::in_front_of(redis.port);
        let (provider, app, port) = (DevIdp::start(), Upstream::start(), free_ports(1));
        let config = config(port, &provider, &app, stall.port);
        Self { redis, stall, provider, app, proxy: start(port, &config) }
    }

    /// Another process for the same people: it listens elsewhere, and goes by the same name.
    fn another(&self) -> Proxy {
        let (named, port) = (self.proxy.port, free_ports(1));
        let config = config(named, &self.provider, &self.app, self.redis.port);
        start(port, &config.replace(&format!("\"127.0.0.1:{named}\""), &format!("\"127.0.0.1:{port}\"")))
    }

    async fn signed_in(&self) -> Browser {
        let mut browser = Browser::default();
        let page = self.provider.sign_in(&self.proxy, &mut browser, ADA, "work", "/desk").await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
        browser
    }

    /// What the proxy goes by.
    fn host(&self) -> String {
        format!("localhost:{}", self.proxy.port)
    }

    /// One navigation, redirects not followed.
    async fn visit(&self, browser: &mut Browser, path: &str) -> Page {
        browser.open_once(&self.proxy.url(path)).await
    }

    /// Asks until the app answers again. Whatever else is answered until then is an outage, told as one.
    async fn until_it_works(&self, browser: &mut Browser) {
        loop {
            let page = self.visit(browser, "/desk").await;
            if page.status == StatusCode::OK {
                return;
            }
            assert_is_an_outage(&page);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

fn start(port: u16, config: &str) -> Proxy {
    let directory = configured(config);
    std::fs::write(directory.path().join("session-key"), KEY).expect("a file");
    Proxy::start_in(port, directory, |_| {})
}

fn config(port: u16, provider: &DevIdp, app: &Upstream, redis: u16) -> String {
    let (head, provider, app) = (head(port), provider.configuration(), app.origin());
    format!(
        r#"{head}{provider}
[session]
key_files = ["session-key"]
store     = "redis://127.0.0.1:{redis}/"
idle      = "40s"
[[routes]]
match    = {{ path = "/public/**" }}
auth     = "none"
upstream = "{app}"
[[routes]]
match    = {{ path = "/maybe/**" }}
auth     = "optional"
accounts = "work"
upstream = "{app}"
[[routes]]
accounts = "work"
upstream = "{app}"
"#
    )
}

/// A program's headers with a copy of the browser's session.
fn cookie(browser: &Browser) -> String {
    let session = browser.cookie(PROXY_HOST, SESSION).expect("a session");
    format!("cookie: {SESSION}={session}\r\naccept: application/json\r\n")
}

/// Sorry, and nothing that could cost anybody their session.
#[track_caller]
fn assert_is_an_outage(page: &Page) {
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}: {}", page.url, page.body);
    assert!(page.headers.contains_key("retry-after"), "{:?}", page.headers);
    assert!(!page.headers.contains_key("set-cookie") && !page.headers.contains_key("location"), "{:?}", page.headers);
}

#[tokio::test]
async fn no_outage_signs_anybody_out_or_closes_what_is_open() {
    type Act = fn(&mut World);
    let outages: [(&str, Act, Act); 5] = [
        ("the network holds everything back", |world| world.stall.hold(), |world| world.stall.recover()),
        ("connections end at once", |world| world.stall.cut(), |world| world.stall.recover()),
        ("Redis keeps still", |world| world.redis.signal("STOP"), |world| world.redis.signal("CONT")),
        ("Redis is killed and started again", |world| world.redis.kill(), |world| world.redis.start_again()),
        (
            "Redis is killed and kept still while it starts",
            |world| world.redis.kill(),
            |world| {
                world.stall.hold();
                world.redis.start_again();
                world.stall.recover();
            },
        ),
    ];
    let mut world = World::start(&LASTING);
    let mut browser = world.signed_in().await;
    let session = cookie(&browser);
    for (what, begin, end) in outages {
        begin(&mut world);
        let person = world.visit(&mut browser, "/desk").await;
        assert_is_an_outage(&person);
        assert_reason(&person, Reason::SessionStoreUnavailable);
        let program = browser.fetch(&world.proxy.url("/desk")).await;
        assert_is_an_outage(&program);
        assert_eq!(program.json()["code"], "session_store_unavailable", "{what}");
        for open in ["/public/page", "/maybe/page"] {
            assert_eq!(world.visit(&mut browser, open).await.status, StatusCode::OK, "{what}: {open}");
        }
        end(&mut world);
        world.until_it_works(&mut browser).await;
        let first = raw::get(world.proxy.port, &world.host(), "/desk", &session).await;
        assert_eq!(first.status(), 200, "{what}: the cookie from before it all: {first:?}");
    }
    world.stall.lose_an_answer();
    let before = world.stall.accepted();
    assert_eq!(world.visit(&mut browser, "/desk").await.status, StatusCode::OK, "it was asked for again");
    assert_eq!(world.stall.accepted(), before + 1);
    world.stall.slow_down(std::time::Duration::from_millis(200));
    assert_eq!(world.visit(&mut browser, "/desk").await.status, StatusCode::OK, "slow is not down");
}

#[tokio::test]
async fn a_restart_under_load_loses_no_session_and_sends_nobody_to_sign_in() {
    let mut world = World::start(&LASTING);
    let mut browsers = Vec::new();
    for _ in 0..20 {
        browsers.push(world.signed_in().await);
    }
    let (is_over, url) = (Arc::new(AtomicBool::new(false)), world.proxy.url("/desk"));
    let loads: Vec<_> = browsers
        .into_iter()
        .map(|mut browser| {
            let (is_over, url) = (Arc::clone(&is_over), url.clone());
            tokio::spawn(async move {
                let (mut answers, mut outages) = (0, 0);
                // A last round after the end: whoever was let in before is let in now.
                loop {
                    let last = is_over.load(Ordering::SeqCst);
                    let page = browser.open_once(&url).await;
                    match page.status {
                        StatusCode::OK => answers += 1,
                        _ => {
                            assert_is_an_outage(&page);
                            outages += 1;
                        }
                    }
                    if last {
                        assert_eq!(page.status, StatusCode::OK, "the session is there");
                        return (answers, outages);
                    }
                }
            })
        })
        .collect();
    let mut watcher = world.signed_in().await;
    for _ in 0..5 {
        world.redis.kill();
        assert_is_an_outage(&world.visit(&mut watcher, "/desk").await);
        world.redis.start_again();
        world.until_it_works(&mut watcher).await;
    }
    is_over.store(true, Ordering::SeqCst);
    let (mut answers, mut outages) = (0, 0);
    for load in loads {
        let (answered, failed) = load.await.expect("no answer but these two");
        (answers, outages) = (answers + answered, outages + failed);
    }
    assert!(answers > 100 && outages > 20, "{answers} answers, {outages} outages");
}

#[tokio::test]
async fn two_proxies_share_sessions_and_what_ends_at_one_has_ended_at_the_other() {
    let world = World::start(&[]);
    let other = world.another();
    let mut browser = world.signed_in().await;
    let (host, session) = (world.host(), cookie(&browser));
    assert_eq!(raw::get(other.port, &host, "/desk", &session).await.status(), 200);

    let asks = world.proxy.open(&mut browser, "/.auth/sign-out").await;
    browser.press(&asks, "Sign out", &[]).await;
    for port in [world.proxy.port, other.port] {
        let answer = raw::get(port, &host, "/desk", &session).await;
        assert_eq!(answer.status(), 401, "a copy of the cookie opens nothing: {answer:?}");
    }
}

#[tokio::test]
async fn a_proxy_starts_without_its_redis_and_uses_it_when_it_is_there() {
    let (port, redis_port) = (free_ports(1), free_ports(1));
    let (provider, app) = (DevIdp::start(), Upstream::start());
    let mut proxy = start(port, &config(port, &provider, &app, redis_port));
    let mut browser = Browser::default();
    assert_eq!(browser.open_once(&proxy.url("/public/page")).await.status, StatusCode::OK);
    let page = provider.sign_in(&proxy, &mut browser, ADA, "work", "/desk").await;
    assert_reason(&page, Reason::SessionStoreUnavailable);
    assert!(browser.cookie(PROXY_HOST, SESSION).is_none(), "nobody is signed in whose session could not be kept");
    assert!(proxy.process.output().contains("The session store cannot be reached"), "{}", proxy.process.output());

    let redis = Redis::start_at(redis_port, &[]);
    let page = loop {
        let mut browser = Browser::default();
        let page = provider.sign_in(&proxy, &mut browser, ADA, "work", "/desk").await;
        // Between two attempts to connect there is a pause.
        if page.status != StatusCode::SERVICE_UNAVAILABLE {
            break page;
        }
    };
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/desk"), "{}", page.text());
    assert_eq!(redis.ask(&["DBSIZE"]).trim(), "1");
    proxy.process.wait_for("The session store can be reached again");
}

#[tokio::test]
async fn whoever_steals_what_redis_holds_learns_nothing_about_anybody() {
    let world = World::start(&LASTING);
    let mut browser = world.signed_in().await;
    let session = browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    let seen = world.app.last();
    let user = seen.header("x-forwarded-user").expect("who");
    let (id, tenant) = user.split_once('@').expect("an object in a tenant");
    let document = browser.fetch(&world.proxy.url("/.auth/session")).await.json();
    let name = document["sessions"][0]["username"].as_str().expect("a name").to_owned();
    let asks = world.proxy.open(&mut browser, "/.auth/sign-out").await;
    browser.press(&asks, "Sign out", &[]).await;

    // Everything that Redis was ever told, as it was told it.
    let folder = world.redis.ask(&["CONFIG", "GET", "dir"]).lines().nth(1).expect("a folder").to_owned();
    let mut dump = Vec::new();
    for file in std::fs::read_dir(format!("{folder}/appendonlydir")).expect("what was written down") {
        dump.extend(std::fs::read(file.expect("a file").path()).expect("a file"));
    }
    let holds = |needle: &[u8]| dump.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"homerealm:{") && holds(b"sealed"), "it was looked at where it is");
    let sealed = session.split_once('.').map_or(&*session, |(_, sealed)| sealed);
    for needle in [ADA, &name, id, tenant, "contoso", "eyJhbGciOi", SESSION, &session, sealed] {
        assert!(!holds(needle.as_bytes()), "{needle}");
        assert!(needle.len() > 5, "{needle:?} could be there by chance");
    }
    for id in [id, tenant] {
        let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
        let bytes = u128::from_str_radix(&digits, 16).expect("a GUID").to_be_bytes();
        assert!(!holds(&bytes), "{id} as bytes");
    }
}

#[tokio::test]
async fn moving_to_another_store_takes_a_restart() {
    let mut world = World::start(&[]);
    let mut browser = world.signed_in().await;
    let file = world.proxy.file("homerealm.toml");
    let config = std::fs::read_to_string(&file).expect("a file");
    std::fs::write(&file, config.replace(&format!("127.0.0.1:{}/", world.stall.port), &format!("127.0.0.1:{}/1", world.stall.port)))
        .expect("a file");
    world.proxy.process.signal("HUP");
    world.proxy.process.wait_for("this takes a restart: session.store");
    assert_eq!(world.visit(&mut browser, "/desk").await.status, StatusCode::OK, "sessions are where they were");
}
