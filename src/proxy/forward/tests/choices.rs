//! What is spoken where an upstream may choose, and how WebSockets get there.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::connections::authority;
use super::http2::{h2c, response};
use super::support::*;
use crate::domain::destination::UpstreamScheme;

/// An upstream over TLS that speaks what of this it is offered, and what was negotiated on its connections.
async fn choosing(protocols: &[&str], settings: &mut Settings) -> (SocketAddr, Rc<RefCell<Vec<Option<String>>>>) {
    let (certificate, key) = authority();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = versions.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).expect("a key");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    (settings.scheme, settings.host, settings.roots) = (UpstreamScheme::Https, "localhost", vec![certificate]);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let chosen = Rc::<RefCell<Vec<Option<String>>>>::default();
    let told = Rc::clone(&chosen);
    let (address, _) = upstream(move |peer| {
        let (acceptor, told) = (acceptor.clone(), Rc::clone(&told));
        async move {
            let Ok(mut stream) = acceptor.accept(peer.stream).await else { return };
            let protocol = stream.get_ref().1.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
            told.borrow_mut().push(protocol.clone());
            if protocol.as_deref() != Some("h2") {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
                    if head.ends_with(b"\r\n\r\n") {
                        let is_socket = String::from_utf8_lossy(&head).to_lowercase().contains("upgrade: websocket");
                        let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
                        let _ = stream.write_all(if is_socket { switch } else { OK }.as_bytes()).await;
                        let _ = stream.flush().await;
                        head.clear();
                    }
                }
                return;
            }
            let mut accepting = h2::server::handshake(stream).await.expect("HTTP/2");
            while let Some(Ok((_, mut respond))) = accepting.accept().await {
                let mut stream = respond.send_response(response(200, &[("content-length", "2")]), false).expect("a stream");
                let _ = stream.send_data(Bytes::from_static(b"h2"), true);
            }
        }
    })
    .await;
    (address, chosen)
}

#[test]
fn over_tls_the_upstream_chooses_and_its_choice_is_remembered() {
    run(async {
        for (protocols, chosen, connections) in
            [(&["h2", "http/1.1"][..], Some("h2"), 1), (&["h2"], Some("h2"), 1), (&["http/1.1"], Some("http/1.1"), 20), (&[], None, 20)]
        {
            let mut settings = Settings::default();
            let (address, negotiated) = choosing(protocols, &mut settings).await;
            let proxy = Proxy::start(address, settings).await;
            // All at once, before anybody knows.
            for answer in proxy.say_at_once(20, &get("")).await {
                assert!(answer.ends_with(if chosen == Some("h2") { "h2" } else { "ok" }), "{answer} {:?}", proxy.faults.borrow());
            }
            let negotiated = negotiated.borrow();
            assert!(negotiated.iter().all(|protocol| protocol.as_deref() == chosen), "{negotiated:?}");
            assert!((1..=connections).contains(&negotiated.len()), "{protocols:?}: {} connections", negotiated.len());
        }
    });
}

pub(super) const ASK: &str = "GET /chat HTTP/1.1\r\nHost: orders.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn a_websocket_over_tls_is_offered_http_1_1_only() {
    run(async {
        let mut settings = Settings::default();
        let (address, negotiated) = choosing(&["h2", "http/1.1"], &mut settings).await;
        let proxy = Proxy::start(address, settings).await;
        assert!(proxy.say(get("")).await.ends_with("h2"));
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(ASK.as_bytes()).await.expect("the proxy");
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 101 "));
        assert_eq!(*negotiated.borrow(), [Some("h2".to_owned()), Some("http/1.1".to_owned())]);
    });
}

/// An h2c upstream that echoes WebSockets by extended CONNECT, if it has them.
pub(super) async fn sockets(has_them: bool) -> (SocketAddr, Rc<RefCell<Vec<http::request::Parts>>>) {
    let heads = Rc::<RefCell<Vec<http::request::Parts>>>::default();
    let told = Rc::clone(&heads);
    let (address, _) = upstream(move |peer| {
        let told = Rc::clone(&told);
        async move {
            let mut library = h2::server::Builder::new();
            if has_them {
                library.enable_connect_protocol();
            }
            let mut accepting = library.handshake::<_, Bytes>(peer.stream).await.expect("HTTP/2");
            while let Some(Ok((request, mut respond))) = accepting.accept().await {
                let (head, mut body) = request.into_parts();
                let is_refused = head.uri.path() == "/refused";
                told.borrow_mut().push(head);
                if is_refused {
                    let _ = respond.send_response(response(403, &[]), true);
                    continue;
                }
                let mut stream = respond.send_response(response(200, &[("sec-websocket-protocol", "chat")]), false).expect("a stream");
                tokio::task::spawn_local(async move {
                    while let Some(Ok(data)) = body.data().await {
                        let _ = body.flow_control().release_capacity(data.len());
                        let _ = stream.send_data(data, false);
                    }
                    let _ = stream.send_data(Bytes::new(), true);
                });
            }
        }
    })
    .await;
    (address, heads)
}

#[test]
fn a_websocket_to_an_h2c_upstream_is_an_extended_connect() {
    run(async {
        let (address, heads) = sockets(true).await;
        let settings = h2c();
        let proxy = Proxy::start(address, settings.clone()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(ASK.as_bytes()).await.expect("the proxy");
        let head = answer(&mut client).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head} {:?}", proxy.faults.borrow());
        // RFC 6455 §1.3.
        assert_eq!(field(&head, "sec-websocket-accept"), ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
        assert_eq!((field(&head, "sec-websocket-protocol"), field(&head, "upgrade")), (vec!["chat"], vec!["websocket"]));
        let said = b"\x81\x85\0\0\0\0hello";
        client.write_all(said).await.expect("a tunnel");
        let mut heard = [0; 11];
        client.read_exact(&mut heard).await.expect("a tunnel");
        assert_eq!(heard, *said);
        settings.session.0.cancel();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.expect("an end");
        assert_eq!(rest, b"\x88\x0f\x03\xf0session ended");

        let answer = proxy.say(ASK.replace("/chat", "/refused").replace("Version: 13\r\n", "Version: 13\r\nConnection: close\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        let heads = heads.borrow();
        let head = &heads[0];
        assert_eq!((head.method.as_str(), head.uri.to_string()), ("CONNECT", "http://orders.example.com/chat".to_owned()));
        assert_eq!(head.extensions.get::<h2::ext::Protocol>().map(h2::ext::Protocol::as_str), Some("websocket"));
        assert_eq!(head.headers.get("sec-websocket-version"), Some(&HeaderValue::from_static("13")));
        for name in ["sec-websocket-key", "upgrade", "connection", "host"] {
            assert!(!head.headers.contains_key(name), "{name}");
        }
    });
}

#[test]
fn an_h2c_upstream_without_websockets_is_a_clear_fault() {
    run(async {
        let (address, heads) = sockets(false).await;
        let proxy = Proxy::start(address, h2c()).await;
        let answer = proxy.say(ASK.replace("Connection: Upgrade", "Connection: Upgrade, close")).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert_eq!(*proxy.faults.borrow(), ["NoWebSockets"]);
        assert!(heads.borrow().is_empty());
        assert!(!proxy.say(get("")).await.starts_with("HTTP/1.1 502 "));
    });
}
