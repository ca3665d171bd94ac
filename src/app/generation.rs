//! From a configuration to what requests are served by: everything that depends on it is made anew, and what must
//! outlast it is handed on.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::providers::{Clients, KeptLookup, KeptProvider, development};
use super::upstreams::{KeptGroup, Tls, groups};
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::SystemEntropy;
use crate::admin::control::Live;
use crate::config::{Audit, AuditIdentity, AuthoritySettings, Config, SessionKeys};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::realm::Detect;
use crate::domain::time::Timestamp;
use crate::flow::attendance::Attendance;
use crate::flow::authority::Authority;
use crate::flow::freshen::Flights;
use crate::flow::groups::OpenQuestions;
use crate::flow::keeper::Keeper;
use crate::flow::ports::{Clock, Entropy, SessionStore};
use crate::flow::revocations::RevocationList;
use crate::flow::sign_in::SignIn;
use crate::protocol::consumed::Consumed;
use crate::protocol::seal::{KeyRing, NoKeys};
use crate::protocol::secret::Secret;
use crate::proxy::audit::Naming;
use crate::proxy::forward::TlsError;
use crate::proxy::hearing::Hearing;
use crate::proxy::listen::ServerTlsError;
use crate::proxy::pages::assets::Assets;
use crate::proxy::pages::chrome::Chrome;
use crate::proxy::rate_limit::RateLimit;
use crate::proxy::shared::{Remembering, Shared};
use crate::proxy::visit::Reader;

/// What belongs to the process and to no configuration.
pub(super) struct Lasting {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Codes that were spent are spent under every configuration.
    consumed: Arc<Consumed>,
    /// For configurations without `key_files`: a reload must not sign everybody out. Made when it is wanted first.
    made_up_key: OnceLock<Secret<[u8; 32]>>,
    /// Where sessions are kept; `None`: in cookies. To move them takes a restart.
    store: Option<Arc<dyn SessionStore>>,
    /// What providers told us is told under every configuration.
    hearing: Arc<Hearing>,
    /// What was revoked is revoked under every configuration.
    revocations: Arc<RevocationList>,
    attendance: Arc<Attendance>,
    /// A refresh that is under way goes on under every configuration, and ends after the workers.
    pub(super) flights: Arc<Flights>,
    /// The audit log is opened once, and keeps its ways.
    naming: Option<Naming>,
    clients: Clients,
    tls: Tls,
    stop: CancellationToken,
}

/// What a configuration leaves to the next one, as far as that wants the same. What the next one does not take ends with
/// it.
pub(super) struct Legacy {
    /// In the order of the authorities.
    providers: Vec<Arc<KeptProvider>>,
    lookup: Option<KeptLookup>,
    posts_per_minute: NonZeroU32,
    rate_limit: Arc<RateLimit>,
    upstreams: Vec<Arc<KeptGroup>>,
}

impl Legacy {
    /// Ends when each provider has been asked for its metadata, whatever came of it.
    pub(super) fn all_asked(&self) -> impl Future<Output = ()> + Send + 'static {
        let providers = self.providers.clone();
        async move {
            for kept in &providers {
                kept.asked().await;
            }
        }
    }
}

/// Why nothing can be made of a configuration that was found right.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The trust roots of an authority cannot be used.
    #[error("authority {authority}: {error}")]
    Authority {
        /// Which.
        authority: AuthorityName,
        /// Why.
        error: String,
    },
    /// TLS towards clients.
    #[error("{0}")]
    Tls(#[from] ServerTlsError),
    /// No session key.
    #[error("{0}")]
    Keys(#[from] NoKeys),
    /// An upstream cannot be spoken to.
    #[error("upstream {upstream}: {error}")]
    Upstream {
        /// Which.
        upstream: String,
        /// Why.
        error: String,
    },
}

impl Lasting {
    /// For the life of the process, on its main runtime. Reads the system's trust roots.
    pub(super) fn new(audit: Option<&Audit>, store: Option<Arc<dyn SessionStore>>, stop: CancellationToken) -> Result<Self, TlsError> {
        let clients = Clients::new();
        Ok(Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            consumed: Arc::new(Consumed::new()),
            made_up_key: OnceLock::new(),
            store,
            hearing: Arc::default(),
            revocations: Arc::default(),
            attendance: Arc::default(),
            flights: Arc::new(Flights::new(tokio::runtime::Handle::current())),
            naming: audit.map(naming),
            tls: Tls::new(clients.trust_roots())?,
            clients,
            stop,
        })
    }

    pub(super) fn revocations(&self) -> &RevocationList {
        &self.revocations
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn made_up_key(&self) -> &Secret<[u8; 32]> {
        self.made_up_key.get_or_init(|| {
            let mut key = [0; 32];
            self.entropy.fill(&mut key);
            Secret::new(key)
        })
    }

    /// What others may see of a configuration that is in force from now on.
    pub(super) fn live(&self, config: &Config) -> Live {
        Live { rules: Arc::clone(&config.rules), text: config.text.clone(), fingerprint: config.fingerprint, since: self.now() }
    }

    /// Makes everything that requests are served by. Whatever fails, nothing that serves now is touched.
    pub(super) fn build(&self, config: Config, earlier: Option<&Legacy>) -> Result<(Shared, Legacy), BuildError> {
        let (mut legacy, upstreams) = (self.legacy(&config, earlier)?, Vec::new());
        let known = earlier.map_or(&upstreams, |earlier| &earlier.upstreams);
        let (upstreams, groups) = groups(&config, known, &self.tls, &self.stop)?;
        legacy.upstreams = groups;
        let keys = Arc::new(match config.session.keys {
            SessionKeys::Given(keys) => KeyRing::new(keys)?,
            SessionKeys::Random => KeyRing::new(vec![self.made_up_key().clone()])?,
        });
        let assets = Assets::new(&config.branding);
        let chrome = |origin| Chrome::new(&config.branding, origin, &config.rules.prefix, &assets);
        let chromes = config.rules.origins.iter().map(|origin| (origin.clone(), chrome(origin))).collect();
        let authorities = config.authorities.into_iter().zip(&legacy.providers).map(|(settings, kept)| authority(settings, kept));
        let questions = Arc::new(OpenQuestions::new(Arc::clone(config.rules.routes.named_groups()), Arc::clone(&self.clock)));
        let shared = Shared {
            reader: Reader::new(&config.rules.origins, config.trusted_proxies),
            lookup: legacy.lookup.as_ref().map(|kept| Arc::clone(&kept.lookup)),
            sign_in: SignIn {
                authorities: authorities.collect(),
                keys: Arc::clone(&keys),
                consumed: Arc::clone(&self.consumed),
                questions: Arc::clone(&questions),
                prefix: config.rules.prefix.clone(),
                clock: Arc::clone(&self.clock),
                entropy: Arc::clone(&self.entropy),
            },
            rules: config.rules,
            upstreams,
            fingerprint: config.fingerprint,
            keeper: Keeper {
                store: self.store.clone(),
                revocations: Arc::clone(&self.revocations),
                decreed: Arc::new(config.session.not_before),
                attendance: Arc::clone(&self.attendance),
                flights: Arc::clone(&self.flights),
                questions,
                lifetimes: config.session.lifetimes,
                keys: Arc::clone(&keys),
                clock: Arc::clone(&self.clock),
                entropy: Arc::clone(&self.entropy),
            },
            keys,
            lifetimes: config.session.lifetimes,
            remembering: if config.sign_in.remembers_accounts { Remembering::Offered } else { Remembering::Off },
            rate_limit: Arc::clone(&legacy.rate_limit),
            hearing: Arc::clone(&self.hearing),
            naming: self.naming,
            assets,
            chromes,
        };
        Ok((shared, legacy))
    }

    fn legacy(&self, config: &Config, earlier: Option<&Legacy>) -> Result<Legacy, BuildError> {
        let (known, development) = (earlier.map(|earlier| &*earlier.providers).unwrap_or_default(), development(config));
        let provider = |authority| KeptProvider::of(authority, development, known, &self.clients, &self.stop);
        let lookup = |work| KeptLookup::of(work, earlier.and_then(|earlier| earlier.lookup.as_ref()), &self.clients);
        Ok(Legacy {
            providers: config.authorities.iter().map(provider).collect::<Result<_, _>>()?,
            lookup: match config.rules.directory.detect {
                Detect::Lookup => work(&config.authorities).map(lookup).transpose()?,
                Detect::Domains | Detect::Off => None,
            },
            rate_limit: rate_limit(config.sign_in.posts_per_minute, earlier),
            posts_per_minute: config.sign_in.posts_per_minute,
            upstreams: Vec::new(),
        })
    }
}

const fn naming(audit: &Audit) -> Naming {
    match audit.identity {
        AuditIdentity::Full => Naming::Full,
        AuditIdentity::Hashed => Naming::Hashed,
    }
}

/// A new count is begun only for a new limit.
fn rate_limit(posts_per_minute: NonZeroU32, earlier: Option<&Legacy>) -> Arc<RateLimit> {
    match earlier.filter(|earlier| earlier.posts_per_minute == posts_per_minute) {
        Some(earlier) => Arc::clone(&earlier.rate_limit),
        None => Arc::new(RateLimit::new(posts_per_minute)),
    }
}

/// The authority of all organisations, which knows whose a domain is.
fn work(authorities: &[AuthoritySettings]) -> Option<&AuthoritySettings> {
    authorities.iter().find(|settings| matches!(settings.issuer, ExpectedIssuer::Organizations { .. }))
}

fn authority(settings: AuthoritySettings, kept: &KeptProvider) -> (AuthorityName, Arc<Authority>) {
    let provider = Arc::new(kept.registered_as(&settings));
    let authority = Authority {
        name: settings.name.clone(),
        kind: settings.kind,
        issuer: settings.issuer,
        client_id: settings.client.id,
        scopes: settings.scopes,
        response_mode: settings.response_mode,
        extra_params: settings.extra_params,
        provider,
    };
    (settings.name, Arc::new(authority))
}
