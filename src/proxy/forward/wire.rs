//! The bytes of a connection to an upstream: TCP, with or without TLS.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::domain::destination::{Upstream, UpstreamAddress, UpstreamScheme};

/// An open connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    /// Whether the upstream has sent a single byte since this was last cleared.
    heard: Rc<Cell<bool>>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Why there can be no TLS to upstreams.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The cryptography library refuses.
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The TLS configuration for all upstreams, which trusts these roots. No roots at all are no reason not to start: most
/// upstreams are next door and speak plain HTTP, and https to one fails with its own words.
///
/// # Errors
/// [`TlsError`].
pub fn upstream_tls(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Wire {
    /// Connects. No time limit of its own.
    pub(super) async fn connect(upstream: &Upstream, tls: &Arc<ClientConfig>, heard: Rc<Cell<bool>>) -> io::Result<Self> {
        let (UpstreamAddress::Tcp { host, port }, UpstreamScheme::Http | UpstreamScheme::Https) = (&upstream.address, upstream.scheme)
        else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let stream = match host.parse::<IpAddr>() {
            Ok(address) => TcpStream::connect((address, *port)).await?,
            Err(_) => TcpStream::connect((host.as_str(), *port)).await?,
        };
        stream.set_nodelay(true)?;
        let stream = match upstream.scheme {
            UpstreamScheme::Http | UpstreamScheme::H2c => Stream::Plain(stream),
            UpstreamScheme::Https => {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                Stream::Tls(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
            }
        };
        Ok(Self { stream, heard })
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        if buffer.filled().len() > before {
            self.heard.set(true);
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
