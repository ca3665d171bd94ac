//! The app behind the proxy in the demo. It trusts the identity headers it receives, as apps behind a proxy do, and
//! shows them: who it thinks you are, and everything that reached it. It has no sign-in of its own.

mod received;

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router};
use futures_util::{StreamExt as _, stream};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use self::received::Received;

/// Where else to go, one link per kind of route in the demo.
const ROUTES: [(&str, &str); 9] = [
    ("/", "Start page"),
    ("/public/", "Public"),
    ("/work/", "Work accounts"),
    ("/personal/", "Personal accounts"),
    ("/any/", "Any account"),
    ("/contoso/", "Contoso's members"),
    ("/partners/", "Contoso with guests"),
    ("/mailbox", "Your mailbox"),
    ("/api/orders", "API"),
];

/// How much `large` sends: 160 pieces of 64 KiB.
const LARGE_PIECES: usize = 160;
/// How many lines `stream` sends, one every [`STREAM_PACE`].
const STREAM_LINES: usize = 20;
/// See [`STREAM_LINES`].
const STREAM_PACE: Duration = Duration::from_millis(500);

/// The app as a service. It answers every address, since the proxy's routes decide which ones reach it.
pub fn router() -> Router {
    Router::new().fallback(answer).layer(map_response(guard))
}

async fn answer(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    // The last segment picks what is sent, so that every route of the proxy can lead to it.
    match path.rsplit('/').next() {
        Some("sample-app.css") => {
            return ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("templates/style.css")).into_response();
        }
        Some("large") => return large(),
        Some("stream") => return slow_stream(),
        Some(_) | None => {}
    }
    let Some(body_bytes) = size_of(body).await else { return StatusCode::BAD_REQUEST.into_response() };
    let received = Received::of(&head, body_bytes);
    let wants_json =
        head.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("application/json"));
    if wants_json || is_under(&path, "/api") {
        return Json(received.as_json()).into_response();
    }
    if is_under(&path, "/mail/work") {
        return show(&Mailbox { name: "work", text: "This is the mailbox of work and school accounts.", received });
    }
    if is_under(&path, "/mail/personal") {
        return show(&Mailbox { name: "personal", text: "This is the mailbox of personal accounts.", received });
    }
    show(&Echo { received, routes: ROUTES })
}

#[derive(Template)]
#[template(path = "sample_app/templates/echo.html")]
struct Echo {
    received: Received,
    routes: [(&'static str, &'static str); 9],
}

#[derive(Template)]
#[template(path = "sample_app/templates/mailbox.html")]
struct Mailbox {
    name: &'static str,
    text: &'static str,
    received: Received,
}

fn show(page: &impl Template) -> Response {
    page.render().map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |html| Html(html).into_response())
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Counts a body without keeping it; `None` if it broke off.
async fn size_of(body: Body) -> Option<u64> {
    let mut size = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        size += u64::try_from(piece.ok()?.len()).ok()?;
    }
    Some(size)
}

fn large() -> Response {
    let piece = Bytes::from_static(&[b'.'; 64 * 1024]);
    let pieces = stream::iter((0..LARGE_PIECES).map(move |_| Ok::<_, Infallible>(piece.clone())));
    ([(CONTENT_TYPE, "application/octet-stream")], Body::from_stream(pieces)).into_response()
}

/// The first line at once, so that one sees that nothing on the way waits for the last.
fn slow_stream() -> Response {
    let lines = stream::iter(0..STREAM_LINES).then(|line| async move {
        if line > 0 {
            tokio::time::sleep(STREAM_PACE).await;
        }
        Ok::<_, Infallible>(format!("line {} of {STREAM_LINES}\n", line + 1))
    });
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from_stream(lines)).into_response()
}

async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(CACHE_CONTROL, const { HeaderValue::from_static("no-store") });
    headers.insert(X_CONTENT_TYPE_OPTIONS, const { HeaderValue::from_static("nosniff") });
    headers.insert(REFERRER_POLICY, const { HeaderValue::from_static("same-origin") });
    response
}

#[cfg(test)]
mod tests;
