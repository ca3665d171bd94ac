//! `GET {prefix}/session`: who is signed in, for scripts of the app's own pages. Never token material.

use axum::Extension;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use serde::Serialize;

use super::Asked;
use crate::domain::reason::Reason;
use crate::domain::session::{Session, Standing};
use crate::protocol::cookies::{Dialect, OwnCookies};
use crate::proxy::call::Verdict;
use crate::proxy::problem::Problem;
use crate::proxy::respond::Told;
use crate::proxy::sessions::{Past, Sessions};

#[derive(Serialize)]
struct Document<'a> {
    sessions: Vec<Shown<'a>>,
    #[serde(flatten)]
    first: Shown<'a>,
}

#[derive(Serialize, Clone)]
struct Shown<'a> {
    authority: &'a str,
    kind: &'static str,
    membership: &'static str,
    home: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    expires_in: u64,
}

pub(super) async fn show(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let Asked { shared, call, visit } = &asked;
    let own = OwnCookies::read(&headers, Dialect::of(&visit.origin));
    let authorities = shared.sign_in.authorities.keys();
    let mut sessions = match Sessions::read(shared, &own, &visit.origin, authorities, call.now).await {
        Ok(sessions) => sessions,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    // Whoever signed in last comes first.
    sessions.live.sort_by_key(|kept| std::cmp::Reverse(kept.session().signed_in_at));
    let shown: Vec<_> = sessions.live.iter().map(|kept| shown(&asked, kept.session())).collect();
    let Some(first) = shown.first().cloned() else {
        let reason = match sessions.past {
            Past::Ended => Reason::SessionExpired,
            Past::None => Reason::SignInRequired,
        };
        // A script asks, whatever it says it accepts.
        return Told::new(Problem::new(reason, call.id).json(shared.chrome(&visit.origin)), Verdict::challenge(reason));
    };
    let body = serde_json::to_vec(&Document { first, sessions: shown }).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    crate::proxy::pages::add_page_headers(response.headers_mut());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Told::new(response, Verdict::allow(Reason::SignedIn).about(sessions.live.first().map(|kept| &kept.session().principal)))
}

fn shown<'a>(asked: &Asked, session: &'a Session) -> Shown<'a> {
    let who = &session.principal;
    let left = match session.standing(asked.shared.lifetimes, asked.call.now) {
        Standing::Live { left } => left.as_secs(),
        Standing::Ended => 0,
    };
    Shown {
        authority: who.authority.as_str(),
        kind: who.kind.as_str(),
        membership: who.membership.as_str(),
        home: who.home.as_str(),
        tenant: who.tenant.map(|tenant| tenant.to_string()),
        name: who.name.as_deref(),
        username: who.preferred_username.as_deref(),
        expires_in: left,
    }
}
