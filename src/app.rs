//! The composition root: configuration → providers, keys, pages → one proxy per core → listening sockets.

mod admin;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::http_client::{BadRoots, HttpClient};
use crate::adapters::provider::{Development, HttpProvider, ProviderSettings};
use crate::adapters::tenant_lookup::MetadataLookup;
use crate::config::{AccessLog, AdminListen, Audit, AuditIdentity, AuditTo, AuthoritySettings, Config};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::origin::Origin;
use crate::domain::realm::Detect;
use crate::flow::authority::{Authorities, Authority};
use crate::flow::ports::{Clock, Entropy, TenantLookup};
use crate::flow::sign_in::SignIn;
use crate::protocol::consumed::Consumed;
use crate::protocol::seal::KeyRing;
use crate::proxy::audit::Naming;
use crate::proxy::forward::{Forwarder, TlsError, upstream_tls};
use crate::proxy::listen::{Limits, OnViolation, Workers};
use crate::proxy::pages::assets::Assets;
use crate::proxy::pages::chrome::Chrome;
use crate::proxy::rate_limit::RateLimit;
use crate::proxy::serve::Proxy;
use crate::proxy::shared::{Remembering, Shared};
use crate::proxy::visit::Reader;
use crate::telemetry::Recorder;
use crate::telemetry::access_log::Format;
use crate::telemetry::journal::Journal;
use crate::telemetry::logs::{Destination, LogError, Logs};

/// A running proxy.
#[derive(Debug)]
pub struct App {
    workers: Workers,
    logs: Arc<Logs>,
    stop: CancellationToken,
    admin: Option<crate::admin::Running>,
    /// The admin listener ends last: while requests under way are finished, it says that they are.
    stop_admin: CancellationToken,
}

/// Why the proxy did not start. An authority that is down is no reason.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The trust roots of an authority cannot be used.
    #[error("authority {authority}: {error}")]
    Authority {
        /// Which.
        authority: AuthorityName,
        /// Why.
        error: String,
    },
    /// An address cannot be listened on.
    #[error("{0}")]
    Listen(#[from] crate::proxy::listen::ListenError),
    /// No session key.
    #[error("{0}")]
    Keys(#[from] crate::protocol::seal::NoKeys),
    /// The system's trust roots, for authorities.
    #[error("{0}")]
    TrustRoots(BadRoots),
    /// The access log or the audit log.
    #[error("{0}")]
    Log(#[from] LogError),
    /// The admin listener.
    #[error("{0}")]
    Admin(std::io::Error),
    /// The system's trust roots, for upstreams that speak TLS.
    #[error("{0}")]
    Upstreams(#[from] TlsError),
}

impl App {
    /// Starts everything and returns as soon as the sockets listen: metadata and keys of authorities are read in the
    /// background.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let listen = config.listen.clone();
        let logs = Arc::new(logs(&config)?);
        let (journal, stop_admin) = (Journal::default(), CancellationToken::new());
        let admin = match &config.admin {
            Some(listen) => {
                let process = Arc::new(admin::Process::new(&config, stop.clone()));
                let started = crate::admin::start(listen, process, journal.clone(), stop_admin.clone());
                Some(started.await.map_err(StartError::Admin)?)
            }
            None => None,
        };
        let noted = admin.is_some().then_some(journal);
        let shared = Arc::new(shared(config, &stop)?);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (tls, closing) = (upstream_tls(&[])?, stop.clone());
        let written_to = Arc::clone(&logs);
        let make = move |_worker| {
            let recorder = Recorder { logs: written_to.pens(), notebook: noted.as_ref().map(Journal::notebook) };
            tokio::task::spawn_local(recorder.logs.keep_handing_over());
            let proxy = Rc::new(Proxy::new(Arc::clone(&shared), Forwarder::new(Arc::clone(&tls), closing.clone()), recorder));
            move |request, connection| {
                let proxy = Rc::clone(&proxy);
                async move { proxy.serve(request, connection).await }
            }
        };
        let workers = Workers::start(cores, &listen, &Limits::default(), &log_violations(), &stop, make)?;
        Ok(Self { workers, logs, stop, admin, stop_admin })
    }

    /// The addresses it listens on, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        self.workers.addresses()
    }

    /// Where the admin listener is, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<&AdminListen> {
        self.admin.as_ref().map(crate::admin::Running::address)
    }

    /// Stops: no new connections, requests under way are finished within a bounded time.
    pub async fn stop(self) {
        self.stop.cancel();
        // Joining threads blocks.
        let ended = move || {
            self.workers.join();
            if let Some(logs) = Arc::into_inner(self.logs) {
                logs.close();
            }
        };
        let _joined = tokio::task::spawn_blocking(ended).await;
        self.stop_admin.cancel();
        if let Some(admin) = self.admin {
            admin.ended().await;
        }
    }
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

const fn naming(audit: &Audit) -> Naming {
    match audit.identity {
        AuditIdentity::Full => Naming::Full,
        AuditIdentity::Hashed => Naming::Hashed,
    }
}

/// Heads that could smuggle a second request, and the like: worth a line, since nothing else tells of them.
fn log_violations() -> OnViolation {
    Arc::new(|violation| tracing::info!(%violation, "A request was refused before it was read: {violation}"))
}

fn shared(config: Config, stop: &CancellationToken) -> Result<Shared, StartError> {
    let development = development(&config);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let keys = Arc::new(KeyRing::new(config.session.keys)?);
    let assets = Assets::new(&config.branding);
    let chromes = config
        .rules
        .origins
        .iter()
        .map(|origin| (origin.clone(), Chrome::new(&config.branding, origin, &config.rules.prefix, &assets)))
        .collect();
    let clients = Clients::new()?;
    let lookup = match config.rules.directory.detect {
        Detect::Lookup => lookup(&config.authorities, &clients)?,
        Detect::Domains | Detect::Off => None,
    };
    let mut authorities = Authorities::new();
    for settings in config.authorities {
        authorities.insert(settings.name.clone(), Arc::new(authority(settings, development, &clients, stop)?));
    }
    Ok(Shared {
        reader: Reader::new(&config.rules.origins, config.trusted_proxies),
        rules: Arc::clone(&config.rules),
        fingerprint: config.fingerprint,
        lookup,
        sign_in: SignIn {
            authorities,
            keys: Arc::clone(&keys),
            consumed: Consumed::new(),
            prefix: config.rules.prefix.clone(),
            clock,
            entropy,
        },
        keys,
        lifetimes: config.session.lifetimes,
        remembering: if config.sign_in.remembers_accounts { Remembering::Offered } else { Remembering::Off },
        rate_limit: RateLimit::new(config.sign_in.posts_per_minute),
        naming: config.audit.as_ref().map(naming),
        assets,
        chromes,
    })
}

/// HTTP clients for authorities. Reading the system's trust roots takes tens of milliseconds, so whoever wants no others
/// shares one client.
pub(crate) struct Clients {
    plain: HttpClient,
}

impl Clients {
    pub(crate) fn new() -> Result<Self, StartError> {
        Ok(Self { plain: HttpClient::new(None).map_err(StartError::TrustRoots)? })
    }

    pub(crate) fn of(&self, settings: &AuthoritySettings) -> Result<HttpClient, StartError> {
        match &settings.ca_pem {
            None => Ok(self.plain.clone()),
            Some(pem) => HttpClient::new(Some(pem))
                .map_err(|error| StartError::Authority { authority: settings.name.clone(), error: error.to_string() }),
        }
    }
}

/// `dev.allow`, as providers take it.
pub(crate) const fn development(config: &Config) -> Development {
    if config.dev_allowed { Development::Allowed } else { Development::Refused }
}

/// The provider of an authority, of which nothing is read yet.
pub(crate) fn provider(settings: &AuthoritySettings, development: Development, clients: &Clients) -> Result<HttpProvider, StartError> {
    let known = ProviderSettings {
        authority: settings.name.clone(),
        expected: settings.issuer.clone(),
        discovery: settings.discovery.clone(),
        client: settings.client.clone(),
        development,
    };
    Ok(HttpProvider::new(known, clients.of(settings)?))
}

fn authority(
    settings: AuthoritySettings,
    development: Development,
    clients: &Clients,
    stop: &CancellationToken,
) -> Result<Authority, StartError> {
    let provider = provider(&settings, development, clients)?;
    let (refreshed, stop) = (provider.clone(), stop.clone());
    tokio::spawn(async move { refreshed.run(stop).await });
    Ok(Authority {
        name: settings.name,
        kind: settings.kind,
        issuer: settings.issuer,
        client_id: settings.client.id,
        scopes: settings.scopes,
        response_mode: settings.response_mode,
        extra_params: settings.extra_params,
        provider: Arc::new(provider),
    })
}

/// Asks the directory that `work` belongs to, at the host that the configuration names and no other.
fn lookup(authorities: &[AuthoritySettings], clients: &Clients) -> Result<Option<Arc<dyn TenantLookup>>, StartError> {
    let organizations = |settings: &&AuthoritySettings| matches!(settings.issuer, ExpectedIssuer::Organizations { .. });
    let Some(work) = authorities.iter().find(organizations) else { return Ok(None) };
    let failed = |error: &dyn std::fmt::Display| StartError::Authority { authority: work.name.clone(), error: error.to_string() };
    let http = clients.of(work)?;
    let origin = Origin::parse(&work.discovery.origin().ascii_serialization()).map_err(|error| failed(&error))?;
    Ok(Some(Arc::new(MetadataLookup::new(origin, Arc::new(http)))))
}
