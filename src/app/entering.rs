//! From the configuration to the way in: limits once, and whom to trust and TLS again whenever the configuration changes.
//! Connections that are open stay as they are.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::config::{Config, LimitSettings, TlsSettings};
use crate::proxy::listen::{Entrance, Front, Limits, OnViolation, ProxyProtocol, ServerTlsError, server_tls};

/// The way in that is in force.
pub(super) struct Entering {
    pub(super) front: Front,
    tls: Option<KeptTls>,
}

/// The way in of another configuration, complete and not yet in force.
pub(super) struct Prepared {
    entrance: Entrance,
    tls: Option<KeptTls>,
}

/// TLS is made anew only for other settings: tickets of earlier connections are good for as long as it stays.
#[derive(Clone)]
struct KeptTls {
    settings: TlsSettings,
    tls: Arc<ServerConfig>,
}

impl Entering {
    /// With the limits and the way in of the first configuration.
    pub(super) fn new(config: &Config, on_violation: OnViolation) -> Result<Self, ServerTlsError> {
        let mut entering = Self { front: Front::new(limits(&config.limits), on_violation), tls: None };
        let prepared = entering.prepare(config)?;
        entering.put(prepared);
        Ok(entering)
    }

    /// Makes the way in of another configuration. Nothing changes yet.
    pub(super) fn prepare(&self, config: &Config) -> Result<Prepared, ServerTlsError> {
        let tls = config.tls.as_ref().map(|settings| KeptTls::of(settings, self.tls.as_ref())).transpose()?;
        let entrance = Entrance {
            trusted_proxies: config.trusted_proxies.clone().into(),
            proxy_protocol: if config.proxy_protocol { ProxyProtocol::Expected } else { ProxyProtocol::Unused },
            tls: tls.as_ref().map(|kept| Arc::clone(&kept.tls)),
        };
        Ok(Prepared { entrance, tls })
    }

    /// Puts it in force.
    pub(super) fn put(&mut self, prepared: Prepared) {
        self.front.enter_by(prepared.entrance);
        self.tls = prepared.tls;
    }
}

impl KeptTls {
    fn of(settings: &TlsSettings, earlier: Option<&Self>) -> Result<Self, ServerTlsError> {
        match earlier.filter(|earlier| earlier.settings.is_like(settings)) {
            Some(earlier) => Ok(earlier.clone()),
            None => Ok(Self { settings: settings.clone(), tls: server_tls(&settings.identity, settings.client_roots.as_ref())? }),
        }
    }
}

fn limits(settings: &LimitSettings) -> Limits {
    Limits {
        connections: settings.connections,
        connections_per_client: settings.connections_per_client,
        head: settings.head_timeout,
        keep_alive: settings.keep_alive,
        write_stall: settings.write_stall,
        shutdown: settings.shutdown,
        http2_streams: settings.http2_streams,
        ..Limits::default()
    }
}
