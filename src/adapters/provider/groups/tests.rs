//! Questions about groups to a development identity provider that notes them.

use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use rustls::RootCertStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::adapters::http_client::HttpClient;
use crate::adapters::provider::{Development, ProviderSettings};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::protocol::client::{Client, ClientAuthentication};

/// What was asked, and with which credentials.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

struct World {
    provider: HttpProvider,
    asked: Asked,
}

impl World {
    /// `refuse` is the answer to a question that it means; to all others, every id is a group of theirs.
    async fn start(nature: Value, refuse: fn(&Value) -> Option<(StatusCode, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let document = json!({
            "issuer": format!("{origin}/{{tenantid}}/v2.0"),
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "jwks_uri": format!("{origin}/keys"),
            "homerealm_development": nature,
        });
        let answer = async move |State(asked): State<Asked>, headers: HeaderMap, body: String| -> Response {
            let question: Value = serde_json::from_str(&body).expect("JSON");
            let authorization = headers["authorization"].to_str().expect("ASCII").to_owned();
            asked.lock().unwrap_or_else(PoisonError::into_inner).push((authorization, question.clone()));
            match refuse(&question) {
                Some((status, wait)) => (status, [("retry-after", wait)]).into_response(),
                None => axum::Json(json!({ "value": question["ids"] })).into_response(),
            }
        };
        let asked = Asked::default();
        let app = Router::new()
            .route("/metadata", get(async move || axum::Json(document)))
            .route("/graph/v1.0/me/checkMemberObjects", post(answer))
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let settings = ProviderSettings {
            authority: AuthorityName::work(),
            expected: ExpectedIssuer::parse(&format!("{origin}/organizations/v2.0")).expect("an issuer"),
            discovery: Url::parse(&format!("{origin}/metadata")).expect("a URL"),
            development: Development::Allowed,
        };
        let client = Client { id: "app".into(), authentication: ClientAuthentication::Secret(Secret::new("secret".into())) };
        Self { provider: HttpProvider::new(settings, client, HttpClient::new(Arc::new(RootCertStore::empty()))), asked }
    }

    async fn member_of(&self, groups: &[Arc<str>]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        self.provider.member_of(&Secret::new("the-access-token".into()), groups).await
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn groups(count: usize) -> Vec<Arc<str>> {
    (0..count).map(|number| format!("7d0e0000-0000-4000-8000-{number:012x}").into()).collect()
}

#[tokio::test]
async fn many_groups_are_asked_about_in_parts_and_answered_for_as_one() {
    let world = World::start(json!(true), |_| None).await;
    assert_eq!(world.member_of(&groups(45)).await, Ok(groups(45)));
    let asked = world.asked();
    let mut lengths: Vec<_> = asked.iter().map(|(_, question)| question["ids"].as_array().map_or(0, Vec::len)).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [5, 20, 20]);
    assert!(asked.iter().all(|(authorization, _)| authorization == "Bearer the-access-token"));
}

#[tokio::test]
async fn about_no_groups_nothing_is_asked() {
    let world = World::start(json!(true), |_| None).await;
    assert_eq!(world.member_of(&[]).await, Ok(vec![]));
    assert_eq!(world.asked().len(), 0);
}

#[tokio::test]
async fn one_part_without_an_answer_leaves_all_unanswered() {
    let last = |question: &Value| (question["ids"][0] == *groups(41)[40]).then_some((StatusCode::SERVICE_UNAVAILABLE, "17"));
    let world = World::start(json!(true), last).await;
    let failed = world.member_of(&groups(41)).await.expect_err("no answer");
    assert_eq!(failed, GroupsFailed::Unavailable { ask_again: Duration::from_secs(17), why: "status 503".into() });
    assert_eq!(world.member_of(&groups(40)).await, Ok(groups(40)));
}

#[tokio::test]
async fn a_provider_that_is_no_microsofts_is_not_asked() {
    let world = World::start(json!(false), |_| None).await;
    for count in [0, 1] {
        assert_eq!(world.member_of(&groups(count)).await, Err(GroupsFailed::NoGraph));
    }
    assert_eq!(world.asked().len(), 0);
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_may_answer_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let settings = ProviderSettings {
        authority: AuthorityName::work(),
        expected: ExpectedIssuer::parse(&format!("{origin}/organizations/v2.0")).expect("an issuer"),
        discovery: Url::parse(&format!("{origin}/metadata")).expect("a URL"),
        development: Development::Allowed,
    };
    let client = Client { id: "app".into(), authentication: ClientAuthentication::Secret(Secret::new("secret".into())) };
    let provider = HttpProvider::new(settings, client, HttpClient::new(Arc::new(RootCertStore::empty())));
    let failed = provider.member_of(&Secret::new("t".into()), &groups(1)).await.expect_err("nobody is there");
    assert!(matches!(failed, GroupsFailed::Unavailable { ask_again: graph::ASK_AGAIN, .. }), "{failed}");
}
