//! Slow peers: nobody is hurried, nobody's bytes are piled up, and nothing waits for what comes later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{memory, proxy, request};
use crate::support::wire::{App, Wire};

/// Far more than all buffers of the kernel's along the way.
const MEGABYTES: usize = 96;

/// Waits until a count stays as it is.
async fn settled(count: &AtomicUsize) -> usize {
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = count.load(Ordering::Relaxed);
        if now == last && now > 0 {
            return now;
        }
        last = now;
    }
}

/// Sends megabyte after megabyte and counts them.
fn keep_sending(mut wire: Wire, sent: Arc<AtomicUsize>) -> tokio::task::JoinHandle<Wire> {
    tokio::spawn(async move {
        let megabyte = vec![b'm'; 1 << 20];
        for _ in 0..MEGABYTES {
            wire.send(&megabyte).await;
            sent.fetch_add(1, Ordering::Relaxed);
        }
        wire
    })
}

#[tokio::test]
async fn an_app_is_held_back_by_a_client_that_does_not_read() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let before = memory(&proxy.process, "VmRSS");
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "GET /public/slow", "")).await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    upstream.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MEGABYTES << 20)).await;
    let sent = Arc::<AtomicUsize>::default();
    let sending = keep_sending(upstream, Arc::clone(&sent));
    let held = settled(&sent).await;
    assert!(held < MEGABYTES / 2, "{held} of {MEGABYTES} megabytes went somewhere");
    let grown = memory(&proxy.process, "VmHWM").saturating_sub(before);
    assert!(grown < 8 * 1024, "grown by {grown} kB");
    client.head().await;
    for _ in 0..MEGABYTES {
        client.take(1 << 20).await;
    }
    sending.await.expect("all of it is sent");
}

#[tokio::test]
async fn a_client_is_held_back_by_an_app_that_does_not_read() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let before = memory(&proxy.process, "VmRSS");
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /public/slow", &format!("content-length: {}\r\n", MEGABYTES << 20))).await;
    let sent = Arc::<AtomicUsize>::default();
    let sending = keep_sending(client, Arc::clone(&sent));
    let mut upstream = app.accept().await;
    upstream.head().await;
    let held = settled(&sent).await;
    assert!(held < MEGABYTES / 2, "{held} of {MEGABYTES} megabytes went somewhere");
    let grown = memory(&proxy.process, "VmHWM").saturating_sub(before);
    assert!(grown < 8 * 1024, "grown by {grown} kB");
    for _ in 0..MEGABYTES {
        upstream.take(1 << 20).await;
    }
    let mut client = sending.await.expect("all of it is sent");
    upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn pieces_of_an_upload_arrive_as_they_are_sent() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    for framing in ["content-length: 9\r\n", "transfer-encoding: chunked\r\n"] {
        let is_chunked = framing.contains("chunked");
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, "POST /public/pieces", &format!("{framing}connection: close\r\n"))).await;
        let mut upstream = app.accept().await;
        upstream.head().await;
        for piece in ["one", "two", "six"] {
            client.send(if is_chunked { format!("3\r\n{piece}\r\n") } else { piece.to_owned() }).await;
            let arrived = if is_chunked { upstream.chunk().await } else { upstream.take(3).await };
            assert_eq!(arrived, piece.as_bytes(), "{framing}");
        }
        if is_chunked {
            client.send("0\r\n\r\n").await;
            assert!(upstream.chunk().await.is_empty());
        }
        upstream.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    }
}

#[tokio::test]
async fn both_directions_flow_at_the_same_time() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /public/both", "transfer-encoding: chunked\r\n")).await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    upstream.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    for _ in 0..3 {
        client.send("4\r\nping\r\n").await;
        assert_eq!(upstream.chunk().await, b"ping");
        upstream.send("4\r\npong\r\n").await;
        assert_eq!(client.chunk().await, b"pong");
    }
    client.send("0\r\n\r\n").await;
    assert!(upstream.chunk().await.is_empty());
    upstream.send("0\r\n\r\n").await;
    assert!(client.chunk().await.is_empty());
}
