//! Answers without content, trailers, and what else decides where a message ends.

use super::{is_served_again, proxy, request};
use crate::support::wire::{App, Wire};

/// A request, what the app answers, and what the client gets behind the head.
const BARE: &[(&str, &str, u16, Option<&str>)] = &[
    ("HEAD /public/x", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", 200, Some("content-length: 10")),
    ("HEAD /public/x", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, None),
    ("HEAD /public/x", "HTTP/1.1 404 Not Found\r\ncontent-length: 7\r\n\r\n", 404, Some("content-length: 7")),
    ("GET /public/x", "HTTP/1.1 204 No Content\r\n\r\n", 204, None),
    ("GET /public/x", "HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n", 304, Some("etag: \"x\"")),
    ("GET /public/x", "HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n", 304, None),
    ("OPTIONS /public/x", "HTTP/1.1 204 No Content\r\nallow: GET\r\n\r\n", 204, Some("allow: get")),
    ("OPTIONS /public/x", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, Some("content-length: 0")),
    ("DELETE /public/x", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, Some("content-length: 0")),
];

#[tokio::test]
async fn answers_without_content_leave_both_connections_where_they_should_be() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut upstream: Option<Wire> = None;
    let mut client = Wire::connect(proxy.port).await;
    for (asked, answer, status, field) in BARE {
        client.send(request(&proxy, asked, "")).await;
        let mut wire = match upstream.take() {
            Some(wire) => wire,
            None => app.accept().await,
        };
        assert!(wire.head().await.starts_with(asked), "{asked}");
        wire.send(answer).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{asked}: {head}");
        assert!(field.is_none_or(|field| head.to_lowercase().contains(field)), "{asked}: {head}");
        assert!(*status != 204 || !head.to_lowercase().contains("transfer-encoding"), "{asked}: {head}");
        is_served_again(&proxy, &mut wire).await;
        upstream = Some(wire);
    }
}

#[tokio::test]
async fn requests_without_content_are_framed_as_such() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut upstream: Option<Wire> = None;
    for (asked, fields, body, length) in [
        ("GET /public/x", "", "", None),
        ("DELETE /public/x", "", "", None),
        ("OPTIONS /public/x", "", "", None),
        ("POST /public/x", "", "", Some("0")),
        ("POST /public/x", "content-length: 0\r\n", "", Some("0")),
        ("GET /public/x", "content-length: 4\r\n", "body", Some("4")),
        ("DELETE /public/x", "content-length: 4\r\n", "body", Some("4")),
        ("OPTIONS /public/x", "content-length: 4\r\n", "body", Some("4")),
    ] {
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, asked, fields) + body).await;
        let mut wire = match upstream.take() {
            Some(wire) => wire,
            None => app.accept().await,
        };
        let head = wire.head().await.to_lowercase();
        let told = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert!(told == length && !head.contains("transfer-encoding"), "{asked} {fields}: {head}");
        assert_eq!(wire.take(body.len()).await, body.as_bytes());
        wire.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 204 "), "{asked}");
        upstream = Some(wire);
    }
}

#[tokio::test]
async fn trailers_of_an_answer_pass_but_for_those_that_change_the_message() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "GET /public/trailers", "te: trailers\r\nconnection: te\r\n")).await;
    let mut upstream = app.accept().await;
    assert!(upstream.head().await.to_lowercase().contains("te: trailers"));
    let forbidden = "content-length: 3\r\ntransfer-encoding: chunked\r\nconnection: x-sum\r\nset-cookie: homerealm-s-work=planted\r\n";
    upstream
        .send(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 42\r\n{forbidden}\r\n"
        ))
        .await;
    client.head().await;
    assert_eq!(client.chunk().await, b"body");
    assert!(client.chunk().await.is_empty());
    let trailers = client.until("\r\n\r\n").await.to_lowercase();
    assert!(trailers.contains("x-sum: 42"), "{trailers}");
    for name in ["content-length", "transfer-encoding", "connection", "set-cookie"] {
        assert!(!trailers.contains(name), "{trailers}");
    }
}

#[tokio::test]
async fn no_trailer_of_a_client_says_who_somebody_is() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    let trailers = "x-sum: 42\r\nx-forwarded-user: evil\r\nX_Forwarded_User: evil\r\nx-account-kind: evil\r\n";
    let body = format!("4\r\nbody\r\n0\r\n{trailers}\r\n");
    client.send(request(&proxy, "POST /public/trailers", "transfer-encoding: chunked\r\ntrailer: x-sum\r\n") + &body).await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    assert_eq!(upstream.chunk().await, b"body");
    assert!(upstream.chunk().await.is_empty());
    let mut passed = String::new();
    while !passed.ends_with("\r\n") || passed.lines().last().is_some_and(|line| !line.is_empty()) {
        passed += &upstream.until("\r\n").await;
    }
    assert!(!passed.contains("evil"), "{passed}");
    upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
}
