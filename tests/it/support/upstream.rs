//! An app behind the proxy that notes every request and answers with what it is asked for by its path: `…/hold` waits
//! until it is let go, everything else answers at once with the size of what was sent.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request as the app saw it.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
}

impl Recorded {
    /// All values of a field, joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }
}

/// A running app; it ends with the test process.
pub struct Upstream {
    pub port: u16,
    requests: Arc<Mutex<Vec<Recorded>>>,
    gate: watch::Sender<bool>,
}

impl Upstream {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket of ours");
        let port = listener.local_addr().expect("bound").port();
        let requests = Arc::<Mutex<Vec<Recorded>>>::default();
        let (gate, held) = watch::channel(false);
        let noted = Arc::clone(&requests);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, noted, held));
        });
        Self { port, requests, gate }
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that arrived so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().expect("no panic while holding it").clone()
    }

    /// The last request.
    pub fn last(&self) -> Recorded {
        self.requests().pop().expect("a request reached the app")
    }

    /// Waits until so many requests have arrived.
    pub async fn wait_for(&self, count: usize) {
        let patience = Instant::now() + Duration::from_secs(60);
        while self.requests().len() < count {
            assert!(Instant::now() < patience, "{} of {count} requests within a minute", self.requests().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets requests go that are held.
    pub fn let_go(&self) {
        self.gate.send_replace(true);
    }
}

async fn serve(listener: std::net::TcpListener, noted: Arc<Mutex<Vec<Recorded>>>, held: watch::Receiver<bool>) {
    let listener = TcpListener::from_std(listener).expect("a socket of ours");
    while let Ok((stream, _)) = listener.accept().await {
        let (noted, held) = (Arc::clone(&noted), held.clone());
        let service = service_fn(move |request| answer(request, Arc::clone(&noted), held.clone()));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    noted: Arc<Mutex<Vec<Recorded>>>,
    mut held: watch::Receiver<bool>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let target = head.uri.to_string();
    let is_held = head.uri.path().ends_with("/hold");
    noted.lock().expect("no panic while holding it").push(Recorded { method: head.method, target, headers: head.headers });
    if is_held {
        // An app that is gone lets go as well.
        let _gone = held.wait_for(|open| *open).await;
    }
    let size = body.collect().await.map_or(0, |body| body.to_bytes().len());
    let mut response = Response::new(Full::new(Bytes::from(format!("app: {size} bytes"))));
    // An app that tries to set a cookie of the proxy's.
    for cookie in ["app=1; Path=/", "homerealm-s-work=planted; Path=/", "__Host-homerealm-s-work=planted; Path=/; Secure"] {
        response.headers_mut().append(http::header::SET_COOKIE, http::HeaderValue::from_static(cookie));
    }
    Ok(response)
}
