//! Connections to upstreams: reuse, staleness, time-outs, TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::*;
use crate::domain::destination::UpstreamScheme;
use crate::domain::route::Timeouts;

const GET: &str = "GET /a HTTP/1.1\r\nHost: orders.example.com\r\n\r\n";
const POST: &str = "POST /a HTTP/1.1\r\nHost: orders.example.com\r\nContent-Length: 0\r\n\r\n";

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address).await.expect("the proxy")
}

async fn ask(client: &mut TcpStream, raw: &str) -> String {
    client.write_all(raw.as_bytes()).await.expect("the proxy");
    answer(client).await
}

#[test]
fn one_connection_serves_one_request_after_the_other() {
    run(async {
        for ok in [
            OK,
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ] {
            let (address, connections) = upstream(move |mut peer| async move {
                while peer.head().await.is_some() {
                    peer.say(ok).await;
                }
            })
            .await;
            let proxy = Proxy::start(address, Settings::default()).await;
            for _ in 0..5 {
                assert!(proxy.say(get("")).await.starts_with("HTTP/1.1 20"), "{ok}");
            }
            assert_eq!(connections.get(), 1, "{ok}");
        }
    });
}

#[test]
fn an_answer_that_closes_or_says_too_much_is_the_last_of_its_connection() {
    run(async {
        for raw in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nqueued",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ] {
            let (address, connections) = upstream(move |mut peer| async move {
                while peer.head().await.is_some() {
                    peer.say(raw).await;
                }
            })
            .await;
            let proxy = Proxy::start(address, Settings::default()).await;
            for _ in 0..3 {
                let answer = proxy.say(get("")).await;
                let is_whole = answer.ends_with("\r\n\r\nok") || answer.ends_with("\r\n\r\n2\r\nok\r\n0\r\n\r\n");
                assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && is_whole, "{raw}: {answer}");
            }
            assert_eq!(connections.get(), 3, "{raw}");
        }
    });
}

/// An upstream whose first connection answers once and then closes on reading the next request; later ones answer.
async fn stale() -> (SocketAddr, Rc<std::cell::RefCell<Vec<(usize, String)>>>) {
    let heads = Rc::new(std::cell::RefCell::new(Vec::new()));
    let told = Rc::clone(&heads);
    let (address, _) = upstream(move |mut peer| {
        let told = Rc::clone(&told);
        async move {
            let mut requests = 0;
            while let Some(head) = peer.head().await {
                requests += 1;
                told.borrow_mut().push((peer.number, head.lines().next().unwrap_or_default().to_owned()));
                if peer.number == 1 && requests == 2 {
                    return;
                }
                peer.say(OK).await;
            }
        }
    })
    .await;
    (address, heads)
}

#[test]
fn a_stale_connection_costs_a_get_nothing() {
    run(async {
        let (address, heads) = stale().await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = connect(&proxy).await;
        assert!(ask(&mut client, GET).await.ends_with("ok"));
        assert!(ask(&mut client, GET).await.ends_with("ok"));
        let numbers: Vec<usize> = heads.borrow().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 1, 2]);
    });
}

#[test]
fn a_post_is_never_sent_twice() {
    run(async {
        let (address, heads) = stale().await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = connect(&proxy).await;
        assert!(ask(&mut client, GET).await.ends_with("ok"));
        let answer = ask(&mut client, POST).await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.ends_with("upstream_unavailable"), "{answer}");
        let posts = heads.borrow().iter().filter(|(_, line)| line.starts_with("POST")).count();
        assert_eq!(posts, 1);
        assert!(ask(&mut client, POST).await.ends_with("ok"), "on a new connection it is sent");
    });
}

#[test]
fn a_get_is_not_repeated_once_the_upstream_has_said_something() {
    run(async {
        let (address, connections) = upstream(|mut peer| async move {
            let mut requests = 0;
            while peer.head().await.is_some() {
                requests += 1;
                if requests == 2 {
                    peer.say("HTTP/1.1 200 OK\r\nConte").await;
                    return;
                }
                peer.say(OK).await;
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = connect(&proxy).await;
        assert!(ask(&mut client, GET).await.ends_with("ok"));
        assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 502 "));
        assert_eq!(connections.get(), 1);
    });
}

#[test]
fn a_connection_that_was_closed_in_the_meantime_is_not_used() {
    run(async {
        let (closed, mut closes) = tokio::sync::mpsc::unbounded_channel();
        let (address, connections) = upstream(move |mut peer| {
            let closed = closed.clone();
            async move {
                peer.head().await;
                peer.say(OK).await;
                drop(peer);
                let _ = closed.send(());
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = connect(&proxy).await;
        for count in 1..=3 {
            assert!(ask(&mut client, POST).await.ends_with("ok"), "{:?}", proxy.faults.borrow());
            closes.recv().await;
            // The end of the connection is in the kernel by now; one turn of the runtime and we know.
            tokio::task::yield_now().await;
            assert_eq!(connections.get(), count);
        }
    });
}

#[test]
fn nobody_listening_is_502() {
    run(async {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let answer = Proxy::start(address, Settings::default()).await.say(get("")).await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.ends_with("upstream_unavailable"), "{answer}");
    });
}

#[test]
fn answers_that_are_not_http_are_502() {
    run(async {
        for raw in [
            "",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        ] {
            let (address, _) = upstream(move |mut peer| async move {
                peer.head().await;
                peer.say(raw).await;
            })
            .await;
            let proxy = Proxy::start(address, Settings::default()).await;
            let answer = proxy.say(get("")).await;
            assert!(answer.starts_with("HTTP/1.1 502 "), "{raw:?}: {answer}");
        }
    });
}

#[test]
fn an_upstream_that_does_not_answer_in_time_is_504() {
    run(async {
        let timeouts = Timeouts { response: Duration::from_millis(50), ..Timeouts::default() };
        let (address, _) = upstream(|mut peer| async move { while peer.head().await.is_some() {} }).await;
        let answer = Proxy::start(address, Settings { timeouts, ..Settings::default() }).await.say(get("")).await;
        assert!(answer.starts_with("HTTP/1.1 504 ") && answer.ends_with("upstream_timeout"), "{answer}");
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_is_504() {
    run(async {
        // TLS with a server that never says a word: the time for connecting includes the handshake.
        let (address, _) = upstream(|mut peer| async move {
            peer.body(usize::MAX).await;
        })
        .await;
        let timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
        let settings = Settings { timeouts, scheme: UpstreamScheme::Https, roots: vec![authority().0], ..Settings::default() };
        let answer = Proxy::start(address, settings).await.say(get("")).await;
        assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    });
}

#[test]
fn interim_answers_are_swallowed() {
    run(async {
        let raw =
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (address, _) = answering(raw).await;
        let answer = Proxy::start(address, Settings::default()).await.say(get("")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"), "{answer}");
    });
}

/// A self-signed certificate for `localhost` and its key.
pub(super) fn authority() -> (rustls_pki_types::CertificateDer<'static>, rustls_pki_types::PrivateKeyDer<'static>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    (certified.cert.der().clone(), key.into())
}

#[test]
fn tls_upstreams_are_believed_by_their_certificate_only() {
    run(async {
        let (certificate, key) = authority();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a key");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let (address, _) = upstream(move |peer| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(peer.stream).await else { return };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
                let _ = stream.write_all(OK.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
        let trusting =
            Settings { scheme: UpstreamScheme::Https, host: "localhost", roots: vec![certificate.clone()], ..Settings::default() };
        let answer = Proxy::start(address, trusting.clone()).await.say(get("")).await;
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
        let other_name = Settings { host: "127.0.0.1", ..trusting.clone() };
        let other_root = Settings { roots: vec![authority().0], ..trusting };
        for settings in [other_name, other_root] {
            let answer = Proxy::start(address, settings).await.say(get("")).await;
            assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        }
    });
}
