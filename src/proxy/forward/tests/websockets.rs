//! WebSockets through the proxy, byte for byte.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::*;

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: orders.example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const ACCEPT: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\nKeep-Alive: x\r\n\r\n";

/// Accepts, greets in the same breath, and echoes.
async fn chatty() -> std::net::SocketAddr {
    let (address, _) = upstream(|mut peer| async move {
        let Some(head) = peer.head().await else { return };
        assert_eq!((field(&head, "upgrade"), field(&head, "sec-websocket-key")), (vec!["websocket"], vec!["x"]));
        peer.say(format!("{ACCEPT}\u{1}hello")).await;
        loop {
            let said = peer.body(1).await;
            if said.is_empty() {
                return;
            }
            peer.say(said).await;
        }
    })
    .await;
    address
}

async fn open(proxy: &Proxy) -> TcpStream {
    let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
    client.write_all(ASK.as_bytes()).await.expect("the proxy");
    let head = answer(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert_eq!((field(&head, "connection"), field(&head, "upgrade")), (vec!["upgrade"], vec!["websocket"]));
    assert_eq!((field(&head, "sec-websocket-accept"), field(&head, "keep-alive")), (vec!["y"], vec![]));
    let mut greeting = [0; 6];
    client.read_exact(&mut greeting).await.expect("what came with the 101");
    assert_eq!(&greeting, b"\x01hello");
    client
}

#[test]
fn bytes_flow_both_ways_whatever_they_are() {
    run(async {
        let proxy = Proxy::start(chatty().await, Settings::default()).await;
        let mut client = open(&proxy).await;
        let said: Vec<u8> = (0..=255).cycle().take(100_000).chain(*b"get / http\n\n").collect();
        let (mut reader, mut writer) = client.split();
        let mut heard = vec![0; said.len()];
        let (wrote, read) = tokio::join!(writer.write_all(&said), reader.read_exact(&mut heard));
        wrote.and(read.map(drop)).expect("a tunnel");
        assert_eq!(heard, said);
        writer.shutdown().await.expect("a tunnel");
        assert_eq!(reader.read(&mut [0]).await.expect("an end"), 0);
    });
}

#[test]
fn a_tunnel_ends_with_its_session_and_with_us() {
    run(async {
        let ends = Settings { ends_in: Duration::from_millis(50), ..Settings::default() };
        let proxy = Proxy::start(chatty().await, ends).await;
        assert_eq!(open(&proxy).await.read(&mut [0]).await.expect("an end"), 0);

        let settings = Settings::default();
        let proxy = Proxy::start(chatty().await, settings.clone()).await;
        let mut client = open(&proxy).await;
        settings.session.0.cancel();
        assert_eq!(client.read(&mut [0]).await.expect("an end"), 0, "before its time is over");

        let proxy = Proxy::start(chatty().await, Settings::default()).await;
        let mut client = open(&proxy).await;
        proxy.shutdown.cancel();
        assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    });
}

#[test]
fn a_refused_handshake_is_an_ordinary_answer() {
    run(async {
        let (address, _) = answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        for _ in 0..2 {
            client.write_all(ASK.as_bytes()).await.expect("the proxy");
            let answer = answer(&mut client).await;
            assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with("no"), "{answer}");
        }
    });
}

#[test]
fn an_upstream_that_switches_to_something_else_is_not_followed() {
    run(async {
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").await;
            peer.head().await;
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(ASK.as_bytes()).await.expect("the proxy");
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 502 "));
    });
}

#[test]
fn nothing_is_carried_before_the_upstream_has_agreed() {
    run(async {
        let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let (address, _) = upstream(move |mut peer| {
            let heard = heard.clone();
            async move {
                peer.head().await;
                let _ = heard.send(Vec::new());
                let _ = heard.send(peer.body(usize::MAX).await);
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(ASK.as_bytes()).await.expect("the proxy");
        hears.recv().await.expect("the handshake");
        client.write_all(b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("the proxy");
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        assert_eq!(answer, b"", "closed without a word");
        assert_eq!(hears.recv().await.as_deref(), Some(&b""[..]));
    });
}
