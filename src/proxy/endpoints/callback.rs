//! `{prefix}/callback/{authority}`: somebody comes back. The validated token is judged by the route that asked; only
//! then does the browser get a session.

use axum::Extension;
use axum::extract::{Path, Request};
use http::HeaderMap;

use super::{Asked, form, guarded, prompt};
use crate::domain::authority::AuthorityName;
use crate::domain::policy::Subject;
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::Route;
use crate::flow::sign_in::{Arrival, Setback, Why};
use crate::protocol::callback::AuthorizationResponse;
use crate::protocol::callback::provider_error::HelpText;
use crate::protocol::cookies::{Dialect, OwnCookies};
use crate::proxy::audit::Incident;
use crate::proxy::call::Verdict;
use crate::proxy::opening::Afresh;
use crate::proxy::pages::notice::Person;
use crate::proxy::pages::reason::{ProviderDetails, Who};
use crate::proxy::respond::{self, Redirect, Told};
use crate::proxy::sessions::{self, Sessions};
use crate::telemetry::audit::Happening;

/// `response_mode=query`
pub(super) async fn query(Extension(asked): Extension<Asked>, Path(authority): Path<String>, headers: HeaderMap) -> Told {
    let query = asked.visit.target.query().unwrap_or_default().to_owned();
    receive(&asked, &authority, query.as_bytes(), &headers).await
}

/// `response_mode=form_post`: a form from another site, and the only one that is taken.
pub(super) async fn form(Extension(asked): Extension<Asked>, Path(authority): Path<String>, request: Request) -> Told {
    let (head, body) = request.into_parts();
    match form::posted(&head.headers, body).await {
        Ok(body) => receive(&asked, &authority, &body, &head.headers).await,
        Err(reason) => asked.reply().refuse_for(reason),
    }
}

async fn receive(asked: &Asked, authority: &str, response: &[u8], headers: &HeaderMap) -> Told {
    let Ok(authority) = AuthorityName::parse(authority) else { return asked.reply().refuse_for(Reason::NoRoute) };
    let is_there = asked.shared.sign_in.authorities.contains_key(&authority);
    let response = match AuthorizationResponse::parse(response) {
        Ok(response) => response,
        Err(_) if !is_there => return asked.reply().refuse_for(Reason::NoRoute),
        Err(defect) => {
            tracing::info!(%authority, %defect, "An authorization response from {authority} could not be read");
            return asked.reply().refuse_for(Reason::BadRequest).audited(&asked.shared, Incident::at(Happening::SignInFailed, &authority));
        }
    };
    let origin = &asked.visit.origin;
    let own = OwnCookies::read(headers, Dialect::of(origin));
    match asked.shared.sign_in.finish(&authority, response, &own, origin).await {
        Ok(arrival) => welcome(asked, arrival, &own).await,
        Err(setback) if is_there => turn_back(asked, &authority, &setback, &own).await,
        Err(Setback { why: Why::ForeignState, .. }) => asked.reply().refuse_for(Reason::NoRoute),
        Err(setback) => see_off(asked, &authority, setback.return_to.as_deref()),
    }
}

/// Somebody was under way, for the state is ours, when a reload took the authority away. They may begin anew elsewhere.
fn see_off(asked: &Asked, authority: &AuthorityName, return_to: Option<&str>) -> Told {
    tracing::info!(%authority, "A sign-in by {authority} ended early: the configuration does not name it any more");
    let return_to = return_to.map(|text| place(asked, text));
    let mut page = asked.reply().about(Reason::FlowExpired);
    page.return_to = return_to.as_ref();
    asked.reply().refuse(&page).audited(&asked.shared, Incident::at(Happening::SignInFailed, authority))
}

/// The token holds. Whether it opens the door is the route's to say, by the configuration of now.
async fn welcome(asked: &Asked, arrival: Arrival, own: &OwnCookies<'_>) -> Told {
    let shared = &asked.shared;
    let origin = &asked.visit.origin;
    let return_to = place(asked, &arrival.return_to);
    let who = &arrival.record.session.principal;
    if arrival.hint.is_some_and(|hint| hint != who.kind) {
        tracing::info!(authority = %who.authority, kind = who.kind.as_str(), "Somebody signed in with another kind of account than was guessed");
    }
    let incident = |happening| Incident { chosen: arrival.hint, ..Incident::to(happening, who) };
    let route = route_of(asked, &return_to).or_else(|| shared.rules.routes.named(&arrival.route));
    let verdict = match route.map(|route| (route, route.judge(Subject { principal: who, grant: None }))) {
        // Nobody knows yet. The page that they wanted asks again, so they come to it with their session.
        Some((route, Err(Reason::GroupsUnavailable))) => Verdict::allow(Reason::SignedIn).on(route),
        Some((route, Err(reason))) => {
            let told = turn_away(asked, who, &return_to, route, reason).audited(shared, incident(Happening::SignInFailed));
            return told.with_cookies([arrival.spent, prompt::ask_for_account(origin)]);
        }
        Some((route, Ok(permit))) => Verdict::allow(Reason::SignedIn).although(permit.would_be_refused()).on(route),
        None => Verdict::allow(Reason::SignedIn),
    };
    let kept = match shared.keeper.begin(arrival.record.clone()).await {
        Ok(kept) => kept,
        Err(error) => {
            tracing::error!(authority = %who.authority, fault = "session store", %error, "Somebody signed in, and the session could not be kept");
            let mut page = asked.reply().about(Reason::SessionStoreUnavailable);
            page.return_to = Some(&return_to);
            let told = asked.reply().refuse(&page).audited(shared, incident(Happening::SignInFailed));
            return told.with_cookies([arrival.spent]);
        }
    };
    match sessions::cookies(shared, &kept, own, origin) {
        Ok(cookies) => {
            end_earlier(asked, &who.authority, own).await;
            let told = Told::new(respond::redirect(Redirect::SeeOther, &return_to.to_url()), verdict.about(Some(who)));
            let told = told.audited(shared, incident(Happening::SignedIn));
            told.with_cookies(cookies).with_cookies([arrival.spent, prompt::no_more(origin)])
        }
        Err(too_large) => {
            tracing::error!(authority = %who.authority, %too_large, "A session does not fit into cookies; keep sessions in a store ([session] store), or have the authority send fewer roles and groups");
            let told = asked.reply().refuse_for(Reason::HeadersTooLarge).audited(shared, incident(Happening::SignInFailed));
            told.with_cookies([arrival.spent])
        }
    }
}

/// Ends what this browser had at the authority before: its cookie is about to be replaced, and no copy of it may outlive
/// that. If it cannot be done now, the earlier session ends by itself.
async fn end_earlier(asked: &Asked, authority: &AuthorityName, own: &OwnCookies<'_>) {
    let Ok(earlier) = Sessions::read(&asked.shared, &Afresh, own, &asked.visit.origin, [authority], asked.call.now).await else { return };
    for kept in &earlier.live {
        if let Err(error) = asked.shared.keeper.end(kept, "signed in anew").await {
            tracing::warn!(%authority, %error, "An earlier session at {authority} could not be ended");
        }
    }
}

/// The person is known, and the route does not admit them.
fn turn_away(asked: &Asked, who: &Principal, return_to: &ReturnTo, route: &Route, reason: Reason) -> Told {
    let mut page = asked.reply().about(reason);
    page.return_to = Some(return_to);
    page.who = Who::TurnedAway(Person::of(who, asked.shared.organisation_of(who)));
    let mut told = asked.reply().refuse(&page);
    told.verdict = told.verdict.on(route).about(Some(who));
    told
}

/// It did not work. Somebody who is signed in already is simply taken where they wanted to go; everybody else gets a
/// page with a way on.
async fn turn_back(asked: &Asked, authority: &AuthorityName, setback: &Setback, own: &OwnCookies<'_>) -> Told {
    let reason = setback.why.reason();
    let return_to = setback.return_to.as_deref().map(|text| place(asked, text));
    log(authority, &setback.why, reason);
    if reason == Reason::FlowExpired
        && let Some(return_to) = &return_to
        && is_signed_in(asked, return_to, own).await
    {
        let told = Told::new(respond::redirect(Redirect::SeeOther, &return_to.to_url()), Verdict::allow(Reason::SignedIn));
        return told.with_cookies(setback.spent.clone());
    }
    let error = setback.why.provider_error();
    let code = error.and_then(|error| error.aadsts.map(|number| format!("AADSTS{number}")).or_else(|| error.error.map(str::to_owned)));
    let correlation = error.and_then(|error| error.correlation).map(|id| id.to_string());
    let mut page = asked.reply().about(reason);
    page.return_to = return_to.as_ref();
    // "Try again" is what the pages say anyway.
    page.help = error.filter(|error| error.help != HelpText::TryAgain).map(|error| error.help.sentence());
    page.provider = ProviderDetails { code: code.as_deref(), correlation_id: correlation.as_deref() };
    let told = asked.reply().refuse(&page).audited(&asked.shared, Incident::at(Happening::SignInFailed, authority));
    told.with_cookies(setback.spent.clone())
}

fn log(authority: &AuthorityName, why: &Why, reason: Reason) {
    use crate::domain::reason::Fault;
    let reason_code = reason.code();
    let error = why.provider_error();
    let (code, aadsts) = (error.and_then(|error| error.error), error.and_then(|error| error.aadsts));
    match reason.fault() {
        Fault::Ours | Fault::Provider => {
            tracing::warn!(%authority, reason = reason_code, error = code, aadsts, "A sign-in by {authority} failed: {why}");
        }
        Fault::Browser | Fault::Nobody | Fault::Person | Fault::Upstream => {
            tracing::info!(%authority, reason = reason_code, error = code, aadsts, "A sign-in by {authority} ended early: {why}");
        }
    }
}

/// What was sealed is parsed again: the origins may have changed since.
fn place(asked: &Asked, text: &str) -> ReturnTo {
    let parsed = ReturnTo::parse(text, &asked.visit.origin, &asked.shared.rules.origins);
    parsed.unwrap_or_else(|_| ReturnTo::front_page(&asked.visit.origin))
}

fn route_of<'a>(asked: &'a Asked, return_to: &ReturnTo) -> Option<&'a Route> {
    guarded::at(&asked.shared.rules, return_to).map(|(route, _)| route)
}

async fn is_signed_in(asked: &Asked, return_to: &ReturnTo, own: &OwnCookies<'_>) -> bool {
    let Some(route) = route_of(asked, return_to) else { return false };
    let authorities = route.access.requirements().map(|wanted| wanted.authorities.as_slice()).unwrap_or_default();
    let Ok(sessions) = Sessions::read(&asked.shared, &Afresh, own, &asked.visit.origin, authorities, asked.call.now).await else {
        return false;
    };
    sessions.live.iter().any(|kept| route.judge(Subject { principal: &kept.session().principal, grant: None }).is_ok())
}
