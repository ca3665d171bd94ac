//! The composition root: configuration → providers, keys, pages → one proxy per core → listening sockets; and the same
//! again without the sockets whenever the configuration changes (`reload`).

mod control;
mod entering;
mod generation;
pub(crate) mod providers;
mod reload;
mod sessions;
mod stores;
pub(crate) mod upstreams;
mod vigil;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::admin::{self, control::Control};
use crate::config::{AccessLog, AdminListen, AuditTo, Config};
use crate::flow::freshen::Flights;
use crate::protocol::listen_address::ListenAddress;
use crate::proxy::forward::{Forwarder, TlsError};
use crate::proxy::generation::InForce;
use crate::proxy::listen::{OnViolation, Workers};
use crate::proxy::serve::Proxy;
use crate::telemetry::Recorder;
use crate::telemetry::access_log::Format;
use crate::telemetry::journal::Journal;
use crate::telemetry::logs::{Destination, LogError, Logs};
use crate::telemetry::streams::Streams;
use control::Steering;
use entering::Entering;
use generation::Lasting;
use reload::{Reloader, Standing};
use sessions::Desk;

/// How long sessions that are being refreshed are waited for at the end: a provider answers in this time or not at all.
const LAST_FLIGHTS: Duration = Duration::from_secs(10);

/// A running proxy.
#[derive(Debug)]
pub struct App {
    workers: Workers,
    logs: Arc<Logs>,
    steering: Arc<Steering>,
    stop: CancellationToken,
    flights: Arc<Flights>,
    admin: Option<admin::Running>,
    /// The admin listener ends last: while requests under way are finished, it says that they are.
    stop_admin: CancellationToken,
}

/// Where workers write down what they have answered.
struct Written {
    logs: Arc<Logs>,
    /// `None`: nobody could look at it.
    journal: Option<Journal>,
    streams: Arc<Streams>,
}

/// Where the configuration is to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In this file and those that it names, whenever somebody asks for it or one of them has changed.
    File {
        /// The configuration file.
        path: PathBuf,
        /// How often to look whether something has changed.
        look_every: Duration,
    },
    /// Nowhere: it was made up for this one run.
    Nowhere,
}

/// Why the proxy did not start. An authority that is down is no reason.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is sound and of no use all the same.
    #[error("{0}")]
    Configuration(#[from] generation::BuildError),
    /// An address cannot be listened on.
    #[error("{0}")]
    Listen(#[from] crate::proxy::listen::ListenError),
    /// The access log or the audit log.
    #[error("{0}")]
    Log(#[from] LogError),
    /// The admin listener.
    #[error("{0}")]
    Admin(std::io::Error),
    /// The session store.
    #[error("{0}")]
    Store(#[from] stores::StoreError),
    /// No TLS to upstreams.
    #[error("{0}")]
    Upstreams(#[from] TlsError),
}

impl App {
    /// Starts everything and returns as soon as the sockets listen: metadata and keys of authorities are read in the
    /// background.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(config: Config, source: Source) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let lasting = Lasting::new(config.audit.as_ref(), stores::open(&config.session.store)?, stop.clone())?;
        let logs = Arc::new(logs(&config)?);
        let standing = Standing::of(&config);
        let entering = Entering::new(&config, log_violations()).map_err(generation::BuildError::from)?;
        let live = lasting.live(&config);
        let (shared, legacy) = lasting.build(config, None)?;
        let all_asked = legacy.all_asked();
        let in_force = InForce::new(shared);
        let (steering, asks) = Steering::new(live, Desk::new(in_force.clone(), &logs), in_force.clone(), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(vigil::keep(in_force.clone())));
        let (journal, stop_admin) = (Journal::default(), CancellationToken::new());
        let admin = match &standing.admin {
            Some(listen) => {
                let control = Arc::<Steering>::clone(&steering);
                Some(admin::start(listen, control, journal.clone(), stop_admin.clone()).await.map_err(StartError::Admin)?)
            }
            None => None,
        };
        let streams = Arc::clone(journal.streams());
        let written = Written { logs: Arc::clone(&logs), journal: admin.is_some().then_some(journal), streams };
        let workers = workers(&standing.listen, &entering, &in_force, written, &stop)?;
        tokio::spawn(Arc::clone(&steering).begin_when(all_asked));
        let flights = Arc::clone(&lasting.flights);
        let reloader = Reloader { lasting, legacy, entering, in_force, standing, steering: Arc::clone(&steering), refused: None };
        tokio::spawn(stop.clone().run_until_cancelled_owned(reloader.run(source, asks)));
        Ok(Self { workers, logs, steering, stop, flights, admin, stop_admin })
    }

    /// The addresses it listens on, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        self.workers.addresses()
    }

    /// Where the admin listener is, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<&AdminListen> {
        self.admin.as_ref().map(admin::Running::address)
    }

    /// Looks at what runs, and steers it.
    #[must_use]
    pub fn control(&self) -> Arc<dyn Control> {
        Arc::<Steering>::clone(&self.steering)
    }

    /// Opens log files anew, by their names, after they were renamed to rotate them.
    pub fn reopen_logs(&self) {
        self.logs.reopen();
    }

    /// Stops: no new connections, requests under way are finished within a bounded time.
    pub async fn stop(self) {
        self.stop.cancel();
        // Joining threads blocks.
        let _joined = tokio::task::spawn_blocking(move || self.workers.join()).await;
        if tokio::time::timeout(LAST_FLIGHTS, self.flights.landed()).await.is_err() {
            tracing::warn!("Sessions were being refreshed when the time to end was over: some people may have to sign in again");
        }
        self.stop_admin.cancel();
        if let Some(admin) = self.admin {
            admin.ended().await;
        }
        // Nobody writes any more.
        if let Some(logs) = Arc::into_inner(self.logs) {
            let _closed = tokio::task::spawn_blocking(move || logs.close()).await;
        }
    }
}

fn workers(
    listen: &[ListenAddress],
    entering: &Entering,
    in_force: &InForce,
    written: Written,
    stop: &CancellationToken,
) -> Result<Workers, StartError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (in_force, closing) = (in_force.clone(), stop.clone());
    let make = move |_worker| {
        let recorder = Recorder { logs: written.logs.pens(), notebook: written.journal.as_ref().map(Journal::notebook) };
        tokio::task::spawn_local(recorder.logs.keep_handing_over());
        let proxy = Rc::new(Proxy::new(&in_force, Forwarder::new(Arc::clone(&written.streams), closing.clone()), recorder));
        move |request, connection| Rc::clone(&proxy).serve(request, connection)
    };
    Ok(Workers::start(cores, listen, &entering.front, stop, make)?)
}

fn logs(config: &Config) -> Result<Logs, LogError> {
    let access = match config.access_log {
        AccessLog::Human => Some(Format::Human),
        AccessLog::Json => Some(Format::Json),
        AccessLog::Off => None,
    };
    let audit = config.audit.as_ref().map(|audit| match &audit.to {
        AuditTo::Stderr => Destination::Stderr,
        AuditTo::Stdout => Destination::Stdout,
        AuditTo::File(path) => Destination::File(path.clone()),
    });
    Logs::start(access, audit)
}

/// Heads that could smuggle a second request, and the like: worth a line, since nothing else tells of them.
fn log_violations() -> OnViolation {
    Arc::new(|violation| tracing::info!(%violation, "A request was refused before it was read: {violation}"))
}
