//! Slow peers: nobody is hurried, nobody's bytes are piled up, and nothing waits for what comes later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{proxy, request};
use crate::support::process::Process;
use crate::support::proxy::Proxy;
use crate::support::wire::{App, Wire};

/// Far more than all buffers of the kernel's along the way.
const LENGTH: usize = 96 << 20;
/// What fits into the smallest of these buffers.
const SOME: usize = 64 << 10;
/// How often nothing may have changed before nothing does any more.
const LOOKS: usize = 5;

/// A body on its way, and how much of it its sender has got rid of.
struct Sending {
    sent: Arc<AtomicUsize>,
    ends: tokio::task::JoinHandle<Wire>,
}

impl Sending {
    fn start(mut wire: Wire) -> Self {
        let sent = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&sent);
        let ends = tokio::spawn(async move {
            let piece = vec![b'm'; 1 << 20];
            let mut left = LENGTH;
            while left > 0 {
                let taken = wire.send_some(&piece[..left.min(piece.len())]).await;
                counted.fetch_add(taken, Ordering::Relaxed);
                left -= taken;
            }
            wire
        });
        Self { sent, ends }
    }

    /// How much is sent when nothing goes on any more: the sender can get rid of nothing, or has nothing, and the proxy
    /// has nothing to do. One that is only slow, or does not get its turn, has.
    async fn settled(&self, proxy: &Process) -> usize {
        let (mut before, mut same) = (0, 0);
        while same < LOOKS {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = self.sent.load(Ordering::Relaxed);
            same = if now == before && proxy.is_asleep() { same + 1 } else { 0 };
            before = now;
        }
        before
    }

    /// Holds that the sender has to wait for a peer that does not read, and that what it sent is not in the proxy's memory.
    async fn is_held_back(&self, proxy: &Proxy, memory_before: u64, peer: &Wire) {
        let held = self.settled(&proxy.process).await;
        assert!(held < LENGTH / 2, "{held} of {LENGTH} bytes went somewhere");
        assert!(peer.has_unread(SOME).await, "it is not the peer for whom it waits");
        let grown = proxy.process.most_memory().saturating_sub(memory_before);
        assert!(grown < 8 * 1024, "grown by {grown} kB");
    }
}

async fn read_all(peer: &mut Wire) {
    for _ in 0..LENGTH >> 20 {
        peer.take(1 << 20).await;
    }
}

#[tokio::test]
async fn an_app_is_held_back_by_a_client_that_does_not_read() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let before = proxy.process.memory();
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "GET /public/slow", "")).await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    upstream.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n")).await;
    let sending = Sending::start(upstream);
    sending.is_held_back(&proxy, before, &client).await;
    client.head().await;
    read_all(&mut client).await;
    sending.ends.await.expect("all of it is sent");
}

#[tokio::test]
async fn a_client_is_held_back_by_an_app_that_does_not_read() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let before = proxy.process.memory();
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /public/slow", &format!("content-length: {LENGTH}\r\n"))).await;
    let sending = Sending::start(client);
    let mut upstream = app.accept().await;
    upstream.head().await;
    sending.is_held_back(&proxy, before, &upstream).await;
    read_all(&mut upstream).await;
    let mut client = sending.ends.await.expect("all of it is sent");
    upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn a_client_is_not_held_back_by_an_app_that_reads() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /public/quick", &format!("content-length: {LENGTH}\r\n"))).await;
    let sending = Sending::start(client);
    let mut upstream = app.accept().await;
    upstream.head().await;
    let reading = tokio::spawn(async move { read_all(&mut upstream).await });
    assert_eq!(sending.settled(&proxy.process).await, LENGTH);
    reading.await.expect("all of it arrives");
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
