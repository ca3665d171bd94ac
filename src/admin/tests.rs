//! The router with a process that is made up, and sockets of its own.

mod answers;
mod doors;
mod lookups;
mod sessions;
mod sockets;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::control::sessions::Sessions;
use super::control::{Condition, Control, Live, Outcome, Phase, Reload};
use super::guard::Door;
use super::router::router;
use crate::config;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::decision::{self, DecisionId, DecisionRecord, Judged};
use crate::domain::destination::Upstreams;
use crate::domain::reason::Reason;
use crate::domain::route::RouteName;
use crate::domain::time::Timestamp;
use crate::domain::written::{Fingerprint, Position};
use crate::telemetry::Line;
use crate::telemetry::journal::{Journal, Notebook};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

const CONFIGURATION: &str = r#"version = 1
public_url = "https://orders.example.com"
[client]
id = "x"
secret_env = "SECRET"
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso <Ltd>" }
[defaults]
accounts = "work"
[[routes]]
name = "open"
match = { path = "/open", methods = ["GET"] }
auth = "none"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "finance"
match = { host = "orders.example.com", path = "/finance/**" }
tenants = ["contoso"]
groups = ["7d0e0000-0000-4000-8000-0000000000f1"]
roles = ["Reader"]
upstream = "http://[::1]:3000/base"
[[routes]]
name = "shop"
accounts = ["personal", "work"]
enforce = false
guests = "deny"
upstream = { work = ["http://127.0.0.1:3001", "unix:/run/app.sock", "http://127.0.0.1:3002"], personal = { redirect = "https://shop.example.com/" } }
"#;

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";

/// A process whose life is what a test makes it.
struct MadeUp {
    phase: Mutex<Phase>,
    live: Arc<Live>,
    last: Mutex<Option<Arc<Reload>>>,
    next: Outcome,
    wants_restart: Vec<&'static str>,
    reloads: AtomicUsize,
    sessions: sessions::MadeUp,
}

#[async_trait]
impl Control for MadeUp {
    fn phase(&self) -> Phase {
        *self.phase.lock().expect("no panic while holding it")
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    fn last_reload(&self) -> Option<Arc<Reload>> {
        self.last.lock().expect("no panic while holding it").clone()
    }

    async fn reload(&self) -> Arc<Reload> {
        self.reloads.fetch_add(1, Ordering::Relaxed);
        let outcome = self.next.clone();
        let wants_restart = self.wants_restart.clone();
        let last_success = NOW + Duration::from_secs(30);
        let reload = Arc::new(Reload { at: NOW + Duration::from_secs(60), outcome, wants_restart, last_success });
        *self.last.lock().expect("no panic while holding it") = Some(Arc::clone(&reload));
        reload
    }

    /// Of several the first two are bad; of one alone nothing is known.
    fn conditions(&self, upstreams: &Arc<Upstreams>) -> Vec<Condition> {
        let conditions = [Condition::Unwell, Condition::Avoided].into_iter().chain(std::iter::repeat(Condition::Well));
        if upstreams.members.len() > 1 { conditions.take(upstreams.members.len()).collect() } else { Vec::new() }
    }

    fn sessions(&self) -> &dyn Sessions {
        &self.sessions
    }
}

/// An admin listener without a socket.
struct World {
    control: Arc<MadeUp>,
    journal: Journal,
    notebook: Notebook,
    router: Router,
}

impl World {
    fn new() -> Self {
        Self::with(Door::Network, Outcome::Unchanged)
    }

    fn with(door: Door, next: Outcome) -> Self {
        let control = Arc::new(control(next));
        let journal = Journal::default();
        let router = router(Arc::<MadeUp>::clone(&control), journal.clone(), door);
        Self { notebook: journal.notebook(), control, journal, router }
    }

    fn note(&self, decision: &DecisionRecord, path: &str) {
        self.notebook.note(&Line {
            at: NOW,
            events: &[],
            decision,
            method: &Method::GET,
            path,
            status: StatusCode::from_u16(decision.reason.status()).expect("a status"),
            took: Duration::from_micros(2500),
            client: [192, 0, 2, 7].into(),
            fingerprint: self.control.live.fingerprint,
            answered: std::time::Instant::now(),
        });
    }

    async fn ask(&self, request: Request<Body>) -> (StatusCode, http::HeaderMap, String) {
        let response: Response<Body> = self.router.clone().oneshot(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        (head.status, head.headers, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    /// As `curl` does.
    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.get_as("*/*", path).await
    }

    async fn get_as(&self, accept: &str, path: &str) -> (StatusCode, String) {
        let (status, _, body) = self.ask(request("GET", path, &[("host", "localhost:9090"), ("accept", accept)])).await;
        (status, body)
    }

    async fn page(&self, path: &str) -> (StatusCode, String) {
        self.get_as("text/html,application/xhtml+xml,*/*;q=0.8", path).await
    }

    async fn json(&self, path: &str) -> (StatusCode, serde_json::Value) {
        let (status, body) = self.get_as("application/json", path).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")))
    }
}

fn control(next: Outcome) -> MadeUp {
    let environment = |name: &str| (name == "SECRET").then(|| "s3cret-that-nobody-sees".to_owned());
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day of the calendar");
    let config = config::parse_with(CONFIGURATION, "homerealm.toml", Path::new(""), &environment, day).expect("it is right");
    let live = Live { rules: config.rules, text: config.text, fingerprint: Fingerprint([0xab; 6]), since: NOW };
    MadeUp {
        phase: Mutex::new(Phase::Ready),
        live: Arc::new(live),
        last: Mutex::default(),
        next,
        wants_restart: vec!["listen", "admin"],
        reloads: AtomicUsize::new(0),
        sessions: sessions::MadeUp::default(),
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("a request")
}

fn decision(id: u64, outcome: decision::Outcome, reason: Reason, route: Option<&str>) -> DecisionRecord {
    let position = Some(Position { line: 18, column: 1 });
    DecisionRecord {
        id: DecisionId::from_random(id),
        outcome,
        reason,
        would_refuse: None,
        route: route.map(RouteName::new),
        position,
        who: None,
    }
}

fn somebody(kind: AccountKind) -> Option<Judged> {
    Some(Judged {
        kind,
        authority: AuthorityName::work(),
        tenant: TenantId::parse(CONTOSO).ok(),
        membership: Membership::Guest,
        home: Home::OtherTenant,
    })
}
