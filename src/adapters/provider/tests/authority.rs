//! An authority on loopback that can be told to misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use rustls::RootCertStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::*;
use crate::protocol::client::ClientAuthentication;
use crate::protocol::jwt::forge::{P256, TestKey};
use crate::protocol::secret::Secret;

/// How an endpoint answers.
#[derive(Clone)]
pub(super) enum Manner {
    Json(StatusCode, Value),
    Html,
    Endless,
    Redirect,
    Silent,
    /// Begins to answer, and goes away.
    Breaking,
}

pub(super) struct Script {
    pub(super) metadata: Manner,
    pub(super) keys: Manner,
    pub(super) token: Manner,
}

/// The authority: what it says, and how often each endpoint was asked.
pub(super) struct Authority {
    pub(super) origin: String,
    script: Mutex<Script>,
    asked_metadata: AtomicUsize,
    asked_keys: AtomicUsize,
    asked_elsewhere: AtomicUsize,
}

impl Authority {
    pub(super) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Script {
            metadata: Manner::Json(StatusCode::OK, metadata(&origin)),
            keys: keys(&[&P256]),
            token: Manner::Json(StatusCode::OK, json!({ "token_type": "Bearer", "id_token": "a.b.c" })),
        };
        let authority = Arc::new(Self {
            origin,
            script: Mutex::new(script),
            asked_metadata: AtomicUsize::new(0),
            asked_keys: AtomicUsize::new(0),
            asked_elsewhere: AtomicUsize::new(0),
        });
        let app = Router::new().route("/{*path}", any(answer)).with_state(Arc::clone(&authority));
        tokio::spawn(async move { axum::serve(listener, app).await });
        authority
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().expect("no panic while locked"));
    }

    pub(super) fn provider(&self, rhythm: Rhythm) -> HttpProvider {
        self.provider_if(rhythm, Development::Refused)
    }

    pub(super) fn provider_if(&self, rhythm: Rhythm, development: Development) -> HttpProvider {
        let settings = ProviderSettings {
            authority: AuthorityName::work(),
            expected: ExpectedIssuer::parse(&self.origin).expect("an issuer"),
            discovery: Url::parse(&format!("{}/metadata", self.origin)).expect("a URL"),
            development,
        };
        HttpProvider::with_rhythm(settings, registration("secret"), HttpClient::new(Arc::new(RootCertStore::empty())), rhythm)
    }

    /// How often for metadata, and for keys.
    pub(super) fn asked(&self) -> (usize, usize) {
        (self.asked_metadata.load(Ordering::SeqCst), self.asked_keys.load(Ordering::SeqCst))
    }

    /// How often for anything else.
    pub(super) fn asked_elsewhere(&self) -> usize {
        self.asked_elsewhere.load(Ordering::SeqCst)
    }
}

pub(super) fn registration(secret: &str) -> Client {
    Client { id: "app".into(), authentication: ClientAuthentication::Secret(Secret::new(secret.into())) }
}

async fn answer(State(authority): State<Arc<Authority>>, Path(path): Path<String>) -> Response {
    let counter = match path.as_str() {
        "metadata" => &authority.asked_metadata,
        "keys" => &authority.asked_keys,
        _ => &authority.asked_elsewhere,
    };
    counter.fetch_add(1, Ordering::SeqCst);
    let manner = {
        let script = authority.script.lock().expect("no panic while locked");
        match path.as_str() {
            "metadata" => script.metadata.clone(),
            "keys" => script.keys.clone(),
            "token" => script.token.clone(),
            _ => Manner::Html,
        }
    };
    match manner {
        Manner::Json(status, body) => (status, axum::Json(body)).into_response(),
        Manner::Html => axum::response::Html("<h1>It works</h1>").into_response(),
        Manner::Endless => {
            let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536])));
            Body::from_stream(chunks).into_response()
        }
        Manner::Breaking => {
            Body::from_stream(stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))])).into_response()
        }
        Manner::Redirect => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        Manner::Silent => Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response(),
    }
}

pub(super) fn metadata(origin: &str) -> Value {
    json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
    })
}

pub(super) fn keys(keys: &[&TestKey]) -> Manner {
    Manner::Json(StatusCode::OK, json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }))
}

pub(super) fn nested() -> Value {
    json!({ "x": (0..40).fold(json!(1), |inner, _| json!([inner])) })
}
