//! `/sessions`: who is signed in, as far as that can be known, and which revocations are in force. People are told of by
//! identifiers: no name, address or token is here.

mod filter;
pub(super) mod order;
mod told;

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::control::sessions::{InForce, NotListed};
use super::pages::{Frame, NotThere, show};
use super::question::{Form, Question};
use super::router::{Admin, ENDPOINTS};
use super::select::Select;
use crate::domain::rules::{Rules, Tenant};
use crate::domain::session::SessionId;
use filter::Filter;
use told::{RevocationTold, SessionTold};

/// So many revocations are told: those that mean most people first.
const MOST_REVOCATIONS: usize = 200;

/// The sessions that fit the filter, newest first, and the revocations in force.
pub(super) async fn list(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    let live = admin.control.live();
    let filter = match Filter::of(&question, &live.rules) {
        Ok(filter) => filter,
        Err(why) => return (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    };
    let from = question.value("from");
    let listed = admin.control.sessions().list(&filter.wanted, from).await;
    let in_force = admin.control.sessions().revocations().await;
    let (status, next, sessions) = match &listed {
        Ok(listed) => {
            let sessions = listed.sessions.iter().map(|known| SessionTold::of(known, &live.rules)).collect();
            (StatusCode::OK, listed.next.clone(), Found::Sessions(sessions))
        }
        Err(NotListed::InCookies) => (StatusCode::OK, None, Found::InCookies),
        Err(NotListed::Failed(why)) => (StatusCode::SERVICE_UNAVAILABLE, None, Found::Failed(why.clone())),
    };
    let list = List {
        next_query: next.as_deref().map(|next| filter.as_query(Some(next))),
        query: filter.as_query(None),
        is_first: from.is_none(),
        revocations: Revocations::of(in_force, &live.rules),
        tenants: &live.rules.tenants,
        frame: Frame::of(&*admin.control, "/sessions"),
        selects: filter.selects(&live.rules),
        next,
        sessions,
        filter,
    };
    match question.form {
        Form::Json => (status, Json(list.document())).into_response(),
        Form::Any | Form::Html | Form::Text => show(status, &list),
    }
}

/// One session.
pub(super) async fn one(State(admin): State<Arc<Admin>>, Path(id): Path<String>, question: Question) -> Response {
    let Some(id) = SessionId::parse(&id) else {
        return gone(&admin, &question, StatusCode::NOT_FOUND, "That is no session id: one has 32 hexadecimal digits.".into());
    };
    let known = match admin.control.sessions().find(id).await {
        Ok(Some(known)) => known,
        Ok(None) => return gone(&admin, &question, StatusCode::NOT_FOUND, format!("Session {id} is over, or never was.")),
        Err(NotListed::InCookies) => {
            let why = format!(
                "Sessions are kept in cookies, so nobody here knows whether there is a session {id}. It can be ended all the same."
            );
            return gone(&admin, &question, StatusCode::NOT_IMPLEMENTED, why);
        }
        Err(NotListed::Failed(why)) => return gone(&admin, &question, StatusCode::SERVICE_UNAVAILABLE, format!("{}.", capital(&why))),
    };
    let live = admin.control.live();
    let session = SessionTold::of(&known, &live.rules);
    match question.form {
        Form::Json => Json(session).into_response(),
        Form::Any | Form::Html | Form::Text => show(StatusCode::OK, &One { frame: Frame::of(&*admin.control, "/sessions"), session }),
    }
}

fn gone(admin: &Admin, question: &Question, status: StatusCode, what: String) -> Response {
    match question.form {
        Form::Html => {
            let frame = Frame::of(&*admin.control, "/sessions");
            show(status, &NotThere { frame, what, endpoints: &ENDPOINTS[1..2] })
        }
        Form::Json => (status, Json(json!({ "error": what }))).into_response(),
        Form::Any | Form::Text => (status, format!("{what}\n")).into_response(),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[derive(Template)]
#[template(path = "admin/templates/sessions.html")]
struct List<'a> {
    frame: Frame,
    filter: Filter,
    selects: [Select<'a>; 2],
    query: String,
    sessions: Found<'a>,
    next: Option<String>,
    next_query: Option<String>,
    /// Whether this is the beginning of the list.
    is_first: bool,
    revocations: Revocations<'a>,
    tenants: &'a [Tenant],
}

/// What can be known of who is signed in.
enum Found<'a> {
    InCookies,
    Failed(String),
    Sessions(Vec<SessionTold<'a>>),
}

/// The revocations in force, or the first of them.
#[derive(Serialize)]
struct Revocations<'a> {
    entries: Vec<RevocationTold<'a>>,
    total: usize,
    /// Why some may be missing.
    trouble: Option<String>,
}

impl List<'_> {
    fn document(&self) -> serde_json::Value {
        let (kept_in, sessions, error) = match &self.sessions {
            Found::InCookies => ("cookies", None, None),
            Found::Failed(why) => ("store", None, Some(why)),
            Found::Sessions(sessions) => ("store", Some(sessions), None),
        };
        json!({ "kept_in": kept_in, "sessions": sessions, "next": self.next, "error": error, "revocations": self.revocations })
    }
}

impl<'a> Revocations<'a> {
    fn of(in_force: InForce, rules: &'a Rules) -> Self {
        let InForce { mut entries, trouble } = in_force;
        let total = entries.len();
        entries.sort_by_key(|(_, entry)| (told::breadth(&entry.whom), std::cmp::Reverse(entry.at)));
        entries.truncate(MOST_REVOCATIONS);
        let entries = entries.into_iter().map(|(source, entry)| RevocationTold::of(source, entry, rules)).collect();
        Self { entries, total, trouble }
    }
}

#[derive(Template)]
#[template(path = "admin/templates/session.html")]
struct One<'a> {
    frame: Frame,
    session: SessionTold<'a>,
}
