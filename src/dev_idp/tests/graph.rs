//! Groups that a token has no room for, and the Graph that tells about them.

use axum::body::Body;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Provider, authorize, settings};
use crate::dev_idp::Settings;
use crate::dev_idp::directory::ADAS_GROUP;

const STRANGE: &str = "9f0c0000-0000-4000-8000-0000000000ff";

impl Provider {
    async fn tokens(&self, person: &str, mischief: &str) -> (String, String) {
        let code = self.sign_in("organizations", person, mischief).await.code();
        let tokens = self.redeem("organizations", &code, &[]).await;
        (tokens.text("id_token"), tokens.text("access_token"))
    }

    async fn ask(&self, token: &str, body: &Value) -> Answer {
        let request = Request::post("/graph/v1.0/me/checkMemberObjects").header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }
}

#[tokio::test]
async fn a_token_lists_groups_or_says_that_they_are_elsewhere() {
    let provider = Provider::start();
    for (person, listed) in [("ada", true), ("hal", false)] {
        let (id_token, _) = provider.tokens(person, "nothing").await;
        let (claims, _) = provider.verified("organizations", &id_token).await.expect("a good signature");
        assert_eq!(claims.get("groups").is_some(), listed, "{person}");
        assert_eq!(claims["_claim_names"]["groups"] == "src1", !listed, "{person}");
        let endpoint = &claims["_claim_sources"]["src1"]["endpoint"];
        assert_eq!(endpoint.as_str().is_some_and(|endpoint| endpoint == settings().claim_source), !listed, "{person}");
    }
}

#[tokio::test]
async fn the_graph_tells_which_groups_somebody_is_in() {
    let provider = Provider::start();
    let all: Vec<_> = (0..20).map(|number| format!("9f0c0000-0000-4000-8000-{:012x}", 0xa1_000 + number)).collect();
    let (_, hal) = provider.tokens("hal", "nothing").await;
    let (_, bo) = provider.tokens("bo", "nothing").await;
    for (token, ids, value) in [
        (&hal, json!([STRANGE, ADAS_GROUP]), json!([ADAS_GROUP])),
        (&hal, json!(all), json!(all)),
        (&hal, json!([]), json!([])),
        (&bo, json!([STRANGE, ADAS_GROUP]), json!([])),
    ] {
        let answer = provider.ask(token, &json!({ "ids": ids })).await;
        assert_eq!((answer.status, &answer.json()["value"]), (StatusCode::OK, &value), "{ids}");
    }
}

#[tokio::test]
async fn only_a_token_for_the_graph_is_taken_and_only_a_proper_question() {
    let provider = Provider::start();
    let (id_token, good) = provider.tokens("hal", "nothing").await;
    let scope = authorize("organizations", &[("scope", "openid profile api://orders/Orders.Read")]);
    let code = provider.post(&scope, &[("person", "hal")], "").await.code();
    let for_orders = provider.redeem("organizations", &code, &[]).await.text("access_token");
    let ids = json!({ "ids": [ADAS_GROUP] });
    for (token, status) in [
        (good.as_str(), StatusCode::OK),
        (&good[1..], StatusCode::UNAUTHORIZED),
        (&id_token, StatusCode::UNAUTHORIZED),
        (&for_orders, StatusCode::UNAUTHORIZED),
        ("", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(provider.ask(token, &ids).await.status, status);
    }
    for body in [json!({ "ids": vec![ADAS_GROUP; 21] }), json!({ "ids": ["staff"] }), json!({}), json!([])] {
        assert_eq!(provider.ask(&good, &body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let ended = Provider::with(Settings { token_lifetime: std::time::Duration::ZERO, ..settings() });
    let (_, token) = ended.tokens("hal", "nothing").await;
    assert_eq!(ended.ask(&token, &ids).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_graph_fails_on_request() {
    let provider = Provider::start();
    let ids = json!({ "ids": [ADAS_GROUP] });
    let (_, token) = provider.tokens("hal", "graph-fails-once").await;
    let answer = provider.ask(&token, &ids).await;
    assert_eq!((answer.status, answer.headers[RETRY_AFTER].to_str().ok()), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
    assert_eq!(provider.ask(&token, &ids).await.status, StatusCode::OK);
    let (_, token) = provider.tokens("hal", "graph-refuses").await;
    for _ in 0..2 {
        assert_eq!(provider.ask(&token, &ids).await.status, StatusCode::FORBIDDEN);
    }
}
