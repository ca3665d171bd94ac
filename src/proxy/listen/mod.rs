//! Listening sockets and connections: one thread per core, each with a runtime, an accept queue and connections of its
//! own, so that nothing is shared and nothing is locked on the way of a request. What is answered is the service's
//! business; what may be asked at all is that of [`super::http1`].
//!
//! `sockets` is what is listened on, `entrance` what a connection goes through before its first request, `connection`
//! what is spoken from there on. The workers' sockets share their port (`SO_REUSEPORT`). An address that is taken when they
//! start is an error all the same; a process of the same user could join later, which is no more than the user may.

mod connection;
mod date;
mod entrance;
mod house;
mod http1;
mod http2;
mod opening;
mod places;
mod proxy_protocol;
mod rewound;
mod sockets;
mod tls;
mod vitals;
mod workers;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

pub use entrance::{Entrance, ProxyProtocol};
pub use sockets::Listener;
pub use tls::{ServerTlsError, server_tls};
pub use workers::{ListenError, Workers};

use super::body::Body;
use super::http1::violation::Violation;
use super::request_body::RequestBody;
use connection::Housing;
use entrance::{Admitted, Doorkeeper, Stream, Turned};
use places::Places;

/// Told about every refused message, to count it.
pub type OnViolation = Arc<dyn Fn(Violation) + Send + Sync>;

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The other end of the connection: the client, or a proxy in front of us. The client that a proxy speaks for, if it
    /// says so by the PROXY protocol. 127.0.0.1 without a port for whoever comes through a socket file.
    pub peer: SocketAddr,
    /// Our end, or what the client connected to.
    pub local: SocketAddr,
    /// How that is known.
    pub known: Known,
}

/// How the other end of a connection is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is the connection's own.
    BySight,
    /// A balancer said so. It vouches for who that is, and for nothing that one says of others.
    ByWord,
}

/// What was agreed upon before the first byte of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negotiated {
    /// HTTP/1.1, in a TLS handshake.
    Http1,
    /// HTTP/2, in a TLS handshake (RFC 9113 §3.3).
    Http2,
    /// Nothing: the client's first bytes tell.
    Nothing,
}

/// How much of everything is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections of all workers. More wait in the kernel's queue.
    pub connections: usize,
    /// Open connections of one client, unless that is a trusted proxy. More are closed.
    pub connections_per_client: usize,
    /// From the first byte of a head (or from accepting the connection) to its last; and for everything that comes before
    /// the first head.
    pub head: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// How long a client may take no bytes of an answer.
    pub write_stall: Duration,
    /// How long a client that still sends after its final answer is listened to.
    pub linger: Duration,
    /// How long requests in flight may take once the worker is closing.
    pub shutdown: Duration,
    /// Requests at once on one HTTP/2 connection.
    pub http2_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_client: 5_000,
            head: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            shutdown: Duration::from_secs(20),
            http2_streams: 100,
        }
    }
}

impl Limits {
    /// How often connections are looked at: each second, or more often if a limit is shorter than a few seconds.
    fn beat(&self) -> Duration {
        let shortest = self.head.min(self.keep_alive).min(self.write_stall).min(self.linger);
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

/// What the workers have in common.
#[derive(Clone)]
pub struct Front {
    limits: Limits,
    on_violation: OnViolation,
    entrance: Arc<ArcSwap<Entrance>>,
    places: Places,
}

impl Front {
    /// In clear text, with nobody trusted, until [`Self::enter_by`] says otherwise.
    #[must_use]
    pub fn new(limits: Limits, on_violation: OnViolation) -> Self {
        let places = Places::new(limits.connections, limits.connections_per_client);
        Self { limits, on_violation, entrance: Arc::default(), places }
    }

    /// The way in for every connection that comes from now on. Those that are there stay.
    pub fn enter_by(&self, entrance: Entrance) {
        self.entrance.store(Arc::new(entrance));
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Serves one listening socket on the current thread until `shutdown`; then stops accepting, lets the requests in flight
/// finish within [`Limits::shutdown`], and drops the rest by returning (their tasks end with the thread's runtime).
///
/// Runs on a [`tokio::runtime::LocalRuntime`]: neither the service nor its futures need to be `Send`.
pub async fn serve_connections<S, F>(listener: impl Into<Listener>, service: Rc<S>, front: Front, shutdown: CancellationToken)
where
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let listener = listener.into();
    let housing = Housing::new(front.limits.clone(), Arc::clone(&front.on_violation));
    let doorkeeper = Rc::new(Doorkeeper::default());
    let beats = tokio::task::spawn_local(housing.beats(front.limits.beat()));
    loop {
        // In this order: a place that waits for a client here is one that a client elsewhere waits for.
        let accepted = async { Ok((listener.accept().await?, front.places.free().await)) };
        let accepted: std::io::Result<_> = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = accepted => accepted,
        };
        let ((stream, mut info), free) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(_) => {
                // Out of file descriptors, most likely: trying again at once would only burn the processor.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let entrance = front.entrance.load();
        if entrance.is_open() {
            match entrance.seat(&info, free, &front.places) {
                Ok(place) => {
                    let stream: Stream = Either::Left(stream);
                    let admitted = Admitted { stream, place, info, negotiated: Negotiated::Nothing };
                    tokio::task::spawn_local(housing.drive(admitted, Rc::clone(&service)));
                }
                Err(turned) => doorkeeper.tell(info.peer, &turned),
            }
            continue;
        }
        let (entrance, places, head) = (Arc::clone(&entrance), front.places.clone(), front.limits.head);
        let (housing, service, doorkeeper) = (housing.clone(), Rc::clone(&service), Rc::clone(&doorkeeper));
        tokio::task::spawn_local(shutdown.clone().run_until_cancelled_owned(async move {
            let passing = tokio::time::timeout(head, entrance.pass(stream, &mut info, free, &places));
            match passing.await.unwrap_or(Err(Turned::Slow)) {
                // A task of its own: what the way in took is not kept for the life of the connection.
                Ok(admitted) => drop(tokio::task::spawn_local(housing.drive(admitted, service))),
                Err(turned) => doorkeeper.tell(info.peer, &turned),
            }
        }));
    }
    drop(listener);
    housing.close();
    let emptied = async {
        housing.emptied().await;
        // What was upgraded is closed by whoever has it now, and gives its place back then.
        front.places.emptied().await;
    };
    let _ = tokio::time::timeout(front.limits.shutdown, emptied).await;
    beats.abort();
}

/// Whether accepting failed because of the one connection that was to be accepted: it is gone already.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | InvalidInput | NotConnected)
}

#[cfg(test)]
mod tests;
