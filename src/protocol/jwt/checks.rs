//! The checks that ID tokens and access tokens share: who issued it, when it is good, whom it names. The claims have a
//! valid signature by now.

use std::time::Duration;

use super::Verified;
use super::claims::{Claims, NumericDate};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::IssuerInForce;
use crate::domain::guid::Guid;
use crate::domain::time::Timestamp;
use crate::protocol::id_token::TokenDefect;

/// How far clocks may disagree.
pub(in crate::protocol) const LEEWAY: Duration = Duration::from_secs(60);

/// A token that is good for longer is a mistake or a trick.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// The longest `sub` (OpenID Connect Core §2) and `oid`, in bytes.
const LONGEST_SUBJECT: usize = 255;

/// The most audiences of one token.
const MOST_AUDIENCES: usize = 16;

/// Who issued the token: `iss` and `tid`, agreed with each other, with the authority and with the key.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct Issued<'a> {
    pub(in crate::protocol) issuer: &'a str,
    pub(in crate::protocol) tenant: Option<TenantId>,
}

/// OpenID Connect Core §3.1.3.7 step 2, for many tenants.
pub(in crate::protocol) fn issued<'a>(
    verified: &'a Verified<'_>,
    ours: &IssuerInForce,
    kind: AccountKind,
) -> Result<Issued<'a>, TokenDefect> {
    let tenant = told_tenant(&verified.claims)?;
    issued_in(verified, tenant, ours, kind)
}

/// Likewise, for tokens that tell their tenant by their issuer alone.
pub(in crate::protocol) fn issued_anywhere<'a>(
    verified: &'a Verified<'_>,
    ours: &IssuerInForce,
    kind: AccountKind,
) -> Result<Issued<'a>, TokenDefect> {
    let tenant = told_tenant(&verified.claims)?;
    let named = || verified.claims.iss.as_deref().and_then(|issuer| ours.tenant_of(issuer));
    issued_in(verified, tenant.or_else(named), ours, kind)
}

fn told_tenant(claims: &Claims) -> Result<Option<TenantId>, TokenDefect> {
    claims.tid.as_deref().map(TenantId::parse).transpose().map_err(|_| TokenDefect::Tenant)
}

fn issued_in<'a>(
    verified: &'a Verified<'_>,
    tenant: Option<TenantId>,
    ours: &IssuerInForce,
    kind: AccountKind,
) -> Result<Issued<'a>, TokenDefect> {
    let issuer = verified.claims.iss.as_deref().ok_or(TokenDefect::Missing("iss"))?;
    // First: a key that may not speak for this issuer proves nothing about it.
    if !verified.key.admits(tenant, issuer) {
        return Err(TokenDefect::KeyIssuer);
    }
    ours.accepts(kind, issuer, tenant)?;
    Ok(Issued { issuer, tenant })
}

/// `aud`, within bounds.
pub(in crate::protocol) fn audiences(claims: &Claims) -> Result<&[String], TokenDefect> {
    let audiences = claims.aud.as_ref().ok_or(TokenDefect::Missing("aud"))?.as_slice();
    if audiences.len() <= MOST_AUDIENCES { Ok(audiences) } else { Err(TokenDefect::Audience) }
}

/// How long ago a token may have been issued.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) enum Age {
    /// As long as it has not expired.
    Any,
    /// So long, beside the leeway.
    AtMost(Duration),
}

/// Yields when the token expires. OpenID Connect Core §3.1.3.7 steps 9 and 10; RFC 7519 §4.1.4 to §4.1.6.
pub(in crate::protocol) fn times(claims: &Claims, age: Age, now: Timestamp) -> Result<Timestamp, TokenDefect> {
    let expiry = claims.exp.ok_or(TokenDefect::Missing("exp"))?;
    times_without_expiry(claims, age, now).map(|()| moment(expiry))
}

/// Likewise, for tokens that need not say when they expire.
pub(in crate::protocol) fn times_without_expiry(claims: &Claims, age: Age, now: Timestamp) -> Result<(), TokenDefect> {
    let issued_at = moment(claims.iat.ok_or(TokenDefect::Missing("iat"))?);
    let expiry = claims.exp.map(moment);
    let soon = now + LEEWAY;
    if expiry.is_some_and(|expiry| expiry + LEEWAY <= now) {
        return Err(TokenDefect::Expired);
    }
    if expiry.is_some_and(|expiry| expiry > now + LONGEST_LIFE) {
        return Err(TokenDefect::ExpiryTooFar);
    }
    if claims.nbf.map(moment).is_some_and(|not_before| not_before > soon) {
        return Err(TokenDefect::NotYetValid);
    }
    if issued_at > soon {
        return Err(TokenDefect::IssuedInTheFuture);
    }
    match age {
        Age::AtMost(longest) if now.since(issued_at) > longest + LEEWAY => Err(TokenDefect::IssuedTooLongAgo),
        Age::AtMost(_) | Age::Any => Ok(()),
    }
}

const fn moment(date: NumericDate) -> Timestamp {
    Timestamp::from_unix_seconds(date.0)
}

/// `sub` and `oid`. Both become parts of header values and keys of users, so neither is repaired.
pub(in crate::protocol) fn names(claims: &Claims, tenant: Option<TenantId>) -> Result<(&str, Option<&str>), TokenDefect> {
    let subject = subject(claims)?.ok_or(TokenDefect::Missing("sub"))?;
    let object = claims.oid.as_deref();
    // Where there are tenants, objects are GUIDs; elsewhere `oid` is whatever the provider likes.
    let fits = |object: &str| is_plain(object) && (tenant.is_none() || Guid::parse(object).is_ok());
    if object.is_none_or(fits) { Ok((subject, object)) } else { Err(TokenDefect::Object) }
}

/// `sub`, where it need not be there.
pub(in crate::protocol) fn subject(claims: &Claims) -> Result<Option<&str>, TokenDefect> {
    let subject = claims.sub.as_deref();
    if subject.is_none_or(is_plain) { Ok(subject) } else { Err(TokenDefect::Subject) }
}

/// Whether a text can be an identifier.
pub(in crate::protocol) fn is_plain(name: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&name.len()) && !name.chars().any(char::is_control)
}
