//! The judgement of access tokens that are presented to a route as bearer tokens (RFC 6750, RFC 9068). Only JWTs of the
//! configured authorities; opaque tokens are not looked up anywhere. Scopes and roles are the policy's business.

use std::sync::Arc;

use serde_json::Value;

use super::id_token::TokenDefect;
use super::jwt::checks::{self, Age};
use super::jwt::claims::Claims;
use super::jwt::person::{self, Source};
use super::jwt::{self, Purpose};
use super::keys::KeySet;
use super::secret::Secret;
use crate::domain::account::{AccountKind, Pinning, TenantId};
use crate::domain::authority::{AuthorityName, IssuerInForce};
use crate::domain::policy::AccessGrant;
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;

#[cfg(test)]
mod tests;

/// What an access token is held against.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedGrant<'a> {
    /// The authority whose keys are used.
    pub authority: &'a AuthorityName,
    /// What it issues.
    pub kind: AccountKind,
    /// Whether it speaks for one issuer only.
    pub pinning: Pinning,
    /// Which issuers it may name.
    pub issuer: &'a IssuerInForce,
    /// One of these must be in `aud`.
    pub audiences: &'a [Arc<str>],
}

/// What a token claims about its origin before anybody has checked it: tells whose keys to check it with, and proves
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingHint {
    /// `iss`
    pub issuer: String,
    /// `tid`
    pub tenant: Option<TenantId>,
}

/// Looks who claims to have issued a token. `None` if it is not a JWT, too long, or does not say.
#[must_use]
pub fn peek(raw: &Secret<String>) -> Option<RoutingHint> {
    let claims = jwt::unverified_claims(raw.expose())?;
    let tenant = claims.tid.as_deref().map(TenantId::parse).transpose().ok()?;
    Some(RoutingHint { issuer: claims.iss?, tenant })
}

/// Judges.
///
/// # Errors
/// [`TokenDefect`], the first that is found.
pub fn judge(
    raw: &Secret<String>,
    expected: &ExpectedGrant<'_>,
    keys: &KeySet,
    now: Timestamp,
) -> Result<(Principal, AccessGrant), TokenDefect> {
    let verified = jwt::verify(raw.expose(), Purpose::AccessToken, keys)?;
    let claims = &verified.claims;
    let issued = checks::issued(&verified, expected.issuer, expected.kind)?;
    let audiences = checks::audiences(claims)?;
    if !audiences.iter().any(|audience| expected.audiences.iter().any(|ours| **ours == **audience)) {
        return Err(TokenDefect::Audience);
    }
    let expires_at = checks::times(claims, Age::Any, now)?;
    check_purpose(claims)?;
    let names = checks::names(claims, issued.tenant)?;
    let source = Source { authority: expected.authority, kind: expected.kind, pinning: expected.pinning, home_tenant: None, before: None };
    let grant = AccessGrant { audiences: audiences.to_vec(), scopes: scopes(claims), expires_at };
    Ok((person::principal(source, issued, names, claims), grant))
}

/// An ID token must not open an API: some providers give both the same issuer, key and audience. ID tokens carry
/// `nonce` and hashes; access tokens carry a scope, or, where an app acts for itself, roles and the app's id.
fn check_purpose(claims: &Claims) -> Result<(), TokenDefect> {
    let is_id_token = claims.nonce.is_some() || claims.at_hash.is_some() || claims.c_hash.is_some();
    let has_scope = claims.scp.is_some() || claims.scope.is_some();
    let names_the_app = claims.azp.is_some() || claims.appid.is_some() || claims.client_id.is_some();
    if !is_id_token && (has_scope || (claims.roles.is_some() && names_the_app)) { Ok(()) } else { Err(TokenDefect::NotAnAccessToken) }
}

/// Microsoft's `scp` or the standard `scope` (RFC 9068 §2.2.3): a text with spaces, at some providers a list.
fn scopes(claims: &Claims) -> Vec<String> {
    let Some(claim) = claims.scp.as_ref().or(claims.scope.as_ref()) else { return Vec::new() };
    match claim {
        Value::String(scopes) => scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        Value::Array(scopes) => scopes.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
