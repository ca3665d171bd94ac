//! The judgement of ID tokens that come with a refresh (OpenID Connect Core §12.2): as at the sign-in, and about the same
//! person, from the same issuer, for the same client. `auth_time` is not read at all, here as there.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{LONGEST_AGE, TokenDefect, ValidatedIdToken, check_access_token, check_audience};
use crate::domain::account::{Account, AccountKind, Pinning, TenantId};
use crate::domain::authority::{AuthorityName, IssuerInForce};
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;
use crate::protocol::jwt::checks::{self, Age};
use crate::protocol::jwt::claims::Claims;
use crate::protocol::jwt::person::{self, Source};
use crate::protocol::jwt::{self, Purpose};
use crate::protocol::keys::KeySet;
use crate::protocol::secret::Secret;

/// What is kept of a sign-in's nonce: enough to know it again. The nonce was good for that one attempt and is no secret
/// any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceMark([u8; 16]);

impl NonceMark {
    /// Of this nonce.
    #[must_use]
    pub fn of(nonce: &str) -> Self {
        let digest = digest(&SHA256, nonce.as_bytes());
        Self(*digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes"))
    }
}

/// What a token is held against.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedAgain<'a> {
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
    /// For `at_hash`.
    pub access_token: Option<&'a Secret<String>>,
    /// `utid` of `client_info`.
    pub home_tenant: Option<TenantId>,
    /// The nonce of the sign-in, which the token need not repeat.
    pub nonce: Option<NonceMark>,
    /// Whom the session is about.
    pub known: &'a Principal,
}

/// Why a token does not go on with the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshDefect {
    /// It is somebody else's, or for somebody else: this claim is not what it was.
    #[error("the token's `{0}` is not that of the sign-in (OpenID Connect Core §12.2)")]
    Changed(&'static str),
    /// It does not hold, which says nothing about the person.
    #[error("{0}")]
    Token(#[from] TokenDefect),
}

/// Judges. What a refresh leaves out of the evidence does not speak in the person's favour: see
/// [`classify_again`](crate::domain::account::classify_again).
///
/// # Errors
/// [`RefreshDefect`], the first that is found.
pub fn judge_refreshed(
    raw: &Secret<String>,
    expected: &ExpectedAgain<'_>,
    keys: &KeySet,
    now: Timestamp,
) -> Result<ValidatedIdToken, RefreshDefect> {
    let verified = jwt::verify(raw.expose(), Purpose::IdToken, keys)?;
    let claims = &verified.claims;
    let issued = checks::issued(&verified, expected.issuer, expected.kind).map_err(changed)?;
    check_audience(claims, expected.client_id).map_err(changed)?;
    checks::times(claims, Age::AtMost(LONGEST_AGE), now)?;
    check_nonce(claims, expected.nonce)?;
    check_access_token(&verified, expected.access_token)?;
    let (subject, object) = checks::names(claims, issued.tenant)?;
    let known = expected.known;
    let same = [
        ("iss", *known.issuer == *issued.issuer),
        ("tid", known.tenant == issued.tenant),
        ("sub", *known.subject == *subject),
        ("oid", known.object.as_deref().is_none_or(|known| object == Some(known))),
    ];
    if let Some((claim, _)) = same.into_iter().find(|(_, is_same)| !is_same) {
        return Err(RefreshDefect::Changed(claim));
    }
    let source = Source {
        authority: expected.authority,
        kind: expected.kind,
        pinning: expected.pinning,
        home_tenant: expected.home_tenant,
        before: Some(Account { kind: known.kind, membership: known.membership, home: known.home }),
    };
    // Whoever had no `oid` is known by another name, and stays so.
    let names = (subject, known.object.as_deref());
    Ok(ValidatedIdToken {
        principal: person::principal(source, issued, names, claims),
        sign_out_hint: person::sign_out_hint(claims),
        provider_session: person::provider_session(claims),
    })
}

/// Issuer and audience were right once: another one now is a change, not a mistake in the token.
fn changed(defect: TokenDefect) -> RefreshDefect {
    let is = |known: &[TokenDefect]| known.contains(&defect);
    if matches!(defect, TokenDefect::Issuer(_)) {
        RefreshDefect::Changed("iss")
    } else if is(&[TokenDefect::Audience, TokenDefect::UntrustedAudience]) {
        RefreshDefect::Changed("aud")
    } else if is(&[TokenDefect::AuthorizedParty]) {
        RefreshDefect::Changed("azp")
    } else {
        RefreshDefect::Token(defect)
    }
}

/// It should not be there; if it is, it is that of the sign-in.
fn check_nonce(claims: &Claims, of_sign_in: Option<NonceMark>) -> Result<(), TokenDefect> {
    match claims.nonce.as_deref() {
        Some(nonce) if of_sign_in != Some(NonceMark::of(nonce)) => Err(TokenDefect::Nonce),
        Some(_) | None => Ok(()),
    }
}
