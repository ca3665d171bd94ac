//! What programs get instead of a page: problem documents (RFC 9457), challenges (RFC 6750 §3) and, for gRPC, a status
//! without messages.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::pages::chrome::Chrome;
use super::pages::{SigningIn, signing_in};
use crate::domain::decision::DecisionId;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;

/// What a `grpc-message` may not hold as it is: everything outside space to `~`, and `%` itself.
const GRPC_MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// A refusal or failure, as told to a program.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Why.
    pub reason: Reason,
    /// Which decision.
    pub decision: DecisionId,
    /// More about this very case, in our own words; nothing secret, nothing a peer sent.
    pub detail: Option<&'a str>,
    /// The page to come back to after signing in.
    pub return_to: Option<&'a ReturnTo>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

#[derive(serde::Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_url: Option<String>,
    decision_id: String,
}

impl Problem<'_> {
    /// A problem about which no more is known than why.
    #[must_use]
    pub const fn new(reason: Reason, decision: DecisionId) -> Self {
        Self { reason, decision, detail: None, return_to: None, retry_after: None }
    }

    /// The problem document. Its `type` is a URN: it identifies and is not meant to be looked up (RFC 9457 §3.1.1).
    #[must_use]
    pub fn json(&self, chrome: &Chrome) -> Response<Bytes> {
        let document = Document {
            r#type: format!("urn:homerealm:reason:{}", self.reason.code()),
            title: self.reason.title(),
            status: self.reason.status(),
            code: self.reason.code(),
            detail: self.detail,
            sign_in_url: self.sign_in_url(chrome),
            decision_id: self.decision.to_string(),
        };
        let body = serde_json::to_vec(&document).expect("strings and a number always serialise");
        let mut response = respond(body.into(), "application/problem+json");
        *response.status_mut() = StatusCode::from_u16(self.reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(parameters) = challenge_parameters(self.reason) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, chrome.bearer_challenge(parameters));
        }
        self.add_retry_after(response.headers_mut());
        response
    }

    /// A gRPC answer without messages ("Trailers-Only" in the gRPC over HTTP/2 protocol): the status of HTTP is always
    /// 200, the real one is a field.
    #[must_use]
    pub fn grpc(&self) -> Response<Bytes> {
        let mut response = respond(Bytes::new(), "application/grpc");
        let headers = response.headers_mut();
        let message = format!("{} ({}, {})", self.reason.title(), self.reason.code(), self.decision);
        write_grpc_status(headers, self.reason, &message);
        self.add_retry_after(headers);
        response
    }

    fn sign_in_url(&self, chrome: &Chrome) -> Option<String> {
        match signing_in(self.reason) {
            SigningIn::Useless => None,
            SigningIn::Helps => Some(chrome.absolute_sign_in_url(self.return_to, None)),
            SigningIn::HelpsWithAnotherAccount => Some(chrome.absolute_sign_in_url(self.return_to, Some("select_account"))),
        }
    }

    fn add_retry_after(&self, headers: &mut HeaderMap) {
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
    }
}

/// What ends a gRPC answer that has begun, in place of the upstream's own trailers.
#[must_use]
pub fn grpc_trailers(reason: Reason) -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    write_grpc_status(&mut trailers, reason, &format!("{} ({})", reason.title(), reason.code()));
    trailers
}

fn write_grpc_status(fields: &mut HeaderMap, reason: Reason, message: &str) {
    let message = utf8_percent_encode(message, GRPC_MESSAGE).to_string();
    fields.insert("grpc-status", HeaderValue::from(grpc_status(reason.status())));
    fields.insert("grpc-message", HeaderValue::from_str(&message).expect("what is left are visible characters and spaces"));
}

fn respond(body: Bytes, media_type: &'static str) -> Response<Bytes> {
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What stands behind the realm in `WWW-Authenticate`; `None` if the answer has no such field. Without a token in the
/// request there is no error to name (RFC 6750 §3.1).
fn challenge_parameters(reason: Reason) -> Option<&'static str> {
    match (reason, reason.status()) {
        (Reason::InvalidToken, _) => Some(", error=\"invalid_token\""),
        (Reason::InsufficientScope, _) => Some(", error=\"insufficient_scope\""),
        (_, 401) => Some(""),
        (_, _) => None,
    }
}

/// The gRPC project's own mapping of HTTP statuses, so that clients see the same code as behind any other proxy. One is
/// different: an upstream that takes too long may have done what it was asked, and "unavailable" would invite clients to
/// ask again.
const fn grpc_status(http_status: u16) -> u16 {
    const UNKNOWN: u16 = 2;
    const DEADLINE_EXCEEDED: u16 = 4;
    const PERMISSION_DENIED: u16 = 7;
    const UNIMPLEMENTED: u16 = 12;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    const UNAUTHENTICATED: u16 = 16;
    match http_status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 => UNAVAILABLE,
        504 => DEADLINE_EXCEEDED,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests;
