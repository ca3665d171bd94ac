//! `POST {prefix}/logout/back-channel/{authority}` (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8): a provider tells
//! us itself, with a token that it signed, whose session there has ended.
//!
//! What is wrong with the request is 400, as §2.8 has it. What is wrong with us is 503, where §2.8 has 400 for a logout that
//! failed as well: a provider that is told so may try again, with the same token, and one that does not look any closer sees
//! a failure in both.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::super::Asked;
use super::super::form::{self, Fields};
use super::{named, not_so_often};
use crate::domain::reason::Reason;
use crate::domain::revocation::Revocation;
use crate::flow::authority::{Authority, NotJudged};
use crate::flow::logout;
use crate::protocol::consumed::Consumption;
use crate::protocol::secret::Secret;
use crate::proxy::audit::Incident;
use crate::proxy::call::Verdict;
use crate::proxy::respond::{RETRY_SOON, Told};
use crate::telemetry::audit::Happening;

pub(in crate::proxy::endpoints) async fn receive(
    Extension(asked): Extension<Asked>,
    Path(authority): Path<String>,
    request: Request,
) -> Told {
    let Some(authority) = named(&asked, &authority) else { return asked.reply().refuse_for(Reason::NoRoute) };
    if let Err(too_many) = asked.shared.hearing.count_token(asked.visit.client, asked.call.now) {
        return not_so_often(&asked, too_many);
    }
    let (head, body) = request.into_parts();
    let Some(token) = token(&head.headers, body).await else {
        tracing::info!(authority = %authority.name, "A logout request for {} holds no logout token", authority.name);
        return refused();
    };
    match hear(&asked, authority, &token).await {
        Ok(()) => {
            let told = Told::new(answer(StatusCode::OK, None), Verdict::allow(Reason::Public));
            told.audited(&asked.shared, Incident::at(Happening::SessionRevoked, &authority.name))
        }
        Err(Unheard::Token) => refused(),
        Err(Unheard::Now(reason)) => not_now(reason),
    }
}

/// Why nothing was ended.
enum Unheard {
    /// The token is of no use, now and later.
    Token,
    /// It cannot be done at the moment.
    Now(Reason),
}

async fn token(headers: &HeaderMap, body: Body) -> Option<Secret<String>> {
    let body = form::posted(headers, body).await.ok()?;
    let fields = Fields::parse(&body).ok()?;
    fields.value("logout_token").map(|token| Secret::new(token.to_owned()))
}

async fn hear(asked: &Asked, authority: &Authority, token: &Secret<String>) -> Result<(), Unheard> {
    let (shared, name) = (&asked.shared, &authority.name);
    let token = logout::judge(authority, token, &*shared.sign_in.clock).await.map_err(|error| match error {
        NotJudged::Defect(defect) => {
            tracing::info!(authority = %name, %defect, "A logout token for {name} does not hold: {defect}");
            Unheard::Token
        }
        NotJudged::Unavailable(error) => {
            tracing::warn!(authority = %name, %error, "A logout token for {name} cannot be judged now: {error}");
            Unheard::Now(Reason::IdpUnavailable)
        }
    })?;
    if shared.hearing.hear(token.id, asked.call.now) == Consumption::Again {
        tracing::info!(authority = %name, "A logout token for {name} came again");
        return Err(Unheard::Token);
    }
    shared.hearing.was_good(asked.visit.client);
    let revocation = Revocation { whom: logout::meant(name, token.of), at: asked.call.now, why: "back-channel logout".into() };
    shared.keeper.revoke(revocation).await.map_err(|error| {
        tracing::error!(authority = %name, fault = "session store", %error, "A sign-out at {name} could not be followed");
        shared.hearing.unhear(token.id);
        Unheard::Now(Reason::SessionStoreUnavailable)
    })
}

fn refused() -> Told {
    Told::new(answer(StatusCode::BAD_REQUEST, Some("invalid_request")), Verdict::not_let_in(Reason::BadRequest))
}

fn not_now(reason: Reason) -> Told {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SOON.as_secs()));
    Told::new(response, Verdict::not_let_in(reason))
}

fn answer(status: StatusCode, error: Option<&'static str>) -> Response<Bytes> {
    let body = error.map(|error| format!(r#"{{"error":"{error}"}}"#)).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, const { HeaderValue::from_static("no-store") });
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, const { HeaderValue::from_static("nosniff") });
    if error.is_some() {
        headers.insert(header::CONTENT_TYPE, const { HeaderValue::from_static("application/json") });
    }
    response
}
