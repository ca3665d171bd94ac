//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 §4.3), read in the order that
//! decides where a refusal may go: before the redirect URI is known to be the app's own, only onto a page.

use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use super::Provider;
use super::fault::Fault;
use super::pages;
use super::params::Params;

/// What the app asks for.
#[derive(Debug)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) reply_to: ReplyTo,
    pub(super) scope: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) login_hint: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) wants_client_info: bool,
}

/// `prompt`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Show the page, whoever is signed in.
    Always,
    /// Never show a page.
    Never,
    /// Show a page if need be.
    WhenNeeded,
}

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, Fault> {
        match text {
            None => Ok(Self::WhenNeeded),
            Some("none") => Ok(Self::Never),
            Some("consent" | "login" | "select_account") => Ok(Self::Always),
            Some(_) => Err(Fault::UnsupportedPrompt),
        }
    }
}

/// Where the answer goes.
#[derive(Debug, Clone)]
pub(super) struct ReplyTo {
    /// Exactly as the app wrote it: the code is bound to this text.
    pub(super) redirect_uri: String,
    target: Url,
    mode: ResponseMode,
    state: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResponseMode {
    FormPost,
    Query,
}

/// A refusal, and where it may be told.
#[derive(Debug)]
pub(super) enum Refusal {
    /// On a page of ours: nobody is known to be waiting for it elsewhere.
    Here(Fault),
    /// To the app.
    To(Box<ReplyTo>, Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Here(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Here(fault) => pages::refusal(&fault),
            Self::To(reply_to, fault) => reply_to.refuse(&fault),
        }
    }
}

impl AuthorizationRequest {
    /// Reads and checks.
    pub(super) fn read(params: &Params, provider: &Provider) -> Result<Self, Refusal> {
        let client_id = params.required("client_id")?;
        let registration = provider.registration(client_id).ok_or(Fault::UnknownClient)?;
        let redirect_uri = params.required("redirect_uri")?;
        let target = Url::parse(redirect_uri).ok().filter(|_| registration.redirect_uris.admit(redirect_uri));
        let target = target.ok_or(Fault::RedirectUriNotRegistered)?;
        let state = params.optional("state").map(str::to_owned);
        let mut reply_to = ReplyTo { redirect_uri: redirect_uri.into(), target, mode: ResponseMode::Query, state };
        match params.optional("response_mode") {
            None | Some("query") => {}
            Some("form_post") => reply_to.mode = ResponseMode::FormPost,
            Some(_) => return Err(Refusal::To(Box::new(reply_to), Fault::UnsupportedResponseMode)),
        }
        Self::read_rest(params, client_id, reply_to.clone()).map_err(|fault| Refusal::To(Box::new(reply_to), fault))
    }

    /// A refusal of this request.
    pub(super) fn refused(&self, fault: Fault) -> Refusal {
        Refusal::To(Box::new(self.reply_to.clone()), fault)
    }

    fn read_rest(params: &Params, client_id: &str, reply_to: ReplyTo) -> Result<Self, Fault> {
        if params.required("response_type")? != "code" {
            return Err(Fault::UnsupportedResponseType);
        }
        let scope = params.required("scope")?;
        if !scope.split(' ').any(|word| word == "openid") {
            return Err(Fault::ScopeWithoutOpenid);
        }
        let challenge = params.optional("code_challenge").filter(|challenge| challenge.len() == 43);
        let challenge = challenge.filter(|_| params.optional("code_challenge_method") == Some("S256")).ok_or(Fault::NoPkce)?;
        Ok(Self {
            client_id: client_id.into(),
            reply_to,
            scope: scope.into(),
            challenge: challenge.into(),
            nonce: params.optional("nonce").map(str::to_owned),
            login_hint: params.optional("login_hint").map(str::to_owned),
            prompt: Prompt::parse(params.optional("prompt"))?,
            wants_client_info: params.optional("client_info") == Some("1"),
        })
    }
}

impl ReplyTo {
    /// The authorization response with a code (RFC 6749 §4.1.2).
    pub(super) fn grant(&self, code: &str, session: &str) -> Response {
        self.answer(&[("code", code), ("session_state", session)])
    }

    /// The authorization response with an error (RFC 6749 §4.1.2.1).
    pub(super) fn refuse(&self, fault: &Fault) -> Response {
        let description = fault.description();
        let mut fields = vec![("error", fault.error()), ("error_description", description.as_str())];
        if *fault == Fault::Cancelled {
            fields.push(("error_subcode", "cancel"));
        }
        self.answer(&fields)
    }

    fn answer(&self, fields: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let fields = fields.iter().copied().chain(state);
        match self.mode {
            ResponseMode::Query => {
                let mut target = self.target.clone();
                target.query_pairs_mut().extend_pairs(fields);
                Redirect::to(target.as_str()).into_response()
            }
            ResponseMode::FormPost => pages::form_post(self.target.as_str(), &fields.collect::<Vec<_>>(), &self.form_source()),
        }
    }

    /// Where a form that leads to the answer may take the browser, as a source of Content Security Policy. Browsers
    /// hold every redirect after a form against it, and its grammar has no IPv6 addresses.
    pub(super) fn form_source(&self) -> String {
        match self.target.host() {
            Some(url::Host::Ipv6(_)) | None => format!("{}:", self.target.scheme()),
            Some(url::Host::Domain(_) | url::Host::Ipv4(_)) => self.target.origin().ascii_serialization(),
        }
    }
}
