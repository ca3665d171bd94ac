//! The end session endpoint (OpenID Connect RP-Initiated Logout §2): forgets the provider's session, and tells the apps
//! that it was used for. Nobody is asked which account to sign out, since a browser has one at a time here; a hint to another
//! one (`logout_hint`, as on the platform) signs nobody out.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use url::Url;

use super::Provider;
use super::logout_notice;
use super::pages;
use super::params::Params;
use super::session::Session;

/// GET
pub(super) async fn by_link(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    sign_out(&provider, &query.unwrap_or_default(), &headers).await
}

/// POST
pub(super) async fn by_form(State(provider): State<Arc<Provider>>, headers: HeaderMap, form: String) -> Response {
    sign_out(&provider, &form, &headers).await
}

async fn sign_out(provider: &Provider, parameters: &str, headers: &HeaderMap) -> Response {
    let params = Params::read(&[parameters]).ok();
    let next = params.as_ref().and_then(|params| next(provider, params));
    let session = Session::of(headers);
    let hint = params.as_ref().and_then(|params| params.optional("logout_hint"));
    if let (Some(session), Some(hint)) = (&session, hint)
        && session.account.login_hint() != hint
    {
        // Somebody else is meant, who signed in here before: whoever is signed in now stays so.
        return onward(&[], next.as_ref());
    }
    let ended = session.map(|session| provider.grants().end_session(&session.id)).unwrap_or_default();
    let frames = logout_notice::tell(provider, &ended).await;
    let mut response = onward(&frames, next.as_ref());
    Session::forget(response.headers_mut());
    response
}

fn onward(frames: &[Url], next: Option<&Url>) -> Response {
    match next {
        Some(next) if frames.is_empty() => Redirect::to(next.as_str()).into_response(),
        Some(_) | None => pages::signed_out(frames, next),
    }
}

/// Back to the app, if the address is one of an app's.
fn next(provider: &Provider, params: &Params) -> Option<Url> {
    let asked = params.optional("post_logout_redirect_uri")?;
    let mut registrations = provider.settings.registrations.iter();
    let mut next = Url::parse(asked).ok().filter(|_| registrations.any(|app| app.redirect_uris.admit_origin_of(asked)))?;
    if let Some(state) = params.optional("state") {
        next.query_pairs_mut().append_pair("state", state);
    }
    Some(next)
}
