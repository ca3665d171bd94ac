//! The sign-in: [`SignIn::begin`] sends the browser to an authority, [`SignIn::finish`] turns the authority's answer
//! into a session. What the session is allowed to do is not decided here.

use std::sync::Arc;

use url::Url;

use super::authority::{Authorities, Authority, NotJudged};
use super::groups::{self, Completion, OpenQuestions};
use super::ports::{Clock, Entropy, ProviderUnavailable};
use super::tokens;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::RouteName;
use crate::domain::session::{Session, SessionId};
use crate::protocol::attempt::accept::{AcceptedCode, CallbackError, Expectations};
use crate::protocol::attempt::state::State;
use crate::protocol::attempt::{NoAttempt, PendingSignIn, Start};
use crate::protocol::authorize::{AuthorizationRequest, Prompt};
use crate::protocol::callback::{AuthorizationResponse, Outcome, provider_error::ProviderError};
use crate::protocol::consumed::{Consumed, Consumption};
use crate::protocol::cookies::{OwnCookies, SetCookie};
use crate::protocol::id_token::{self, Expected, TokenDefect, ValidatedIdToken};
use crate::protocol::seal::KeyRing;
use crate::protocol::session_record::{SessionRecord, Tokens};
use crate::protocol::token::{CodeGrant, RedeemError};

/// The use case, with all it needs.
pub struct SignIn {
    /// Where people can be sent.
    pub authorities: Authorities,
    /// Seals attempts.
    pub keys: Arc<KeyRing>,
    /// Attempts that were spent already, under whichever configuration.
    pub consumed: Arc<Consumed>,
    /// The groups that routes name, and what is still to be asked about them.
    pub questions: Arc<OpenQuestions>,
    /// Own endpoints' prefix: redirect URIs start with it.
    pub prefix: String,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// What somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Where to sign in.
    pub authority: &'a Authority,
    /// At which of our origins they are.
    pub origin: &'a Origin,
    /// Which route asks for it.
    pub route: &'a RouteName,
    /// Where they want to go.
    pub return_to: &'a ReturnTo,
    /// What they typed.
    pub login_hint: Option<&'a str>,
    /// The kind that was chosen or found.
    pub hint: Option<AccountKind>,
    /// What the provider is to ask.
    pub prompt: Prompt,
}

/// The way to the authority.
#[derive(Debug)]
pub struct Departure {
    /// Where the browser goes.
    pub url: Url,
    /// What it takes along.
    pub cookies: Vec<SetCookie>,
}

/// Somebody came back, and their token holds.
#[derive(Debug)]
pub struct Arrival {
    /// A new session, not yet given to anybody.
    pub record: SessionRecord,
    /// Where they wanted to go: to be parsed again, by the configuration of now.
    pub return_to: String,
    /// The route that asked, by name.
    pub route: String,
    /// The kind that was guessed before they left.
    pub hint: Option<AccountKind>,
    /// Takes the attempt's cookie away.
    pub spent: SetCookie,
}

/// Somebody came back, and it did not work.
#[derive(Debug)]
pub struct Setback {
    /// What happened.
    pub why: Why,
    /// Where they wanted to go, as far as it is known.
    pub return_to: Option<String>,
    /// Takes the attempt's cookie away, where it is worth nothing any more.
    pub spent: Option<SetCookie>,
}

/// What can happen on the way back.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The attempt is not this browser's, or not any more.
    #[error("{0}")]
    NoAttempt(NoAttempt),
    /// The same answer came twice.
    #[error("the sign-in attempt was spent already")]
    SpentAlready,
    /// `state` is not ours.
    #[error("the state parameter is not one of ours")]
    ForeignState,
    /// Another authority's callback, a mixed-up issuer, or the provider's own error.
    #[error("{0}")]
    Refused(CallbackError),
    /// The code could not be spent.
    #[error("{0}")]
    NotRedeemed(RedeemError),
    /// The provider's metadata or keys cannot be had.
    #[error("{0}")]
    Unavailable(ProviderUnavailable),
    /// The ID token does not hold.
    #[error("{0}")]
    BadToken(TokenDefect),
    /// The task that spends the code was stopped, as at shutdown.
    #[error("the sign-in was interrupted")]
    Interrupted,
}

impl Why {
    /// The reason that a page shows.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoAttempt(_) | Self::SpentAlready | Self::ForeignState => Reason::FlowExpired,
            Self::Refused(error) => error.reason(),
            Self::NotRedeemed(RedeemError::ClientRefused(_)) => Reason::Configuration,
            // Late or spent: the same for the person as an attempt that took too long.
            Self::NotRedeemed(RedeemError::GrantRefused(_)) => Reason::FlowExpired,
            Self::NotRedeemed(RedeemError::Provider(_) | RedeemError::Unreadable(_)) | Self::BadToken(_) => Reason::IdpError,
            Self::NotRedeemed(RedeemError::Unanswered(_) | RedeemError::Unavailable(_)) | Self::Unavailable(_) | Self::Interrupted => {
                Reason::IdpUnavailable
            }
        }
    }

    /// The provider's own error, if that is what it was.
    #[must_use]
    pub fn provider_error(&self) -> Option<&ProviderError> {
        match self {
            Self::Refused(CallbackError::Provider(error)) => Some(error),
            Self::BadToken(_)
            | Self::ForeignState
            | Self::Interrupted
            | Self::NoAttempt(_)
            | Self::NotRedeemed(_)
            | Self::Refused(_)
            | Self::SpentAlready
            | Self::Unavailable(_) => None,
        }
    }
}

impl SignIn {
    /// The redirect URI to register for an authority.
    #[must_use]
    pub fn redirect_uri(&self, origin: &Origin, authority: &AuthorityName) -> String {
        format!("{origin}{}/callback/{authority}", self.prefix)
    }

    /// Begins an attempt. `own` are the cookies of the request.
    ///
    /// # Errors
    /// [`ProviderUnavailable`] if the authority's metadata were never read and cannot be read now.
    pub async fn begin(&self, wish: &Wish<'_>, own: &OwnCookies<'_>) -> Result<Departure, ProviderUnavailable> {
        let authority = wish.authority;
        let metadata = authority.provider.metadata().await?;
        let mut random = |buffer: &mut [u8]| self.entropy.fill(buffer);
        let start =
            Start { authority: &authority.name, route: wish.route, return_to: wish.return_to, hint: wish.hint, origin: wish.origin };
        let attempt = PendingSignIn::begin(&start, self.clock.now(), &mut random);
        let url = AuthorizationRequest {
            endpoint: &metadata.authorization_endpoint,
            client_id: &authority.client_id,
            redirect_uri: &self.redirect_uri(wish.origin, &authority.name),
            scopes: &authority.scopes,
            state: &attempt.state(wish.origin, &self.keys, &mut random),
            nonce: attempt.nonce(),
            verifier: attempt.verifier(),
            response_mode: authority.response_mode,
            login_hint: wish.login_hint,
            domain_hint: None,
            prompt: wish.prompt,
            habits: authority.habits(),
            extra: &authority.extra_params,
        }
        .to_url();
        Ok(Departure { url, cookies: attempt.cookies(own, wish.origin, authority.response_mode, &self.keys, &mut random) })
    }

    /// Finishes an attempt: holds the response against it, spends the code once, judges the token.
    ///
    /// # Errors
    /// [`Setback`], with the way on.
    pub async fn finish(
        &self,
        at: &AuthorityName,
        response: AuthorizationResponse,
        own: &OwnCookies<'_>,
        origin: &Origin,
    ) -> Result<Arrival, Setback> {
        let state = State::open(response.state(), origin, &self.keys).map_err(|_| Setback::without_a_trace(Why::ForeignState))?;
        let now = self.clock.now();
        let attempt = match PendingSignIn::find(own, &state, origin, &self.keys, now) {
            Ok(attempt) => attempt,
            Err(no_attempt) => return Err(Setback::of(&state, Why::NoAttempt(no_attempt), None)),
        };
        let return_to = attempt.return_to().to_owned();
        let setback = |why| Setback { why, return_to: Some(return_to.clone()), spent: Some(PendingSignIn::deletion(&state, origin)) };
        // The path must name the attempt's authority before anything of that authority is used.
        let Some(authority) = self.authorities.get(at).filter(|_| at == attempt.authority()) else {
            return Err(setback(Why::Refused(CallbackError::OtherAuthority)));
        };
        let metadata = authority.provider.metadata().await.map_err(|error| setback(Why::Unavailable(error)))?;
        let expected = Expectations {
            authority_of_path: at,
            state: &state,
            issuer: &metadata.issuer,
            announces_iss_parameter: metadata.announces_iss_parameter,
        };
        let carries_code = matches!(response.outcome(), Outcome::Code(_));
        let accepted = attempt.accept(response, &expected).map_err(|error| setback(Why::Refused(error)));
        // An error response spends nothing, so it may be shown again when the page is reloaded.
        if carries_code && self.consumed.take(state.id(), now) == Consumption::Again {
            return Err(setback(Why::SpentAlready));
        }
        let accepted = accepted?;
        let (route, hint) = (accepted.route().to_owned(), accepted.hint());
        let redirect_uri = self.redirect_uri(origin, at);
        let redeemed = super::authority::to_the_end(redeem(Arc::clone(authority), accepted, redirect_uri, Arc::clone(&self.clock))).await;
        let (token, mut tokens) = redeemed.unwrap_or(Err(Why::Interrupted)).map_err(&setback)?;
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        let now = self.clock.now();
        let mut session = Session {
            id: SessionId(id),
            principal: token.principal,
            signed_in_at: now,
            last_seen: now,
            sign_out_hint: token.sign_out_hint,
            provider_session: token.provider_session,
        };
        let completion = groups::complete(authority, &mut session.principal, tokens.access_token.as_ref(), &self.questions.named).await;
        if let Completion::Postponed(wait) = completion {
            self.questions.postpone(session.id, wait);
        }
        tokens.access_token = completion.still_needs(tokens.access_token);
        let record = SessionRecord { session, tokens };
        Ok(Arrival { record, return_to, route, hint, spent: PendingSignIn::deletion(&state, origin) })
    }
}

/// Spends the code where it was asked for, with the client that asked, and judges what comes back.
async fn redeem(
    authority: Arc<Authority>,
    accepted: AcceptedCode,
    redirect_uri: String,
    clock: Arc<dyn Clock>,
) -> Result<(ValidatedIdToken, Tokens), Why> {
    let grant = CodeGrant { code: accepted.code(), verifier: accepted.verifier(), redirect_uri: &redirect_uri };
    let answer = authority.provider.redeem(grant).await.map_err(Why::NotRedeemed)?;
    let metadata = authority.provider.metadata().await.map_err(Why::Unavailable)?;
    let expected = Expected {
        authority: &authority.name,
        kind: authority.kind,
        pinning: authority.issuer.pinning(),
        issuer: &metadata.issuer,
        client_id: &authority.client_id,
        nonce: accepted.nonce(),
        access_token: answer.access_token.as_ref(),
        code: accepted.code(),
        home_tenant: answer.home_tenant,
    };
    let now = clock.now();
    let token =
        authority.judge_with(|keys| id_token::judge(&answer.id_token, &expected, keys, now)).await.map_err(|error| match error {
            NotJudged::Defect(defect) => Why::BadToken(defect),
            NotJudged::Unavailable(error) => Why::Unavailable(error),
        })?;
    match accepted.response_issuer() {
        // The response named a tenant's issuer: it must be the token's (RFC 9207 §2.4, OpenID Connect Core §3.1.3.7).
        Some(issuer) if *issuer != *token.principal.issuer => Err(Why::Refused(CallbackError::OtherIssuer)),
        Some(_) | None => {
            let tokens = tokens::of_sign_in(answer, accepted.nonce(), &token.principal, now);
            Ok((token, tokens))
        }
    }
}

impl Setback {
    const fn without_a_trace(why: Why) -> Self {
        Self { why, return_to: None, spent: None }
    }

    fn of(state: &State, why: Why, spent: Option<SetCookie>) -> Self {
        Self { why, return_to: Some(state.return_to().to_owned()), spent }
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("authorities", &self.authorities.len()).finish_non_exhaustive()
    }
}
