//! Sessions that end because somebody else says so: a provider by either channel, the person in another browser, the
//! configuration. What was opened with them ends as well.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homerealm::adapters::clock::SystemClock;
use homerealm::flow::ports::Clock as _;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{Demo, PROVIDER_HOST, PROXY_HOST, location};
use crate::support::dev_idp::DevIdp;
use crate::support::hostile::{Answer, Hostile};
use crate::support::process::free_ports;
use crate::support::provider::Provider;
use crate::support::proxy::{CLIENT_ID, Proxy, head};

const ADA: &str = "ada@contoso.example";
const SESSION: &str = "homerealm-s-work";

/// An app that accepts every WebSocket and says back what it hears; everything else gets an empty answer.
async fn app() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await?);
                }
                let upgrades = String::from_utf8_lossy(&head).to_lowercase().contains("upgrade: websocket");
                if upgrades {
                    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await?;
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await?;
                } else {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
                }
                std::io::Result::Ok(())
            });
        }
    });
    origin
}

/// A WebSocket opened with the sessions of a browser, over which something has come back.
async fn socket(port: u16, browser: &Browser) -> TcpStream {
    let names = browser.cookies(PROXY_HOST).into_iter().filter(|name| name.starts_with("homerealm-s-"));
    let cookies: Vec<_> = names.map(|name| format!("{name}={}", browser.cookie(PROXY_HOST, &name).expect("it is there"))).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the proxy");
    let head = format!(
        "GET /desk HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\ncookie: {}\r\n\r\n",
        cookies.join("; ")
    );
    stream.write_all(head.as_bytes()).await.expect("the proxy");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    assert!(is_open(&mut stream).await);
    stream
}

/// An empty message (RFC 6455 §5.2).
const MESSAGE: [u8; 6] = [0x81, 0x80, 1, 2, 3, 4];

async fn is_open(stream: &mut TcpStream) -> bool {
    stream.write_all(&MESSAGE).await.is_ok() && stream.read_exact(&mut [0; MESSAGE.len()]).await.is_ok()
}

/// Waits for the end, and for the word of why; nothing waits this long unless it hangs.
async fn ends(mut stream: TcpStream) {
    let mut last = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut last)).await.expect("it stays open");
    ended.expect("an end");
    assert_eq!(last, b"\x88\x0f\x03\xf0session ended");
}

async fn code(proxy: &str, browser: &mut Browser) -> Option<String> {
    let page = browser.fetch(&format!("{proxy}/.auth/session")).await;
    if page.status == StatusCode::OK { None } else { Some(page.json()["code"].as_str().unwrap_or_default().to_owned()) }
}

async fn assert_signed_in(proxy: &str, browser: &mut Browser) {
    assert_eq!(code(proxy, browser).await, None);
}

async fn assert_ended(proxy: &str, browser: &mut Browser) {
    assert_eq!(code(proxy, browser).await.as_deref(), Some("session_expired"));
}

/// What the development provider calls a browser's session.
fn sid(browser: &Browser) -> String {
    browser.cookie(PROVIDER_HOST, "homerealm_dev_idp").expect("a session").rsplit_once('.').expect("its name").1.to_owned()
}

#[tokio::test]
async fn signing_out_at_a_foreign_provider_signs_out_here_and_closes_what_is_open() {
    let (port, app) = (free_ports(1), app().await);
    let provider = Provider::start(port);
    let (head, at) = (head(port), provider.port);
    let proxy = Proxy::start(
        port,
        &format!(
            "{head}[authorities.generic]\nissuer = \"http://127.0.0.1:{at}/generic\"\nkind = \"work\"\n[[routes]]\naccounts = \"work\"\nauthorities = [\"generic\"]\nupstream = \"{app}\"\n"
        ),
    );
    let sign_in = async || {
        let mut browser = Browser::default();
        let page = proxy.open(&mut browser, "/desk").await;
        let page = match page.url.path() {
            "/.auth/sign-in" => browser.press(&page, "Next", &[("identifier", "zoe@generic.example")]).await,
            _ => page,
        };
        let page = browser.press(&page, "Next", &[("login", "zoe@generic.example")]).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
        browser
    };
    let (mut one, mut other) = (sign_in().await, sign_in().await);
    let (opened, mut left) = (socket(port, &one).await, socket(port, &other).await);
    let asks = one.open(&format!("http://127.0.0.1:{at}/generic/oauth2/v2.0/logout")).await;
    let form = asks.forms().first().expect("it asks").clone();
    let done = one.submit(&asks, &form, &[("logout", "yes")]).await;
    assert!(done.status.is_success(), "{}", done.text());
    assert_ended(&proxy.origin(), &mut one).await;
    ends(opened).await;
    assert_signed_in(&proxy.origin(), &mut other).await;
    assert!(is_open(&mut left).await, "the same person in another browser");
}

#[tokio::test]
async fn a_call_by_the_front_channel_ends_the_session_that_it_names() {
    let demo = Demo::shared();
    let (mut one, mut other) = (Browser::default(), Browser::default());
    demo.sign_in(&mut one, ADA, "work", "/work/").await;
    demo.sign_in(&mut other, ADA, "work", "/work/").await;
    // One registration has one address at a platform: the word reaches all who share it.
    for (authority, browser) in [("work", &mut one), ("contoso", &mut other)] {
        assert_signed_in(&demo.proxy, browser).await;
        let address = demo.url(&format!("/.auth/logout/front-channel/{authority}?sid={}", sid(browser)));
        let page = Browser::default().open(&address).await;
        assert_eq!((page.status.as_u16(), page.body.contains("sid")), (200, false));
        assert_ended(&demo.proxy, browser).await;
    }
}

#[tokio::test]
async fn signing_out_at_the_demos_provider_tells_the_proxy_by_both_channels() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    let page = browser.open(&format!("{}/organizations/oauth2/v2.0/logout", demo.provider)).await;
    let frame = page.tags().into_iter().find(|tag| tag.name == "iframe").expect("a frame");
    let frame = frame.attribute("src").expect("an address").to_owned();
    assert!(frame.starts_with(&demo.url("/.auth/logout/front-channel/work?sid=")), "{frame}");
    assert_ended(&demo.proxy, &mut browser).await;
    let framed = Browser::default().open(&frame).await;
    let policy = framed.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(framed.status == 200 && policy.ends_with(&format!("frame-ancestors {}", demo.provider)), "{policy}");
}

#[tokio::test]
async fn everywhere_is_every_browser() {
    let demo = Demo::shared();
    let (mut one, mut other, mut somebody_else) = (Browser::default(), Browser::default(), Browser::default());
    demo.sign_in(&mut one, ADA, "work", "/work/").await;
    demo.sign_in(&mut other, ADA, "work", "/work/").await;
    demo.sign_in(&mut somebody_else, "bo@fabrikam.example", "work", "/work/").await;
    let asks = one.open(&demo.url("/.auth/sign-out")).await;
    let form = asks.forms()[0].clone();
    let page = one.submit(&asks, &form, &[("session", "everywhere")]).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/.auth/signed-out"), "{}", page.text());
    assert_ended(&demo.proxy, &mut other).await;
    assert_signed_in(&demo.proxy, &mut somebody_else).await;
}

#[tokio::test]
async fn a_new_sign_in_ends_what_the_browser_had_before() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    let mut copy = Browser::default();
    copy.set_cookie(PROXY_HOST, SESSION, browser.cookie(PROXY_HOST, SESSION).expect("a session"));
    assert_signed_in(&demo.proxy, &mut copy).await;
    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    browser.open_once(callback.as_str()).await;
    assert_signed_in(&demo.proxy, &mut browser).await;
    assert_ended(&demo.proxy, &mut copy).await;
}

#[tokio::test]
async fn a_line_in_the_configuration_ends_sessions_and_what_they_opened_without_a_restart() {
    let (port, app, provider) = (free_ports(1), app().await, DevIdp::start());
    let config = format!("{}{}[[routes]]\naccounts = \"work\"\nupstream = \"{app}\"\n", head(port), provider.configuration());
    let mut proxy = Proxy::start(port, &config);
    let (mut ada, mut bo) = (Browser::default(), Browser::default());
    provider.sign_in(&proxy, &mut ada, ADA, "work", "/desk").await;
    provider.sign_in(&proxy, &mut bo, "bo@fabrikam.example", "work", "/desk").await;
    let (opened, mut left) = (socket(port, &ada).await, socket(port, &bo).await);

    let now = chrono::DateTime::from_timestamp(i64::try_from(unix_seconds()).expect("a moment"), 0).expect("a moment");
    let line = format!("[[session.not_before]]\nat = {}\ntenant = \"contoso\"\nwhy = \"a test\"\n", now.format("%Y-%m-%dT%H:%M:%SZ"));
    std::fs::write(proxy.file("homerealm.toml"), config + &line).expect("a file");
    proxy.process.signal("HUP");
    proxy.process.wait_until(|output| output.contains("was read again and is in force"), "a reload");
    assert_ended(&proxy.origin(), &mut ada).await;
    ends(opened).await;
    assert_signed_in(&proxy.origin(), &mut bo).await;
    assert!(is_open(&mut left).await);
}

fn unix_seconds() -> u64 {
    SystemClock.now().unix_seconds()
}

/// A provider whose tokens say whatever a test likes.
struct Forger {
    provider: Hostile,
    key: rcgen::KeyPair,
    answer: Arc<Mutex<String>>,
}

impl Forger {
    fn start() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        // An uncompressed point: a byte, and two halves.
        let (x, y) = key.public_key_raw()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "k", "x": x, "y": y }] }).to_string();
        let answer = Arc::<Mutex<String>>::default();
        let tokens = Arc::clone(&answer);
        let provider = Hostile::start(move |origin, path| match path {
            "/op/.well-known/openid-configuration" => Answer::json(metadata(origin)),
            "/op/keys" => Answer::json(keys.clone()),
            "/op/token" => Answer::json(tokens.lock().expect("no panic").clone()),
            _ => Answer::Whole(404, "text/plain", String::new()),
        });
        Self { provider, key, answer }
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}/op", self.provider.port)
    }

    fn sign(&self, media_type: &str, claims: &Value) -> String {
        let header = Header { kid: Some("k".into()), typ: Some(media_type.into()), ..Header::new(Algorithm::ES256) };
        let key = EncodingKey::from_ec_pem(self.key.serialize_pem().as_bytes()).expect("a key");
        jsonwebtoken::encode(&header, claims, &key).expect("a token")
    }

    async fn sign_in(&self, proxy: &Proxy, sub: &str, sid: &str) -> Browser {
        let mut browser = Browser::default();
        let asked = location(&browser.open_once(&proxy.url("/desk")).await);
        let parameter = |name: &str| asked.query_pairs().find(|(known, _)| known == name).expect("it is asked for").1.into_owned();
        let now = unix_seconds();
        let claims = json!({ "iss": self.issuer(), "aud": CLIENT_ID, "iat": now, "exp": now + 600, "nonce": parameter("nonce"), "sub": sub, "sid": sid });
        let id_token = self.sign("JWT", &claims);
        *self.answer.lock().expect("no panic") = json!({ "token_type": "Bearer", "access_token": "a", "id_token": id_token }).to_string();
        let back = format!(
            "/.auth/callback/op?code=c&state={}",
            url::form_urlencoded::byte_serialize(parameter("state").as_bytes()).collect::<String>()
        );
        let page = browser.open_once(&proxy.url(&back)).await;
        assert_eq!(location(&page).path(), "/desk", "{}", page.text());
        browser
    }
}

fn metadata(origin: &str) -> String {
    let at = format!("{origin}/op");
    json!({
        "issuer": at, "authorization_endpoint": format!("{at}/authorize"), "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
    .to_string()
}

async fn post(proxy: &Proxy, content_type: &str, body: String) -> Page {
    let url = Url::parse(&proxy.url("/.auth/logout/back-channel/op")).expect("a URL");
    Browser::default().send(Method::POST, url, &[("content-type", content_type)], body).await
}

#[tokio::test]
async fn no_forged_late_or_repeated_logout_token_ends_anything_and_a_good_one_does() {
    const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
    const FORM: &str = "application/x-www-form-urlencoded";
    let (forger, app) = (Forger::start(), app().await);
    let issuer = forger.issuer();
    let proxy = Proxy::run(|port| {
        format!(
            "{}page = \"auto\"\n[authorities.op]\nissuer = \"{issuer}\"\nkind = \"work\"\n[[routes]]\naccounts = \"work\"\nauthorities = [\"op\"]\nupstream = \"{app}\"\n",
            head(port)
        )
    });
    let (mut ada, mut elsewhere) = (forger.sign_in(&proxy, "ada", "s-1").await, forger.sign_in(&proxy, "ada", "s-2").await);
    let now = unix_seconds();
    let claims = |changes: Value| {
        let mut claims = json!({ "iss": issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": "j", "sub": "ada", "sid": "s-1", "events": { EVENT: {} } });
        for (name, value) in changes.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("claims").retain(|_, value| !value.is_null());
        claims
    };
    let token = |changes: Value| forger.sign("logout+jwt", &claims(changes));
    let posted = |token: String| format!("logout_token={token}");
    let good = token(json!({}));
    let (signed, signature) = good.rsplit_once('.').expect("a token");
    let stranger = Forger::start().sign("logout+jwt", &claims(json!({})));
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), good.split('.').nth(1).expect("claims"));
    let hostile = [
        String::new(),
        posted(String::new()),
        posted("a.b.c".into()),
        posted(stranger),
        posted(unsigned),
        posted(format!("{signed}.{}", signature.chars().rev().collect::<String>())),
        posted(forger.sign("at+jwt", &claims(json!({})))),
        posted(token(json!({ "iss": "https://evil.example" }))),
        posted(token(json!({ "aud": "another" }))),
        posted(token(json!({ "aud": [CLIENT_ID, "another"] }))),
        posted(token(json!({ "iat": now - 3_600 }))),
        posted(token(json!({ "iat": now + 3_600 }))),
        posted(token(json!({ "iat": null }))),
        posted(token(json!({ "exp": now - 3_600 }))),
        posted(token(json!({ "jti": null }))),
        posted(token(json!({ "nonce": "n" }))),
        posted(token(json!({ "events": null }))),
        posted(token(json!({ "events": { "https://evil.example": {} } }))),
        posted(token(json!({ "events": { EVENT: "yes" } }))),
        posted(token(json!({ "sub": null, "sid": null }))),
        posted(token(json!({ "sub": "a\u{0}b" }))),
        posted(token(json!({ "more": "x".repeat(20_000) }))),
        format!("{}&{}", posted(good.clone()), posted(good.clone())),
    ];
    for body in hostile {
        let page = post(&proxy, FORM, body.clone()).await;
        assert_eq!((page.status.as_u16(), &*page.body), (400, r#"{"error":"invalid_request"}"#), "{body}");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        assert_eq!(post(&proxy, kind, posted(good.clone())).await.status, 400, "{kind}");
    }
    assert_signed_in(&proxy.origin(), &mut ada).await;

    let page = post(&proxy, FORM, posted(good.clone())).await;
    assert_eq!((page.status.as_u16(), &*page.body, &page.headers["cache-control"]), (200, "", &"no-store".parse().expect("a value")));
    assert_ended(&proxy.origin(), &mut ada).await;
    assert_signed_in(&proxy.origin(), &mut elsewhere).await;
    assert_eq!(post(&proxy, FORM, posted(good)).await.status, 400, "it came before");
    assert_eq!(post(&proxy, FORM, posted(token(json!({ "sid": null, "jti": "k" })))).await.status, 200);
    assert_ended(&proxy.origin(), &mut elsewhere).await;
}
