//! Who may ask, and how answers are marked. A web page from elsewhere can make the browser of somebody on this machine
//! send requests to loopback: it must neither read answers (by a host name of its own that it points here) nor change
//! anything (by a form).

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Body as _;

/// By which way requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// TCP on loopback, which browsers can reach.
    Network,
    /// A socket in the file system, which they cannot: any host name will do.
    FileSystem,
}

/// The longest request body, in bytes: the forms here are short. What does not say how long it is, is measured where it is
/// read.
pub(super) const LONGEST_BODY: u64 = 4 * 1024;

/// What a page may load and where its forms may go.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Lets a request in, or says why not; marks every answer as nobody else's to keep, frame or interpret.
pub(super) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let mut response = match refusal(door, &request) {
        Some((status, why)) => (status, why).into_response(),
        None => next.run(request).await,
    };
    const FIELDS: [(HeaderName, &str); 7] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in FIELDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(door: Door, request: &Request) -> Option<(StatusCode, &'static str)> {
    if door == Door::Network && !is_for_this_machine(request) {
        let why = "The admin listener answers to localhost, 127.0.0.1 and [::1] only. (Host is another name.)\n";
        return Some((StatusCode::MISDIRECTED_REQUEST, why));
    }
    (request.body().size_hint().lower() > LONGEST_BODY).then_some((StatusCode::PAYLOAD_TOO_LARGE, "Nothing here takes such a body.\n"))
}

/// Every name that the request has for us must be one that nobody else can point here.
fn is_for_this_machine(request: &Request) -> bool {
    let in_target = request.uri().authority().map(http::uri::Authority::as_str);
    host(request.headers()).into_iter().chain(in_target).all(is_loopback_name) && host(request.headers()).is_some()
}

/// The one `Host` field (RFC 9112 §3.2).
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

/// Whether an order comes from a program, or from a page of ours. Browsers say which site's page it was that sent a POST.
///
/// # Errors
/// What to answer.
pub(super) fn is_ours(head: &Parts) -> Result<(), (StatusCode, &'static str)> {
    let from = head.headers.get(header::ORIGIN);
    let ours = host(&head.headers).map(|host| format!("http://{host}"));
    let is_from_here = match (from, &ours) {
        (None, _) => true,
        (Some(from), Some(ours)) => from.as_bytes().eq_ignore_ascii_case(ours.as_bytes()),
        (Some(_), None) => false,
    };
    let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_same_site = matches!(site, None | Some(b"none" | b"same-origin"));
    if is_from_here && is_same_site {
        return Ok(());
    }
    Err((StatusCode::FORBIDDEN, "Another site's page sent this. Orders come from the admin pages themselves, or from programs.\n"))
}
