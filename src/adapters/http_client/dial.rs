//! Connections to providers: straight, or through the proxy that HTTPS_PROXY and NO_PROXY name. Only https goes through
//! a proxy, in a CONNECT tunnel (RFC 9110 §9.3.6), so that the proxy never sees what is in it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    straight: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Dial {
    pub(super) fn new(proxies: Matcher) -> Self {
        let mut straight = HttpConnector::new();
        // It is asked for https URLs as well: TLS is put on top of what it makes.
        straight.enforce_http(false);
        straight.set_nodelay(true);
        Self { straight, proxies: Arc::new(proxies) }
    }

    fn proxy_for(&self, destination: &Uri) -> Option<Intercept> {
        let secure = destination.scheme_str() == Some("https");
        self.proxies.intercept(destination).filter(|_| secure)
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Problem>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        self.straight.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let mut straight = self.straight.clone();
        let Some(proxy) = self.proxy_for(&destination) else {
            return Box::pin(async move { straight.call(destination).await.map_err(Into::into) });
        };
        Box::pin(async move {
            if proxy.uri().scheme_str() != Some("http") {
                return Err(io::Error::other("HTTPS_PROXY must be an http:// URL").into());
            }
            let mut tunnel = Tunnel::new(proxy.uri().clone(), straight);
            if let Some(credentials) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(credentials.clone());
            }
            tunnel.call(destination).await.map_err(Into::into)
        })
    }
}
