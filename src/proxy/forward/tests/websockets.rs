//! WebSockets through the proxy, byte for byte.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::*;
use crate::telemetry::streams::{Ending, StreamKind};

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: orders.example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const ACCEPT: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\nKeep-Alive: x\r\n\r\n";

/// A frame with text.
const GREETING: &[u8] = b"\x81\x05hello";

/// Accepts, greets in the same breath, and echoes.
async fn chatty() -> std::net::SocketAddr {
    let (address, _) = upstream(|mut peer| async move {
        let Some(head) = peer.head().await else { return };
        assert_eq!((field(&head, "upgrade"), field(&head, "sec-websocket-key")), (vec!["websocket"], vec!["x"]));
        peer.say([ACCEPT.as_bytes(), GREETING].concat()).await;
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
    let mut greeting = [0; GREETING.len()];
    client.read_exact(&mut greeting).await.expect("what came with the 101");
    assert_eq!(greeting, *GREETING);
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

/// Everything up to the end.
async fn rest(mut client: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("an end");
    rest
}

const SESSION_ENDED: &[u8] = b"\x88\x0f\x03\xf0session ended";
const GOING_AWAY: &[u8] = b"\x88\x0c\x03\xe9going away";

#[test]
fn a_tunnel_ends_with_its_session_and_with_us_and_says_why() {
    run(async {
        let ends = Settings { ends_in: Duration::from_millis(50), ..Settings::default() };
        let proxy = Proxy::start(chatty().await, ends).await;
        assert_eq!(rest(open(&proxy).await).await, SESSION_ENDED);

        let settings = Settings::default();
        let proxy = Proxy::start(chatty().await, settings.clone()).await;
        let client = open(&proxy).await;
        assert_eq!(proxy.streams.open(StreamKind::WebSocket), 1);
        settings.session.0.cancel();
        assert_eq!(rest(client).await, SESSION_ENDED, "before its time is over");
        assert_eq!(proxy.streams.ended(StreamKind::WebSocket, Ending::Session), 1);
        assert_eq!(proxy.streams.open(StreamKind::WebSocket), 0);

        let proxy = Proxy::start(chatty().await, Settings::default()).await;
        let client = open(&proxy).await;
        proxy.shutdown.cancel();
        assert_eq!(rest(client).await, GOING_AWAY);
        assert_eq!(proxy.streams.ended(StreamKind::WebSocket, Ending::Shutdown), 1);
    });
}

#[test]
fn the_last_word_waits_for_the_frame_that_is_under_way() {
    run(async {
        let (half, halved) = tokio::sync::oneshot::channel();
        let (half, (told, mut tells)) = (Rc::new(RefCell::new(Some(half))), tokio::sync::mpsc::unbounded_channel());
        let settings = Settings::default();
        let session = settings.session.0.clone();
        let (address, _) = upstream(move |mut peer| {
            let (half, told, session) = (Rc::clone(&half), told.clone(), session.clone());
            async move {
                peer.head().await;
                peer.say([ACCEPT.as_bytes(), GREETING, b"\x82\x08half"].concat()).await;
                if let Some(half) = half.take() {
                    let _ = half.send(());
                }
                session.cancelled().await;
                peer.say(b"full").await;
                let _ = told.send(peer.body(usize::MAX).await);
            }
        })
        .await;
        let proxy = Proxy::start(address, settings.clone()).await;
        let mut client = open(&proxy).await;
        halved.await.expect("an upstream");
        let mut half = [0; 6];
        client.read_exact(&mut half).await.expect("half a frame");
        settings.session.0.cancel();
        assert_eq!(rest(client).await, [b"full", SESSION_ENDED].concat());
        let goodbye = tells.recv().await.expect("what the upstream was told");
        assert_eq!((goodbye.len(), &goodbye[..2]), (6 + 15, &[0x88, 0x80 | 15][..]), "a closing frame, masked");
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
