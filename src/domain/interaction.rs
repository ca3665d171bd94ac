//! Whether the client is a person's navigation that may be redirected, or a program that must get a status.
//!
//! Only the form of the answer hangs on this, never whether somebody is let in: every header read here is the client's
//! own word.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderName, Method};

use super::route::Unauthenticated;

const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// How to answer somebody who is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// A top-level GET or HEAD navigation: may be sent to a sign-in page.
    Navigation,
    /// A top-level navigation that submits a form: gets a page, never a redirect that would lose what was sent.
    Submission,
    /// gRPC: gets `grpc-status`.
    Grpc,
    /// Scripts, API clients, WebSockets: get 401 and a problem document.
    Program,
}

impl Interaction {
    /// Reads it off a request head. The first sign decides: an access token, gRPC, a WebSocket, speculative loading,
    /// what the browser says of the request (Fetch Metadata), `X-Requested-With`, and last whether HTML is asked for by
    /// name. `*/*` alone, as curl and many libraries send it, asks for nothing by name.
    #[must_use]
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        if values(headers, &AUTHORIZATION).any(is_bearer) {
            return Self::Program;
        }
        if values(headers, &CONTENT_TYPE).any(is_grpc) {
            return Self::Grpc;
        }
        let person =
            !values(headers, &UPGRADE).any(|value| names(value, "websocket")) && !is_speculative(headers) && is_navigation(headers);
        match *method {
            _ if !person => Self::Program,
            Method::GET | Method::HEAD => Self::Navigation,
            _ => Self::Submission,
        }
    }

    /// Whether somebody who must sign in is answered with a redirect to where they can. Never for what a redirect would
    /// lose, or would be lost on.
    #[must_use]
    pub const fn leads_to_sign_in(self, unauthenticated: Unauthenticated, method: &Method) -> bool {
        match (unauthenticated, self) {
            (Unauthenticated::Auto, Self::Navigation) => true,
            (Unauthenticated::Auto, Self::Grpc | Self::Program | Self::Submission) => false,
            (Unauthenticated::Redirect, _) => matches!(*method, Method::GET | Method::HEAD),
            (Unauthenticated::Refuse, _) => false,
        }
    }

    /// Whether a page (HTML) is understood.
    #[must_use]
    pub const fn takes_pages(self) -> bool {
        match self {
            Self::Navigation | Self::Submission => true,
            Self::Grpc | Self::Program => false,
        }
    }
}

/// All values of a field; one that is not ASCII says nothing.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
}

/// Whether a comma-separated list has this word, its parameters left aside.
fn names(list: &str, word: &str) -> bool {
    list.split(',').any(|item| item.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(word))
}

fn is_bearer(credentials: &str) -> bool {
    credentials.split_ascii_whitespace().next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// `application/grpc` and its `+proto` kin. Not gRPC-Web, whose clients read the HTTP status.
fn is_grpc(content_type: &str) -> bool {
    let media_type = content_type.split([';', '+']).next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/grpc")
}

/// A page loaded on a guess must not start an attempt: nobody has asked for it yet.
fn is_speculative(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE].iter().any(|name| values(headers, name).any(|value| names(value, "prefetch")))
}

fn is_navigation(headers: &HeaderMap) -> bool {
    if headers.contains_key(SEC_FETCH_MODE) || headers.contains_key(SEC_FETCH_DEST) {
        return values(headers, &SEC_FETCH_MODE).eq(["navigate"]) && values(headers, &SEC_FETCH_DEST).eq(["document"]);
    }
    let script = values(headers, &X_REQUESTED_WITH).any(|value| value.trim().eq_ignore_ascii_case("xmlhttprequest"));
    !script && values(headers, &ACCEPT).flat_map(|value| value.split(',')).any(asks_for_html)
}

fn asks_for_html(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let html = ["text/html", "application/xhtml+xml"].into_iter().any(|name| media_type.eq_ignore_ascii_case(name));
    // A weight of zero means "not acceptable" (RFC 9110 §12.4.2).
    let unwanted = parts
        .filter_map(|part| part.split_once('='))
        .any(|(name, weight)| name.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0));
    html && !unwanted
}

#[cfg(test)]
mod tests;
