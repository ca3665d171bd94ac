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

/// A longer token is not kept, in bytes: three of them and a thousand groups still fit into a record that can be read again.
const LONGEST: usize = 8 * 1024;

/// Those of a sign-in.
pub(super) fn of_sign_in(answer: TokenResponse, nonce: &Secret<String>, who: &Principal, now: Timestamp) -> Tokens {
    let bare =
        Tokens { access_token: still_needed(answer.access_token, who), id_token: fitting(Some(answer.id_token)), ..Tokens::default() };
    match fitting(answer.refresh_token) {
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
    let refresh_token = next_refresh_token(answer.refresh_token, before);
    Tokens {
        fresh_since: Some(now),
        fresh_until: refresh_token.is_some().then(|| now + life(answer.expires_in)),
        refresh_token,
        nonce: before.nonce,
        access_token: still_needed(answer.access_token, who),
        id_token: fitting(answer.id_token).or_else(|| before.id_token.clone()),
    }
}

/// Those of a refresh that brought nothing of use but the next refresh token, if that.
pub(super) fn of_spoilt_refresh(refresh_token: Option<Secret<String>>, before: &Tokens, now: Timestamp) -> Tokens {
    let refresh_token = next_refresh_token(refresh_token, before);
    let fresh_until = before.fresh_until.filter(|_| refresh_token.is_some());
    Tokens { refresh_token, fresh_since: Some(now), fresh_until, ..before.clone() }
}

/// Those of a session that cannot be refreshed any more.
pub(super) fn without_refresh(before: &Tokens, now: Timestamp) -> Tokens {
    Tokens { refresh_token: None, fresh_since: Some(now), fresh_until: None, ..before.clone() }
}

/// Without another one, the one that was spent is still good (RFC 6749 §6).
fn next_refresh_token(next: Option<Secret<String>>, before: &Tokens) -> Option<Secret<String>> {
    match next {
        Some(next) => fitting(Some(next)),
        None => before.refresh_token.clone(),
    }
}

/// An access token has one question to answer: which groups somebody is in whose groups were too many to list.
fn still_needed(access_token: Option<Secret<String>>, who: &Principal) -> Option<Secret<String>> {
    match who.groups {
        Groups::Listed(_) => None,
        Groups::Asked { .. } | Groups::Overage => fitting(access_token),
    }
}

fn fitting(token: Option<Secret<String>>) -> Option<Secret<String>> {
    token.filter(|token| token.expose().len() <= LONGEST)
}

/// A life of nothing is none that could have been meant.
fn life(expires_in: Option<Duration>) -> Duration {
    expires_in.filter(|life| !life.is_zero()).unwrap_or(USUAL_LIFE)
}

#[cfg(test)]
mod tests;
