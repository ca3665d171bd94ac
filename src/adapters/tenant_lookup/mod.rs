//! Asks a work authority whether a domain belongs to one of its tenants, by the tenant's own metadata document
//! (OpenID Connect Discovery §4): it exists for every domain that some organisation has verified.
//!
//! Only the domain is ever asked about. An endpoint that tells whether an *address* exists is known too, and is left
//! alone: used on behalf of anybody who can reach our sign-in page it would tell anybody who has an account (user
//! enumeration), and the provider would learn the address of everybody who types one. A domain says nothing about a
//! single person, so the answer can be remembered for all of them.
//!
//! The question goes to one fixed origin; what was typed becomes one path segment there and nothing else (no request
//! forgery). It costs at most 800 ms and is asked once however many people wait for it. Whatever is not a clear yes or
//! no is [`TenantOfDomain::Unknown`], which makes the page ask the person: a failing look-up blocks nobody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::Expiry;
use moka::future::Cache;
use serde::Deserialize;
use tokio::sync::Semaphore;
use url::Url;

use super::fetch::{Fetch, FetchFailed, Fetched};
use crate::domain::address::Domain;
use crate::domain::authority::{ExpectedIssuer, IssuerInForce};
use crate::domain::origin::Origin;
use crate::domain::realm::TenantOfDomain;
use crate::flow::ports::TenantLookup;

/// How long a look-up may take in all: a person is waiting for a page.
const TIME_LIMIT: Duration = Duration::from_millis(800);
/// The largest document that is read, in bytes; Microsoft's have less than 4 KiB.
const MAX_BODY: usize = 64 * 1024;
/// How many domains are remembered.
const MAX_DOMAINS: u64 = 10_000;
/// How many domains are asked about at a time; further ones are `Unknown`.
const MAX_IN_FLIGHT: usize = 64;

/// The look-up at one work authority.
pub struct MetadataLookup {
    origin: Origin,
    fetch: Arc<dyn Fetch>,
    time_limit: Duration,
    in_flight: Semaphore,
    known: Cache<Domain, TenantOfDomain>,
}

impl MetadataLookup {
    /// A look-up that asks `origin` (that of the work authority's metadata, like `https://login.microsoftonline.com`)
    /// through `fetch`.
    #[must_use]
    pub fn new(origin: Origin, fetch: Arc<dyn Fetch>) -> Self {
        Self::with_time_limit(origin, fetch, TIME_LIMIT)
    }

    fn with_time_limit(origin: Origin, fetch: Arc<dyn Fetch>, time_limit: Duration) -> Self {
        let known = Cache::builder().max_capacity(MAX_DOMAINS).expire_after(Remembered).build();
        Self { origin, fetch, time_limit, in_flight: Semaphore::new(MAX_IN_FLIGHT), known }
    }

    async fn ask(&self, domain: &Domain) -> TenantOfDomain {
        let Ok(_turn) = self.in_flight.try_acquire() else {
            tracing::debug!("Too many tenant look-ups at a time, the person is asked instead");
            return TenantOfDomain::Unknown;
        };
        let url = self.metadata_url(domain);
        let answer = tokio::time::timeout(self.time_limit, self.fetch.get(&url)).await.unwrap_or(Err(FetchFailed::Timeout));
        match answer {
            Ok(answer) => self.read(domain, &answer),
            Err(error) => {
                tracing::debug!(fault = "provider", %error, "A tenant look-up was not answered, the person is asked instead");
                TenantOfDomain::Unknown
            }
        }
    }

    fn metadata_url(&self, domain: &Domain) -> Url {
        let mut url = Url::parse(self.origin.as_str()).expect("an origin is an absolute http(s) URL");
        let mut path = url.path_segments_mut().expect("an http(s) URL has a path");
        path.clear().extend([domain.as_str(), "v2.0", ".well-known", "openid-configuration"]);
        drop(path);
        url
    }

    fn read(&self, domain: &Domain, answer: &Fetched) -> TenantOfDomain {
        if answer.body.len() > MAX_BODY {
            return TenantOfDomain::Unknown;
        }
        match answer.status {
            200 => self.read_document(domain, &answer.body),
            400 => read_error(&answer.body),
            // Throttled, moved, broken: no statement about the domain.
            _ => TenantOfDomain::Unknown,
        }
    }

    /// Only an issuer that the authority could have announced for a domain counts, its own aliases included: a
    /// document of anybody else's says nothing.
    fn read_document(&self, domain: &Domain, body: &[u8]) -> TenantOfDomain {
        let Ok(document) = serde_json::from_slice::<Document>(body) else { return TenantOfDomain::Unknown };
        let adopted = |path: &str| {
            let expected = ExpectedIssuer::parse(&format!("{}/{path}/v2.0", self.origin)).ok()?;
            expected.adopt(&document.issuer).ok()
        };
        match adopted(domain.as_str()) {
            Some(IssuerInForce::One { tenant: Some(tenant), .. }) => TenantOfDomain::Tenant(tenant),
            Some(IssuerInForce::One { tenant: None, .. } | IssuerInForce::PerTenant { .. }) => TenantOfDomain::Unknown,
            // The tenant of all personal accounts, which adopting for a domain refuses, is no organisation's.
            None if adopted("consumers").is_some() => TenantOfDomain::NoTenant,
            None => TenantOfDomain::Unknown,
        }
    }
}

fn read_error(body: &[u8]) -> TenantOfDomain {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) if refusal.error == "invalid_tenant" => TenantOfDomain::NoTenant,
        Ok(_) | Err(_) => TenantOfDomain::Unknown,
    }
}

#[async_trait]
impl TenantLookup for MetadataLookup {
    /// Callers that come while the same domain is being asked about wait for that answer. If the one that asks goes
    /// away, the next one asks anew.
    async fn tenant_of(&self, domain: &Domain) -> TenantOfDomain {
        self.known.get_with_by_ref(domain, self.ask(domain)).await
    }
}

/// What is read of a metadata document.
#[derive(Deserialize)]
struct Document {
    issuer: String,
}

/// What is read of an error (the shape of RFC 6749 §5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// How long an answer is remembered. Tenants come more often than they go, and a failure passes.
struct Remembered;

impl Remembered {
    const fn how_long(answer: TenantOfDomain) -> Duration {
        Duration::from_secs(match answer {
            TenantOfDomain::Tenant(_) => 24 * 60 * 60,
            TenantOfDomain::NoTenant => 60 * 60,
            TenantOfDomain::Unknown => 30,
        })
    }
}

impl Expiry<Domain, TenantOfDomain> for Remembered {
    fn expire_after_create(&self, _domain: &Domain, answer: &TenantOfDomain, _now: Instant) -> Option<Duration> {
        Some(Self::how_long(*answer))
    }

    /// An answer that replaces an expired one has a life of its own.
    fn expire_after_update(&self, _domain: &Domain, answer: &TenantOfDomain, _now: Instant, _left: Option<Duration>) -> Option<Duration> {
        Some(Self::how_long(*answer))
    }
}

#[cfg(test)]
mod tests;
