//! The judgement of ID tokens (OpenID Connect Core §3.1.3.7), signature first.

use super::keys::KeySet;
use super::secret::Secret;
use crate::domain::account::{AccountKind, Pinning, TenantId};
use crate::domain::authority::{AuthorityName, IssuerInForce};
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;

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
}

/// Why a token does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenDefect {
    /// No key of this `kid`: perhaps a newer key set has it.
    #[error("the token is signed by a key that the provider does not publish")]
    UnknownKey,
}

/// Judges.
///
/// # Errors
/// [`TokenDefect`], the first that is found.
pub fn judge(_raw: &Secret<String>, _expected: &Expected<'_>, _keys: &KeySet, _now: Timestamp) -> Result<ValidatedIdToken, TokenDefect> {
    todo!()
}
