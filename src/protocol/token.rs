//! Token requests and their answers (RFC 6749 §4.1.3, §4.1.4, §5, §6). Sending the one and receiving the other is not done
//! here.

use std::time::Duration;

use url::Url;

use super::secret::Secret;
use crate::domain::account::TenantId;

pub mod answer;
pub mod request;

#[cfg(test)]
mod tests;

/// What is spent at the token endpoint.
#[derive(Debug, Clone, Copy)]
pub struct CodeGrant<'a> {
    /// `code`
    pub code: &'a Secret<String>,
    /// `code_verifier` (RFC 7636 §4.5)
    pub verifier: &'a Secret<String>,
    /// The `redirect_uri` of the authorization request, character for character.
    pub redirect_uri: &'a str,
}

/// What came back.
#[derive(Debug)]
pub struct TokenResponse {
    /// `id_token`, not judged yet.
    pub id_token: Secret<String>,
    /// `access_token`: for `at_hash`, and for questions to the authority.
    pub access_token: Option<Secret<String>>,
    /// `refresh_token`, if there is one.
    pub refresh_token: Option<Secret<String>>,
    /// `expires_in`: how long the access token holds. `None` if it was not said, or not in a readable way.
    pub expires_in: Option<Duration>,
    /// `utid` of Microsoft's `client_info`: the home tenant, as the token endpoint itself told us. `None` where
    /// it was not told, or not asked for.
    pub home_tenant: Option<TenantId>,
}

/// What came back for a refresh token (RFC 6749 §6, OpenID Connect Core §12.2).
#[derive(Debug, Default)]
pub struct RefreshedTokens {
    /// `id_token`, not judged yet. `None`: nothing new is said of the person.
    pub id_token: Option<Secret<String>>,
    /// `access_token`
    pub access_token: Option<Secret<String>>,
    /// The `refresh_token` that takes the place of the one that was spent; `None`: that one is still good.
    pub refresh_token: Option<Secret<String>>,
    /// `expires_in`: how long the access token holds. `None` if it was not said, or not in a readable way.
    pub expires_in: Option<Duration>,
    /// Without it the claims cannot be judged, but the tokens are what they are.
    pub home_tenant: HomeTenant,
}

/// Why a code or a refresh token was not turned into tokens. The texts hold the error code, Microsoft's error number and the correlation
/// id, and nothing else of what the provider said.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// The provider refused our client: a wrong or expired secret (`invalid_client`, `unauthorized_client`).
    #[error("the provider refuses our client: {0}")]
    ClientRefused(String),
    /// The provider refused what was to be spent: late, spent, revoked, or another client's (`invalid_grant`).
    #[error("the provider refuses the grant: {0}")]
    GrantRefused(String),
    /// Any other error.
    #[error("the token endpoint answered with an error: {0}")]
    Provider(String),
    /// Not now: it could not be asked, or says so.
    #[error("the token endpoint does not answer: {0}")]
    Unavailable(String),
    /// It was asked, and no answer came: it may have taken what was to be spent.
    #[error("the token endpoint was asked and did not answer: {0}")]
    Unanswered(String),
    /// It answered as if all went well, and nothing can be made of it: what was to be spent has been taken, it must be feared.
    #[error("the token endpoint's answer cannot be read: {0}")]
    Unreadable(String),
}

/// What the token endpoint told of the home tenant, in Microsoft's `client_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HomeTenant {
    /// This is it.
    Told(TenantId),
    /// Something that cannot be read. That is not the same as nothing: a missing home lets somebody count as a member where
    /// the token says no more, and the one that is hidden here could be a personal account's.
    Unreadable,
    /// Nothing, or it was not asked.
    #[default]
    Untold,
}

/// Whose habits a token endpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Asks for and understands `client_info`.
    Microsoft,
    /// The standards, nothing more.
    Standard,
}

/// A token request, ready to be sent with `Content-Type: application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct TokenRequest {
    /// Where to.
    pub url: Url,
    /// The value of `Authorization`.
    pub authorization: Option<Secret<String>>,
    /// The form.
    pub body: Secret<String>,
}
