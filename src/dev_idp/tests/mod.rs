//! The provider as an app and a browser see it. This file holds the browser and the app; the behaviour is tested in
//! the files below.

mod breaking;
mod discovery;
mod graph;
mod logout;
mod pages;
mod sign_in;
mod spending;

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use tower::ServiceExt as _;

use super::keys::Keys;
use super::{Logout, RedirectUris, Registration, Settings, router_with};
use crate::domain::origin::Origin;
use crate::protocol::secret::Secret;

const ORIGIN: &str = "http://127.0.0.1:8081";
const REDIRECT_URI: &str = "http://localhost:8080/.auth/callback/work";
const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const FABRIKAM: &str = "3a0c0000-0000-4000-8000-0000000000bb";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// RSA keys take long to make, and no test minds whose they are.
fn shared_keys() -> Keys {
    static KEYS: LazyLock<Keys> = LazyLock::new(Keys::generate);
    KEYS.clone()
}

fn settings() -> Settings {
    let registration = Registration {
        client_id: "app".into(),
        client_secret: Some(Secret::new("s3cret+/ %".into())),
        public_key: None,
        redirect_uris: RedirectUris::AnyLoopback,
        logout: Logout::Untold,
    };
    let other = Registration {
        client_id: "other".into(),
        client_secret: Some(Secret::new("other".into())),
        public_key: None,
        redirect_uris: RedirectUris::Exactly(vec!["https://other.example/callback".into()]),
        logout: Logout::Untold,
    };
    let origin = Origin::parse(ORIGIN).expect("an origin");
    Settings { slow_answer: Duration::from_secs(3_600), ..Settings::new(origin, vec![registration, other]) }
}

struct Provider(Router);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Provider {
    fn start() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        Self(router_with(settings, shared_keys()))
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.expect("the router is infallible");
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a small body");
        Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).expect("text") }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Request::get(path).header(COOKIE, cookie).body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)], cookie: &str) -> Answer {
        let request = Request::post(path).header(COOKIE, cookie).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(form(fields).into()).expect("a request")).await
    }

    /// The sign-in form, answered.
    async fn sign_in(&self, authority: &str, person: &str, mischief: &str) -> Answer {
        self.post(&authorize(authority, &[]), &[("person", person), ("break", mischief)], "").await
    }

    async fn redeem(&self, authority: &str, code: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("client_secret", "s3cret+/ %"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post(&format!("/{authority}/oauth2/v2.0/token"), &changed(&usual, changes), "").await
    }

    async fn refresh(&self, authority: &str, token: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [("grant_type", "refresh_token"), ("client_id", "app"), ("client_secret", "s3cret+/ %"), ("refresh_token", token)];
        self.post(&format!("/{authority}/oauth2/v2.0/token"), &changed(&usual, changes), "").await
    }

    /// The claims of a token whose signature holds, and the `issuer` of the key that made it.
    async fn verified(&self, authority: &str, token: &str) -> Result<(Value, String), &'static str> {
        let published = self.get(&format!("/{authority}/discovery/v2.0/keys"), "").await;
        let issuers: Value = published.json();
        let keys: JwkSet = serde_json::from_str(&published.body).map_err(|_| "no key set")?;
        let kid = jsonwebtoken::decode_header(token).ok().and_then(|header| header.kid).ok_or("no kid")?;
        let key = DecodingKey::from_jwk(keys.find(&kid).ok_or("unknown key")?).map_err(|_| "unusable key")?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_aud = false;
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).map_err(|_| "bad signature")?.claims;
        let of_key = issuers["keys"].as_array().into_iter().flatten().find(|key| key["kid"] == kid.as_str());
        Ok((claims, of_key.and_then(|key| key["issuer"].as_str()).unwrap_or_default().to_owned()))
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.body))
    }

    fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member}: {}", self.body)).to_owned()
    }

    /// The fields of the authorization response.
    fn sent_back(&self) -> HashMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let location = self.headers[LOCATION].to_str().expect("a URL");
        assert!(location.starts_with(REDIRECT_URI), "{location}");
        url::Url::parse(location).expect("a URL").query_pairs().into_owned().collect()
    }

    fn code(&self) -> String {
        self.sent_back().remove("code").unwrap_or_else(|| panic!("no code: {:?}", self.headers[LOCATION]))
    }

    /// The session cookie as a browser would send it back.
    fn cookie(&self) -> String {
        let cookie = self.headers[SET_COOKIE].to_str().expect("a cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    fn offers(&self, account: &str) -> bool {
        self.body.contains(&format!("name=\"person\" value=\"{account}\""))
    }
}

/// The address of a good authorization request, some of its parameters changed; an empty one is left out.
fn authorize(authority: &str, changes: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "app"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid profile email offline_access"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the state"),
        ("nonce", "the nonce"),
    ];
    format!("/{authority}/oauth2/v2.0/authorize?{}", form(&changed(&usual, changes)))
}

fn changed<'a>(usual: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = usual.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn basic(id: &str, secret: &str) -> (http::HeaderName, String) {
    use base64::Engine as _;
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret));
    (AUTHORIZATION, format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}
