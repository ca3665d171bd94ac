//! The admin listener: probes, metrics, decisions, sessions and how they are ended, routes, the configuration with its
//! secrets masked, and reloading. It has a socket of its own; nothing of it can be reached through the public one.
//!
//! There is no sign-in: whoever reaches the socket may use it. That is why it only listens on loopback or in the file
//! system, why `guard` makes sure that no web page can use somebody's browser to reach it, and why nothing is changed
//! but by POST.

mod configuration;
pub mod control;
mod decisions;
mod guard;
mod listen;
mod metrics;
mod pages;
mod probes;
mod question;
mod reload;
mod router;
mod routes;
mod select;
mod sessions;
mod socket;
mod times;

use std::io;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::AdminListen;
use crate::telemetry::journal::Journal;
use control::Control;
use guard::Door;
use socket::Socket;

/// A running admin listener.
#[derive(Debug)]
pub struct Running {
    address: AdminListen,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens, the port filled in.
    #[must_use]
    pub const fn address(&self) -> &AdminListen {
        &self.address
    }

    /// Waits until it has ended, which it does after `stop` only.
    pub async fn ended(self) {
        // If it panicked, it has said so already.
        let _ = self.task.await;
    }
}

/// Listens, and answers in the background until `stop`. The process should be told to stop before: `/readyz` is there to
/// say that it is draining.
///
/// # Errors
/// The address is taken, or somebody answers on the socket already.
pub async fn start(listen: &AdminListen, control: Arc<dyn Control>, journal: Journal, stop: CancellationToken) -> io::Result<Running> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("the admin listener cannot listen on {listen}: {error}"));
    let socket = Socket::bind(listen).await.map_err(failed)?;
    let address = socket.address().map_err(failed)?;
    let door = match listen {
        AdminListen::Tcp(_) => Door::Network,
        AdminListen::Unix(_) => Door::FileSystem,
    };
    let router = router::router(control, journal, door);
    Ok(Running { address, task: tokio::spawn(listen::serve(socket, router, stop)) })
}

#[cfg(test)]
mod tests;
