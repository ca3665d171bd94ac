//! `GET {prefix}/logout/front-channel/{authority}` (OpenID Connect Front-Channel Logout 1.0 §3): a provider has a browser
//! load this in a frame, to tell us that a session there has ended. Anybody could: whoever knows a `sid` ends the session
//! that began with it, and learns nothing by that, since the answer is always the same.

use axum::Extension;
use axum::extract::Path;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::super::Asked;
use super::super::form::Fields;
use super::{named, not_so_often};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::reason::Reason;
use crate::domain::revocation::{Revocation, Whom};
use crate::flow::authority::Authority;
use crate::flow::keeper::Kept;
use crate::flow::logout;
use crate::protocol::cookies::{Dialect, OwnCookies, SetCookie};
use crate::protocol::logout::FrontChannelLogout;
use crate::protocol::session_cookie;
use crate::proxy::audit::Incident;
use crate::proxy::call::Verdict;
use crate::proxy::opening::Afresh;
use crate::proxy::respond::Told;
use crate::proxy::sessions::Sessions;
use crate::telemetry::audit::Happening;

/// What revocations say of themselves.
const WHY: &str = "front-channel logout";

pub(in crate::proxy::endpoints) async fn receive(
    Extension(asked): Extension<Asked>,
    Path(authority): Path<String>,
    headers: HeaderMap,
) -> Told {
    let Some(authority) = named(&asked, &authority) else { return asked.reply().refuse_for(Reason::NoRoute) };
    let fields = match Fields::parse(asked.visit.target.query().unwrap_or_default().as_bytes()) {
        Ok(fields) => fields,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let Ok(call) = FrontChannelLogout::new(fields.value("sid"), fields.value("iss")) else {
        return asked.reply().refuse_for(Reason::BadRequest);
    };
    let addressed = logout::addressed(&asked.shared.sign_in.authorities, authority, call.issuer);
    let addressed: Vec<_> = addressed.map(|authority| authority.name.clone()).collect();
    if addressed.is_empty() {
        return asked.reply().refuse_for(Reason::BadRequest);
    }
    if let Err(too_many) = asked.shared.hearing.count_call(asked.visit.client, asked.call.now) {
        return not_so_often(&asked, too_many);
    }
    let told = Told::new(framed(&frame_ancestors(authority).await), Verdict::allow(Reason::Public));
    match call.session {
        Some(sid) => end(&asked, &addressed, sid, &headers, told).await,
        // Without a name only this browser's session could be meant, and any page could have it load this.
        None => told,
    }
}

/// Ends the sessions that began with the provider's, wherever they are, and takes this browser's cookie of one along.
async fn end(asked: &Asked, addressed: &[AuthorityName], sid: &str, headers: &HeaderMap, told: Told) -> Told {
    let own = OwnCookies::read(headers, Dialect::of(&asked.visit.origin));
    let here = sessions_here(asked, addressed, sid, &own).await;
    let mut told = told;
    for authority in addressed {
        let revocation = Revocation { whom: Whom::AtProvider(authority.clone(), sid.into()), at: asked.call.now, why: WHY.into() };
        let proven = here.iter().find(|kept| kept.session().principal.authority == *authority);
        let revoked = match proven {
            Some(_) => asked.shared.keeper.revoke(revocation).await,
            None => asked.shared.keeper.revoke_unproven(revocation).await,
        };
        if let Err(error) = revoked {
            tracing::error!(%authority, %error, "Word of a sign-out at {authority} could not be passed on");
        }
        told = match proven {
            Some(kept) => told.with_cookies(gone(asked, kept, &own).await),
            None => told,
        };
    }
    // Whether a name that anybody may have made up meant a session is not known, and the access log has the request.
    here.iter().fold(told, |told, kept| told.audited(&asked.shared, Incident::to(Happening::SessionEnded, &kept.session().principal)))
}

/// This browser's sessions that the word is about. Browsers seldom send our cookies along: a frame of another site's gets
/// none that is `SameSite=Lax`.
async fn sessions_here(asked: &Asked, addressed: &[AuthorityName], sid: &str, own: &OwnCookies<'_>) -> Vec<Kept> {
    match Sessions::read(&asked.shared, &Afresh, own, &asked.visit.origin, addressed, asked.call.now).await {
        Ok(sessions) => sessions.live.into_iter().filter(|kept| kept.session().provider_session.as_deref() == Some(sid)).collect(),
        // The revocation counts all the same.
        Err(_) => Vec::new(),
    }
}

/// Takes away what is kept of a session that has ended, and this browser's way to it.
async fn gone(asked: &Asked, kept: &Kept, own: &OwnCookies<'_>) -> Vec<SetCookie> {
    if let Err(error) = asked.shared.keeper.end(kept, WHY).await {
        tracing::warn!(%error, "The record of a session that has ended could not be removed");
    }
    let authority: &AuthorityName = &kept.session().principal.authority;
    session_cookie::clear(own, authority, &asked.visit.origin)
}

/// The origins whose pages may frame the answer: those where the authority signs people in and out.
async fn frame_ancestors(authority: &Authority) -> String {
    let Ok(metadata) = authority.provider.metadata().await else { return "'none'".into() };
    let mut origins: Vec<_> = [Some(&metadata.authorization_endpoint), metadata.end_session_endpoint.as_ref()]
        .into_iter()
        .flatten()
        .map(|endpoint| endpoint.origin().ascii_serialization())
        .collect();
    // People sign out of personal Microsoft accounts at another host than the one that metadata name.
    if matches!(&authority.issuer, ExpectedIssuer::Consumers { origin } if origin == "https://login.microsoftonline.com") {
        origins.push("https://login.live.com".into());
    }
    origins.sort_unstable();
    origins.dedup();
    origins.join(" ")
}

/// The answer: an empty page, and the only one of ours that may be framed. Its address holds a `sid`, which nobody is told.
fn framed(ancestors: &str) -> Response<Bytes> {
    const FIELDS: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let mut response = Response::new(Bytes::from_static(b"<!doctype html><html lang=\"en\"><title>Signed out</title></html>\n"));
    let headers = response.headers_mut();
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::try_from(format!("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"));
    let policy = policy.unwrap_or(const { HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'") });
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
