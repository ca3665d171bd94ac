//! `/config`: the text in force, secrets masked. Pages link to its lines, so it is shown line by line; programs get it as
//! it is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::pages::{ConfigText, Frame, show as page};
use super::question::{Form, Question};
use super::router::Admin;
use super::times;

/// The configuration in force.
pub(super) async fn show(State(admin): State<Arc<Admin>>, question: Question) -> Response {
    let live = admin.control.live();
    let since = times::readable(live.since);
    match question.form {
        Form::Html => {
            let frame = Frame::of(&*admin.control, "/config");
            page(StatusCode::OK, &ConfigText { frame, file_name: &live.rules.file_name, since, lines: live.text.lines().collect() })
        }
        // At the end and as a comment: so lines keep their numbers, and the text stays what it is.
        Form::Any | Form::Json | Form::Text => {
            format!("{}\n# {} in force since {since}\n", live.text.trim_end(), live.fingerprint).into_response()
        }
    }
}
