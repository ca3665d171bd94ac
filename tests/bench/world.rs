//! A proxy without sockets, upstreams and providers, for whoever measures what a request costs us: one configuration with
//! as many routes as wanted, and somebody who is signed in. The last route redirects, so that a request to it goes all the
//! way from its head to its line in the log, and is neither read from anywhere nor sent.

#[path = "somebody.rs"]
mod somebody;

use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use homerealm::adapters::clock::SystemClock;
use homerealm::adapters::entropy::SystemEntropy;
use homerealm::config::{self, AuthoritySettings, Config};
use homerealm::domain::authority::AuthorityName;
use homerealm::domain::session::SessionId;
use homerealm::flow::authority::{Authorities, Authority};
use homerealm::flow::freshen::Flights;
use homerealm::flow::groups::OpenQuestions;
use homerealm::flow::keeper::Keeper;
use homerealm::flow::ports::{Entropy as _, Provider, ProviderUnavailable, SessionStore};
use homerealm::flow::sign_in::SignIn;
use homerealm::protocol::consumed::Consumed;
use homerealm::protocol::cookies::OwnCookies;
use homerealm::protocol::keys::KeySet;
use homerealm::protocol::metadata::Metadata;
use homerealm::protocol::seal::KeyRing;
use homerealm::protocol::secret::Secret;
use homerealm::protocol::session_cookie::{self, Carried};
use homerealm::protocol::session_record::SessionRecord;
use homerealm::protocol::token::{CodeGrant, RedeemError, RefreshedTokens, TokenResponse};
use homerealm::proxy::forward::upstreams::{Fleet, Group};
use homerealm::proxy::forward::{Forwarder, upstream_tls};
use homerealm::proxy::generation::InForce;
use homerealm::proxy::pages::assets::Assets;
use homerealm::proxy::pages::chrome::Chrome;
use homerealm::proxy::rate_limit::RateLimit;
use homerealm::proxy::request_body::RequestBody;
use homerealm::proxy::serve::Proxy;
use homerealm::proxy::shared::{Remembering, Shared};
use homerealm::proxy::visit::Reader;
use homerealm::telemetry::Recorder;
use homerealm::telemetry::access_log::Format;
use homerealm::telemetry::journal::Journal;
use homerealm::telemetry::lines::Target;
use homerealm::telemetry::logs::Logs;
use http::{Request, header};
use rustls::RootCertStore;
use tokio_util::sync::CancellationToken;

/// The host that requests ask for.
pub(crate) const HOST: &str = "orders.example.com";

/// What the last route matches.
pub(crate) const LAST: &str = "/last/orders/2024-11?page=2";

/// A proxy's shared state with this many routes, the last of them for [`LAST`], and sessions in a store if there is one.
pub(crate) fn shared(routes: usize, store: Option<Arc<dyn SessionStore>>) -> Shared {
    let config = configuration(routes);
    let keys = Arc::new(KeyRing::new(vec![Secret::new([1; 32])]).expect("a key"));
    let assets = Assets::new(&config.branding);
    let chrome = |origin| Chrome::new(&config.branding, origin, &config.rules.prefix, &assets);
    let chromes = config.rules.origins.iter().map(|origin| (origin.clone(), chrome(origin))).collect();
    let authorities: Authorities =
        config.authorities.into_iter().map(|settings| (settings.name.clone(), Arc::new(authority(settings)))).collect();
    let questions = Arc::new(OpenQuestions::new(Arc::clone(config.rules.routes.named_groups()), Arc::new(SystemClock)));
    let tls = upstream_tls(Arc::new(RootCertStore::empty()), None).expect("TLS to upstreams");
    let group = |configured: &_| Group::new(configured, &tls).map(Arc::new);
    Shared {
        upstreams: Fleet::of(&config.rules.routes, group).expect("hosts"),
        reader: Reader::new(&config.rules.origins, config.trusted_proxies),
        lookup: None,
        sign_in: SignIn {
            authorities,
            keys: Arc::clone(&keys),
            consumed: Arc::new(Consumed::new()),
            questions: Arc::clone(&questions),
            prefix: config.rules.prefix.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        },
        rules: config.rules,
        fingerprint: config.fingerprint,
        keeper: Keeper {
            store,
            revocations: Arc::default(),
            attendance: Arc::default(),
            decreed: Arc::default(),
            flights: Arc::new(Flights::new(tokio::runtime::Handle::current())),
            questions,
            lifetimes: config.session.lifetimes,
            keys: Arc::clone(&keys),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        },
        keys,
        lifetimes: config.session.lifetimes,
        remembering: Remembering::Off,
        rate_limit: Arc::new(RateLimit::new(config.sign_in.posts_per_minute)),
        hearing: Arc::default(),
        naming: None,
        assets,
        chromes,
    }
}

/// A worker's proxy on it, with an access log that goes nowhere and a journal that nobody reads. The log is to be kept.
pub(crate) fn proxy(shared: Shared) -> (Rc<Proxy>, Logs) {
    let logs = access_log(Format::Json);
    let recorder = Recorder { logs: logs.pens(), notebook: Some(Journal::default().notebook()) };
    let forwarder = Forwarder::new(Arc::default(), CancellationToken::new());
    (Rc::new(Proxy::new(&InForce::new(shared), forwarder, recorder)), logs)
}

/// An access log that goes nowhere.
pub(crate) fn access_log(format: Format) -> Logs {
    Logs::of_access(format, Nowhere).expect("a log")
}

/// A request as a browser on a page of ours makes it.
pub(crate) fn request(target: &str, cookie: &str) -> Request<RequestBody> {
    let request = Request::builder()
        .uri(target)
        .header(header::HOST, HOST)
        .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0")
        .header(header::ACCEPT, "application/json")
        .header(header::ACCEPT_LANGUAGE, "en-GB,en;q=0.5")
        .header(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd")
        .header(header::COOKIE, format!("theme=dark; {cookie}; lang=en"))
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-dest", "empty");
    request.body(RequestBody::empty()).expect("a request")
}

/// The cookie of what a browser carries of a session at the authority `work`.
pub(crate) fn cookie(shared: &Shared, carried: &Carried) -> String {
    let mut random = |buffer: &mut [u8]| SystemEntropy.fill(buffer);
    let (own, origin) = (OwnCookies::default(), shared.rules.origins.first());
    let written = session_cookie::write(carried, &AuthorityName::work(), &own, origin, &shared.keys, &mut random).expect("fits");
    written[0].as_header_value().to_str().expect("ASCII").split(';').next().unwrap_or_default().to_owned()
}

/// Somebody who has just signed in.
pub(crate) fn record() -> SessionRecord {
    let mut id = [0; 16];
    SystemEntropy.fill(&mut id);
    SessionRecord::bare(somebody::session(SessionId(id)))
}

fn configuration(routes: usize) -> Config {
    let mut text = format!(
        r#"
version = 1
listen = "127.0.0.1:8080"
public_url = "https://{HOST}"
[client]
id = "6f0c2a4e-0000-4000-8000-000000000001"
secret_env = "SECRET"
[session]
idle = "1h"
"#
    );
    for route in 1..routes {
        text += &format!("[[routes]]\nmatch = {{ path = \"/app-{route}/**\" }}\naccounts = \"work\"\nupstream = \"http://127.0.0.1:9\"\n");
    }
    text += "[[routes]]\nname = \"last\"\nmatch = { path = \"/last/**\" }\naccounts = \"work\"\n";
    text += "upstream = { work = { redirect = \"https://elsewhere.example/\" } }\n";
    let environment = |_: &str| Some("a-secret-of-some-length".to_owned());
    config::parse_with(&text, "bench.toml", Path::new("."), &environment, chrono::NaiveDate::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn authority(settings: AuthoritySettings) -> Authority {
    Authority {
        name: settings.name,
        kind: settings.kind,
        issuer: settings.issuer,
        client_id: settings.client.id,
        scopes: settings.scopes,
        response_mode: settings.response_mode,
        extra_params: settings.extra_params,
        provider: Arc::new(NotThere),
    }
}

/// No signed-in request asks a provider.
struct NotThere;

#[async_trait]
impl Provider for NotThere {
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        Err(ProviderUnavailable("not there".into()))
    }

    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable> {
        Err(ProviderUnavailable("not there".into()))
    }

    async fn newer_keys(&self, _known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        None
    }

    async fn redeem(&self, _grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError> {
        Err(RedeemError::Unavailable("not there".into()))
    }

    async fn refresh(&self, _token: &Secret<String>) -> Result<RefreshedTokens, RedeemError> {
        Err(RedeemError::Unavailable("not there".into()))
    }
}

/// A place that takes every line and keeps none.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Nowhere {
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}
