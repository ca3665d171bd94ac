//! The pages, and the header fields of every answer. No script anywhere; one style sheet, a file of its own.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use url::Url;

use super::Provider;
use super::authority::Authority;
use super::authorization_request::AuthorizationRequest;
use super::authorize;
use super::directory::{self, Account, Person, Tenant};
use super::fault::Fault;
use super::mischief::Mischief;
use super::session::Session;

const NOTHING_BUT_STYLE: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action";

#[derive(Template)]
#[template(path = "dev_idp/templates/front.html")]
struct Front {
    tenants: &'static [&'static Tenant],
    people: &'static [Person],
    origin: String,
}

#[derive(Template)]
#[template(path = "dev_idp/templates/sign_in.html")]
struct SignIn<'a> {
    action: String,
    who_may: String,
    client_id: &'a str,
    notice: Option<String>,
    accounts: Vec<(&'static Person, &'static Account)>,
    menu: [Mischief; 14],
}

#[derive(Template)]
#[template(path = "dev_idp/templates/form_post.html")]
struct FormPost<'a> {
    action: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

#[derive(Template)]
#[template(path = "dev_idp/templates/message.html")]
struct Message {
    heading: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "dev_idp/templates/signed_out.html")]
struct SignedOut<'a> {
    frames: &'a [Url],
    next: Option<&'a str>,
}

/// GET `/`: who and what there is.
pub(super) async fn front(State(provider): State<Arc<Provider>>) -> Response {
    let page = Front { tenants: &directory::TENANTS, people: directory::people(), origin: provider.origin().into() };
    show(&page, StatusCode::OK, "'none'")
}

/// GET `/style.css`
pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("templates/style.css"))
}

/// Every other address.
pub(super) async fn not_found() -> Response {
    let text = "This address is none of this provider's.".into();
    show(&Message { heading: "Not found", text }, StatusCode::NOT_FOUND, "'none'")
}

/// Who shall it be? The person hinted at comes first.
pub(super) fn sign_in(authority: Authority, request: &AuthorizationRequest, query: &str, session: Option<&Session>) -> Response {
    let hinted = request.login_hint.as_deref().and_then(authorize::hinted);
    let mut accounts: Vec<_> = directory::accounts_at(authority).collect();
    accounts.sort_by_key(|(person, _)| hinted.is_none_or(|hinted| hinted.key != person.key));
    let page = SignIn {
        // The page's own address: the form posts to the request that it answers.
        action: format!("/{}/oauth2/v2.0/authorize?{query}", authority.segment()),
        who_may: authority.description(),
        client_id: &request.client_id,
        notice: notice(authority, request, hinted, session),
        accounts,
        menu: Mischief::MENU,
    };
    show(&page, StatusCode::OK, &format!("'self' {}", request.reply_to.form_source()))
}

fn notice(authority: Authority, request: &AuthorizationRequest, hinted: Option<&Person>, session: Option<&Session>) -> Option<String> {
    let stranger = |person: &Person| directory::account_at(person, authority).is_none();
    match (hinted, request.login_hint.as_deref()) {
        (Some(person), _) if stranger(person) => Some(format!("{} has no account that can sign in here.", person.sign_in_name)),
        (Some(_), _) => None,
        (None, Some(unknown)) => Some(format!("Nobody here is called {unknown}. Choose somebody else.")),
        (None, None) => {
            let stuck = session.filter(|session| stranger(session.person))?;
            Some(format!("{} is signed in at this provider, but has no account that can sign in here.", stuck.person.sign_in_name))
        }
    }
}

/// The authorization response as a form (OAuth 2.0 Form Post Response Mode §2), sent by a button since there is no
/// script to send it.
pub(super) fn form_post(action: &str, fields: &[(&str, &str)], form_source: &str) -> Response {
    show(&FormPost { action, fields }, StatusCode::OK, form_source)
}

/// A refusal that no app may be told.
pub(super) fn refusal(fault: &Fault) -> Response {
    show(&Message { heading: "This request cannot be answered", text: fault.description() }, StatusCode::BAD_REQUEST, "'none'")
}

/// Signed out. The apps are told by being loaded in frames (OpenID Connect Front-Channel Logout §3), then it goes on.
pub(super) fn signed_out(frames: &[Url], next: Option<&Url>) -> Response {
    let page = SignedOut { frames, next: next.map(Url::as_str) };
    let mut origins: Vec<_> = frames.iter().map(|frame| frame.origin().ascii_serialization()).collect();
    origins.sort_unstable();
    origins.dedup();
    let sources = if frames.is_empty() { "'none'".to_owned() } else { origins.join(" ") };
    show(&page, StatusCode::OK, &format!("'none'; frame-src {sources}"))
}

/// `forms_to` is where forms may lead.
fn show(page: &impl Template, status: StatusCode, forms_to: &str) -> Response {
    match page.render() {
        Ok(html) => {
            let policy = HeaderValue::from_str(&format!("{NOTHING_BUT_STYLE} {forms_to}")).expect("origins of URLs are ASCII");
            (status, [(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What every answer carries. Nothing is worth keeping: a restart makes new keys, and codes are in the addresses.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = const { HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'") };
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.insert(CACHE_CONTROL, const { HeaderValue::from_static("no-store") });
    headers.insert(X_CONTENT_TYPE_OPTIONS, const { HeaderValue::from_static("nosniff") });
    // Apps may want to see where a form comes from, but not with which parameters.
    headers.insert(REFERRER_POLICY, const { HeaderValue::from_static("strict-origin") });
    response
}
