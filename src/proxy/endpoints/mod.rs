//! Our own endpoints below the prefix, one file per URL. They are an axum router; what they need of the request was
//! read before and comes along as [`Asked`].

mod assets;
mod callback;
mod check;
mod form;
mod guarded;
mod logout;
mod prompt;
mod session;
mod sign_in;
mod sign_out;
mod signed_out;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use http::StatusCode;
use tower::ServiceExt as _;

use super::call::{Call, Verdict};
use super::respond::{Reply, Told};
use super::shared::Shared;
use super::visit::Visit;
use crate::domain::interaction::Interaction;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;

pub(super) use prompt::prompt;

/// A request to one of our endpoints, read.
#[derive(Debug, Clone)]
struct Asked {
    shared: Arc<Shared>,
    call: Call,
    visit: Visit,
}

impl Asked {
    fn reply(&self) -> Reply<'_> {
        Reply { shared: &self.shared, call: &self.call, visit: &self.visit }
    }

    /// Whether a return target is one of our own pages.
    fn is_own(&self, target: &ReturnTo) -> bool {
        self.shared.rules.is_own(path_of(target))
    }

    /// Whether a return target is the page that shows who is signed in.
    fn is_session_page(&self, target: &ReturnTo) -> bool {
        path_of(target).strip_prefix(self.shared.rules.prefix.as_str()) == Some(session::PATH)
    }
}

fn path_of(target: &ReturnTo) -> &str {
    target.path_and_query().split('?').next().unwrap_or_default()
}

/// The endpoints below the prefix.
pub(super) fn router(prefix: &str) -> Router {
    let endpoints = Router::new()
        .route("/sign-in", get(sign_in::page).post(sign_in::post))
        // HEAD is for looking ahead, and a code is spent only once.
        .route("/callback/{authority}", get(callback::query).post(callback::form).head(nothing_here))
        .route("/sign-out", get(sign_out::confirm).post(sign_out::post))
        .route("/signed-out", get(signed_out::show))
        // What is looked at ahead ends nothing.
        .route("/logout/front-channel/{authority}", get(logout::front_channel::receive).head(nothing_here))
        .route("/logout/back-channel/{authority}", post(logout::back_channel::receive))
        .route(session::PATH, get(session::show))
        .route("/check", any(check::answer))
        .route("/check/{*original}", any(check::answer))
        .route("/check/", any(check::answer))
        .route("/assets/{name}", get(assets::serve));
    Router::new().nest(prefix, endpoints).fallback(nothing_here).method_not_allowed_fallback(wrong_method)
}

/// Asks a router. Its answers are small and whole, so they are handed on as bytes.
pub(super) async fn ask<B>(router: &Router, shared: &Arc<Shared>, call: Call, visit: &Visit, head: http::request::Parts, body: B) -> Told
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>>,
{
    // None of them speaks gRPC, whose answers all have the status 200: a proxy in front that asks us about a gRPC
    // request would take that for a yes.
    let interaction = match visit.interaction {
        Interaction::Grpc => Interaction::Program,
        other @ (Interaction::Navigation | Interaction::Program | Interaction::Submission) => other,
    };
    let asked = Asked { shared: Arc::clone(shared), call, visit: Visit { interaction, ..visit.clone() } };
    let form = form::arrived(&head.headers, body).await;
    let mut request = Request::from_parts(head, form);
    // The router matches what everything else matched: the normalised path.
    match visit.target.path_and_query().parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return asked.reply().refuse_for(Reason::BadRequest),
    }
    request.extensions_mut().insert(asked.clone());
    let Ok(response) = router.clone().oneshot(request).await;
    let (mut head, body) = response.into_parts();
    let verdict = head.extensions.remove::<Verdict>().unwrap_or(Verdict::not_let_in(Reason::NoRoute));
    match axum::body::to_bytes(body, MOST_OF_AN_ANSWER).await {
        Ok(body) => Told::new(http::Response::from_parts(head, body), verdict),
        Err(_) => asked.reply().refuse_for(Reason::Configuration),
    }
}

/// Far more than any page; a logo is 64 KiB at most.
const MOST_OF_AN_ANSWER: usize = 1 << 20;

async fn nothing_here(Extension(asked): Extension<Asked>) -> Told {
    asked.reply().refuse_for(Reason::NoRoute)
}

/// 405; the router adds `Allow` (RFC 9110 §15.5.6).
async fn wrong_method(Extension(asked): Extension<Asked>) -> Told {
    let mut told = asked.reply().refuse_for(Reason::NoRoute);
    *told.response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    told
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let mut response = self.response.map(|body: Bytes| Body::from(body));
        response.extensions_mut().insert(self.verdict);
        response
    }
}

#[cfg(test)]
mod tests;
