//! One thread per core, each with its own runtime and its own sockets on the same ports.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use http::{Request, Response};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio_util::sync::CancellationToken;

use super::{ConnectionInfo, Limits, OnViolation, serve_connections};
use crate::proxy::body::Body;
use crate::proxy::request_body::RequestBody;

/// Connections that the kernel holds for us until we accept them.
const BACKLOG: i32 = 1024;
/// After how much silence the kernel asks whether the other end of a connection is still there.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(60);

/// Why the workers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No thread or no runtime.
    #[error("cannot start a worker: {0}")]
    Worker(io::Error),
}

/// The running threads.
#[derive(Debug)]
pub struct Workers {
    addresses: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Binds every address once per worker, then starts `count` threads. `make_service` is called on each of them with the
    /// worker's number: what it makes stays on that thread. A port of 0 is chosen by the system, once for all workers.
    ///
    /// # Errors
    /// [`ListenError`]; nothing runs then.
    pub fn start<M, S, F>(
        count: usize,
        addresses: &[SocketAddr],
        limits: &Limits,
        on_violation: &OnViolation,
        shutdown: &CancellationToken,
        make_service: M,
    ) -> Result<Self, ListenError>
    where
        M: Fn(usize) -> S + Send + Sync + 'static,
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
        F: Future<Output = Response<Body>> + 'static,
    {
        let count = count.max(1);
        let (addresses, sockets) = bind_all(count, addresses)?;
        let make_service = Arc::new(make_service);
        let mut workers = Self { addresses, threads: Vec::with_capacity(count) };
        for (number, listeners) in sockets.into_iter().enumerate() {
            let make_service = Arc::clone(&make_service);
            let (limits, on_violation, closing) = (limits.clone(), Arc::clone(on_violation), shutdown.clone());
            let (started, starts) = std::sync::mpsc::sync_channel(1);
            let worker = move || {
                let (runtime, listeners) = match prepare(listeners) {
                    Ok(prepared) => prepared,
                    Err(error) => return drop(started.send(Err(error))),
                };
                let _ = started.send(Ok(()));
                runtime.block_on(async {
                    let service = Rc::new(make_service(number));
                    let served = listeners.into_iter().map(|listener| {
                        let service = Rc::clone(&service);
                        serve_connections(listener, service, limits.clone(), Arc::clone(&on_violation), closing.clone())
                    });
                    futures_util::future::join_all(served).await;
                });
            };
            let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(worker).map_err(ListenError::Worker)?;
            let start = starts.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")));
            workers.threads.push(thread);
            if let Err(error) = start {
                // The workers that did start must not go on without the others.
                shutdown.cancel();
                return Err(ListenError::Worker(error));
            }
        }
        Ok(workers)
    }

    /// What is listened on, in the order asked for, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Waits until every worker has ended, which they do after `shutdown` only. Blocks the thread.
    pub fn join(self) {
        for thread in self.threads {
            // A worker that panicked has said so already.
            let _ = thread.join();
        }
    }
}

/// A runtime is bound to its thread, and sockets are bound to a runtime.
fn prepare(listeners: Vec<TcpListener>) -> io::Result<(LocalRuntime, Vec<tokio::net::TcpListener>)> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let entered = runtime.handle().enter();
    let listeners = listeners.into_iter().map(tokio::net::TcpListener::from_std).collect::<io::Result<_>>()?;
    drop(entered);
    Ok((runtime, listeners))
}

/// The addresses with their real ports, and for each worker one socket per address.
fn bind_all(count: usize, addresses: &[SocketAddr]) -> Result<(Vec<SocketAddr>, Vec<Vec<TcpListener>>), ListenError> {
    let mut sockets: Vec<Vec<TcpListener>> = (0..count).map(|_| Vec::new()).collect();
    let mut bound = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let failed = |source| ListenError::Bind { address, source };
        // A second process would take a share of the first one's connections, and could not open its cookies if keys are
        // made up: a taken address is an error, however many workers share ours.
        drop(bind(address, Sharing::Nobody).map_err(failed)?);
        let mut real = address;
        for worker in &mut sockets {
            let listener = bind(real, Sharing::Workers).map_err(failed)?;
            real = listener.local_addr().map_err(failed)?;
            worker.push(listener);
        }
        bound.push(real);
    }
    Ok((bound, sockets))
}

/// Whose sockets may listen on the same address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Nobody,
    Workers,
}

fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(sharing == Sharing::Workers)?;
    // Accepted sockets inherit it.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
