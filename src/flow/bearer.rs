//! Access tokens: which authority's token this claims to be, and whether it holds.

use std::sync::Arc;

use super::authority::{Authorities, NotJudged};
use super::ports::Clock;
use crate::domain::authority::AuthorityName;
use crate::domain::policy::AccessGrant;
use crate::domain::principal::Principal;
use crate::protocol::access_token::{self, ExpectedGrant, RoutingHint};
use crate::protocol::secret::Secret;

/// Judges a bearer token (RFC 6750) by the first of `candidates` whose issuer it names.
///
/// # Errors
/// [`NotJudged`] if that authority's keys cannot be had or the token does not hold; `None` if no candidate would issue
/// such a token.
pub async fn judge(
    authorities: &Authorities,
    candidates: &[AuthorityName],
    raw: &Secret<String>,
    audiences: &[Arc<str>],
    clock: &dyn Clock,
) -> Result<Option<(Principal, AccessGrant)>, NotJudged> {
    let Some(RoutingHint { issuer, tenant }) = access_token::peek(raw) else { return Ok(None) };
    let mut unavailable = None;
    for authority in candidates.iter().filter_map(|name| authorities.get(name)) {
        // An authority that is down must not keep another one's tokens out.
        let metadata = match authority.provider.metadata().await {
            Ok(metadata) => metadata,
            Err(error) => {
                unavailable = Some(error);
                continue;
            }
        };
        if metadata.issuer.accepts(authority.kind, &issuer, tenant).is_err() {
            continue;
        }
        let expected = ExpectedGrant {
            authority: &authority.name,
            kind: authority.kind,
            pinning: authority.issuer.pinning(),
            issuer: &metadata.issuer,
            audiences,
        };
        let now = clock.now();
        return authority.judge_with(|keys| access_token::judge(raw, &expected, keys, now)).await.map(Some);
    }
    unavailable.map_or(Ok(None), |error| Err(NotJudged::Unavailable(error)))
}
