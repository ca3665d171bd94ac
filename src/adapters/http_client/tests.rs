//! The client against servers on loopback that behave badly, and through a proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures_util::stream;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::adapters::trust_roots::{self, BadRoots};

const PATIENT: Limits = Limits { bytes: 1000, time: Duration::from_secs(20) };

async fn serve(app: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    Url::parse(&format!("http://{address}/")).expect("a URL")
}

fn client() -> HttpClient {
    HttpClient::through(Matcher::builder().build(), Arc::new(RootCertStore::empty()))
}

#[tokio::test]
async fn an_answer_comes_with_status_type_and_age() {
    let headers = [("content-type", "application/json"), ("cache-control", "private, max-age=86400")];
    let url = serve(Router::new().route("/", get(async move || (StatusCode::IM_A_TEAPOT, headers, "{}")))).await;
    let answer = client().get(&url, PATIENT).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert_eq!(&*answer.body, b"{}");
    assert_eq!((answer.max_age, answer.retry_after), (Some(Duration::from_secs(86_400)), None));
}

#[tokio::test]
async fn when_to_come_back_is_read_if_it_is_in_seconds() {
    for (field, expected) in [("120", Some(120)), ("0", Some(0)), ("-1", None), ("1.5", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None)] {
        let headers = [("retry-after", field)];
        let url = serve(Router::new().route("/", get(async move || (StatusCode::SERVICE_UNAVAILABLE, headers, "{}")))).await;
        let answer = client().get(&url, PATIENT).await.expect("an answer");
        assert_eq!(answer.retry_after, expected.map(Duration::from_secs), "{field}");
    }
}

#[tokio::test]
async fn json_is_posted_with_its_headers() {
    let echo = async |headers: HeaderMap, body: String| {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        [text(CONTENT_TYPE), text(AUTHORIZATION), body].join("|")
    };
    let url = serve(Router::new().route("/", post(echo))).await;
    let answer = client().post_json(&url, &Secret::new("Bearer t".into()), "{}".into(), PATIENT).await.expect("an answer");
    assert_eq!(&*answer.body, b"application/json|Bearer t|{}");
    let broken = Secret::new("Bearer \r\nX: y".to_owned());
    assert_eq!(client().post_json(&url, &broken, "{}".into(), PATIENT).await.err(), Some(HttpFault::Url));
}

#[tokio::test]
async fn a_form_is_posted_with_its_headers() {
    let echo = async |headers: HeaderMap, body: String| {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        [text(CONTENT_TYPE), text(AUTHORIZATION), text(ACCEPT), text(USER_AGENT), body].join("|")
    };
    let url = serve(Router::new().route("/", post(echo))).await;
    let (authorization, form) = (Secret::new("Basic eDp5".to_owned()), Secret::new("code=x".to_owned()));
    let answer = client().post_form(&url, Some(&authorization), &form, PATIENT).await.expect("an answer");
    let expected =
        concat!("application/x-www-form-urlencoded|Basic eDp5|application/json|homerealm/", env!("CARGO_PKG_VERSION"), "|code=x");
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);
    let broken = Secret::new("Basic \r\nX: y".to_owned());
    assert_eq!(client().post_form(&url, Some(&broken), &form, PATIENT).await.err(), Some(HttpFault::Url));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let followed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&followed);
    let elsewhere = async move || {
        counter.fetch_add(1, Ordering::Relaxed);
        "{}"
    };
    let app = Router::new().route("/", get(async || (StatusCode::FOUND, [("location", "/elsewhere")]))).route("/elsewhere", get(elsewhere));
    let answer = client().get(&serve(app).await, PATIENT).await.expect("an answer");
    assert_eq!((answer.status, followed.load(Ordering::Relaxed)), (StatusCode::FOUND, 0));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound() {
    let sized = |bytes: usize| Router::new().route("/", get(async move || "x".repeat(bytes)));
    assert_eq!(client().get(&serve(sized(1000)).await, PATIENT).await.expect("an answer").body.len(), 1000);
    assert_eq!(client().get(&serve(sized(1001)).await, PATIENT).await.err(), Some(HttpFault::TooLong(1000)));
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_bound() {
    let endless = async || {
        let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096])));
        Body::from_stream(chunks).into_response()
    };
    let url = serve(Router::new().route("/", get(endless))).await;
    assert_eq!(client().get(&url, PATIENT).await.err(), Some(HttpFault::TooLong(1000)));
}

#[tokio::test]
async fn a_body_that_never_ends_in_time_is_no_answer() {
    let silent = async || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response();
    let url = serve(Router::new().route("/", get(silent))).await;
    let hasty = Limits { time: Duration::from_millis(50), ..PATIENT };
    assert_eq!(client().get(&url, hasty).await.err(), Some(HttpFault::Timeout(hasty.time)));
}

#[tokio::test]
async fn compressed_answers_are_refused() {
    let encoded = |encoding: &'static str| Router::new().route("/", get(async move || ([("content-encoding", encoding)], "{}")));
    assert_eq!(client().get(&serve(encoded("gzip")).await, PATIENT).await.err(), Some(HttpFault::Encoded));
    assert!(client().get(&serve(encoded("identity")).await, PATIENT).await.is_ok());
}

#[tokio::test]
async fn plain_http_does_not_leave_this_machine() {
    let url = Url::parse("http://op.example/").expect("a URL");
    assert_eq!(client().get(&url, PATIENT).await.err(), Some(HttpFault::PlainHttp));
}

#[tokio::test]
async fn nobody_there_is_a_fault_with_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("a URL");
    drop(listener);
    let fault = client().get(&url, PATIENT).await.expect_err("a fault");
    assert!(matches!(&fault, HttpFault::Connect(cause) if cause.contains("refused")), "{fault}");
}

/// These certificates and no others.
fn trusted(pem: &str) -> Arc<RootCertStore> {
    trust_roots::with(&RootCertStore::empty(), pem.as_bytes()).expect("a certificate")
}

/// A TLS server with a certificate of its own making, and that certificate.
async fn serve_tls(name: &str) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(acceptor.accept(stream).await?);
                read_head(&mut stream).await?;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await?;
                stream.shutdown().await
            });
        }
    });
    (address, made.cert.pem())
}

async fn read_head<S: AsyncBufReadExt + Unpin>(stream: &mut S) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            break;
        }
    }
    Ok(head)
}

#[tokio::test]
async fn extra_roots_are_trusted_and_unknown_ones_are_not() {
    let (address, pem) = serve_tls("localhost").await;
    let url = Url::parse(&format!("https://localhost:{}/", address.port())).expect("a URL");
    let trusting = HttpClient::through(Matcher::builder().build(), trusted(&pem));
    assert_eq!(&*trusting.get(&url, PATIENT).await.expect("an answer").body, b"{}");
    let fault = client().get(&url, PATIENT).await.expect_err("a fault");
    assert!(matches!(&fault, HttpFault::Connect(cause) if cause.contains("certificate")), "{fault}");
}

#[test]
fn extra_roots_that_are_none_are_refused() {
    let malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, problem) in [("", BadRoots::Empty), ("not PEM", BadRoots::Empty), (malformed, BadRoots::Malformed)] {
        assert_eq!(trust_roots::with(&RootCertStore::empty(), pem.as_bytes()).err(), Some(problem), "{pem}");
    }
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    assert!(trust_roots::with(&RootCertStore::empty(), made.cert.pem().as_bytes()).is_ok());
}

/// A proxy that connects whatever it is asked for to `destination`, and tells what it was asked.
async fn serve_proxy(destination: SocketAddr) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (asked, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let asked = asked.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let head = read_head(&mut stream).await?;
                let _ = asked.send(head);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                let mut onward = TcpStream::connect(destination).await?;
                tokio::io::copy_bidirectional(&mut stream, &mut onward).await
            });
        }
    });
    (address, heard)
}

#[tokio::test]
async fn https_goes_through_the_proxy_in_a_tunnel() {
    let (origin, pem) = serve_tls("op.example").await;
    let (proxy, mut heard) = serve_proxy(origin).await;
    let proxies = || Matcher::builder().all(format!("http://user:pass@{proxy}"));
    let url = Url::parse("https://op.example/keys").expect("a URL");
    let proxied = HttpClient::through(proxies().build(), trusted(&pem));
    assert_eq!(&*proxied.get(&url, PATIENT).await.expect("an answer").body, b"{}");
    let head = heard.recv().await.expect("a request");
    assert!(head.starts_with("CONNECT op.example:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), "{head}");
}

#[tokio::test]
async fn loopback_http_and_excepted_hosts_pass_the_proxy_by() {
    let (origin, pem) = serve_tls("localhost").await;
    let (proxy, mut heard) = serve_proxy(origin).await;
    let proxies = Matcher::builder().all(format!("http://{proxy}")).no("localhost").build();
    let client = HttpClient::through(proxies, trusted(&pem));
    let plain = serve(Router::new().route("/", get(async || "{}"))).await;
    assert!(client.get(&plain, PATIENT).await.is_ok());
    let excepted = Url::parse(&format!("https://localhost:{}/", origin.port())).expect("a URL");
    assert!(client.get(&excepted, PATIENT).await.is_ok());
    assert!(heard.try_recv().is_err(), "the proxy was asked");
}

#[tokio::test]
async fn a_proxy_of_an_unknown_kind_is_a_fault_and_not_passed_by() {
    let (origin, pem) = serve_tls("localhost").await;
    let proxies = Matcher::builder().all("socks5://127.0.0.1:1").build();
    let client = HttpClient::through(proxies, trusted(&pem));
    let url = Url::parse(&format!("https://localhost:{}/", origin.port())).expect("a URL");
    let fault = client.get(&url, PATIENT).await.expect_err("a fault");
    assert!(matches!(&fault, HttpFault::Connect(cause) if cause.contains("HTTPS_PROXY")), "{fault}");
}
