//! `POST /sessions/revoke`: sessions are to end before their time. The order says whose, and why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::filter::{tenant, user};
use super::told::{RevocationTold, as_configuration, sentence};
use crate::admin::control::sessions::{Revoked, Source};
use crate::admin::guard::{self, LONGEST_BODY};
use crate::admin::pages::{Frame, show};
use crate::admin::question::{Form, Question};
use crate::admin::router::Admin;
use crate::domain::revocation::{LONGEST_REASON, Reach, Whom};
use crate::domain::rules::Rules;
use crate::domain::session::SessionId;

/// How many orders there were, by whom they meant and how far they got.
#[derive(Debug, Default)]
pub(in crate::admin) struct Orders(Mutex<BTreeMap<(&'static str, Reach), u64>>);

impl Orders {
    fn count(&self, revoked: &Revoked) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((revoked.revocation.whom.scope(), revoked.reach)).or_default() += 1;
    }

    pub(in crate::admin) fn counts(&self) -> Vec<(&'static str, Reach, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((scope, reach), count)| (*scope, *reach, *count)).collect()
    }
}

/// Ends sessions, and says how far that holds.
pub(in crate::admin) async fn revoke(State(admin): State<Arc<Admin>>, question: Question, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refused) = guard::is_ours(&head) {
        return refused.into_response();
    }
    let rules = Arc::clone(&admin.control.live().rules);
    let order = match form(&head.headers, body).await.and_then(|body| Order::read(&body, &rules)) {
        Ok(order) => order,
        Err(refusal) => return refusal.answer(&admin, &question),
    };
    let revoked = admin.control.sessions().revoke(order.whom, &order.why).await;
    admin.orders.count(&revoked);
    let status = match revoked.reach {
        Reach::Process | Reach::Store => StatusCode::OK,
        Reach::Nowhere | Reach::ProcessStoreFailed => StatusCode::SERVICE_UNAVAILABLE,
    };
    let told = Told::of(&admin, revoked, &rules);
    match question.form {
        Form::Html => show(status, &told),
        Form::Any | Form::Json | Form::Text => (status, Json(told.document())).into_response(),
    }
}

/// Looking at something must not change it.
pub(in crate::admin) async fn only_by_post() -> Response {
    let why = "Sessions are ended by POST; `homerealm sessions revoke` does that.\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], why).into_response()
}

async fn form(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "An order is a form: application/x-www-form-urlencoded.".into()));
    }
    let body = to_bytes(body, LONGEST_BODY as usize).await;
    body.map(Into::into).map_err(|_| Refusal(StatusCode::PAYLOAD_TOO_LARGE, "The order is too long, or was broken off.".into()))
}

/// Whose sessions are to end, and why.
#[derive(Debug)]
struct Order {
    whom: Whom,
    why: String,
}

/// Why an order was not carried out: nothing has happened.
#[derive(Debug)]
struct Refusal(StatusCode, String);

const FIELDS: [&str; 5] = ["session", "user", "tenant", "all", "reason"];

impl Order {
    fn read(body: &[u8], rules: &Rules) -> Result<Self, Refusal> {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            let malformed = |why| Err(Refusal(StatusCode::BAD_REQUEST, why));
            let Some(name) = FIELDS.into_iter().find(|known| *known == name) else {
                return malformed(format!("There is no field {name:?}: there are {}.", FIELDS.join(", ")));
            };
            if fields.insert(name, value.trim().to_owned()).is_some() {
                return malformed(format!("The field {name} is there twice."));
            }
        }
        // What a page left empty was not said.
        let mut said = |name| fields.remove(name).filter(|value| !value.is_empty());
        let means = ["session", "user", "tenant", "all"].map(|name| (name, said(name)));
        let mut means = means.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let (Some((scope, value)), None) = (means.next(), means.next()) else {
            return Err(meaningless("Say whose sessions are to end: exactly one of session, user, tenant, all.".into()));
        };
        let whom = whom(scope, value, rules).map_err(meaningless)?;
        let why = said("reason").ok_or_else(|| meaningless("Say why, in reason: it stands in the audit log.".into()))?;
        if why.chars().count() > LONGEST_REASON || why.contains(char::is_control) {
            return Err(meaningless(format!("reason has 1 to {LONGEST_REASON} characters, on one line.")));
        }
        Ok(Self { whom, why })
    }
}

/// Whoever a field means.
///
/// # Errors
/// A sentence that says what it should be.
fn whom(scope: &str, value: &str, rules: &Rules) -> Result<Whom, String> {
    match scope {
        "session" => SessionId::parse(value).map(Whom::Session).ok_or_else(|| "session is an id of 32 hexadecimal digits.".into()),
        "user" => user(value, rules).map(|user| Whom::User(user.into())),
        "tenant" => tenant(value, rules).map(Whom::Tenant),
        _ if value == "true" => Ok(Whom::Everybody),
        _ => Err("all is true, or is left out.".into()),
    }
}

const fn meaningless(why: String) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, why)
}

impl Refusal {
    fn answer(self, admin: &Admin, question: &Question) -> Response {
        let Self(status, why) = self;
        match question.form {
            Form::Html => show(status, &NotRevoked { frame: Frame::of(&*admin.control, "/sessions"), why }),
            Form::Any | Form::Json | Form::Text => (status, Json(json!({ "error": why }))).into_response(),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/templates/not_revoked.html")]
struct NotRevoked {
    frame: Frame,
    why: String,
}

#[derive(Template)]
#[template(path = "admin/templates/revoked.html")]
struct Told<'a> {
    frame: Frame,
    decision_id: String,
    reach: Reach,
    sentence: &'static str,
    trouble: Option<String>,
    revocation: RevocationTold<'a>,
    /// What makes it last and reach everybody, where it does not already.
    configuration: Option<String>,
}

impl<'a> Told<'a> {
    fn of(admin: &Admin, revoked: Revoked, rules: &'a Rules) -> Self {
        let Revoked { id, revocation, reach, trouble } = revoked;
        let configuration = match reach {
            Reach::Nowhere | Reach::Process | Reach::ProcessStoreFailed => as_configuration(&revocation),
            Reach::Store => None,
        };
        Self {
            frame: Frame::of(&*admin.control, "/sessions"),
            decision_id: id.to_string(),
            reach,
            sentence: sentence(reach),
            trouble,
            revocation: RevocationTold::of(Source::Running, revocation, rules),
            configuration,
        }
    }

    fn document(&self) -> serde_json::Value {
        json!({
            "reach": self.reach.as_str(),
            "means": self.sentence,
            "error": self.trouble,
            "decision_id": self.decision_id,
            "revocation": self.revocation,
            "configuration": self.configuration,
        })
    }
}
