//! Which path is answered by whom.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};

use super::control::Control;
use super::guard::{Door, guard};
use super::pages::{Frame, Index, NotThere, show};
use super::question::{Form, Question};
use super::sessions::order::{self, Orders};
use super::{configuration, decisions, metrics, probes, reload, routes, sessions};
use crate::telemetry::journal::Journal;

/// What the answers are made of.
pub(super) struct Admin {
    pub(super) control: Arc<dyn Control>,
    pub(super) journal: Journal,
    pub(super) orders: Orders,
}

/// One line of the list of endpoints.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) what: &'static str,
}

/// Everything there is, as the index and the answer to a wrong path list it.
pub(super) const ENDPOINTS: [Endpoint; 11] = [
    Endpoint { method: "GET", path: "/decisions", what: "the last decisions, newest first; /decisions/ID explains one" },
    Endpoint { method: "GET", path: "/sessions", what: "who is signed in, and whose sessions were ended; /sessions/ID tells one" },
    Endpoint { method: "POST", path: "/sessions/revoke", what: "ends sessions before their time" },
    Endpoint { method: "GET", path: "/routes", what: "whom each route admits and where it forwards, with counts" },
    Endpoint { method: "GET", path: "/config", what: "the configuration in force, secrets masked" },
    Endpoint { method: "POST", path: "/reload", what: "reads the configuration again" },
    Endpoint { method: "GET", path: "/metrics", what: "counts for Prometheus" },
    Endpoint { method: "GET", path: "/livez", what: "200 while the process answers" },
    Endpoint { method: "GET", path: "/readyz", what: "200 while new requests should come here; ?verbose says more" },
    Endpoint { method: "GET", path: "/startupz", what: "200 once it has started" },
    Endpoint { method: "GET", path: "/", what: "this list" },
];

pub(super) fn router(control: Arc<dyn Control>, journal: Journal, door: Door) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/admin.css", get(style))
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/startupz", get(probes::startupz))
        .route("/metrics", get(metrics::metrics))
        .route("/decisions", get(decisions::list))
        .route("/decisions/{id}", get(decisions::one))
        .route("/sessions", get(sessions::list))
        .route("/sessions/revoke", post(order::revoke).fallback(order::only_by_post))
        .route("/sessions/{id}", get(sessions::one))
        .route("/routes", get(routes::list))
        .route("/config", get(configuration::show))
        .route("/reload", post(reload::reload).fallback(reload::only_by_post))
        .fallback(not_there)
        .layer(from_fn_with_state(door, guard))
        .with_state(Arc::new(Admin { control, journal, orders: Orders::default() }))
}

async fn index(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    match question.form {
        Form::Html => show(StatusCode::OK, &Index { frame: Frame::of(&*admin.control, ""), endpoints: &ENDPOINTS }),
        Form::Any | Form::Json | Form::Text => endpoints_as_text().into_response(),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("templates/admin.css")).into_response()
}

async fn not_there(State(admin): State<Arc<Admin>>, uri: Uri, question: Question) -> Response {
    match question.form {
        Form::Html => {
            let frame = Frame::of(&*admin.control, "");
            let what = format!("The admin listener has no {}.", uri.path());
            show(StatusCode::NOT_FOUND, &NotThere { frame, what, endpoints: &ENDPOINTS })
        }
        Form::Any | Form::Json | Form::Text => {
            (StatusCode::NOT_FOUND, format!("There is no such endpoint. There are:\n\n{}", endpoints_as_text())).into_response()
        }
    }
}

fn endpoints_as_text() -> String {
    ENDPOINTS.iter().map(|endpoint| format!("{:<4} {:<16} {}\n", endpoint.method, endpoint.path, endpoint.what)).collect()
}
