//! What is asked for beside the path: the parameters, and the form that the answer should have.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;

/// A question's parameters and wanted form.
#[derive(Debug)]
pub(super) struct Question {
    /// In the order of the query.
    parameters: Vec<(String, String)>,
    /// What the asker reads.
    pub(super) form: Form,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Whatever comes: `curl`, probes.
    Any,
    /// A page.
    Html,
    /// For programs.
    Json,
    /// For terminals.
    Text,
}

impl Question {
    /// The value of a parameter, if it has one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether the parameter is there, with a value or without.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known == name)
    }

    fn of(head: &Parts) -> Self {
        let query = head.uri.query().unwrap_or_default();
        let parameters: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut question = Self { parameters, form: Form::Any };
        let accepts = |wanted: &str| {
            head.headers.get_all(header::ACCEPT).iter().any(|field| field.to_str().is_ok_and(|field| field.contains(wanted)))
        };
        question.form = match question.value("format") {
            Some("json") => Form::Json,
            Some("text") => Form::Text,
            Some("html") => Form::Html,
            Some(_) | None if accepts("text/html") => Form::Html,
            Some(_) | None if accepts("application/json") => Form::Json,
            Some(_) | None if accepts("text/plain") => Form::Text,
            Some(_) | None => Form::Any,
        };
        question
    }
}

impl<S: Sync> FromRequestParts<S> for Question {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(head))
    }
}
