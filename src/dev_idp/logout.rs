//! The end session endpoint (OpenID Connect RP-Initiated Logout §2): forgets the provider's session. Nobody is asked
//! which account to sign out, since a browser has one at a time here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use super::Provider;
use super::pages;
use super::params::Params;
use super::session::Session;

/// GET
pub(super) async fn by_link(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    sign_out(&provider, &query.unwrap_or_default())
}

/// POST
pub(super) async fn by_form(State(provider): State<Arc<Provider>>, form: String) -> Response {
    sign_out(&provider, &form)
}

fn sign_out(provider: &Provider, parameters: &str) -> Response {
    let next = Params::read(&[parameters]).ok().and_then(|params| next(provider, &params));
    let mut response = match next {
        Some(next) => Redirect::to(next.as_str()).into_response(),
        None => pages::signed_out(),
    };
    Session::forget(response.headers_mut());
    response
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
