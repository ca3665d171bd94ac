//! Which of an answer's tokens are kept with a session: those that something still needs.

use std::time::Duration;

use crate::domain::principal::{Groups, Principal};
use crate::domain::time::Timestamp;
use crate::protocol::id_token::NonceMark;
use crate::protocol::secret::Secret;
use crate::protocol::session_record::Tokens;
use crate::protocol::token::{RefreshedTokens, TokenResponse};

/// For claims whose provider does not say for how long they hold.
const USUAL_LIFE: Duration = Duration::from_secs(60 * 60);

/// Those of a sign-in.
pub(super) fn of_sign_in(answer: TokenResponse, nonce: &Secret<String>, who: &Principal, now: Timestamp) -> Tokens {
    let access_token = still_needed(answer.access_token, who);
    let bare = Tokens { access_token, id_token: Some(answer.id_token), ..Tokens::default() };
    match answer.refresh_token {
        None => bare,
        Some(token) => Tokens {
            refresh_token: Some(token),
            fresh_since: Some(now),
            fresh_until: Some(now + life(answer.expires_in)),
            nonce: Some(NonceMark::of(nonce.expose())),
            ..bare
        },
    }
}

/// Those of a refresh. What it does not bring stays as it was.
pub(super) fn of_refresh(answer: RefreshedTokens, before: &Tokens, who: &Principal, now: Timestamp) -> Tokens {
    Tokens {
        refresh_token: answer.refresh_token.or_else(|| before.refresh_token.clone()),
        fresh_since: Some(now),
        fresh_until: Some(now + life(answer.expires_in)),
        nonce: before.nonce,
        access_token: still_needed(answer.access_token, who),
        id_token: answer.id_token.or_else(|| before.id_token.clone()),
    }
}

/// An access token has one question to answer: which groups somebody is in whose groups were too many to list.
fn still_needed(access_token: Option<Secret<String>>, who: &Principal) -> Option<Secret<String>> {
    match who.groups {
        Groups::Listed(_) => None,
        Groups::Asked { .. } | Groups::Overage => access_token,
    }
}

/// A life of nothing is none that could have been meant.
fn life(expires_in: Option<Duration>) -> Duration {
    expires_in.filter(|life| !life.is_zero()).unwrap_or(USUAL_LIFE)
}
