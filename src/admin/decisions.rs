//! `/decisions`: the last decisions, and why one of them is as it is.

mod filter;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::pages::{Frame, NotThere, json, show};
use super::question::{Form, Question};
use super::router::{Admin, ENDPOINTS};
use super::select::Select;
use super::times;
use crate::domain::account::AccountKind;
use crate::domain::decision::{DecisionId, Judged};
use crate::domain::rules::Rules;
use crate::review::explain::{CheckLine, Explanation, StepTold};
use crate::telemetry::journal::{Entry, KEPT};
use askama::Template;
use filter::Filter;

/// The decisions that fit the filter, newest first.
pub(super) async fn list(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    let filter = match Filter::of(&question) {
        Ok(filter) => filter,
        Err(why) => return (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    };
    let entries = admin.journal.newest(filter.most, |entry| filter.wants(entry));
    match question.form {
        Form::Json => json(StatusCode::OK, &array(&entries)),
        Form::Any | Form::Html | Form::Text => {
            let live = admin.control.live();
            let selects = filter.selects(live.rules.routes.routes().iter().map(|route| route.name.as_str()));
            let rows = entries.iter().map(Row::of).collect();
            let frame = Frame::of(&*admin.control, "/decisions");
            show(StatusCode::OK, &List { frame, json_query: filter.as_query(), filter, selects, rows })
        }
    }
}

/// One decision.
pub(super) async fn one(State(admin): State<Arc<Admin>>, Path(id): Path<String>, question: Question) -> Response {
    let Some(id) = DecisionId::parse(&id) else {
        return gone(&admin, &question, "That is no decision id: one looks like 7K3F-9QXD.".into());
    };
    let Some(entry) = admin.journal.find(id) else {
        let why = format!(
            "Decision {id} is not remembered, or not any more: each worker keeps the last {KEPT} of each outcome until the process ends. \
             The access log has it for longer: homerealm explain {id} reads it there."
        );
        return gone(&admin, &question, why);
    };
    match question.form {
        Form::Json => {
            let mut text = String::new();
            entry.write_json(&mut text);
            json(StatusCode::OK, &text)
        }
        Form::Any | Form::Html | Form::Text => {
            let live = admin.control.live();
            let frame = Frame::of(&*admin.control, "/decisions");
            let is_of_now = entry.fingerprint == live.fingerprint;
            show(StatusCode::OK, &One { frame, decision: Details::of(&entry, &live.rules), is_of_now })
        }
    }
}

fn gone(admin: &Admin, question: &Question, what: String) -> Response {
    match question.form {
        Form::Html => {
            let frame = Frame::of(&*admin.control, "/decisions");
            show(StatusCode::NOT_FOUND, &NotThere { frame, what, endpoints: &ENDPOINTS[..1] })
        }
        Form::Json => json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": what }).to_string()),
        Form::Any | Form::Text => (StatusCode::NOT_FOUND, format!("{what}\n")).into_response(),
    }
}

fn array(entries: &[Entry]) -> String {
    let mut text = String::from("[");
    for (index, entry) in entries.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        entry.write_json(&mut text);
    }
    text.push_str("\n]");
    text
}

#[derive(Template)]
#[template(path = "admin/templates/decisions.html")]
struct List<'a> {
    frame: Frame,
    filter: Filter<'a>,
    json_query: String,
    selects: [Select<'a>; 4],
    rows: Vec<Row<'a>>,
}

#[derive(Template)]
#[template(path = "admin/templates/decision.html")]
struct One<'a> {
    frame: Frame,
    decision: Details<'a>,
    /// Whether the configuration that decided is the one in force.
    is_of_now: bool,
}

/// A line of the list.
struct Row<'a> {
    entry: &'a Entry,
    id: String,
    outcome: &'static str,
    at: String,
    at_shortly: String,
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        let decision = &entry.decision;
        Self {
            entry,
            id: decision.id.to_string(),
            outcome: decision.outcome.as_str(),
            at: times::precise(entry.at),
            at_shortly: times::shortly(entry.at),
        }
    }
}

/// A decision with everything that is known about it.
struct Details<'a> {
    row: Row<'a>,
    at: String,
    milliseconds: String,
    file_name: &'a str,
    tenant: Option<String>,
    /// What somebody who was not let in read on the page.
    sentence: Option<&'static str>,
    trace: Vec<CheckLine>,
    fix: Option<String>,
}

impl<'a> Details<'a> {
    fn of(entry: &'a Entry, rules: &'a Rules) -> Self {
        let decision = &entry.decision;
        let told = Explanation::of_record(rules, decision, entry.status.as_u16());
        let tenant = decision.who.as_ref().and_then(|who| who.tenant).map(|id| match rules.tenant(id) {
            Some(tenant) => format!("{} ({id})", tenant.name),
            None => id.to_string(),
        });
        Self {
            row: Row::of(entry),
            at: times::readable(entry.at),
            milliseconds: format!("{:.1} ms", entry.took.as_secs_f64() * 1e3),
            file_name: &rules.file_name,
            tenant,
            sentence: told.page,
            trace: told.check_lines(),
            fix: told.fix,
        }
    }

    fn who(&self) -> Option<&Judged> {
        self.row.entry.decision.who.as_ref()
    }
}
