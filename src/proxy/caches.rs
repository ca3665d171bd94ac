//! What caches may keep of an upstream's answer on a route that looks at identities (RFC 9111). The app's own word
//! counts; where it says nothing, an answer made for one person is kept by nobody.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::domain::principal::Principal;
use crate::protocol::cookies::SetCookie;

/// What an answer says about being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing.
    Absent,
    /// Something, but not who may keep it.
    Open,
    /// By one browser at most.
    Private,
    /// By caches that serve many.
    Shared,
}

/// Marks an answer as made for `who`, and adds our cookies if only they can get them: what a shared
/// cache keeps, it hands to others with all its fields. Then the cookie comes with the next answer.
pub(super) fn mark(headers: &mut HeaderMap, who: Option<&Principal>, cookies: Vec<SetCookie>) {
    vary_by_cookie(headers);
    if who.is_none() {
        return;
    }
    match Word::of(headers) {
        Word::Absent => {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Word::Open if !cookies.is_empty() => {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        Word::Open | Word::Private => {}
        Word::Shared => return,
    }
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie.into_header_value());
    }
}

fn vary_by_cookie(headers: &mut HeaderMap) {
    let does = words(headers, &header::VARY).any(|name| name == "*" || name.eq_ignore_ascii_case("cookie"));
    if !does {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
}

impl Word {
    fn of(headers: &HeaderMap) -> Self {
        // Most answers say nothing: one look tells.
        if !headers.contains_key(header::CACHE_CONTROL) {
            return if headers.contains_key(header::EXPIRES) { Self::Open } else { Self::Absent };
        }
        let says = |directive: &str| words(headers, &header::CACHE_CONTROL).any(|word| word.eq_ignore_ascii_case(directive));
        // With a list of fields, `private` is about those fields only (RFC 9111 §5.2.2.7), and so is not looked for.
        if says("private") || says("no-store") {
            return Self::Private;
        }
        let shared = |word: &str| word.split('=').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("s-maxage"));
        if says("public") || words(headers, &header::CACHE_CONTROL).any(shared) {
            return Self::Shared;
        }
        Self::Open
    }
}

/// The members of a list-valued field; a line that is not ASCII says nothing.
fn words<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim)
}

#[cfg(test)]
mod tests;
