//! Providers of authorities, kept from one configuration to the next where that asks for the same ones: what was read of
//! them stays read, and a reload makes nobody wait for metadata that were there a moment ago.

use std::sync::Arc;

use rustls::RootCertStore;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::generation::BuildError;
use crate::adapters::http_client::HttpClient;
use crate::adapters::provider::{Development, HttpProvider, ProviderSettings};
use crate::adapters::tenant_lookup::MetadataLookup;
use crate::adapters::trust_roots;
use crate::config::{AuthoritySettings, Config};
use crate::domain::origin::Origin;
use crate::flow::ports::TenantLookup;

/// HTTP clients for authorities. Whoever brings no trust roots of their own shares one client.
pub(crate) struct Clients {
    roots: Arc<RootCertStore>,
    plain: HttpClient,
}

/// A provider that is read in the background for as long as somebody holds this.
pub(super) struct KeptProvider {
    ca_pem: Option<Vec<u8>>,
    provider: HttpProvider,
    _read: DropGuard,
}

/// A look-up with all that it remembers.
#[derive(Clone)]
pub(super) struct KeptLookup {
    origin: Origin,
    ca_pem: Option<Vec<u8>>,
    pub(super) lookup: Arc<dyn TenantLookup>,
}

impl Clients {
    /// Reads the system's trust roots: once is enough for the life of the process.
    pub(crate) fn new() -> Self {
        let roots = trust_roots::of_the_system();
        Self { plain: HttpClient::new(Arc::clone(&roots)), roots }
    }

    pub(crate) const fn trust_roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    pub(crate) fn of(&self, authority: &AuthoritySettings) -> Result<HttpClient, BuildError> {
        let Some(pem) = &authority.ca_pem else { return Ok(self.plain.clone()) };
        Ok(HttpClient::new(trust_roots::with(&self.roots, pem).map_err(|error| unusable(authority, &error))?))
    }
}

/// `dev.allow`, as providers take it.
pub(crate) const fn development(config: &Config) -> Development {
    if config.dev_allowed { Development::Allowed } else { Development::Refused }
}

fn known_of(authority: &AuthoritySettings, development: Development) -> ProviderSettings {
    ProviderSettings {
        authority: authority.name.clone(),
        expected: authority.issuer.clone(),
        discovery: authority.discovery.clone(),
        development,
    }
}

/// The provider of an authority, of which nothing is read yet.
pub(crate) fn provider(authority: &AuthoritySettings, development: Development, clients: &Clients) -> Result<HttpProvider, BuildError> {
    Ok(HttpProvider::new(known_of(authority, development), authority.client.clone(), clients.of(authority)?))
}

impl KeptProvider {
    /// The one of `earlier` that reads the same documents in the same way, or a new one, which is read until `stop`.
    pub(super) fn of(
        authority: &AuthoritySettings,
        development: Development,
        earlier: &[Arc<Self>],
        clients: &Clients,
        stop: &CancellationToken,
    ) -> Result<Arc<Self>, BuildError> {
        let known = known_of(authority, development);
        let same = |kept: &&Arc<Self>| *kept.provider.settings() == known && kept.ca_pem == authority.ca_pem;
        if let Some(kept) = earlier.iter().find(same) {
            return Ok(Arc::clone(kept));
        }
        let provider = provider(authority, development, clients)?;
        let (read, stop) = (provider.clone(), stop.child_token());
        let kept = Self { ca_pem: authority.ca_pem.clone(), provider, _read: stop.clone().drop_guard() };
        tokio::spawn(async move { read.run(stop).await });
        Ok(Arc::new(kept))
    }

    /// Ends when it has been asked for the first time.
    pub(super) async fn asked(&self) {
        self.provider.asked().await;
    }

    /// The provider under the authority's present registration of ours.
    pub(super) fn registered_as(&self, authority: &AuthoritySettings) -> HttpProvider {
        self.provider.registered_as(authority.client.clone())
    }
}

impl KeptLookup {
    /// Asks the directory that `work` belongs to, at the host that the configuration names and no other: the one from
    /// before if it asks there in the same way, or a new one.
    pub(super) fn of(work: &AuthoritySettings, earlier: Option<&Self>, clients: &Clients) -> Result<Self, BuildError> {
        let origin = Origin::parse(&work.discovery.origin().ascii_serialization()).map_err(|error| unusable(work, &error))?;
        if let Some(kept) = earlier.filter(|kept| kept.origin == origin && kept.ca_pem == work.ca_pem) {
            return Ok(kept.clone());
        }
        let lookup = Arc::new(MetadataLookup::new(origin.clone(), Arc::new(clients.of(work)?)));
        Ok(Self { origin, ca_pem: work.ca_pem.clone(), lookup })
    }
}

fn unusable(authority: &AuthoritySettings, error: &dyn std::fmt::Display) -> BuildError {
    BuildError::Authority { authority: authority.name.clone(), error: error.to_string() }
}

#[cfg(test)]
mod tests;
