//! `{prefix}/check`: a proxy in front asks about a request that it will forward itself (nginx `auth_request`, Caddy
//! `forward_auth`, Traefik `ForwardAuth`, Envoy's HTTP `ext_authz`). What is asked about is read in [`mod@original`], and
//! judged exactly as if it had come to us.
//!
//! The answer is 200 with the identity headers, 401 or 403: every such proxy knows these three, and nginx no others.
//! 400 means that the question cannot be read, 5xx that it cannot be answered now; both keep the request out. A 401
//! names the sign-in page in `X-Homerealm-Sign-In` and is never a redirect, which nginx would take for a failure.
//!
//! A session is renewed here only if it fits into one cookie: nginx hands on the first `Set-Cookie` alone, and one new
//! part beside old ones would end the session. A proxy that hands on none lets sessions end after `idle`.

mod original;

use axum::Extension;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use self::original::original;
use super::Asked;
use crate::domain::destination::Forward;
use crate::domain::identity_headers;
use crate::domain::policy::{Decision, Permit};
use crate::domain::reason::Reason;
use crate::domain::route::Route;
use crate::protocol::cookies::{Dialect, OwnCookies};
use crate::proxy::call::Verdict;
use crate::proxy::challenge::{deny, tell_to_sign_in};
use crate::proxy::identity::Identity;
use crate::proxy::opening::Afresh;
use crate::proxy::respond::{Reply, Told};
use crate::proxy::sessions;

/// Where to sign in, beside a 401.
const SIGN_IN: HeaderName = HeaderName::from_static("x-homerealm-sign-in");
/// Why, beside every answer about a request.
const REASON: HeaderName = HeaderName::from_static("x-homerealm-reason");

pub(super) async fn answer(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let visit = match original(&asked.visit, &asked.shared, &headers) {
        Ok(visit) => visit,
        Err(unclear) => {
            tracing::info!(%unclear, "A question about another request was not answered: {unclear}");
            return asked.reply().refuse_for(Reason::BadRequest);
        }
    };
    let reply = Reply { visit: &visit, ..asked.reply() };
    let mut told = judge(reply, &headers).await.unwrap_or_else(as_a_no);
    let reason = HeaderValue::from_static(told.verdict.reason().code());
    told.response.headers_mut().insert(REASON, reason);
    told
}

/// The yes, or what would be said if the request had come to us.
async fn judge(reply: Reply<'_>, headers: &HeaderMap) -> Result<Told, Told> {
    let Reply { shared, visit, .. } = reply;
    // Our own pages are ours to serve: a proxy that would send them to the app has been set up wrongly.
    if shared.rules.is_own(visit.target.path()) {
        return Err(reply.refuse_for(Reason::NoRoute));
    }
    let route = shared.route_of(visit).map_err(|reason| reply.refuse_for(reason))?;
    let own = OwnCookies::read(headers, Dialect::of(&visit.origin));
    let identity = Identity::of(reply, &Afresh, route, headers, &own).await.map_err(|reason| reply.refuse_for(reason).on(route))?;
    let judged = match identity.decide(route, headers, &shared.rules.origins) {
        Decision::Allow(permit, reason) => match route.destination.of(permit.principal().map(|who| who.kind)) {
            // Somewhere else than where the proxy in front would send the request.
            Some(Forward::Redirect(_)) | None => Err(reply.refuse_for(Reason::NoRoute).on(route)),
            Some(Forward::Upstream(_)) => {
                let renewed = match identity.session_of(&permit) {
                    Some(kept) if sessions::wants_renewal(reply, kept) => sessions::renewal(reply, kept, &own).await,
                    Some(_) | None => Vec::new(),
                };
                let told = yes(reply, route, &permit, reason);
                Ok(if renewed.len() == 1 { told.with_cookies(renewed) } else { told })
            }
        },
        Decision::Challenge(reason) => {
            let mut told = tell_to_sign_in(reply, route, reason);
            let url = reply.chrome().absolute_sign_in_url(Some(&reply.wanted()), None);
            if let Ok(url) = HeaderValue::try_from(url) {
                told.response.headers_mut().insert(SIGN_IN, url);
            }
            Err(told)
        }
        Decision::Deny { reason, who } => Err(deny(reply, route, reason, who)),
    };
    let farewell = |mut told: Told| {
        told.verdict = told.verdict.bidding_farewell(shared, identity.farewells());
        told
    };
    judged.map(farewell).map_err(farewell)
}

/// 200, with what the app may be told of the person; every other identity header is there and empty, whichever route
/// sets it.
fn yes(reply: Reply<'_>, route: &Route, permit: &Permit<'_>, reason: Reason) -> Told {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    identity_headers::render(headers, route.headers.preset, &route.headers.set, permit.principal());
    let routes = reply.shared.rules.routes.routes().iter();
    identity_headers::blank_the_rest(headers, routes.flat_map(|route| &route.headers.set).map(|(name, _)| name));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Told::new(response, Verdict::admitted(reply.shared, route, permit, reason))
}

/// What is not a yes has a status that no proxy takes for one, whatever it would be if the request had come to us.
fn as_a_no(mut told: Told) -> Told {
    let status = told.response.status();
    let is_plain = status.is_server_error() || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    *told.response.status_mut() = if is_plain { status } else { StatusCode::FORBIDDEN };
    told
}

#[cfg(test)]
mod tests;
