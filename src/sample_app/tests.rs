//! The app as its upstream connection sees it.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{LARGE_PIECES, router};

async fn send(request: http::request::Builder, body: impl Into<Body>) -> Response {
    let response = router().oneshot(request.body(body.into()).expect("a request")).await.expect("the router is infallible");
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("unsafe"));
    response
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a small body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn json_of(request: http::request::Builder, body: impl Into<Body>) -> Value {
    serde_json::from_str(&text(send(request, body).await).await).expect("JSON")
}

fn as_ada(path: &str) -> http::request::Builder {
    let request = Request::get(path).header("accept-language", "en").header("x-forwarded-preferred-username", "ada@contoso.example");
    request.header("x-account-kind", "work").header("authorization", "Bearer opens-doors")
}

#[tokio::test]
async fn the_page_greets_whom_the_proxy_names_and_shows_identity_first() {
    let page = text(send(as_ada("/work/reports?year=1"), "").await).await;
    assert!(page.contains("<h1>Hello, ada@contoso.example</h1>") && page.contains("GET /work/reports?year=1"), "{page}");
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(place("<tr class=\"identity\"><th scope=\"row\">x-account-kind") < place("<tr><th scope=\"row\">accept-language"));
    assert!(!page.contains("opens-doors"));
    assert!(text(send(Request::get("/public/"), "").await).await.contains("whoever you are"));
}

#[tokio::test]
async fn programs_get_json() {
    for request in [as_ada("/any/").header(ACCEPT, "text/html;q=0.5, application/json"), as_ada("/api/orders"), as_ada("/api")] {
        let body = json_of(request, "").await;
        assert_eq!((&body["who"], &body["kind"]), (&json!("ada@contoso.example"), &json!("work")));
        assert_eq!(body["headers"]["authorization"], "Bearer [11 characters]");
    }
    let page = send(as_ada("/apiary"), "").await;
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_field_that_came_twice_is_shown_twice() {
    let body = json_of(Request::get("/api/x").header("x-thing", "1").header("x-thing", "2").header("x-thing", "3"), "").await;
    assert_eq!(body["headers"]["x-thing"], json!(["1", "2", "3"]));
}

#[tokio::test]
async fn the_size_of_a_body_comes_back() {
    assert_eq!(json_of(Request::post("/api/x"), "x".repeat(3_000_000)).await["body_bytes"], 3_000_000);
}

#[tokio::test]
async fn each_mailbox_says_which_it_is() {
    for (path, heading) in [
        ("/mail/work", "<h1>Mailbox: work</h1>"),
        ("/mail/work/mailbox", "<h1>Mailbox: work</h1>"),
        ("/mail/personal", "<h1>Mailbox: personal</h1>"),
        ("/mail/personality", "<h1>Hello, "),
    ] {
        assert!(text(send(as_ada(path), "").await).await.contains(heading), "{path}");
    }
}

#[tokio::test]
async fn nothing_that_was_sent_writes_on_the_page() {
    let attack = "<script>alert(1)</script>";
    let page = text(send(Request::get("/x?%3Cscript%3E").header("x-forwarded-user", attack).header("x-other", attack), "").await).await;
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script"));
}

#[tokio::test]
async fn a_stream_starts_before_it_is_finished() {
    let mut body = send(Request::get("/any/stream"), "").await.into_body();
    let first = body.frame().await.expect("a frame").expect("no error").into_data().expect("data");
    assert_eq!(first, "line 1 of 20\n");
}

#[tokio::test]
async fn a_large_answer_is_as_large_as_it_says() {
    let body = send(Request::get("/any/large"), "").await.into_body();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    assert_eq!(bytes.len(), LARGE_PIECES * 64 * 1024);
}

#[tokio::test]
async fn the_style_sheet_is_there_under_a_public_route() {
    assert_eq!(send(Request::get("/public/sample-app.css"), "").await.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
}
