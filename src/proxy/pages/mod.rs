//! The pages people see: rendered on the server by templates that are checked at compile time and escape everything,
//! without scripts and without inline styles. Each page is a struct of plain data with a `render`; what to show when
//! is decided elsewhere. Programs get [`problem`](super::problem) documents instead.

use std::time::Duration;

use askama::Template;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

pub mod assets;
pub mod chrome;
pub mod form_not_sent;
mod icon;
mod moment;
pub mod notice;
pub mod reason;
pub mod session;
pub mod sign_in;
pub mod sign_out;
mod words;

pub(in crate::proxy) use moment::exact as exact_moment;
pub(in crate::proxy) use words::{SigningIn, signing_in};

#[cfg(test)]
mod tests;

use chrome::Chrome;

/// A page, ready to be sent. Neither it nor the data of the pages have a `Debug` form: addresses stand in them.
#[derive(Clone)]
pub struct Page {
    /// The status it goes with.
    pub status: StatusCode,
    /// What stands in the browser's title bar.
    pub title: String,
    /// The whole document.
    pub html: String,
    /// Fields that this page needs beside those of [`add_page_headers`].
    headers: HeaderMap,
}

impl Page {
    fn new(status: StatusCode, title: String, template: &impl Template) -> Self {
        let html = template.render().expect("rendering into a String fails only if a filter fails, and none of ours does");
        Self { status, title, html, headers: HeaderMap::new() }
    }

    /// Says when trying again makes sense, in whole seconds (RFC 9110 §10.2.3).
    fn retry_after(mut self, wait: Option<Duration>) -> Self {
        if let Some(wait) = wait {
            self.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        self
    }

    /// A 401 names a challenge (RFC 9110 §15.5.2). Browsers show no prompt of their own for this one.
    fn challenge(mut self, chrome: &Chrome) -> Self {
        self.headers.insert(header::WWW_AUTHENTICATE, chrome.bearer_challenge(""));
        self
    }

    /// The answer to send.
    #[must_use]
    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.html));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let length = HeaderValue::from(response.body().len());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_LENGTH, length);
        add_page_headers(headers);
        response
    }
}

/// What a page may load and where its forms may go. `form-action 'self'` is held against every redirect that follows a
/// form in some browsers, which is why the way to a provider is a page and not a redirect.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds the fields that every page of our own carries: nothing is run, framed, cached, indexed or told to other sites.
/// `Referrer-Policy` is `same-origin` and no stricter, because with `no-referrer` browsers send `Origin: null` along
/// with our own forms.
pub fn add_page_headers(headers: &mut HeaderMap) {
    const FIELDS: [(HeaderName, &str); 8] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (header::VARY, "Cookie"),
    ];
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Text from outside, cut to `max` characters and rid of control characters. Escaping is the templates' business.
fn clipped(text: &str, max: usize) -> String {
    let mut shown: String = text.chars().filter(|character| !character.is_control()).take(max + 1).collect();
    if shown.chars().count() > max {
        shown.pop();
        shown.push('…');
    }
    shown
}
