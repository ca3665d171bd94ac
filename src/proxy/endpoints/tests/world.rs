//! A proxy without sockets: a configuration, providers that only have metadata, and peers that are made up.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use http::{Request, header};

use crate::config::{self, AuthoritySettings};
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::{Groups, Principal};
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::flow::authority::{Authorities, Authority};
use crate::flow::freshen::Flights;
use crate::flow::groups::OpenQuestions;
use crate::flow::keeper::Keeper;
use crate::flow::ports::{Clock, Entropy, Provider, ProviderUnavailable, SessionStore};
use crate::flow::sign_in::SignIn;
use crate::protocol::authorize::ResponseMode;
use crate::protocol::consumed::Consumed;
use crate::protocol::cookies::OwnCookies;
use crate::protocol::jwt::forge::{P256, key_set};
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::Metadata;
use crate::protocol::seal::KeyRing;
use crate::protocol::secret::Secret;
use crate::protocol::session_cookie::{self, Carried};
use crate::protocol::session_record::SessionRecord;
use crate::protocol::token::{CodeGrant, RedeemError, RefreshedTokens, TokenResponse};
use crate::proxy::audit::Naming;
use crate::proxy::call::Call;
use crate::proxy::pages::assets::Assets;
use crate::proxy::pages::chrome::Chrome;
use crate::proxy::rate_limit::RateLimit;
use crate::proxy::respond::Told;
use crate::proxy::shared::{Remembering, Shared};
use crate::proxy::visit::Reader;

pub(in crate::proxy::endpoints) const ORIGIN: &str = "https://orders.example.com";
pub(in crate::proxy::endpoints) const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));
pub(in crate::proxy::endpoints) const FRONT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
pub(in crate::proxy::endpoints) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(in crate::proxy::endpoints) const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";

const CONFIGURATION: &str = r#"
version = 1
listen = "127.0.0.1:8080"
public_url = "https://orders.example.com"
public_urls = ["https://shop.example.com"]
trusted_proxies = ["10.0.0.0/8"]
[authorities.office]
issuer = "https://office.example"
kind = "work"
client = { id = "6f0c2a4e-0000-4000-8000-000000000001", secret_env = "SECRET" }
[authorities.home]
issuer = "https://personal.example"
kind = "personal"
client = { id = "6f0c2a4e-0000-4000-8000-000000000001", secret_env = "SECRET" }
[authorities.down]
issuer = "https://down.example"
kind = "work"
client = { id = "6f0c2a4e-0000-4000-8000-000000000001", secret_env = "SECRET" }
[sign_in]
@SIGN_IN@
[[routes]]
name = "public"
match = { host = "orders.example.com", path = "/public/**" }
auth = "none"
upstream = "http://127.0.0.1:9"
[[routes]]
name = "office"
match = { host = "orders.example.com", path = "/work/**", methods = ["GET"] }
accounts = "work"
authorities = ["office"]
headers = { set = { X-App-User = "{oid}@{tid}" } }
upstream = "http://127.0.0.1:9"
[[routes]]
name = "tried"
match = { host = "orders.example.com", path = "/tried/**" }
accounts = "work"
authorities = ["office"]
enforce = false
upstream = "http://127.0.0.1:9"
[[routes]]
name = "any"
match = { host = "orders.example.com", path = "/any/**" }
accounts = ["work", "personal"]
authorities = ["office", "home"]
upstream = "http://127.0.0.1:9"
[[routes]]
name = "mailbox"
match = { host = "orders.example.com", path = "/mailbox" }
accounts = ["work", "personal"]
authorities = ["office", "home"]
upstream = { work = { redirect = "https://mail.example" }, personal = "http://127.0.0.1:9" }
[[routes]]
name = "api"
match = { host = "orders.example.com", path = "/api/**" }
accounts = "work"
authorities = ["down"]
unauthenticated = "401"
bearer = { audiences = ["api://orders"] }
upstream = "http://127.0.0.1:9"
[[routes]]
name = "shop"
match = { host = "shop.example.com" }
auth = "none"
upstream = "http://127.0.0.1:9"
"#;

/// A proxy.
pub(in crate::proxy::endpoints) struct World {
    pub(in crate::proxy::endpoints) shared: Arc<Shared>,
    router: Router,
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

struct Provided(Option<Arc<Metadata>>);

#[async_trait]
impl Provider for Provided {
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        self.0.clone().ok_or_else(|| ProviderUnavailable("down".into()))
    }

    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable> {
        self.metadata().await.map(|_| Arc::new(key_set(&[P256.jwk()])))
    }

    async fn newer_keys(&self, _known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        None
    }

    async fn redeem(&self, _grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError> {
        Err(RedeemError::Unavailable("down".into()))
    }

    async fn refresh(&self, _token: &Secret<String>) -> Result<RefreshedTokens, RedeemError> {
        Err(RedeemError::Unavailable("down".into()))
    }
}

fn authority(settings: AuthoritySettings) -> Authority {
    let issuer = settings.discovery.origin().ascii_serialization();
    let document = serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "response_types_supported": ["code"],
    });
    let metadata = Metadata::read(document.to_string().as_bytes(), &settings.issuer).expect("metadata");
    let is_down = settings.name.as_str() == "down";
    Authority {
        name: settings.name,
        kind: settings.kind,
        issuer: settings.issuer,
        client_id: settings.client.id,
        scopes: settings.scopes,
        response_mode: ResponseMode::Query,
        extra_params: vec![],
        provider: Arc::new(Provided((!is_down).then(|| Arc::new(metadata)))),
    }
}

impl World {
    /// With these lines in `[sign_in]`.
    pub(in crate::proxy::endpoints) fn new(sign_in: &str) -> Self {
        let text = CONFIGURATION.replace("@SIGN_IN@", sign_in);
        let environment = |_: &str| Some("a-secret-of-some-length".to_owned());
        let config = config::parse_with(&text, "test.toml", Path::new("."), &environment, chrono::NaiveDate::default())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let keys = Arc::new(KeyRing::new(vec![Secret::new([1; 32])]).expect("a key"));
        let assets = Assets::new(&config.branding);
        let chromes = config
            .rules
            .origins
            .iter()
            .map(|origin| (origin.clone(), Chrome::new(&config.branding, origin, &config.rules.prefix, &assets)))
            .collect();
        let authorities: Authorities =
            config.authorities.into_iter().map(|settings| (settings.name.clone(), Arc::new(authority(settings)))).collect();
        let questions = Arc::new(OpenQuestions::new(Arc::clone(config.rules.routes.named_groups()), Arc::new(Fixed)));
        let shared = Shared {
            fingerprint: config.fingerprint,
            reader: Reader::new(&config.rules.origins, config.trusted_proxies),
            rules: Arc::clone(&config.rules),
            upstreams: crate::proxy::forward::upstreams::Fleet::default(),
            lookup: None,
            sign_in: SignIn {
                authorities,
                keys: Arc::clone(&keys),
                consumed: Arc::new(Consumed::new()),
                questions: Arc::clone(&questions),
                prefix: config.rules.prefix.clone(),
                clock: Arc::new(Fixed),
                entropy: Arc::new(Fixed),
            },
            keeper: Keeper {
                store: None,
                revocations: Arc::default(),
                decreed: Arc::default(),
                attendance: Arc::default(),
                flights: Arc::new(Flights::new(tokio::runtime::Handle::current())),
                questions,
                lifetimes: config.session.lifetimes,
                keys: Arc::clone(&keys),
                clock: Arc::new(Fixed),
                entropy: Arc::new(Fixed),
            },
            keys,
            lifetimes: config.session.lifetimes,
            remembering: if config.sign_in.remembers_accounts { Remembering::Offered } else { Remembering::Off },
            rate_limit: Arc::new(RateLimit::new(config.sign_in.posts_per_minute)),
            hearing: Arc::default(),
            naming: Some(Naming::Full),
            assets,
            chromes,
        };
        let router = super::super::router(&shared.rules.prefix);
        Self { shared: Arc::new(shared), router }
    }

    /// Likewise, with sessions in a store.
    pub(in crate::proxy::endpoints) fn with_store(store: Arc<dyn SessionStore>) -> Self {
        let mut world = Self::new("");
        Arc::get_mut(&mut world.shared).expect("nobody else has it yet").keeper.store = Some(store);
        world
    }

    /// Asks one of our endpoints at the first origin, unless `headers` name another host.
    pub(in crate::proxy::endpoints) async fn ask(
        &self,
        peer: IpAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Told {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, "orders.example.com");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, body) = request.body(Body::from(body.to_owned())).expect("a request").into_parts();
        let visit = self.shared.reader.read(&head, peer).expect("a readable head");
        super::super::ask(&self.router, &self.shared, Call::at(NOW), &visit, head, body).await
    }

    /// The `Cookie` field of somebody who signed in at the first origin.
    pub(in crate::proxy::endpoints) fn cookie_of(&self, session: &Session) -> String {
        self.cookie_with(&Carried::Whole(Arc::new(SessionRecord::bare(session.clone()))), &session.principal.authority)
    }

    /// The `Cookie` field of somebody whose session is kept here.
    pub(in crate::proxy::endpoints) async fn cookie_of_kept(&self, record: SessionRecord) -> String {
        let kept = self.shared.keeper.begin(record).await.expect("it is kept");
        self.cookie_with(&kept.carried(), &kept.session().principal.authority)
    }

    fn cookie_with(&self, carried: &Carried, authority: &AuthorityName) -> String {
        let origin = self.shared.rules.origins.first();
        let written =
            session_cookie::write(carried, authority, &OwnCookies::default(), origin, &self.shared.keys, &mut |buffer| buffer.fill(3));
        let cookies = written.expect("fits");
        let pairs = cookies.iter().map(|cookie| cookie.as_header_value().to_str().expect("ASCII").split(';').next().unwrap_or_default());
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// A member of Contoso who has just been here.
pub(in crate::proxy::endpoints) fn ada() -> Session {
    let principal = Principal {
        authority: AuthorityName::parse("office").expect("a name"),
        issuer: "https://office.example".into(),
        subject: "ada".into(),
        tenant: Some(TenantId::parse(CONTOSO).expect("a GUID literal")),
        object: Some("0b1e".into()),
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: Some("Ada".into()),
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(vec![]),
        roles: vec![],
    };
    Session { id: SessionId([5; 16]), principal, signed_in_at: NOW, last_seen: NOW, sign_out_hint: None, provider_session: None }
}

/// Somebody with a personal account.
pub(in crate::proxy::endpoints) fn cy() -> Session {
    let ada = ada();
    let principal = Principal {
        authority: AuthorityName::parse("home").expect("a name"),
        issuer: "https://personal.example".into(),
        subject: "cy".into(),
        tenant: None,
        kind: AccountKind::Personal,
        home: Home::Personal,
        ..ada.principal
    };
    Session { principal, ..ada }
}

/// The fields of a browser's own navigation.
pub(in crate::proxy::endpoints) fn navigation() -> Vec<(&'static str, &'static str)> {
    vec![("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")]
}

/// The answer's text.
pub(in crate::proxy::endpoints) fn page(told: &Told) -> String {
    String::from_utf8(told.response.body().to_vec()).expect("UTF-8").replace("&#39;", "'")
}

/// Names and values of the cookies that an answer sets, deletions included.
pub(in crate::proxy::endpoints) fn set_cookies(told: &Told) -> Vec<String> {
    let lines = told.response.headers().get_all(header::SET_COOKIE);
    lines.iter().map(|line| line.to_str().expect("ASCII").split(';').next().unwrap_or_default().to_owned()).collect()
}
