//! What the use cases need from the world: time, chance, providers, and a place to keep sessions. The only traits with
//! more than one implementation: the real ones in `adapters`, the others in tests.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::account::TenantId;
use crate::domain::address::Domain;
use crate::domain::authority::AuthorityName;
use crate::domain::realm::TenantOfDomain;
use crate::domain::time::Timestamp;
use crate::protocol::graph::GroupsFailed;
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::Metadata;
use crate::protocol::secret::Secret;
use crate::protocol::session_record::Handle;
use crate::protocol::token::{CodeGrant, RedeemError, RefreshedTokens, TokenResponse};

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

    /// Spends a refresh token at the token endpoint.
    async fn refresh(&self, token: &Secret<String>) -> Result<RefreshedTokens, RedeemError>;

    /// Asks which of these groups the person is in whom the access token is about: all of them or none are answered for,
    /// within 3 s. About no groups nothing is asked; the answer tells whether there is somebody to ask.
    async fn member_of(&self, _access_token: &Secret<String>, _groups: &[Arc<str>]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        Err(GroupsFailed::NoGraph)
    }
}

/// Asks an authority whether a domain belongs to an organisation.
#[async_trait]
pub trait TenantLookup: Send + Sync {
    /// The answer, from memory or within 800 ms.
    async fn tenant_of(&self, domain: &Domain) -> TenantOfDomain;
}

/// A place to keep sessions: all it ever sees is ciphertext, and when to forget it. Every method ends in bounded time.
///
/// Absent, failed and unknown are three answers: `Ok(None)`, [`StoreFailed::NotDone`], [`StoreFailed::Unknown`].
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// The record, and how far the store's list of revocations is: both as of one moment.
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed>;

    /// Puts a new record there. A record that has been acknowledged survives the end of the process, if the store is one
    /// that outlives it. One that is there already stays.
    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed>;

    /// Replaces a record if its version is still `known`; `record.version` is the new one.
    async fn replace(&self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, StoreFailed>;

    /// Takes a record away. That there was none is fine.
    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed>;

    /// Claims the right to renew a record, alone among all processes, until the lease runs out.
    async fn claim(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<Claim, StoreFailed>;

    /// Has the lease begin anew. `false`: it ran out, and somebody else may be at it.
    async fn prolong(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<bool, StoreFailed>;

    /// Ends a claim and puts the renewed record there, in one step: if the claim is still ours, or nobody else has written
    /// since version `known`. The record must still be there: whoever signed out meanwhile stays signed out. It gets a
    /// version above the one that is there, whatever `record.version` says: nobody who wrote meanwhile knows it.
    async fn settle(&self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed>;

    /// Ends a claim without a new record, because nothing was spent. If the claim before was abandoned, the next one is told
    /// so as well: that can only be settled.
    async fn release(&self, handle: Handle, holder: Holder) -> Result<(), StoreFailed>;

    /// Adds a sealed entry to the list of revocations, to be kept until then. Returns how far the list is now.
    async fn revoke(&self, entry: &str, until: Timestamp) -> Result<u64, StoreFailed>;

    /// The entries of the list of revocations that came after this version, and how far the list is.
    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed>;

    /// Some records' sealed summaries, and where to go on, if there are more.
    async fn list(&self, from: Option<Cursor>) -> Result<Listed, StoreFailed>;
}

/// What a store answers to a question about one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// `None`: it is not there, and the store is sure of it.
    pub record: Option<Stored>,
    /// Goes up with every entry of the list of revocations.
    pub revocations: u64,
}

/// A record as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Goes up whenever the record is replaced.
    pub version: u64,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
    /// What lists tell, sealed with the proxy's keys.
    pub summary: Box<str>,
    /// Everything, sealed with the ticket's key.
    pub sealed: Box<[u8]>,
}

/// What became of a new record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is there.
    Done,
    /// Another one is there, which stays.
    Taken,
}

/// What became of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is there.
    Done,
    /// Another version is there, which stays.
    Outdated,
    /// The record is gone, and stays so.
    Gone,
}

/// Who claims: made anew for each claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder(pub u128);

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nobody else is at it.
    Ours(Before),
    /// Somebody else is at it.
    Taken,
    /// There is no such record.
    Gone,
}

/// How the claim before ours ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Properly, or there was none.
    Settled,
    /// Its lease ran out: whoever had it may have spent the refresh token and died before the new one was written.
    Abandoned,
}

/// Where a list goes on. Opaque: it means something to the store that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where, and the sealed summary.
    pub records: Vec<(Handle, Box<str>)>,
    /// Where to go on; `None`: that was all.
    pub next: Option<Cursor>,
}

/// The store did not answer, or not usefully. The texts are for operators and hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailed {
    /// Nothing has happened.
    #[error("the session store fails: {0}")]
    NotDone(String),
    /// Nobody knows whether it has happened, as when the answer did not come in time.
    #[error("the session store fails, and may have done what it was asked: {0}")]
    Unknown(String),
}

/// Names that tests and pages use for a tenant.
pub type TenantNames = std::collections::HashMap<TenantId, String>;

/// All providers by authority.
pub type Providers = std::collections::HashMap<AuthorityName, Arc<dyn Provider>>;
