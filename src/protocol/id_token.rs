//! The judgement of ID tokens (OpenID Connect Core §3.1.3.7), signature first.
//!
//! Metadata, keys and the nonce come from elsewhere; what a route makes of the person is the policy's business.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::{AccessToken, AccessTokenHash, AuthorizationCode, AuthorizationCodeHash};

use super::jwt::checks::{self, Age};
use super::jwt::claims::Claims;
use super::jwt::person::{self, Source};
use super::jwt::{self, Purpose, Verified};
use super::keys::KeySet;
use super::logout_token::NotALogoutToken;
use super::secret::Secret;
use crate::domain::account::{AccountKind, Pinning, TenantId};
use crate::domain::authority::{AuthorityName, IssuerInForce, IssuerMismatch};
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;

#[cfg(test)]
mod tests;

/// How long ago an ID token may have been issued. It comes straight from the token endpoint, where providers issue it
/// for the purpose or, some of them, when the person signed in; Microsoft dates it a few minutes back.
const LONGEST_AGE: Duration = Duration::from_secs(60 * 60);

/// What a token is held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The authority that was asked.
    pub authority: &'a AuthorityName,
    /// What it issues.
    pub kind: AccountKind,
    /// Whether it speaks for one issuer only.
    pub pinning: Pinning,
    /// Which issuers it may name.
    pub issuer: &'a IssuerInForce,
    /// Our client id there.
    pub client_id: &'a str,
    /// The nonce of the attempt.
    pub nonce: &'a Secret<String>,
    /// For `at_hash`.
    pub access_token: Option<&'a Secret<String>>,
    /// The code that was spent, for `c_hash`.
    pub code: &'a Secret<String>,
    /// `utid` of `client_info`.
    pub home_tenant: Option<TenantId>,
}

/// A judged token.
#[derive(Debug)]
pub struct ValidatedIdToken {
    /// The person.
    pub principal: Principal,
    /// The opaque `login_hint` claim, for `logout_hint`.
    pub sign_out_hint: Option<String>,
    /// `sid`, by which the authority tells us that its session has ended.
    pub provider_session: Option<Arc<str>>,
}

/// Why a token does not hold. Of ID tokens and access tokens alike; in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenDefect {
    /// More than [`jwt::MAX_BYTES`].
    #[error("the token is longer than {} bytes", jwt::MAX_BYTES)]
    TooLong,
    /// Not three parts of base64url.
    #[error("the token is not a signed JWT in the compact form (RFC 7515 §3.1)")]
    Form,
    /// Not a JSON object of reasonable size, or a member occurs twice or with the wrong type.
    #[error("the token's header cannot be read")]
    Header,
    /// `crit`, `b64`, `zip`, `enc` or `cty`.
    #[error("the token's header asks for an extension, compression, encryption or nesting")]
    UnsupportedHeader,
    /// `typ` says that it is for something else.
    #[error("the token is of another type than the one asked for")]
    Type,
    /// `none`, HMAC, or an unknown one.
    #[error("the token's signature algorithm is not on the list")]
    Algorithm,
    /// No key of this `kid`: perhaps a newer key set has it.
    #[error("the token is signed by a key that the provider does not publish")]
    UnknownKey,
    /// No `kid`, and several keys.
    #[error("the token does not say which of the provider's keys signed it")]
    AmbiguousKey,
    /// The key does not make such signatures.
    #[error("the token's signature algorithm is not one of the named key")]
    KeyAlgorithm,
    /// Signed by somebody else, or changed since.
    #[error("the token's signature does not hold")]
    Signature,
    /// Not a JSON object of reasonable depth, or a claim occurs twice or with the wrong type.
    #[error("the token's claims cannot be read")]
    Claims,
    /// A claim that must be there is not.
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    /// `tid` is not a GUID.
    #[error("the token's `tid` is not a tenant id")]
    Tenant,
    /// The key's own `issuer` is another one: one tenant's key signed for another.
    #[error("the token is signed by a key that may not sign for its issuer")]
    KeyIssuer,
    /// `iss` and `tid` are not this authority's.
    #[error("{0}")]
    Issuer(#[from] IssuerMismatch),
    /// `aud` does not name us, or too many others.
    #[error("the token is for another audience (OpenID Connect Core §3.1.3.7 step 3)")]
    Audience,
    /// `aud` names others beside us.
    #[error("the token is for somebody else as well, whom we do not trust (OpenID Connect Core §3.1.3.7 step 3)")]
    UntrustedAudience,
    /// `azp` names another client, or is missing where `aud` is a list.
    #[error("the token was issued to another client (OpenID Connect Core §3.1.3.7 steps 4 and 5)")]
    AuthorizedParty,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `exp` is more than ten years away.
    #[error("the token expires absurdly late")]
    ExpiryTooFar,
    /// `nbf` is still to come.
    #[error("the token is not valid yet: do the clocks agree?")]
    NotYetValid,
    /// `iat` is still to come.
    #[error("the token was issued in the future: do the clocks agree?")]
    IssuedInTheFuture,
    /// `iat` is more than an hour ago.
    #[error("the token was issued too long ago")]
    IssuedTooLongAgo,
    /// Another attempt's.
    #[error("the token belongs to another sign-in attempt (OpenID Connect Core §3.1.3.7 step 11)")]
    Nonce,
    /// `at_hash` is not that of the access token.
    #[error("the token came with another access token (OpenID Connect Core §3.1.3.8)")]
    AccessTokenHash,
    /// `c_hash` is not that of the code.
    #[error("the token came for another code (OpenID Connect Core §3.3.2.10)")]
    CodeHash,
    /// `sub` is empty, too long, or has control characters.
    #[error("the token's `sub` cannot be anybody's identifier")]
    Subject,
    /// `oid` is not a GUID where there is a `tid`, or empty, or too long.
    #[error("the token's `oid` cannot be anybody's identifier")]
    Object,
    /// An ID token, or nothing that grants access, presented as an access token.
    #[error("the token is not an access token")]
    NotAnAccessToken,
    /// Something that is no logout token, presented as one.
    #[error("{0}")]
    NotALogoutToken(#[from] NotALogoutToken),
}

/// Judges.
///
/// # Errors
/// [`TokenDefect`], the first that is found.
pub fn judge(raw: &Secret<String>, expected: &Expected<'_>, keys: &KeySet, now: Timestamp) -> Result<ValidatedIdToken, TokenDefect> {
    let verified = jwt::verify(raw.expose(), Purpose::IdToken, keys)?;
    let claims = &verified.claims;
    let issued = checks::issued(&verified, expected.issuer, expected.kind)?;
    check_audience(claims, expected.client_id)?;
    checks::times(claims, Age::AtMost(LONGEST_AGE), now)?;
    check_nonce(claims, expected.nonce)?;
    check_access_token(&verified, expected.access_token)?;
    check_code(&verified, expected.code)?;
    let names = checks::names(claims, issued.tenant)?;
    let source =
        Source { authority: expected.authority, kind: expected.kind, pinning: expected.pinning, home_tenant: expected.home_tenant };
    Ok(ValidatedIdToken {
        principal: person::principal(source, issued, names, claims),
        sign_out_hint: person::sign_out_hint(claims),
        provider_session: person::provider_session(claims),
    })
}

/// Steps 3 to 5. Nobody else is trusted, so several audiences can only be ourselves several times.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), TokenDefect> {
    let audiences = checks::audiences(claims)?;
    if !audiences.iter().any(|audience| audience == client_id) {
        return Err(TokenDefect::Audience);
    }
    if audiences.iter().any(|audience| audience != client_id) {
        return Err(TokenDefect::UntrustedAudience);
    }
    match claims.azp.as_deref() {
        Some(party) if party == client_id => Ok(()),
        None if audiences.len() == 1 => Ok(()),
        Some(_) | None => Err(TokenDefect::AuthorizedParty),
    }
}

/// Step 11.
fn check_nonce(claims: &Claims, expected: &Secret<String>) -> Result<(), TokenDefect> {
    let nonce = claims.nonce.as_deref().ok_or(TokenDefect::Missing("nonce"))?;
    if expected.matches(nonce.as_bytes()) { Ok(()) } else { Err(TokenDefect::Nonce) }
}

/// §3.1.3.8. An `at_hash` without an access token cannot be checked, so it does not hold.
fn check_access_token(verified: &Verified<'_>, access_token: Option<&Secret<String>>) -> Result<(), TokenDefect> {
    let Some(told) = &verified.claims.at_hash else { return Ok(()) };
    let access_token = AccessToken::new(access_token.ok_or(TokenDefect::AccessTokenHash)?.expose().clone());
    let computed = AccessTokenHash::from_token(&access_token, &verified.algorithm, verified.key);
    let computed = computed.map_err(|_| TokenDefect::AccessTokenHash)?;
    if computed.as_str() == told { Ok(()) } else { Err(TokenDefect::AccessTokenHash) }
}

/// §3.3.2.10. The token endpoint need not send it; if it does, it must hold.
fn check_code(verified: &Verified<'_>, code: &Secret<String>) -> Result<(), TokenDefect> {
    let Some(told) = &verified.claims.c_hash else { return Ok(()) };
    let code = AuthorizationCode::new(code.expose().clone());
    let computed = AuthorizationCodeHash::from_code(&code, &verified.algorithm, verified.key).map_err(|_| TokenDefect::CodeHash)?;
    if computed.as_str() == told { Ok(()) } else { Err(TokenDefect::CodeHash) }
}
