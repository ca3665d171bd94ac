//! Listening sockets and connections: one thread per core, each with a runtime, an accept queue and connections of its
//! own, so that nothing is shared and nothing is locked on the way of a request. What is answered is the service's
//! business; what may be asked at all is [`head_guard`]'s.
//!
//! HTTP/1.1 over TCP in clear text. The workers' sockets share their port (`SO_REUSEPORT`). An address that is taken when they
//! start is an error all the same; a process of the same user could join later, which is no more than the user may.

mod connection;
mod guarded;
pub mod head_guard;
mod vitals;
mod workers;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use workers::{ListenError, Workers};

use super::body::Body;
use super::request_body::RequestBody;
use connection::Housing;
use head_guard::Violation;

/// Told about every refused message, to count it.
pub type OnViolation = Arc<dyn Fn(Violation) + Send + Sync>;

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The other end of the connection: the client, or a proxy in front of us.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
}

/// How much of everything a worker grants.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections of one worker. More wait in the kernel's queue.
    pub connections: usize,
    /// From the first byte of a head (or from accepting the connection) to its last.
    pub head: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// How long a client may take no bytes of an answer.
    pub write_stall: Duration,
    /// How long a client that still sends after its final answer is listened to.
    pub linger: Duration,
    /// How long requests in flight may take once the worker is closing.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            shutdown: Duration::from_secs(20),
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

/// Serves one listening socket on the current thread until `shutdown`; then stops accepting, lets the requests in flight
/// finish within [`Limits::shutdown`], and drops the rest by returning (their tasks end with the thread's runtime).
///
/// Runs on a [`tokio::runtime::LocalRuntime`]: neither the service nor its futures need to be `Send`.
pub async fn serve_connections<S, F>(
    listener: TcpListener,
    service: Rc<S>,
    limits: Limits,
    on_violation: OnViolation,
    shutdown: CancellationToken,
) where
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let housing = Housing::new(&limits, on_violation);
    let places = Arc::new(Semaphore::new(limits.connections));
    let beats = tokio::task::spawn_local(housing.clone().beats(limits.beat()));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = accepted => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: trying again at once would only burn the processor.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(local) = stream.local_addr() else { continue };
        let _ = stream.set_nodelay(true);
        tokio::task::spawn_local(housing.drive(stream, place, ConnectionInfo { peer, local }, Rc::clone(&service)));
    }
    drop(listener);
    housing.close();
    let emptied = async {
        housing.emptied().await;
        // What was upgraded is closed by whoever has it now, and gives its place back then.
        let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        let _all = places.acquire_many(all).await;
    };
    let _ = tokio::time::timeout(limits.shutdown, emptied).await;
    beats.abort();
}

#[cfg(test)]
mod tests;
