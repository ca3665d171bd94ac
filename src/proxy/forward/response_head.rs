//! The head of an answer on its way to the client: the upstream's, without what would reach past us. What was about
//! our connection to it is gone by now.

use http::{HeaderMap, HeaderValue, header};

use super::{OwnCookies, hop_by_hop};

/// Turns the upstream's fields into those for the client.
pub(super) fn prepare(headers: &mut HeaderMap, cookies: &OwnCookies) {
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
}

/// Turns the upstream's trailers into those for the client.
pub(super) fn prepare_trailers(trailers: HeaderMap) -> HeaderMap {
    if !trailers.keys().any(|name| hop_by_hop::is_no_trailer(name.as_str())) {
        return trailers;
    }
    let mut kept = HeaderMap::with_capacity(trailers.len());
    for (name, value) in &trailers {
        if !hop_by_hop::is_no_trailer(name.as_str()) {
            kept.append(name, value.clone());
        }
    }
    kept
}
