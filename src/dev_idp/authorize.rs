//! The authorization endpoint (RFC 6749 §3.1). Our own sign-in form posts to the very URL of the request, so there is
//! nothing to remember between page and answer, and the request is judged twice alike.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use super::Provider;
use super::ambient;
use super::authority::Authority;
use super::authorization_request::{AuthorizationRequest, Prompt, Refusal};
use super::directory::{self, Account, Person};
use super::fault::Fault;
use super::grants::{CodeGrant, Grant};
use super::mischief::Mischief;
use super::pages;
use super::params::Params;
use super::session::Session;

/// GET: signs in whoever is signed in already, or asks.
pub(super) async fn asked(
    State(provider): State<Arc<Provider>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&provider, &tenant, &query.unwrap_or_default(), "", &headers).unwrap_or_else(Refusal::into_response)
}

/// POST: the sign-in form's answer, or a request whose parameters come as a form (OpenID Connect Core §3.1.2.1).
pub(super) async fn answered(
    State(provider): State<Arc<Provider>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: String,
) -> Response {
    answer(&provider, &tenant, &query.unwrap_or_default(), &form, &headers).unwrap_or_else(Refusal::into_response)
}

fn answer(provider: &Provider, tenant: &str, query: &str, form_text: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let authority = Authority::parse(tenant).ok_or_else(|| Fault::no_tenant(tenant))?;
    let request = AuthorizationRequest::read(&Params::read(&[query, form_text])?, provider)?;
    // What the form says counts as somebody's choice; the app's own query cannot make one.
    let form = Params::read(&[form_text])?;
    if form.optional("cancel").is_some() {
        return Ok(request.reply_to.refuse(&Fault::Cancelled));
    }
    let session = Session::of(headers);
    match form.optional("person") {
        Some(key) => {
            let chosen = chosen(key, authority).ok_or_else(|| request.refused(Fault::AccountNotInTenant))?;
            sign_in(provider, authority, &request, chosen, Mischief::parse(form.optional("break")), session)
        }
        None => match (session_account(session.as_ref(), authority, &request), request.prompt) {
            (Some(known), Prompt::Never | Prompt::WhenNeeded) => sign_in(provider, authority, &request, known, Mischief::Nothing, session),
            (None, Prompt::Never) => {
                let fault = if session.is_some() { Fault::NothingWithoutAsking } else { Fault::LoginRequired };
                Err(request.refused(fault))
            }
            (_, Prompt::Always) | (None, Prompt::WhenNeeded) => {
                let whole = [query, form_text].join("&");
                Ok(pages::sign_in(authority, &request, &whole, session.as_ref()))
            }
        },
    }
}

type Chosen = (&'static Person, &'static Account);

/// A person's or an account's key, if there is such an account here.
fn chosen(key: &str, authority: Authority) -> Option<Chosen> {
    directory::accounts_at(authority).find(|(person, account)| account.key == key || person.key == key)
}

/// The signed-in person's account here: the same identity, and not somebody else than the app hints at.
fn session_account(session: Option<&Session>, authority: Authority, request: &AuthorizationRequest) -> Option<Chosen> {
    let session = session?;
    let meant = request.login_hint.as_deref().is_none_or(|hint| hinted(hint).is_some_and(|person| person.key == session.person.key));
    let mut here = session.person.accounts.iter().filter(|account| meant && authority.admits(account));
    here.find(|account| account.shares_identity_with(session.account)).map(|account| (session.person, account))
}

/// Who a `login_hint` means: what they type, or the opaque claim of the same name from an earlier token.
pub(super) fn hinted(hint: &str) -> Option<&'static Person> {
    let by_claim = || directory::people().iter().find(|person| person.accounts.iter().any(|account| account.login_hint() == hint));
    directory::person_called(hint).or_else(by_claim)
}

fn sign_in(
    provider: &Provider,
    authority: Authority,
    request: &AuthorizationRequest,
    chosen: Chosen,
    mischief: Mischief,
    earlier: Option<Session>,
) -> Result<Response, Refusal> {
    if let Some(fault) = mischief.refusal() {
        return Err(request.refused(fault));
    }
    let somebody_else = || directory::accounts_at(authority).find(|(person, _)| person.key != chosen.0.key && !person.fails_at_provider);
    let (person, account) = if mischief == Mischief::AnotherAccount {
        somebody_else().ok_or_else(|| request.refused(Fault::AccountNotInTenant))?
    } else {
        chosen
    };
    if person.fails_at_provider {
        return Err(request.refused(Fault::IssuingFailed));
    }
    let same = earlier.filter(|session| session.account.shares_identity_with(account));
    let session = same.unwrap_or_else(|| Session::start(person, account));
    let grant = Grant {
        client_id: request.client_id.clone(),
        authority,
        person,
        account,
        scope: request.scope.clone(),
        session: session.id.clone(),
        wants_client_info: request.wants_client_info,
    };
    let granted = CodeGrant {
        grant,
        redirect_uri: request.reply_to.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        mischief,
    };
    let code = provider.grants().issue_code(granted, ambient::now());
    let mut response = request.reply_to.grant(&code, &session.id);
    session.keep(response.headers_mut());
    Ok(response)
}
