//! What the use cases need from the world: time, chance and providers. The only traits with more than one
//! implementation: the real one in `adapters`, the others in tests.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::account::TenantId;
use crate::domain::address::Domain;
use crate::domain::authority::AuthorityName;
use crate::domain::realm::TenantOfDomain;
use crate::domain::time::Timestamp;
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::Metadata;
use crate::protocol::token::{CodeGrant, RedeemError, TokenResponse};

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Where chance comes from.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with unguessable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The provider did not answer, or not usefully. The text is for operators and holds no secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ProviderUnavailable(pub String);

/// One authority's OpenID provider.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its metadata: the last that was read, or, if none was read yet, one bounded attempt to read it now.
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable>;

    /// Its signing keys, likewise.
    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable>;

    /// Its signing keys read anew, because a token named a key that `known` does not have. At most one fetch a minute
    /// and one at a time: `None` if there is nothing newer to be had now, which means that the token is refused.
    async fn newer_keys(&self, known: &Arc<KeySet>) -> Option<Arc<KeySet>>;

    /// Spends an authorization code at the token endpoint.
    async fn redeem(&self, grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError>;
}

/// Asks an authority whether a domain belongs to an organisation.
#[async_trait]
pub trait TenantLookup: Send + Sync {
    /// The answer, from memory or within 800 ms.
    async fn tenant_of(&self, domain: &Domain) -> TenantOfDomain;
}

/// Names that tests and pages use for a tenant.
pub type TenantNames = std::collections::HashMap<TenantId, String>;

/// All providers by authority.
pub type Providers = std::collections::HashMap<AuthorityName, Arc<dyn Provider>>;
