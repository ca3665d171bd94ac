//! HTTP/2 over real sockets: what reaches a service, what is refused, what ends a connection.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::proxy::listen::{Front, Limits, OnViolation, serve_connections};
use raw::{Raw, fields};

mod abuse;
mod heads;
mod lives;
mod raw;
mod streams;

/// What a service saw of a request.
#[derive(Debug)]
struct Seen {
    method: String,
    uri: String,
    headers: http::HeaderMap,
}

impl Seen {
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect()
    }
}

/// A running server, what it saw, and what it refused.
struct Server {
    address: SocketAddr,
    sees: mpsc::UnboundedReceiver<Seen>,
    refuses: mpsc::UnboundedReceiver<Violation>,
    /// Told when a request that would never be answered is dropped.
    drops: mpsc::UnboundedReceiver<()>,
    shutdown: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

struct TellsDrop(mpsc::UnboundedSender<()>);

impl Drop for TellsDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let ((seen, sees), (refused, refuses), (dropped, drops)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let on_violation: OnViolation = Arc::new(move |violation| {
            let _ = refused.send(violation);
        });
        let shutdown = CancellationToken::new();
        let service = Rc::new(move |request: Request<RequestBody>, _| {
            let (head, body) = request.into_parts();
            let uri = head.uri.to_string();
            let _ = seen.send(Seen { method: head.method.to_string(), uri: uri.clone(), headers: head.headers.clone() });
            answer(uri, head.headers, body, TellsDrop(dropped.clone()))
        });
        let served = serve_connections(listener, service, Front::new(limits, on_violation), shutdown.clone());
        Self { address, sees, refuses, drops, shutdown, ended: tokio::task::spawn_local(served) }
    }

    async fn connect(&self) -> SendRequest<Bytes> {
        self.connect_with(&h2::client::Builder::new()).await
    }

    async fn connect_with(&self, builder: &h2::client::Builder) -> SendRequest<Bytes> {
        let stream = TcpStream::connect(self.address).await.expect("a listener");
        let (client, connection) = builder.handshake(stream).await.expect("HTTP/2");
        tokio::task::spawn_local(connection);
        client.ready().await.expect("a connection")
    }

    async fn raw(&self) -> Raw {
        Raw::open(TcpStream::connect(self.address).await.expect("a listener")).await
    }

    async fn seen(&mut self) -> Seen {
        self.sees.recv().await.expect("a request")
    }
}

/// Echoes the body and its trailers, unless the path says something else.
async fn answer(uri: String, headers: http::HeaderMap, mut body: RequestBody, never: TellsDrop) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    match uri.as_str() {
        "/hold" => {
            let _never = never;
            return pending().await;
        }
        "/large" => *response.body_mut() = Body::from(Bytes::from(vec![b'x'; 3_000_000])),
        "/204" => *response.status_mut() = StatusCode::NO_CONTENT,
        "/connection" => {
            for (name, value) in
                [("connection", "close, x-gone"), ("keep-alive", "x"), ("transfer-encoding", "chunked"), ("upgrade", "h2c")]
            {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        "/ws" => {
            let Some(upgrade) = body.take_upgrade() else { return Response::new(Body::from("no websocket")) };
            let key = headers.get(header::SEC_WEBSOCKET_KEY).expect("a key").as_bytes().to_vec();
            let accept = accepting(&key);
            tokio::task::spawn_local(echo(upgrade));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        "/ws-wrong" => {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static("another key's"));
        }
        _ => {
            let told = match body.collect().await {
                Ok(all) => {
                    let trailers: Vec<String> =
                        all.trailers().into_iter().flatten().map(|(name, value)| format!(" {name}={value:?}")).collect();
                    format!("{}{}", all.to_bytes().len(), trailers.concat())
                }
                Err(_) => "broken".to_owned(),
            };
            *response.body_mut() = Body::from(Bytes::from(told));
        }
    }
    response
}

/// RFC 6455 §4.2.2, once more.
fn accepting(key: &[u8]) -> HeaderValue {
    use base64::Engine as _;
    let hashed = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        &[key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11".as_slice()].concat(),
    );
    HeaderValue::from_str(&base64::engine::general_purpose::STANDARD.encode(hashed.as_ref())).expect("Base64")
}

async fn echo(upgrade: crate::proxy::upgrade::OnUpgrade) {
    let Some(client) = upgrade.await else { return };
    let (mut reads, mut writes) = tokio::io::split(client);
    let _ = tokio::io::copy(&mut reads, &mut writes).await;
    let _ = writes.shutdown().await;
}

fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).expect("a runtime");
    runtime.block_on(test);
}

fn soon(changed: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    changed(&mut limits);
    limits
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://a.example{path}")).body(()).expect("a request")
}

async fn whole(answer: ResponseFuture) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let (head, mut body) = answer.await.expect("an answer").into_parts();
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("a body");
        body.flow_control().release_capacity(data.len()).expect("taken");
        all.extend_from_slice(&data);
    }
    (head.status, head.headers, all)
}

/// Asks without a body.
async fn ask(client: &mut SendRequest<Bytes>, request: Request<()>) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    whole(client.send_request(request, true).expect("a stream").0).await
}
