//! What the admin pages have in common, and those that are no more than a template. They are rendered on the server, by
//! templates that escape everything; there are no scripts.

use std::fmt;

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

use super::control::{Control, Outcome, Phase, Reload};
use super::router::Endpoint;

/// What stands around every page.
pub(super) struct Frame {
    /// The path of the page that the navigation leads to.
    pub(super) here: &'static str,
    pub(super) fingerprint: String,
    pub(super) phase: Phase,
    /// Whether the configuration in force is not the one in the file, because that cannot be used.
    pub(super) last_reload_was_refused: bool,
}

impl Frame {
    pub(super) fn of(control: &dyn Control, here: &'static str) -> Self {
        let refused = control.last_reload().is_some_and(|reload| matches!(reload.outcome, Outcome::Refused { .. }));
        Self { here, fingerprint: control.live().fingerprint.to_string(), phase: control.phase(), last_reload_was_refused: refused }
    }

    pub(super) fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Draining => "draining",
        }
    }

    pub(super) fn current(&self, path: &str) -> &'static str {
        if self.here == path { " aria-current=page" } else { "" }
    }
}

#[derive(Template)]
#[template(path = "admin/templates/index.html")]
pub(super) struct Index<'a> {
    pub(super) frame: Frame,
    pub(super) endpoints: &'a [Endpoint],
}

#[derive(Template)]
#[template(path = "admin/templates/not_there.html")]
pub(super) struct NotThere<'a> {
    pub(super) frame: Frame,
    pub(super) what: String,
    pub(super) endpoints: &'a [Endpoint],
}

#[derive(Template)]
#[template(path = "admin/templates/config.html")]
pub(super) struct ConfigText<'a> {
    pub(super) frame: Frame,
    pub(super) file_name: &'a str,
    pub(super) since: String,
    pub(super) lines: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "admin/templates/reloaded.html")]
pub(super) struct Reloaded<'a> {
    pub(super) frame: Frame,
    pub(super) reload: &'a Reload,
}

/// JSON as an answer, with a line end for terminals.
pub(super) fn json(status: StatusCode, text: &impl fmt::Display) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{text}\n")).into_response()
}

/// A page as an answer.
pub(super) fn show(status: StatusCode, page: &impl Template) -> Response {
    let html = page.render().expect("rendering into a String fails only if a filter fails, and none of ours does");
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}
