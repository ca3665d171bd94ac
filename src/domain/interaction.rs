//! Whether the client is a person's navigation that may be redirected, or a program that must get a status.
//!
//! Only the form of the answer hangs on this, never whether somebody is let in: every header read here is the client's
//! own word.

use http::{HeaderMap, Method};

use super::route::Unauthenticated;

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
        let signs = Signs::of(headers);
        if signs.has_token {
            return Self::Program;
        }
        if signs.is_grpc {
            return Self::Grpc;
        }
        let person = !signs.opens_websocket && !signs.is_speculative && signs.is_navigation();
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

/// What the fields of a head say, read in one pass: that costs every request less than looking for each of them.
#[derive(Default)]
struct Signs {
    has_token: bool,
    is_grpc: bool,
    opens_websocket: bool,
    /// A page loaded on a guess must not start an attempt: nobody has asked for it yet.
    is_speculative: bool,
    /// Whether a browser says, once, that it navigates; `None`: it says nothing of it.
    navigates: Option<bool>,
    /// Likewise, to a document.
    wants_document: Option<bool>,
    is_script: bool,
    asks_for_html: bool,
}

impl Signs {
    fn of(headers: &HeaderMap) -> Self {
        let mut signs = Self::default();
        for (name, value) in headers {
            // One that is not ASCII says nothing.
            let value = || value.to_str().unwrap_or_default();
            match name.as_str() {
                "accept" => signs.asks_for_html |= value().split(',').any(asks_for_html),
                "authorization" => signs.has_token |= is_bearer(value()),
                "content-type" => signs.is_grpc |= is_grpc(value()),
                "purpose" | "sec-purpose" => signs.is_speculative |= names(value(), "prefetch"),
                "sec-fetch-dest" => signs.wants_document = Some(signs.wants_document.is_none() && value() == "document"),
                "sec-fetch-mode" => signs.navigates = Some(signs.navigates.is_none() && value() == "navigate"),
                "upgrade" => signs.opens_websocket |= names(value(), "websocket"),
                "x-requested-with" => signs.is_script |= value().trim().eq_ignore_ascii_case("xmlhttprequest"),
                _ => {}
            }
        }
        signs
    }

    fn is_navigation(&self) -> bool {
        match (self.navigates, self.wants_document) {
            (None, None) => !self.is_script && self.asks_for_html,
            both => both == (Some(true), Some(true)),
        }
    }
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
