//! People in too many groups for a token to list: admitted by the groups that routes name, which are asked for.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use homerealm::dev_idp::directory::ADAS_GROUP;
use homerealm::dev_idp::{Logout, RedirectUris, Registration, Settings, serve};
use homerealm::domain::origin::Origin;
use homerealm::domain::reason::Reason;
use homerealm::protocol::secret::Secret;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{PROXY_HOST, assert_reason};
use crate::support::process::free_ports;
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy, head};
use crate::support::upstream::Upstream;

const HAL: &str = "hal@contoso.example";
const SESSION: &str = "homerealm-s-work";
const FILE: &str = "homerealm.toml";

/// A group that Hal is in as well, and one that nobody is in.
const HALS_OTHER_GROUP: &str = "9f0c0000-0000-4000-8000-0000000a1007";
const NOBODYS_GROUP: &str = "9f0c0000-0000-4000-8000-0000000000ff";

/// A place that nobody should come to.
struct Trap {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Trap {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let visits = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&visits);
        std::thread::spawn(move || {
            for visitor in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(visitor);
            }
        });
        Self { port, visits }
    }

    /// Whoever has been there. It works: our own visit is the first.
    async fn assert_unvisited(&self) {
        TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        while self.visits.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.visits.load(Ordering::SeqCst), 1);
    }
}

/// A proxy whose provider's tokens name the trap as the place where groups are.
struct World {
    proxy: Proxy,
    app: Upstream,
    provider: String,
    trap: Trap,
}

impl World {
    fn start() -> Self {
        let (port, app, trap) = (free_ports(1), Upstream::start(), Trap::start());
        let provider = provider(&trap);
        let proxy = Proxy::start(port, &config(port, &provider, &app, ADAS_GROUP));
        Self { proxy, app, provider, trap }
    }

    async fn sign_in(&self, browser: &mut Browser, mischief: &str, wanted: &str) -> Page {
        let page = self.proxy.open(browser, &format!("/.auth/sign-in?account=work&return_to={wanted}")).await;
        assert!(page.url.as_str().starts_with(&self.provider), "{}:\n{}", page.url, page.text());
        browser.press(&page, HAL, &[("break", mischief)]).await
    }

    /// The configuration with another group on `/finance/**`, in force.
    fn name(&mut self, group: &str) {
        const APPLIED: &str = "was read again and is in force";
        let count = |output: &str| output.matches(APPLIED).count();
        let before = count(&self.proxy.process.output());
        std::fs::write(self.proxy.file(FILE), config(self.proxy.port, &self.provider, &self.app, group)).expect("a file");
        self.proxy.process.signal("HUP");
        self.proxy.process.wait_until(|output| count(output) > before, "a reload");
    }
}

/// The development provider, with the trap in its tokens, for as long as the test process lives.
fn provider(trap: &Trap) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket of ours");
    let origin = format!("http://{}", listener.local_addr().expect("bound"));
    let app = Registration {
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET.into())),
        public_key: None,
        redirect_uris: RedirectUris::AnyLoopback,
        logout: Logout::Untold,
    };
    let claim_source = format!("http://127.0.0.1:{}/me/getMemberObjects", trap.port);
    let settings = Settings { claim_source, ..Settings::new(Origin::parse(&origin).expect("an origin"), vec![app]) };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of ours");
            serve(listener, settings, std::future::pending()).await
        })
    });
    origin
}

fn config(port: u16, provider: &str, app: &Upstream, group: &str) -> String {
    let (head, app) = (head(port), app.origin());
    format!(
        r#"{head}
[authorities.work]
issuer = "{provider}/organizations/v2.0"
[dev]
allow = true
[[routes]]
match    = {{ path = "/finance/**" }}
accounts = "work"
groups   = ["{group}"]
upstream = "{app}"
[[routes]]
match    = {{ path = "/lab/**" }}
accounts = "work"
groups   = ["{NOBODYS_GROUP}"]
upstream = "{app}"
[[routes]]
match    = {{ path = "/**" }}
accounts = "work"
upstream = "{app}"
"#
    )
}

#[track_caller]
fn assert_in(page: &Page, path: &str) {
    assert_eq!((page.status.as_u16(), page.url.path()), (200, path), "{}", page.text());
}

#[tokio::test]
async fn somebody_in_too_many_groups_is_let_in_by_those_that_routes_name() {
    let world = World::start();
    let mut browser = Browser::default();
    assert_in(&world.sign_in(&mut browser, "nothing", "/finance/q3").await, "/finance/q3");
    assert_eq!(world.app.last().header("x-forwarded-groups").as_deref(), Some(ADAS_GROUP));
    assert_reason(&world.proxy.open(&mut browser, "/lab/").await, Reason::GroupRequired);
    assert_in(&world.proxy.open(&mut browser, "/desk").await, "/desk");
    // Somebody whose token lists their groups needs no questions.
    let mut ada = Browser::default();
    let page = world.proxy.open(&mut ada, "/.auth/sign-in?account=work&return_to=/finance/").await;
    assert_in(&ada.press(&page, "ada@contoso.example", &[]).await, "/finance/");
    world.trap.assert_unvisited().await;
}

#[tokio::test]
async fn while_groups_cannot_be_asked_for_people_stay_signed_in_and_then_get_in() {
    let world = World::start();
    let mut browser = Browser::default();
    let page = world.sign_in(&mut browser, "graph-fails-once", "/finance/q3").await;
    assert_reason(&page, Reason::GroupsUnavailable);
    assert_eq!(page.headers.get("retry-after").and_then(|value| value.to_str().ok()), Some("5"));
    let with_token = browser.cookie(PROXY_HOST, SESSION).expect("a session").to_owned();
    assert_in(&world.proxy.open(&mut browser, "/desk").await, "/desk");

    let visits = browser.history.len();
    let page = loop {
        let page = world.proxy.open(&mut browser, "/finance/q3").await;
        if page.status == 200 {
            break page;
        }
        assert_reason(&page, Reason::GroupsUnavailable);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_in(&page, "/finance/q3");
    assert_eq!(world.app.last().header("x-forwarded-groups").as_deref(), Some(ADAS_GROUP));
    assert!(browser.history[visits..].iter().all(|url| !url.as_str().starts_with(&world.provider)), "{:#?}", browser.history);
    let without = browser.cookie(PROXY_HOST, SESSION).expect("a session");
    assert!(without.len() + 500 < with_token.len(), "the access token is gone: {} and {} bytes", with_token.len(), without.len());
    assert_reason(&world.proxy.open(&mut browser, "/lab/").await, Reason::GroupRequired);
    world.trap.assert_unvisited().await;
}

#[tokio::test]
async fn an_answer_that_keeps_somebody_out_is_kept_as_well() {
    let world = World::start();
    let mut browser = Browser::default();
    assert_reason(&world.sign_in(&mut browser, "graph-fails-once", "/lab/").await, Reason::GroupsUnavailable);
    let with_token = browser.cookie(PROXY_HOST, SESSION).expect("a session").len();
    loop {
        let page = world.proxy.open(&mut browser, "/lab/").await;
        if page.status == 403 {
            assert_reason(&page, Reason::GroupRequired);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(browser.cookie(PROXY_HOST, SESSION).expect("a session").len() + 500 < with_token);
    assert_in(&world.proxy.open(&mut browser, "/finance/").await, "/finance/");
}

#[tokio::test]
async fn what_may_not_be_asked_for_is_refused_and_the_log_says_what_is_missing() {
    let mut world = World::start();
    let mut browser = Browser::default();
    assert_reason(&world.sign_in(&mut browser, "graph-refuses", "/finance/").await, Reason::GroupsOverage);
    world.proxy.process.wait_for("GroupMember.Read.All");
    assert_in(&world.sign_in(&mut browser, "nothing", "/finance/").await, "/finance/");
}

#[tokio::test]
async fn groups_that_were_named_since_the_sign_in_are_asked_for_at_a_new_one() {
    let mut world = World::start();
    let mut browser = Browser::default();
    assert_in(&world.sign_in(&mut browser, "nothing", "/finance/").await, "/finance/");
    world.name(HALS_OTHER_GROUP);
    let program = browser.fetch(&world.proxy.url("/finance/")).await;
    assert_eq!((program.status.as_u16(), program.json()["code"].as_str()), (401, Some("session_expired")));
    assert_reason(&world.proxy.open(&mut browser, "/lab/").await, Reason::GroupRequired);
    assert_in(&world.proxy.open(&mut browser, "/desk").await, "/desk");
    let page = world.proxy.open(&mut browser, "/.auth/sign-in?account=work&return_to=/finance/").await;
    assert_in(&page, "/finance/");
}
