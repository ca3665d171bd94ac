//! `POST /reload`: the one order there is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::Value;

use super::control::{Outcome, Reload};
use super::guard;
use super::pages::{Frame, Reloaded, json, show};
use super::question::{Form, Question};
use super::router::Admin;

/// Reads the configuration again, and says what came of it.
pub(super) async fn reload(State(admin): State<Arc<Admin>>, question: Question, request: Request) -> Response {
    let (head, _) = request.into_parts();
    if let Err(refused) = guard::is_ours(&head) {
        return refused.into_response();
    }
    let reload = admin.control.reload().await;
    let status = match reload.outcome {
        Outcome::Applied | Outcome::Unchanged => StatusCode::OK,
        Outcome::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    match question.form {
        Form::Html => show(status, &Reloaded { frame: Frame::of(&*admin.control, ""), reload: &reload }),
        Form::Any | Form::Json | Form::Text => json(status, &as_json(&reload)),
    }
}

/// Looking at something must not change it.
pub(super) async fn only_by_post() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], "Reloading is ordered by POST; `homerealm reload` does that.\n")
        .into_response()
}

pub(super) fn as_json(reload: &Reload) -> Value {
    let (outcome, problems) = match &reload.outcome {
        Outcome::Applied => ("applied", ""),
        Outcome::Unchanged => ("unchanged", ""),
        Outcome::Refused { problems } => ("refused", problems.as_str()),
    };
    serde_json::json!({ "outcome": outcome, "wants_restart": reload.wants_restart, "problems": problems })
}
