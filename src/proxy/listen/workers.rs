//! One thread per core, each with its own runtime and its own sockets on the same ports.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use http::{Request, Response};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio_util::sync::CancellationToken;

use super::sockets::{Listener, Sockets, Unbound};
use super::{ConnectionInfo, Front, serve_connections};
use crate::protocol::listen_address::ListenAddress;
use crate::proxy::body::Body;
use crate::proxy::request_body::RequestBody;
use crate::sockets::file::SocketFile;

/// Why the workers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: ListenAddress,
        /// What the system said.
        source: io::Error,
    },
    /// What the service manager passed on cannot be used.
    #[error("cannot use what the service manager passes: {0}")]
    Passed(io::Error),
    /// A socket was not passed.
    #[error("cannot listen on systemd:{name}: {}", told(.passed))]
    NotPassed {
        /// Which.
        name: String,
        /// What was passed and not taken yet.
        passed: Vec<String>,
    },
    /// No thread or no runtime.
    #[error("cannot start a worker: {0}")]
    Worker(io::Error),
}

fn told(passed: &[String]) -> String {
    if passed.is_empty() {
        return "the service manager passes no socket (further), so this must be started by a socket unit".to_owned();
    }
    format!("the service manager passes only {}; FileDescriptorName= of the socket unit says the name", passed.join(", "))
}

/// The running threads.
#[derive(Debug)]
pub struct Workers {
    addresses: Vec<ListenAddress>,
    threads: Vec<JoinHandle<()>>,
    /// They go last: whoever comes meanwhile is refused, not lost.
    files: Vec<SocketFile>,
}

impl Workers {
    /// Opens every address for each worker, then starts `count` threads. `make_service` is called on each of them with the
    /// worker's number: what it makes stays on that thread. A port of 0 is chosen by the system, once for all workers.
    ///
    /// # Errors
    /// [`ListenError`]; nothing runs then.
    pub fn start<M, S, F>(
        count: usize,
        addresses: &[ListenAddress],
        front: &Front,
        shutdown: &CancellationToken,
        make_service: M,
    ) -> Result<Self, ListenError>
    where
        M: Fn(usize) -> S + Send + Sync + 'static,
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + 'static,
        F: Future<Output = Response<Body>> + 'static,
    {
        let count = count.max(1);
        let Sockets { addresses, of_workers, files } = Sockets::open(count, addresses)?;
        let make_service = Arc::new(make_service);
        let mut workers = Self { addresses, threads: Vec::with_capacity(count), files };
        for (number, listeners) in of_workers.into_iter().enumerate() {
            let make_service = Arc::clone(&make_service);
            let (front, closing) = (front.clone(), shutdown.clone());
            let (started, starts) = std::sync::mpsc::sync_channel(1);
            let worker = move || {
                let (runtime, listeners) = match prepare(listeners) {
                    Ok(prepared) => prepared,
                    Err(error) => return drop(started.send(Err(error))),
                };
                let _ = started.send(Ok(()));
                runtime.block_on(async {
                    let service = Rc::new(make_service(number));
                    let served = listeners
                        .into_iter()
                        .map(|listener| serve_connections(listener, Rc::clone(&service), front.clone(), closing.clone()));
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
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Waits until every worker has ended, which they do after `shutdown` only. Blocks the thread.
    pub fn join(self) {
        for thread in self.threads {
            // A worker that panicked has said so already.
            let _ = thread.join();
        }
        drop(self.files);
    }
}

/// A runtime is bound to its thread, and sockets are bound to a runtime.
fn prepare(listeners: Vec<Unbound>) -> io::Result<(LocalRuntime, Vec<Listener>)> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let entered = runtime.handle().enter();
    let listeners = listeners.into_iter().map(Unbound::bind).collect::<io::Result<_>>()?;
    drop(entered);
    Ok((runtime, listeners))
}
