//! Word from a provider that a session of its own has ended, and what that means here.

use std::time::Duration;

use super::authority::{Authorities, Authority, NotJudged};
use super::ports::Clock;
use crate::domain::authority::AuthorityName;
use crate::domain::revocation::Whom;
use crate::protocol::logout_token::{self, Expected, LogoutToken, SignedOut};
use crate::protocol::secret::Secret;

/// How long a logout token has to be known again.
pub const REPEATABLE_FOR: Duration = logout_token::REPEATABLE_FOR;

/// Judges a logout token by the keys of the authority that it was addressed to.
///
/// # Errors
/// [`NotJudged`]
pub async fn judge(authority: &Authority, raw: &Secret<String>, clock: &dyn Clock) -> Result<LogoutToken, NotJudged> {
    let metadata = authority.provider.metadata().await.map_err(NotJudged::Unavailable)?;
    let expected = Expected { authority: &authority.name, kind: authority.kind, issuer: &metadata.issuer, client_id: &authority.client_id };
    let now = clock.now();
    authority.judge_with(|keys| logout_token::judge(raw, &expected, keys, now)).await
}

/// Whose sessions are over by this word of an authority.
#[must_use]
pub fn meant(authority: &AuthorityName, of: SignedOut) -> Whom {
    match of {
        SignedOut::Session(sid) => Whom::AtProvider(authority.clone(), sid),
        SignedOut::Person { issuer, subject } => Whom::Subject(authority.clone(), issuer, subject),
    }
}

/// The authorities whose sessions a provider may mean when it has a browser load the logout address of one: that one, and,
/// where one registration serves several doors of the same house, those as well, since a registration has one address.
/// `issuer` picks among them.
pub fn addressed<'a>(
    authorities: &'a Authorities,
    named: &'a Authority,
    issuer: Option<&'a str>,
) -> impl Iterator<Item = &'a Authority> + use<'a> {
    let shares = |other: &Authority| other.client_id == named.client_id && named.issuer.is_beside(&other.issuer);
    let all = authorities.values().map(|authority| &**authority);
    all.filter(move |other| other.name == named.name || shares(other))
        .filter(move |authority| issuer.is_none_or(|issuer| authority.issuer.may_be(issuer)))
}
