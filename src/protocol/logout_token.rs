//! The judgement of logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6), signature first: by which a
//! provider tells us, without a browser, whose session has ended. What is done about it is decided elsewhere, and so is
//! whether the token came before.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use serde_json::Value;

use super::id_token::TokenDefect;
use super::jwt::checks::{self, Age};
use super::jwt::claims::Claims;
use super::jwt::person;
use super::jwt::{self, Purpose};
use super::keys::KeySet;
use super::secret::Secret;
use crate::domain::account::AccountKind;
use crate::domain::authority::{AuthorityName, IssuerInForce};
use crate::domain::time::Timestamp;

#[cfg(test)]
mod tests;

/// How long ago a logout token may have been issued: it is made for the occasion (§4 asks for two minutes at most).
const LONGEST_AGE: Duration = Duration::from_secs(2 * 60);

/// How long a token could be shown again: from the earliest moment by its clock to the latest by ours.
pub const REPEATABLE_FOR: Duration = Duration::from_secs(2 * 60 + 2 * 60);

/// What says that somebody was signed out (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a token is held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The authority whose keys are used.
    pub authority: &'a AuthorityName,
    /// What it issues.
    pub kind: AccountKind,
    /// Which issuers it may name.
    pub issuer: &'a IssuerInForce,
    /// Our client id there.
    pub client_id: &'a str,
}

/// A judged token.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// Names the token among all that any authority issues, to know it again.
    pub id: LogoutTokenId,
    /// Who was signed out.
    pub of: SignedOut,
}

/// Names a token: a digest, so that all are of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogoutTokenId([u8; 16]);

/// Who was signed out. With `sid` it is that one session, whoever's it is; without it is everything of one person
/// (§2.7).
#[derive(Clone, PartialEq, Eq)]
pub enum SignedOut {
    /// One session of theirs, by its `sid`.
    Session(Arc<str>),
    /// One person in all their browsers.
    Person {
        /// `iss`
        issuer: Arc<str>,
        /// `sub`
        subject: Arc<str>,
    },
}

/// Why a good token is no logout token. In the order of the checks of §2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALogoutToken {
    /// Neither `sub` nor `sid`.
    #[error("the logout token names nobody (OpenID Connect Back-Channel Logout 1.0 §2.6 step 5)")]
    NamesNobody,
    /// `sid` is no text, empty, too long, or has control characters.
    #[error("the logout token's `sid` cannot be a session's")]
    Session,
    /// `events` does not say that somebody was signed out.
    #[error("the token tells of no sign-out (OpenID Connect Back-Channel Logout 1.0 §2.6 step 6)")]
    Event,
    /// It has a `nonce`, as ID tokens do.
    #[error("the token has a `nonce`, which no logout token has (OpenID Connect Back-Channel Logout 1.0 §2.6 step 7)")]
    Nonce,
    /// `jti` is missing, no text, empty, too long, or has control characters.
    #[error("the logout token has no usable `jti`, by which to know it again")]
    Id,
}

/// Judges.
///
/// # Errors
/// [`TokenDefect`], the first that is found.
pub fn judge(raw: &Secret<String>, expected: &Expected<'_>, keys: &KeySet, now: Timestamp) -> Result<LogoutToken, TokenDefect> {
    let verified = jwt::verify(raw.expose(), Purpose::Logout, keys)?;
    let claims = &verified.claims;
    let issued = checks::issued_anywhere(&verified, expected.issuer, expected.kind)?;
    check_audience(claims, expected.client_id)?;
    checks::times_without_expiry(claims, Age::AtMost(LONGEST_AGE), now)?;
    let of = signed_out(claims, issued.issuer)?;
    check_event(claims)?;
    if claims.nonce.is_some() {
        return Err(NotALogoutToken::Nonce.into());
    }
    let id = claims.jti.as_ref().and_then(Value::as_str).filter(|id| checks::is_plain(id)).ok_or(NotALogoutToken::Id)?;
    Ok(LogoutToken { id: LogoutTokenId::of(expected.authority, issued.issuer, id), of })
}

/// For us and nobody else, as with ID tokens (§2.6 step 4).
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), TokenDefect> {
    let audiences = checks::audiences(claims)?;
    if !audiences.iter().any(|audience| audience == client_id) {
        return Err(TokenDefect::Audience);
    }
    if audiences.iter().any(|audience| audience != client_id) { Err(TokenDefect::UntrustedAudience) } else { Ok(()) }
}

fn signed_out(claims: &Claims, issuer: &str) -> Result<SignedOut, TokenDefect> {
    let subject = checks::subject(claims)?;
    match (&claims.sid, subject) {
        (Some(_), _) => Ok(SignedOut::Session(person::provider_session(claims).ok_or(NotALogoutToken::Session)?)),
        (None, Some(subject)) => Ok(SignedOut::Person { issuer: issuer.into(), subject: subject.into() }),
        (None, None) => Err(NotALogoutToken::NamesNobody.into()),
    }
}

fn check_event(claims: &Claims) -> Result<(), NotALogoutToken> {
    let event = claims.events.as_ref().and_then(Value::as_object).and_then(|events| events.get(EVENT));
    if event.is_some_and(Value::is_object) { Ok(()) } else { Err(NotALogoutToken::Event) }
}

impl LogoutTokenId {
    /// `jti` is unique for its issuer only (RFC 7519 §4.1.7).
    fn of(authority: &AuthorityName, issuer: &str, jti: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [authority.as_str(), issuer, jti] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(id)
    }
}

/// Without whom it names.
impl std::fmt::Debug for LogoutToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogoutToken").field("id", &self.id).finish_non_exhaustive()
    }
}
