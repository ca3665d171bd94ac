//! The one way from an attempt and an authorization response to a code that may be spent. The order of the checks is
//! the point: nothing the response says is looked at before it is known whose response it is.

use std::fmt;

use super::state::State;
use super::{AttemptId, PendingSignIn};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::{AuthorityName, IssuerInForce};
use crate::domain::reason::Reason;
use crate::protocol::callback::provider_error::ProviderError;
use crate::protocol::callback::{AuthorizationResponse, Outcome};
use crate::protocol::secret::Secret;

/// What a response is held against, beside its attempt.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// The authority that the callback's path names: each has a redirect URI of its own (RFC 9700 §4.4).
    pub authority_of_path: &'a AuthorityName,
    /// The response's `state`, opened.
    pub state: &'a State,
    /// The issuer in force at that authority.
    pub issuer: &'a IssuerInForce,
    /// Whether the authority announces that its responses name their issuer (RFC 9207 §3).
    pub announces_iss_parameter: bool,
}

/// Why a response is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The provider said no.
    #[error("the provider answered with an error")]
    Provider(Box<ProviderError>),
    /// The issuer is announced, and missing (RFC 9207 §2.4).
    #[error("the authorization response does not name its issuer, though the provider announces that it does")]
    IssuerMissing,
    /// Another authority's response than the one asked.
    #[error("the authorization response comes from another authority than the one that was asked")]
    OtherAuthority,
    /// The response to another attempt.
    #[error("the authorization response belongs to another sign-in attempt")]
    OtherAttempt,
    /// `iss` names another issuer than the authority's (RFC 9207 §2.4).
    #[error("the authorization response names another issuer than the authority that was asked")]
    OtherIssuer,
}

impl CallbackError {
    /// The reason that a page shows.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Provider(error) => error.says.reason(),
            Self::IssuerMissing | Self::OtherIssuer => Reason::IdpError,
            Self::OtherAttempt | Self::OtherAuthority => Reason::FlowExpired,
        }
    }
}

/// A code that belongs to an attempt of this browser, and was sent by the authority that the attempt asked. Only
/// [`PendingSignIn::accept`] makes one.
///
/// ```compile_fail
/// let forged = homerealm::protocol::attempt::accept::AcceptedCode { attempt: unreachable!() };
/// ```
pub struct AcceptedCode {
    code: Secret<String>,
    response_issuer: Option<String>,
    attempt: PendingSignIn,
}

impl PendingSignIn {
    /// Spends the attempt on a response.
    ///
    /// # Errors
    /// [`CallbackError`], the first that applies, in the order of the checks.
    pub fn accept(self, response: AuthorizationResponse, expected: &Expectations<'_>) -> Result<AcceptedCode, CallbackError> {
        let state = expected.state;
        if state.id() != self.id {
            return Err(CallbackError::OtherAttempt);
        }
        if *expected.authority_of_path != *state.authority() || *state.authority() != self.authority {
            return Err(CallbackError::OtherAuthority);
        }
        let (response_issuer, outcome) = response.into_parts();
        // Before code and error alike: a mixed-up error is no more to be believed than a mixed-up code.
        match &response_issuer {
            Some(issuer) if !may_be_named(expected.issuer, issuer) => return Err(CallbackError::OtherIssuer),
            None if expected.announces_iss_parameter => return Err(CallbackError::IssuerMissing),
            Some(_) | None => {}
        }
        match outcome {
            Outcome::Code(code) => Ok(AcceptedCode { code, response_issuer, attempt: self }),
            Outcome::Error(error) => Err(CallbackError::Provider(Box::new(error))),
        }
    }
}

/// Compared as strings (RFC 9207 §2.4). An issuer per tenant is not known yet here, so it must have the template's
/// shape; that it is the token's own is [`AcceptedCode::response_issuer`]'s to show.
fn may_be_named(in_force: &IssuerInForce, issuer: &str) -> bool {
    match in_force {
        IssuerInForce::One { issuer: ours, .. } => ours == issuer,
        IssuerInForce::PerTenant { prefix, suffix } => {
            let gap = issuer.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_suffix(suffix.as_str()));
            gap.is_some_and(|gap| TenantId::parse(gap).is_ok_and(|tenant| tenant.to_string() == gap))
        }
    }
}

impl AcceptedCode {
    /// `code`
    #[must_use]
    pub const fn code(&self) -> &Secret<String> {
        &self.code
    }

    /// `code_verifier` (RFC 7636 §4.5)
    #[must_use]
    pub const fn verifier(&self) -> &Secret<String> {
        self.attempt.verifier()
    }

    /// What the ID token's `nonce` must be.
    #[must_use]
    pub const fn nonce(&self) -> &Secret<String> {
        self.attempt.nonce()
    }

    /// What the ID token's `iss` must be too, if the response named an issuer.
    #[must_use]
    pub fn response_issuer(&self) -> Option<&str> {
        self.response_issuer.as_deref()
    }

    /// Where the code is to be spent.
    #[must_use]
    pub const fn authority(&self) -> &AuthorityName {
        self.attempt.authority()
    }

    /// The attempt's id, for [`crate::protocol::consumed`].
    #[must_use]
    pub const fn id(&self) -> AttemptId {
        self.attempt.id()
    }

    /// The route that wanted somebody signed in, by name.
    #[must_use]
    pub fn route(&self) -> &str {
        self.attempt.route()
    }

    /// Where the person wanted to go; to be parsed again before use.
    #[must_use]
    pub fn return_to(&self) -> &str {
        self.attempt.return_to()
    }

    /// The kind of account that was chosen or found.
    #[must_use]
    pub const fn hint(&self) -> Option<AccountKind> {
        self.attempt.hint()
    }
}

impl fmt::Debug for AcceptedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedCode").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
