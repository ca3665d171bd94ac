//! What a connection goes through before its first request: the PROXY protocol, being counted, TLS. All of it may change
//! while the sockets stay: each connection goes by what is in force when it comes.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::places::{Place, Places};
use super::proxy_protocol::{self, HeaderFault, Told};
use super::sockets::{Accepted, HERE};
use super::{ConnectionInfo, Known, Negotiated, tls};
use crate::proxy::trusted::TrustedProxies;

/// Nobody's address: of clients whom a balancer does not know itself. No network that is trusted has it.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The way in.
#[derive(Debug, Default)]
pub struct Entrance {
    /// Who may speak for others. They are not counted as clients.
    pub trusted_proxies: TrustedProxies,
    /// `proxy_protocol`
    pub proxy_protocol: ProxyProtocol,
    /// `[tls]`; `None`: clear text.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Whether connections begin with a header of the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// Every one does, and comes from a trusted proxy.
    Expected,
    /// None does.
    #[default]
    Unused,
}

/// A connection's bytes, decrypted.
pub(super) type Stream = Either<Accepted, Box<TlsStream<Accepted>>>;

/// A connection whose next byte is HTTP's.
pub(super) struct Admitted<T = Stream> {
    pub(super) stream: T,
    pub(super) place: Place,
    pub(super) info: ConnectionInfo,
    pub(super) negotiated: Negotiated,
}

/// Why a connection was closed before its first request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Turned {
    #[error("it comes from no trusted proxy, and `proxy_protocol` takes connections of nobody else")]
    Stranger,
    #[error("{0}")]
    Header(#[from] HeaderFault),
    #[error("its client has as many as `connections_per_client` allows")]
    TooMany { is_first: bool },
    #[error("the TLS handshake failed: {0}")]
    Tls(io::Error),
    #[error("it took too long to begin")]
    Slow,
}

impl Entrance {
    /// Whether there is nothing to go through that takes time.
    pub(super) fn is_open(&self) -> bool {
        self.tls.is_none() && self.proxy_protocol == ProxyProtocol::Unused
    }

    /// All the way. Takes as long as the other end wants.
    pub(super) async fn pass(
        &self,
        mut stream: Accepted,
        info: &mut ConnectionInfo,
        free: OwnedSemaphorePermit,
        places: &Places,
    ) -> Result<Admitted, Turned> {
        if self.proxy_protocol == ProxyProtocol::Expected {
            if !self.trusted_proxies.contain(info.peer.ip()) {
                return Err(Turned::Stranger);
            }
            *info = match proxy_protocol::read(&mut stream).await? {
                Told::Itself => *info,
                // The balancer does not vouch for what this one says of others.
                Told::Somebody => ConnectionInfo { peer: NOBODY, known: Known::ByWord, ..*info },
                Told::Client { from, to } => ConnectionInfo { peer: from, local: to, known: Known::ByWord },
            };
        }
        let place = self.seat(info, free, places)?;
        let info = *info;
        let Some(tls) = &self.tls else {
            return Ok(Admitted { stream: Either::Left(stream), place, info, negotiated: Negotiated::Nothing });
        };
        let stream = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await.map_err(Turned::Tls)?;
        let negotiated = tls::negotiated(stream.get_ref().1.alpn_protocol());
        Ok(Admitted { stream: Either::Right(Box::new(stream)), place, info, negotiated })
    }

    /// Counts the connection among those of its client.
    pub(super) fn seat(&self, info: &ConnectionInfo, free: OwnedSemaphorePermit, places: &Places) -> Result<Place, Turned> {
        if info.peer == HERE || (info.known == Known::BySight && self.trusted_proxies.contain(info.peer.ip())) {
            return Ok(Places::take_uncounted(free));
        }
        places.take(free, info.peer.ip()).map_err(|refused| Turned::TooMany { is_first: refused.is_first })
    }
}

/// Tells of connections that were turned away, but not of every single one: whoever wants to fill the log can send many.
#[derive(Debug, Default)]
pub(super) struct Doorkeeper {
    last_told: Cell<Option<Instant>>,
    untold: Cell<u64>,
}

impl Doorkeeper {
    const SELDOM: Duration = Duration::from_secs(10);

    pub(super) fn tell(&self, peer: SocketAddr, why: &Turned) {
        if let Turned::TooMany { is_first } = why {
            if *is_first {
                tracing::warn!(client = %peer.ip(), "A connection was closed: {why}");
            }
            return;
        }
        let now = Instant::now();
        if self.last_told.get().is_some_and(|last| now.duration_since(last) < Self::SELDOM) {
            self.untold.set(self.untold.get() + 1);
            return;
        }
        self.last_told.set(Some(now));
        let untold = self.untold.replace(0);
        tracing::info!(client = %peer.ip(), untold, "A connection was closed before its first request: {why}");
    }
}
