//! The head of an answer on its way to the client: the upstream's, without what was about our connection to it.

use http::{HeaderMap, HeaderValue, header};

use super::error::ForwardError;
use super::{OwnCookies, hop_by_hop};

/// Turns the upstream's fields into those for the client.
pub(super) fn prepare(headers: &mut HeaderMap, cookies: &OwnCookies) -> Result<(), ForwardError> {
    hop_by_hop::remove(headers).map_err(|_| ForwardError::UnusableAnswer)?;
    // It would send clients past us.
    headers.remove(header::ALT_SVC);
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
