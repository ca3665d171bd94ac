//! `GET {prefix}/session`: who is signed in. A document for scripts of the app's own pages, a page for people. Never token
//! material, and no visit: asking does not make a session last longer.

use axum::Extension;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use serde::Serialize;

use super::form::Fields;
use super::guarded::{self, Means};
use super::{Asked, sign_out};
use crate::domain::account::AccountKind;
use crate::domain::interaction::Interaction;
use crate::domain::reason::Reason;
use crate::domain::session::{Session, Standing};
use crate::domain::time::Timestamp;
use crate::protocol::cookies::{Dialect, OwnCookies};
use crate::proxy::call::Verdict;
use crate::proxy::opening::Afresh;
use crate::proxy::pages::exact_moment;
use crate::proxy::pages::notice::Person;
use crate::proxy::pages::session::{SessionPage, SignedInAccount};
use crate::proxy::problem::Problem;
use crate::proxy::respond::Told;
use crate::proxy::sessions::{Past, Sessions};

/// Below the prefix.
pub(super) const PATH: &str = "/session";

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
    signed_in_at: String,
    /// In seconds, if nobody comes.
    expires_in: u64,
    /// The same as a moment.
    expires_at: String,
    /// At the latest, whoever comes.
    ends_at: String,
}

/// What the form of the answer hangs on ([`Interaction::of`]), and whom it is about.
const VARY: HeaderValue = HeaderValue::from_static("Cookie, Accept, Sec-Fetch-Dest, Sec-Fetch-Mode, X-Requested-With");

pub(super) async fn show(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let own = OwnCookies::read(&headers, Dialect::of(&asked.visit.origin));
    let authorities = asked.shared.sign_in.authorities.keys();
    let read = Sessions::read(&asked.shared, &Afresh, &own, &asked.visit.origin, authorities, asked.call.now).await;
    let mut told = match read {
        Ok(mut sessions) => {
            // Whoever signed in last comes first.
            sessions.live.sort_by_key(|kept| std::cmp::Reverse(kept.session().signed_in_at));
            match asked.visit.interaction {
                Interaction::Navigation | Interaction::Submission => page(&asked, &sessions),
                Interaction::Grpc | Interaction::Program => document(&asked, &sessions),
            }
        }
        Err(reason) => {
            let again = asked.reply().wanted();
            let mut page = asked.reply().about(reason);
            page.return_to = Some(&again);
            asked.reply().refuse(&page)
        }
    };
    told.response.headers_mut().insert(header::VARY, VARY);
    told
}

/// For people.
fn page(asked: &Asked, sessions: &Sessions) -> Told {
    let fields = match Fields::parse(asked.visit.target.query().unwrap_or_default().as_bytes()) {
        Ok(fields) => fields,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let rules = &asked.shared.rules;
    let is_new = |kind: &AccountKind| sessions.live.iter().all(|kept| kept.session().principal.kind != *kind);
    let is_taken = |kind: &AccountKind| guarded::is_taken(rules, &asked.visit.origin, Means::Of(*kind));
    let more: Vec<_> = AccountKind::ALL.into_iter().filter(is_new).filter(is_taken).collect();
    let accounts: Vec<_> = sessions.live.iter().map(|kept| account(asked, kept.session())).collect();
    let return_to = sign_out::return_to(asked, &fields).filter(|target| !asked.is_own(target));
    let page =
        SessionPage { accounts: &accounts, more: &more, reach: sign_out::reach(asked), return_to: return_to.as_ref(), now: asked.call.now };
    let verdict = match sessions.live.first() {
        Some(kept) => Verdict::allow(Reason::SignedIn).about(Some(&kept.session().principal)),
        None => Verdict::allow(Reason::Public),
    };
    Told::new(page.render(asked.reply().chrome()).into_response(), verdict)
}

fn account<'a>(asked: &'a Asked, session: &'a Session) -> SignedInAccount<'a> {
    let who = &session.principal;
    let person = Person::of(who, asked.shared.organisation_of(who));
    SignedInAccount {
        authority: &who.authority,
        person,
        name: who.name.as_deref().filter(|name| person.shown != Some(*name)),
        since: session.signed_in_at,
        ends_unused: session.ends_at(asked.shared.lifetimes),
        ends_at_latest: at_the_latest(asked, session),
    }
}

/// For programs.
fn document(asked: &Asked, sessions: &Sessions) -> Told {
    let shown: Vec<_> = sessions.live.iter().map(|kept| shown(asked, kept.session())).collect();
    let Some(first) = shown.first().cloned() else {
        let reason = match sessions.past {
            Past::Ended => Reason::SessionExpired,
            Past::None => Reason::SignInRequired,
        };
        return Told::new(Problem::new(reason, asked.call.id).json(asked.reply().chrome()), Verdict::challenge(reason));
    };
    let body = serde_json::to_vec(&Document { first, sessions: shown }).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    crate::proxy::pages::add_page_headers(response.headers_mut());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Told::new(response, Verdict::allow(Reason::SignedIn).about(sessions.live.first().map(|kept| &kept.session().principal)))
}

fn shown<'a>(asked: &Asked, session: &'a Session) -> Shown<'a> {
    let who = &session.principal;
    let lifetimes = asked.shared.lifetimes;
    let left = match session.standing(lifetimes, asked.call.now) {
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
        signed_in_at: exact_moment(session.signed_in_at),
        expires_in: left,
        expires_at: exact_moment(session.ends_at(lifetimes)),
        ends_at: exact_moment(at_the_latest(asked, session)),
    }
}

fn at_the_latest(asked: &Asked, session: &Session) -> Timestamp {
    session.signed_in_at + asked.shared.lifetimes.max
}
