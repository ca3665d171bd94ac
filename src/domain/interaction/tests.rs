//! Tests of telling people from programs.

use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};

use super::*;

const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

fn interaction(method: &Method, fields: &[(&'static str, &'static str)]) -> Interaction {
    let headers = fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    Interaction::of(method, &headers)
}

#[test]
fn the_first_sign_decides() {
    use Interaction::{Grpc, Navigation, Program};
    let navigate = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let with = |fields: &[(&'static str, &'static str)]| [&navigate[..], &[("accept", CHROME)], fields].concat();
    for (fields, expected) in [
        (with(&[]), Navigation),
        (with(&[("authorization", "Basic eDp5")]), Navigation),
        (with(&[("authorization", "Bearer x")]), Program),
        (with(&[("authorization", "bearer x")]), Program),
        (with(&[("authorization", "Basic eDp5"), ("authorization", "BEARER x")]), Program),
        (with(&[("content-type", "application/grpc")]), Grpc),
        (with(&[("content-type", "application/grpc+proto")]), Grpc),
        (with(&[("content-type", "Application/gRPC; charset=utf-8")]), Grpc),
        (with(&[("content-type", "application/grpc-web+proto")]), Navigation),
        (with(&[("authorization", "Bearer x"), ("content-type", "application/grpc")]), Program),
        (with(&[("upgrade", "websocket"), ("connection", "Upgrade")]), Program),
        (with(&[("upgrade", "h2c, WebSocket")]), Program),
        (with(&[("upgrade", "h2c")]), Navigation),
        (with(&[("sec-purpose", "prefetch")]), Program),
        (with(&[("sec-purpose", "prefetch;prerender")]), Program),
        (with(&[("purpose", "Prefetch")]), Program),
        (with(&[("sec-purpose", "none")]), Navigation),
        // Where the browser speaks for itself, the older sign does not count.
        (with(&[("x-requested-with", "XMLHttpRequest")]), Navigation),
        (vec![("accept", CHROME)], Navigation),
        (vec![("accept", CHROME), ("x-requested-with", "XMLHttpRequest")], Program),
        (vec![("accept", CHROME), ("x-requested-with", "com.example.webview")], Navigation),
    ] {
        assert_eq!(interaction(&Method::GET, &fields), expected, "{fields:?}");
    }
}

#[test]
fn only_a_top_level_document_is_a_navigation() {
    for (mode, destination, person) in [
        (Some("navigate"), Some("document"), true),
        (Some("navigate"), Some("iframe"), false),
        (Some("navigate"), Some("embed"), false),
        (Some("navigate"), Some("empty"), false),
        (Some("cors"), Some("empty"), false),
        (Some("no-cors"), Some("image"), false),
        (Some("same-origin"), Some("document"), false),
        (Some("websocket"), Some("websocket"), false),
        (Some("navigate"), None, false),
        (None, Some("document"), false),
        (None, None, true),
    ] {
        let mut fields = vec![("accept", CHROME)];
        fields.extend(mode.map(|mode| ("sec-fetch-mode", mode)));
        fields.extend(destination.map(|destination| ("sec-fetch-dest", destination)));
        assert_eq!(interaction(&Method::GET, &fields).takes_pages(), person, "{mode:?} {destination:?}");
    }
    let twice = [("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(interaction(&Method::GET, &twice), Interaction::Program);
}

#[test]
fn html_must_be_asked_for_by_name() {
    for (accept, person) in [
        (CHROME, true),
        ("text/html", true),
        ("TEXT/HTML;charset=utf-8", true),
        ("application/json, text/html ;q=0.1", true),
        ("application/xhtml+xml", true),
        ("*/*", false),
        ("text/*", false),
        ("application/json", false),
        ("application/json, text/plain, */*", false),
        ("text/html;q=0", false),
        ("text/html; Q=0.000, */*", false),
        ("text/htmlx", false),
        ("", false),
    ] {
        let expected = if person { Interaction::Navigation } else { Interaction::Program };
        assert_eq!(interaction(&Method::GET, &[("accept", accept)]), expected, "{accept}");
    }
    assert_eq!(interaction(&Method::GET, &[]), Interaction::Program);
    assert_eq!(interaction(&Method::GET, &[("accept", "*/*"), ("accept", "text/html")]), Interaction::Navigation);
}

#[test]
fn only_get_and_head_may_be_redirected() {
    let browser = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    for (method, expected) in [
        (Method::GET, Interaction::Navigation),
        (Method::HEAD, Interaction::Navigation),
        (Method::POST, Interaction::Submission),
        (Method::PUT, Interaction::Submission),
        (Method::from_bytes(b"get").expect("a token"), Interaction::Submission),
    ] {
        assert_eq!(interaction(&method, &browser), expected);
    }
    assert_eq!(interaction(&Method::POST, &[("accept", "*/*")]), Interaction::Program);
}

#[test]
fn a_value_that_is_not_text_says_nothing() {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_bytes(b"text/html,\xff").expect("a value"));
    assert_eq!(Interaction::of(&Method::GET, &headers), Interaction::Program);
}
