//! `/routes`: the table in the order in which it is tried, with what became of requests so far.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::control::{Condition, Control};
use super::pages::{self, Frame, show};
use super::question::{Form, Question};
use super::router::Admin;
use crate::domain::decision::Outcome;
use crate::domain::destination::{Destination, Upstreams};
use crate::domain::route::{Access, Route};
use crate::domain::rules::Rules;
use crate::review::words::prose;
use crate::telemetry::journal::counters::Counters;

/// All routes.
pub(super) async fn list(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    let (live, counters) = (admin.control.live(), admin.journal.counters());
    let routes: Vec<_> = live.rules.routes.routes().iter().map(|route| Shown::of(route, &live.rules, &counters, &*admin.control)).collect();
    match question.form {
        Form::Json => pages::json(StatusCode::OK, &json!(routes)),
        Form::Any | Form::Html | Form::Text => {
            let frame = Frame::of(&*admin.control, "/routes");
            show(StatusCode::OK, &Routes { frame, routes })
        }
    }
}

#[derive(Template)]
#[template(path = "admin/templates/routes.html")]
struct Routes<'a> {
    frame: Frame,
    routes: Vec<Shown<'a>>,
}

/// A route as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    /// Where its `[[routes]]` stands.
    line: u32,
    #[serde(rename = "match")]
    matched: String,
    admits: Vec<String>,
    destinations: Vec<String>,
    upstreams: Vec<Known>,
    policy: Policy,
    decisions: Counts,
}

/// What becomes of those whom the route does not admit.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Policy {
    /// They are refused.
    Enforced,
    /// There are none.
    Open,
    /// They are counted.
    Tried,
}

/// An upstream of which something is known.
#[derive(Serialize)]
struct Known {
    upstream: String,
    condition: Condition,
}

#[derive(Serialize)]
struct Counts {
    allow: u64,
    challenge: u64,
    deny: u64,
    error: u64,
    would_refuse: u64,
}

impl<'a> Shown<'a> {
    fn of(route: &'a Route, rules: &Rules, counters: &Counters, control: &dyn Control) -> Self {
        let count = |outcome: Outcome| counters.decisions.of(&route.name, |label| label.outcome == outcome);
        Self {
            name: route.name.as_str(),
            line: route.position.line,
            matched: prose::matched(&route.matcher),
            admits: prose::admitted(route, rules),
            destinations: prose::destinations(&route.destination),
            upstreams: known(&route.destination, control),
            policy: match &route.access {
                Access::Public | Access::Optional(_) => Policy::Open,
                Access::Required(_) => Policy::Enforced,
                Access::Shadowed { .. } => Policy::Tried,
            },
            decisions: Counts {
                allow: count(Outcome::Allow),
                challenge: count(Outcome::Challenge),
                deny: count(Outcome::Deny),
                error: count(Outcome::Error),
                would_refuse: counters.would_be_refusals.of(&route.name, |_| true),
            },
        }
    }

    fn query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("route", self.name).finish()
    }
}

fn known(destination: &Destination, control: &dyn Control) -> Vec<Known> {
    let of = |upstreams: &Arc<Upstreams>| {
        let conditions = upstreams.members.iter().map(ToString::to_string).zip(control.conditions(upstreams));
        conditions.map(|(upstream, condition)| Known { upstream, condition }).collect::<Vec<_>>()
    };
    destination.upstreams().into_iter().flat_map(of).collect()
}
