//! What an orchestrator asks. An authority that is down makes nobody unready: people who are signed in go on, and no
//! other replica would fare better.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::control::{Control, Outcome, Phase, Reload};
use super::pages;
use super::question::{Form, Question};
use super::router::Admin;
use super::times;

/// Whether the process answers, also while it is draining.
pub(super) async fn livez(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    answer(StatusCode::OK, "live", &admin, &question)
}

/// Whether new requests should come here. Already while starting: a provider that is slow holds up those who sign in
/// there, and nobody else.
pub(super) async fn readyz(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    let (status, word) = match admin.control.phase() {
        Phase::Starting | Phase::Ready => (StatusCode::OK, "ready"),
        Phase::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    answer(status, word, &admin, &question)
}

/// Whether it has started, however it ends.
pub(super) async fn startupz(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    let (status, word) = match admin.control.phase() {
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        Phase::Ready | Phase::Draining => (StatusCode::OK, "started"),
    };
    answer(status, word, &admin, &question)
}

fn answer(status: StatusCode, word: &str, admin: &Admin, question: &Question) -> Response {
    match question.form {
        Form::Json => pages::json(status, &as_json(word, &*admin.control)),
        Form::Any | Form::Html | Form::Text if question.has("verbose") => (status, as_text(word, &*admin.control)).into_response(),
        Form::Any | Form::Html | Form::Text => (status, format!("{word}\n")).into_response(),
    }
}

fn as_json(word: &str, control: &dyn Control) -> Value {
    let live = control.live();
    json!({
        "status": word,
        "config": { "fingerprint": live.fingerprint.to_string(), "since": times::precise(live.since) },
        "last_reload": control.last_reload().map(|reload| {
            let mut told = super::reload::as_json(&reload);
            told["at"] = times::precise(reload.at).into();
            told
        }),
    })
}

fn as_text(word: &str, control: &dyn Control) -> String {
    let live = control.live();
    let in_force = format!("{word}\nconfiguration {} in force since {}\n", live.fingerprint, times::readable(live.since));
    in_force + &control.last_reload().map(|reload| told(&reload)).unwrap_or_default()
}

fn told(reload: &Reload) -> String {
    let at = times::readable(reload.at);
    let restart = match reload.wants_restart.as_slice() {
        [] => String::new(),
        keys => format!("these keys want a restart: {}\n", keys.join(", ")),
    };
    match &reload.outcome {
        Outcome::Applied => format!("last reload: applied at {at}\n{restart}"),
        Outcome::Unchanged => format!("last reload: nothing had changed at {at}\n{restart}"),
        Outcome::Refused { problems } => {
            format!("last reload: refused at {at}; the old configuration is in force still\n{restart}\n{problems}\n")
        }
    }
}
