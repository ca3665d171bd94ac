//! Bodies that break off, either way: the other side sees that they did, and nothing that is left over is used again.

use super::{is_served_again, is_served_anew, proxy, request};
use crate::support::wire::{App, Wire};

#[tokio::test]
async fn a_connection_to_an_app_is_used_again_after_a_whole_exchange() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut upstream = is_served_anew(&proxy, &app).await;
    is_served_again(&proxy, &mut upstream).await;
    is_served_again(&proxy, &mut upstream).await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_breaks_off_at_the_app() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    for (framing, part) in [("content-length: 100\r\n", "half"), ("transfer-encoding: chunked\r\n", "4\r\nhalf\r\n")] {
        for is_half_closed in [false, true] {
            let mut client = Wire::connect(proxy.port).await;
            client.send(request(&proxy, "POST /public/broken", framing) + part).await;
            let mut upstream = app.accept().await;
            upstream.head().await;
            assert_eq!(upstream.until("half").await.len(), part.find("half").expect("in it") + 4);
            client.end_sending().await;
            let kept = is_half_closed.then_some(client);
            let rest = String::from_utf8_lossy(&upstream.rest().await).into_owned();
            assert!(!rest.contains("0\r\n\r\n") && rest.len() <= 2, "{framing}: {rest:?} looks like an end");
            drop(kept);
            is_served_anew(&proxy, &app).await;
        }
    }
}

#[tokio::test]
async fn a_body_with_broken_framing_breaks_off_at_the_app() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /public/broken", "transfer-encoding: chunked\r\n") + "4\r\nhalf\r\n").await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    assert_eq!(upstream.chunk().await, b"half");
    client.send("4\nhalf\n0\n\n").await;
    let rest = upstream.rest().await;
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    let answer = String::from_utf8_lossy(&client.rest().await).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    is_served_anew(&proxy, &app).await;
}

#[tokio::test]
async fn an_app_sees_a_client_that_has_gone() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    // Before an answer, and in the middle of one.
    for part in
        ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
    {
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, "GET /public/gone", "")).await;
        let mut upstream = app.accept().await;
        upstream.head().await;
        upstream.send(part).await;
        if !part.is_empty() {
            client.until("half").await;
        }
        drop(client);
        assert!(upstream.rest().await.is_empty(), "{part}");
        is_served_anew(&proxy, &app).await;
    }
}

#[tokio::test]
async fn a_client_that_closes_its_side_gets_a_whole_answer_or_none() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "GET /public/half", "")).await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    client.end_sending().await;
    // Taken for a client that has gone, which nobody can tell from this, the request is given up.
    let _given_up = upstream.try_send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfine").await;
    let received = String::from_utf8_lossy(&client.rest().await).into_owned();
    assert!(received.is_empty() || received.ends_with("\r\n\r\nfine"), "{received}");
    is_served_anew(&proxy, &app).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_at_the_client() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    for (framing, part) in [("content-length: 100", "half"), ("transfer-encoding: chunked", "4\r\nhalf\r\n")] {
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, "GET /public/broken", "")).await;
        let mut upstream = app.accept().await;
        upstream.head().await;
        upstream.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{part}")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 200 "));
        client.until("half").await;
        drop(upstream);
        let rest = String::from_utf8_lossy(&client.rest().await).into_owned();
        assert!(rest.trim().is_empty(), "{framing}: {rest:?} looks like an end");
        is_served_anew(&proxy, &app).await;
    }
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    for (framing, part) in [("content-length: 1000000\r\n", "half"), ("transfer-encoding: chunked\r\n", "4\r\nhalf\r\n")] {
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, "POST /public/early", framing) + part).await;
        let mut upstream = app.accept().await;
        upstream.head().await;
        upstream.until("half").await;
        upstream.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nless").await;
        assert!(client.head().await.starts_with("HTTP/1.1 413 "), "{framing}");
        assert_eq!(client.take(4).await, b"less", "{framing}");
        // The rest of the body would be taken for a request.
        is_served_anew(&proxy, &app).await;
    }
}

/// Answers after which nobody can know what comes next on the connection.
const SURPRISES: &[(&str, &str)] = &[
    ("more than was announced", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfineHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nqueued"),
    ("two framings", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n"),
    ("a farewell", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfine"),
    ("an older version", "HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nfine"),
    ("content with no content", "HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nfine"),
    ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nfine"),
    ("a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: +4\r\n\r\nfine"),
    ("an unknown coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: cow\r\n\r\nfine"),
    ("no answer at all", "fine\r\n\r\n"),
];

#[tokio::test]
async fn after_a_surprise_a_connection_to_an_app_is_not_used_again() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    for (what, answer) in SURPRISES {
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, "GET /public/surprise", "connection: close\r\n")).await;
        let mut upstream = app.accept().await;
        upstream.head().await;
        upstream.send(answer).await;
        if *what == "an unknown coding" {
            // Its end is the end of the connection.
            upstream.end_sending().await;
        }
        let received = String::from_utf8_lossy(&client.rest().await).into_owned();
        assert!(received.starts_with("HTTP/1.1 "), "{what}: {received}");
        assert!(!received.contains("queued"), "{what}: {received}");
        is_served_anew(&proxy, &app).await;
    }
}
