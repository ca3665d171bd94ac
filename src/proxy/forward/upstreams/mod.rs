//! The upstreams of a configuration at work: who is avoided, how many connections there may be, and by what TLS. All
//! workers share it, so everything in it is read without a lock, and written only when something changes; what one worker
//! has under way is the worker's own (`desk`).
//!
//! A reload keeps what it asks for again, with all that is known of it; where it asks for other members beside, what is known
//! of each that stays goes along. What it does not ask for ends with the requests that still use it.

pub(super) mod again;
mod balance;
pub(super) mod course;
pub(super) mod desk;
pub mod health;
pub(super) mod limit;
mod standing;

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::{InvalidDnsNameError, ServerName};
use tokio::time::Instant;

use super::wire::HTTP_1_1;
use crate::domain::destination::{Upstream, UpstreamAddress, UpstreamScheme, Upstreams};
use crate::domain::route::RouteTable;
use limit::Bound;
pub use standing::Condition;
use standing::Standing;

/// What routes of one configuration forward to, found by what the routes say.
#[derive(Debug, Default)]
pub struct Fleet {
    /// By the place in memory of what was configured, in ascending order. The group holds it, so the place stays taken.
    by_place: Vec<(usize, Arc<Upstreams>, Arc<Group>)>,
}

/// Upstreams that serve the same and share the load.
#[derive(Debug)]
pub struct Group {
    configured: Upstreams,
    /// Never empty.
    members: Vec<Arc<Member>>,
}

/// An upstream.
#[derive(Debug)]
pub struct Member {
    pub(super) upstream: Upstream,
    tls: Option<Tls>,
    standing: Standing,
    pub(super) bound: Option<Bound>,
}

/// How TLS is spoken.
#[derive(Clone)]
pub(super) struct Tls {
    /// By which the upstream may choose its HTTP.
    pub(super) config: Arc<ClientConfig>,
    /// By which it may not.
    pub(super) http1: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Fleet {
    /// The groups that the routes of a table forward to. `group` finds or makes the one for what is configured; it is
    /// called once for each place where something is.
    ///
    /// # Errors
    /// Those of `group`.
    pub fn of<E>(routes: &RouteTable, mut group: impl FnMut(&Upstreams) -> Result<Arc<Group>, E>) -> Result<Self, E> {
        let mut by_place = Vec::new();
        for route in routes.routes() {
            for configured in route.destination.upstreams() {
                if by_place.iter().all(|(place, _, _)| *place != place_of(configured)) {
                    by_place.push((place_of(configured), Arc::clone(configured), group(configured)?));
                }
            }
        }
        by_place.sort_unstable_by_key(|(place, _, _)| *place);
        Ok(Self { by_place })
    }

    /// The group for what a route says.
    ///
    /// # Panics
    /// If the route is of another table.
    #[must_use]
    pub fn at_work(&self, configured: &Arc<Upstreams>) -> &Arc<Group> {
        self.find(configured).expect("routes and groups are of one configuration")
    }

    /// Likewise; `None` if the route is of another table.
    #[must_use]
    pub fn find(&self, configured: &Arc<Upstreams>) -> Option<&Arc<Group>> {
        let found = self.by_place.binary_search_by_key(&place_of(configured), |(place, _, _)| *place).ok()?;
        Some(&self.by_place[found].2)
    }
}

fn place_of(configured: &Arc<Upstreams>) -> usize {
    Arc::as_ptr(configured).addr()
}

impl Group {
    /// A group of which nothing is known yet. `tls` is for those of its members that speak it.
    ///
    /// # Errors
    /// A member's host that no certificate can be for.
    pub fn new(configured: &Upstreams, tls: &Arc<ClientConfig>) -> Result<Self, InvalidDnsNameError> {
        Self::since(Instant::now(), configured, tls)
    }

    fn since(start: Instant, configured: &Upstreams, tls: &Arc<ClientConfig>) -> Result<Self, InvalidDnsNameError> {
        let member = |upstream: &Arc<Upstream>| {
            Ok(Arc::new(Member {
                tls: Tls::of(upstream, tls)?,
                upstream: Upstream::clone(upstream),
                standing: Standing::new(start),
                bound: configured.max_connections.map(Bound::new),
            }))
        };
        let members = configured.members.iter().map(member).collect::<Result<_, _>>()?;
        Ok(Self { configured: configured.clone(), members })
    }

    /// Takes over what is known of the members that an earlier group has as well. What a health check said is forgotten
    /// where none will ask the same again, and who is alone is never avoided.
    pub fn learn_from(&self, known: &Self) {
        let is_asked_alike = self.configured.health == known.configured.health;
        for member in &self.members {
            let Some(known) = known.members.iter().find(|known| known.upstream == member.upstream) else { continue };
            if self.members.len() > 1 {
                member.standing.avoid_like(&known.standing);
            }
            if self.configured.health.is_some() && is_asked_alike && known.condition() == Condition::Unwell {
                member.standing.is_well(false);
            }
        }
    }

    /// What it was made of.
    #[must_use]
    pub const fn configured(&self) -> &Upstreams {
        &self.configured
    }

    /// Whether anything is found out about its members: by a health check, or because a request could go elsewhere.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        self.members.len() > 1 || self.configured.health.is_some()
    }

    /// In file order.
    #[must_use]
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }
}

impl Member {
    /// What was configured.
    #[must_use]
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// What is known of it now.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.standing.condition(Instant::now())
    }

    /// `None` in clear text.
    pub(super) const fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// A request was answered. Costs a look, unless it was avoided.
    pub(super) fn worked(&self) {
        if self.standing.worked() {
            let upstream = self.upstream.to_string();
            tracing::info!(%upstream, "Upstream {upstream} answers again");
        }
    }

    /// The one request that was to show whether it works has failed.
    pub(super) fn failed_again(&self) {
        self.standing.failed_again(Instant::now());
    }

    /// A new connection was not made, or ended before an answer, or no answer came in time.
    pub(super) fn failed(&self, why: &dyn fmt::Display) {
        if self.standing.failed(Instant::now()) {
            let upstream = self.upstream.to_string();
            tracing::warn!(%upstream, error = %why, "Upstream {upstream} is avoided for a while: {why}");
        }
    }
}

impl Tls {
    fn of(upstream: &Upstream, config: &Arc<ClientConfig>) -> Result<Option<Self>, InvalidDnsNameError> {
        match (upstream.scheme, &upstream.address) {
            (UpstreamScheme::Https, UpstreamAddress::Tcp { host, .. }) => {
                let name = upstream.tls.server_name.as_ref().unwrap_or(host);
                let mut http1 = ClientConfig::clone(config);
                http1.alpn_protocols = vec![HTTP_1_1.to_vec()];
                let name = ServerName::try_from(name.clone())?;
                Ok(Some(Self { config: Arc::clone(config), http1: Arc::new(http1), name }))
            }
            (UpstreamScheme::H2c | UpstreamScheme::Http | UpstreamScheme::Https, _) => Ok(None),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({:?})", self.name)
    }
}

#[cfg(test)]
mod tests;
