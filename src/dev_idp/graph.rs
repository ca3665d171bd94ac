//! What of Microsoft Graph is needed to find out about groups: `POST /v1.0/me/checkMemberObjects`. It is known under a path
//! of this provider's own origin; tokens never name it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Provider;
use super::ambient;
use super::mischief::Mischief;
use crate::domain::guid::Guid;

/// So many ids are taken at once.
const MOST_IDS: usize = 20;

#[derive(Deserialize)]
struct Question {
    ids: Vec<String>,
}

/// Answers which of the ids are groups of whoever the access token is about.
pub(super) async fn check_member_objects(State(provider): State<Arc<Provider>>, headers: HeaderMap, body: String) -> Response {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let mut grants = provider.grants();
    let Some(access) = token.and_then(|token| grants.access(token, ambient::now())) else {
        return refusal(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken");
    };
    if access.mischief == Mischief::GraphRefuses {
        return refusal(StatusCode::FORBIDDEN, "Authorization_RequestDenied");
    }
    if access.mischief == Mischief::GraphFailsOnce {
        access.mischief = Mischief::Nothing;
        return ([(RETRY_AFTER, "1")], refusal(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable")).into_response();
    }
    match serde_json::from_str::<Question>(&body) {
        Ok(Question { ids }) if ids.len() <= MOST_IDS && ids.iter().all(|id| Guid::parse(id).is_ok()) => {
            let is_member = |id: &&String| access.account.groups.iter().any(|group| group.eq_ignore_ascii_case(id));
            Json(json!({ "value": ids.iter().filter(is_member).collect::<Vec<_>>() })).into_response()
        }
        Ok(_) | Err(_) => refusal(StatusCode::BAD_REQUEST, "Request_BadRequest"),
    }
}

fn refusal(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "error": { "code": code } }))).into_response()
}
