//! Far more than fits anywhere, in both directions, byte for byte.

use std::path::Path;
use std::process::Command;

use aws_lc_rs::digest;

use super::{proxy, request};
use crate::support::process::Process;
use crate::support::proxy::Proxy;
use crate::support::wire::Wire;

/// How much the proxy may grow while bodies pass, in kilobytes.
const GROWTH: u64 = 16 * 1024;

struct World {
    proxy: Proxy,
    _app: Process,
}

impl World {
    fn start() -> Self {
        let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts");
        let mut app = Process::start(Command::new("node").arg(parts.join("bodies.mjs")));
        let told = app.wait_for(";");
        let port = told.split("port=").nth(1).and_then(|rest| rest.split(';').next()).and_then(|port| port.parse().ok());
        Self { proxy: proxy(port.expect("a port")), _app: app }
    }
}

fn length() -> usize {
    std::env::var("BODY_BYTES").map_or(64 << 20, |text| text.parse().expect("a number"))
}

fn hex(hash: digest::Context) -> String {
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Uploads everything, framed one way or the other, and gives the answer and what it should be.
async fn upload(world: &World, is_chunked: bool) -> (String, String) {
    let (mut left, mut hash) = (length(), digest::Context::new(&digest::SHA256));
    let mut client = Wire::connect(world.proxy.port).await;
    let framing = if is_chunked { "transfer-encoding: chunked\r\n".to_owned() } else { format!("content-length: {left}\r\n") };
    client.send(request(&world.proxy, "POST /public/sink", &framing)).await;
    let piece: Vec<u8> = (0..100_000_u32).map(|at| u8::try_from(at % 241).expect("small")).collect();
    while left > 0 {
        let piece = &piece[..piece.len().min(left)];
        left -= piece.len();
        hash.update(piece);
        if is_chunked {
            client.send(format!("{:x}\r\n", piece.len())).await;
            client.send(piece).await;
            client.send("\r\n").await;
        } else {
            client.send(piece).await;
        }
    }
    if is_chunked {
        client.send("0\r\n\r\n").await;
    }
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let expected = format!("{} {}", length(), hex(hash));
    let body = if head.contains("chunked") { client.chunk().await } else { client.take(expected.len()).await };
    (String::from_utf8_lossy(&body).into_owned(), expected)
}

#[tokio::test]
async fn large_uploads_arrive_whole_in_flat_memory() {
    let world = World::start();
    let before = world.proxy.process.memory();
    for is_chunked in [false, true] {
        let (answer, expected) = upload(&world, is_chunked).await;
        assert_eq!(answer, expected);
    }
    let grown = world.proxy.process.most_memory().saturating_sub(before);
    assert!(grown < GROWTH, "grown by {grown} kB for {} bytes", length());
}

#[tokio::test]
async fn large_downloads_arrive_whole_in_flat_memory() {
    let world = World::start();
    let before = world.proxy.process.memory();
    let (mut received, mut hash) = (0, digest::Context::new(&digest::SHA256));
    let mut client = Wire::connect(world.proxy.port).await;
    client.send(request(&world.proxy, &format!("GET /public/source?{}", length()), "te: trailers\r\nconnection: te\r\n")).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("chunked"), "{head}");
    loop {
        let chunk = client.chunk().await;
        if chunk.is_empty() {
            break;
        }
        received += chunk.len();
        hash.update(&chunk);
    }
    assert_eq!(received, length());
    let trailers = client.until("\r\n\r\n").await;
    assert!(trailers.contains(&hex(hash)), "{trailers}");
    let grown = world.proxy.process.most_memory().saturating_sub(before);
    assert!(grown < GROWTH, "grown by {grown} kB for {} bytes", length());
}

#[tokio::test]
async fn every_event_arrives_before_the_next_one_is_sent() {
    let world = World::start();
    let mut listener = Wire::connect(world.proxy.port).await;
    listener.send(request(&world.proxy, "GET /public/events", "accept: text/event-stream\r\n")).await;
    assert!(listener.head().await.contains("text/event-stream"));
    assert_eq!(listener.chunk().await, b"data: first\n\n");
    let mut sender = Wire::connect(world.proxy.port).await;
    for event in ["second", "third", "fourth"] {
        sender.send(request(&world.proxy, "POST /public/next", &format!("content-length: {}\r\n", event.len())) + event).await;
        assert!(sender.head().await.starts_with("HTTP/1.1 204 "));
        assert_eq!(listener.chunk().await, format!("data: {event}\n\n").as_bytes());
    }
}
