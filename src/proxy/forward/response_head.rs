//! The head of an answer on its way to the client: the upstream's, without what was about our connection to it.

use http::{HeaderMap, HeaderValue, header};

use super::error::ForwardError;
use super::{OwnCookies, hop_by_hop};
use crate::domain::policy::Permit;

/// Turns the upstream's fields into those for the client.
pub(super) fn prepare(headers: &mut HeaderMap, permit: &Permit<'_>, cookies: &OwnCookies) -> Result<(), ForwardError> {
    hop_by_hop::remove(headers).map_err(|_| ForwardError::UnusableAnswer)?;
    // It would send clients past us.
    headers.remove(header::ALT_SVC);
    // What somebody was let in for is theirs. A shared cache in front of us knows that of requests with `Authorization`
    // (RFC 9111 §3.5), but not of cookies, and may guess how long an answer without a word about it keeps (§4.2.2).
    if permit.principal().is_some() && !headers.contains_key(header::CACHE_CONTROL) && !headers.contains_key(header::EXPIRES) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    // An app must not write our cookies: it could sign somebody in as somebody else.
    if headers.get_all(header::SET_COOKIE).iter().any(|cookie| (cookies.is_own)(cookie.as_bytes())) {
        let kept: Vec<HeaderValue> =
            headers.get_all(header::SET_COOKIE).iter().filter(|cookie| !(cookies.is_own)(cookie.as_bytes())).cloned().collect();
        headers.remove(header::SET_COOKIE);
        for cookie in kept {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    Ok(())
}
