//! Two processes, one Redis, and a provider that is not ours and takes each refresh token once: what one of them does, the
//! other knows.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::browser::Browser;
use crate::support::demo::PROXY_HOST;
use crate::support::process::free_ports;
use crate::support::provider::{Provider, authorities};
use crate::support::proxy::{Proxy, configured, head};
use crate::support::raw;
use crate::support::redis::Redis;
use crate::support::upstream::Upstream;

const KEY: &str = "c0ffee18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const BOB: &str = "bob@contoso.example";
const SESSION: &str = "homerealm-s-work";

/// How long claims hold, in seconds.
const LIFE: u64 = 4;

struct World {
    proxies: [Proxy; 2],
    provider: Provider,
    redis: Redis,
    _app: Upstream,
}

impl World {
    fn start() -> Self {
        let (redis, app) = (Redis::start(&[]), Upstream::start());
        let (named, other) = (free_ports(1), free_ports(1));
        // As slow as a real one: all others come while it is asked.
        let provider = Provider::start_with(free_ports(1), named, |command| {
            command.env("ACCESS_TTL", LIFE.to_string()).env("TOKEN_DELAY_MS", "300");
        });
        let config = |port: u16| {
            let (head, authorities, app) = (head(named), authorities(provider.port), app.origin());
            let head = head.replace(&format!("\"127.0.0.1:{named}\""), &format!("\"127.0.0.1:{port}\""));
            format!(
                "{head}{authorities}[session]\nkey_files = [\"session-key\"]\nstore = \"redis://127.0.0.1:{}\"\n[[routes]]\naccounts = \"work\"\nupstream = \"{app}\"\n",
                redis.port
            )
        };
        let proxies = [named, other].map(|port| {
            let directory = configured(&config(port));
            std::fs::write(directory.path().join("session-key"), KEY).expect("a file");
            Proxy::start_in(port, directory, |_| {})
        });
        Self { proxies, provider, redis, _app: app }
    }

    /// What a browser sends after Bob has signed in at the first.
    async fn signed_in(&self) -> String {
        let mut browser = Browser::default();
        let page = self.proxies[0].open(&mut browser, "/.auth/sign-in?account=work&return_to=/desk").await;
        let page = browser.press(&page, "Next", &[("login", BOB)]).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
        let session = browser.cookie(PROXY_HOST, SESSION).expect("a session");
        format!("cookie: {SESSION}={session}\r\naccept: application/json\r\n")
    }

    /// Asks one of the two, which both go by the first one's name.
    async fn ask(&self, proxy: usize, cookie: &str) -> u16 {
        let host = format!("localhost:{}", self.proxies[0].port);
        raw::get(self.proxies[proxy].port, &host, "/desk", cookie).await.status()
    }

    /// Fifty requests at once, half of them at each.
    async fn fifty(&self, cookie: &str) -> Vec<u16> {
        join_all((0..50).map(|number| self.ask(number % 2, cookie))).await
    }

    /// How many refreshes the provider has granted and refused.
    async fn refreshes(&self) -> (u64, u64) {
        let page = Browser::default().fetch(&format!("http://127.0.0.1:{}/refreshes", self.provider.port)).await;
        let count = |key| page.json()[key].as_u64().unwrap_or_else(|| panic!("no count: {}", page.text()));
        (count("granted"), count("refused"))
    }
}

#[tokio::test]
async fn fifty_requests_at_expiry_at_two_processes_are_one_refresh() {
    let world = World::start();
    let cookie = world.signed_in().await;
    for round in 1..=3 {
        // The claims are to run out, and nobody is to come meanwhile who would have them refreshed before.
        tokio::time::sleep(Duration::from_secs(LIFE + 1)).await;
        let answers = world.fifty(&cookie).await;
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
        assert_eq!(world.refreshes().await, (round, 0), "granted and refused");
    }
}

#[tokio::test]
async fn a_process_that_dies_while_it_refreshes_signs_nobody_out() {
    let world = World::start();
    let cookie = world.signed_in().await;
    tokio::time::sleep(Duration::from_secs(LIFE + 1)).await;
    let host = format!("localhost:{}", world.proxies[0].port);
    let port = world.proxies[1].port;
    let lost = {
        let cookie = cookie.clone();
        tokio::spawn(async move { raw::get(port, &host, "/desk", &cookie).await })
    };
    // The provider has granted the refresh and takes its time to say so: the answer finds nobody.
    while world.refreshes().await.0 == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.proxies[1].process.signal("KILL");
    lost.await.expect("whatever came of it").status();
    assert_eq!(world.ask(0, &cookie).await, 200, "it goes on with what is known while the other's claim may still be good");
    // Until the claim of the dead runs out; then the token that it spent is tried once more, in vain.
    while world.refreshes().await.1 == 0 {
        assert_eq!(world.ask(0, &cookie).await, 200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..20 {
        assert_eq!(world.ask(0, &cookie).await, 200, "nobody is signed out by our own doing");
    }
    assert_eq!(world.refreshes().await, (1, 1), "and it is not tried again");
    assert_eq!(world.redis.ask(&["DBSIZE"]).trim(), "1");
}
