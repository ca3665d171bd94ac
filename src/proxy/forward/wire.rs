//! The bytes of a connection to an upstream: TCP or a socket in the file system, with or without TLS.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Protocol;
use super::dial;
use super::error::ForwardError;
use super::upstreams::Member;
use super::upstreams::limit::Permit;
use crate::domain::destination::{UpstreamAddress, UpstreamScheme};
use crate::protocol::tls_identity::TlsIdentity;

/// As ALPN names them.
pub(super) const HTTP_1_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

/// An open connection of a worker.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    is_http2: bool,
    /// Whether the upstream has sent a single byte since this was last cleared.
    heard: Rc<Cell<bool>>,
    /// Given back when the connection ends.
    _permit: Option<Permit>,
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// Why there can be no TLS to upstreams.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The cryptography library refuses.
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Which HTTP there may be on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Http1,
    /// By prior knowledge.
    Http2,
    /// As the upstream likes (ALPN, RFC 7301).
    Either,
}

impl Offer {
    /// WebSockets are opened by HTTP/1.1 where that is possible: every server that has them has them there.
    pub(super) fn of(member: &Member, protocol: Protocol) -> Self {
        match (member.upstream().scheme, protocol) {
            (UpstreamScheme::Http, _) | (UpstreamScheme::Https, Protocol::WebSocket) => Self::Http1,
            (UpstreamScheme::Https, Protocol::Http) => Self::Either,
            (UpstreamScheme::H2c, _) => Self::Http2,
        }
    }
}

/// A TLS configuration for upstreams, which trusts these roots; they may know us by a certificate. No roots at all are no reason not to start: most
/// upstreams are next door and speak plain HTTP, and https to one fails with its own words.
///
/// # Errors
/// [`TlsError`].
pub fn upstream_tls(roots: Arc<RootCertStore>, identity: Option<&TlsIdentity>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let trusting = versions.with_root_certificates(roots);
    let mut config = match identity {
        None => trusting.with_no_client_auth(),
        Some(identity) => trusting.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.certified)))),
    };
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}

impl Stream {
    /// Connects, TLS included. The caller enforces `limit`; here it only says how patient to be with each address.
    pub(super) async fn open(member: &Member, offer: Offer, limit: Duration) -> io::Result<Self> {
        match &member.upstream().address {
            UpstreamAddress::Unix(path) => UnixStream::connect(path).await.map(Self::Unix),
            UpstreamAddress::Tcp { host, port } => {
                let stream = dial::tcp(host, *port, limit).await?;
                let Some(tls) = member.tls() else { return Ok(Self::Tcp(stream)) };
                let config = match offer {
                    Offer::Http1 => &tls.http1,
                    Offer::Http2 | Offer::Either => &tls.config,
                };
                let connected = TlsConnector::from(Arc::clone(config)).connect(tls.name.clone(), stream).await?;
                Ok(Self::Tls(Box::new(connected)))
            }
        }
    }

    /// Whether HTTP/2 is what is spoken on it.
    pub(super) fn is_http2(&self, offer: Offer) -> bool {
        match (offer, self) {
            (Offer::Http1, _) => false,
            (Offer::Http2, _) => true,
            (Offer::Either, Self::Tls(stream)) => stream.get_ref().1.alpn_protocol() == Some(HTTP_2),
            (Offer::Either, Self::Tcp(_) | Self::Unix(_)) => false,
        }
    }
}

impl Wire {
    /// Connects within `limit`, TLS included.
    pub(super) async fn open(member: &Member, permit: Option<Permit>, offer: Offer, limit: Duration) -> Result<Self, ForwardError> {
        match tokio::time::timeout(limit, Stream::open(member, offer, limit)).await {
            Ok(Ok(stream)) => Ok(Self { is_http2: stream.is_http2(offer), stream, heard: Rc::default(), _permit: permit }),
            // The system's own patience may be the shorter one.
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(ForwardError::ConnectTimeout),
            Ok(Err(error)) => Err(ForwardError::Connect(error)),
            Err(_) => Err(ForwardError::ConnectTimeout),
        }
    }

    /// Whether HTTP/2 is what is spoken on it.
    pub(super) const fn is_http2(&self) -> bool {
        self.is_http2
    }

    /// Is set whenever a byte comes.
    pub(super) fn heard(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.heard)
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.heard.set(true);
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
