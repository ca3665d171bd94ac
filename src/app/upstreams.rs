//! Upstreams, kept from one configuration to the next where that reaches them in the same way: connections stay open,
//! bounds stay kept, and who is not well is not forgotten. What is reached otherwise is another group, whose connections
//! are its own; what is known of members that are reached alike, it is told.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::generation::BuildError;
use crate::admin::control::Condition;
use crate::config::{Config, UpstreamFiles};
use crate::domain::destination::Upstreams;
use crate::proxy::forward::upstreams::{self, Fleet, Group, Member, health};
use crate::proxy::forward::{TlsError, upstream_tls};

/// A group that is watched for as long as somebody holds this.
pub(super) struct KeptGroup {
    files: Option<UpstreamFiles>,
    /// What its health is asked about, unless it goes by its own.
    public_host: String,
    group: Arc<Group>,
    _watched: DropGuard,
}

/// TLS for upstreams whose routes say nothing of it, and what others begin with.
pub(crate) struct Tls {
    roots: Arc<RootCertStore>,
    usual: Arc<ClientConfig>,
}

/// The upstreams of a configuration: those of `known` that are reached in the same way, and new ones, which are watched
/// until `stop`.
pub(super) fn groups(
    config: &Config,
    known: &[Arc<KeptGroup>],
    tls: &Tls,
    stop: &CancellationToken,
) -> Result<(Fleet, Vec<Arc<KeptGroup>>), BuildError> {
    let public_host = config.rules.origins.first().authority();
    let mut kept: Vec<Arc<KeptGroup>> = Vec::new();
    let groups = Fleet::of(&config.rules.routes, |configured| {
        let files = files_of(config, configured);
        let found = match kept.iter().chain(known).find(|known| known.is(configured, files, public_host)) {
            Some(known) => Arc::clone(known),
            None => {
                let group = tls.group(configured, files)?;
                known.iter().filter(|known| known.has(files)).for_each(|known| group.learn_from(&known.group));
                Arc::new(KeptGroup::watching(group, files, public_host, stop))
            }
        };
        let group = Arc::clone(&found.group);
        if !kept.iter().any(|kept| Arc::ptr_eq(kept, &found)) {
            kept.push(found);
        }
        Ok::<_, BuildError>(group)
    })?;
    Ok((groups, kept))
}

/// What is known of the members of a group, if anything is.
pub(super) fn conditions(group: &Group) -> Vec<Condition> {
    let told = |member: &Arc<Member>| match member.condition() {
        upstreams::Condition::Avoided | upstreams::Condition::Due => Condition::Avoided,
        upstreams::Condition::Unwell => Condition::Unwell,
        upstreams::Condition::Well => Condition::Well,
    };
    if group.is_watched() { group.members().iter().map(told).collect() } else { Vec::new() }
}

/// The groups of a configuration that nobody watches: to look whether they are there.
pub(crate) fn unwatched(config: &Config, tls: &Tls) -> Result<Vec<Arc<Group>>, BuildError> {
    let mut made = Vec::new();
    Fleet::of(&config.rules.routes, |configured| {
        let group = Arc::new(tls.group(configured, files_of(config, configured))?);
        made.push(Arc::clone(&group));
        Ok::<_, BuildError>(group)
    })?;
    Ok(made)
}

/// All members of a group have the same TLS.
fn files_of<'a>(config: &'a Config, configured: &Upstreams) -> Option<&'a UpstreamFiles> {
    let tls = &configured.members.first()?.tls;
    config.upstream_files.iter().find(|files| files.tls == *tls)
}

impl KeptGroup {
    fn watching(group: Group, files: Option<&UpstreamFiles>, public_host: &str, stop: &CancellationToken) -> Self {
        let group = Arc::new(group);
        let (watched, host, stop) = (Arc::clone(&group), public_host.to_owned(), stop.child_token());
        let guard = stop.clone().drop_guard();
        if group.configured().health.is_some() {
            tokio::spawn(stop.run_until_cancelled_owned(async move { health::watch(&watched, &host).await }));
        }
        Self { files: files.cloned(), public_host: public_host.to_owned(), group, _watched: guard }
    }

    /// Whether it reaches the same in the same way.
    fn is(&self, configured: &Upstreams, files: Option<&UpstreamFiles>, public_host: &str) -> bool {
        let same_probe = configured.health.is_none() || self.public_host == public_host;
        same_probe && self.has(files) && self.group.configured() == configured
    }

    /// Whether the files that its TLS names say the same as these.
    fn has(&self, files: Option<&UpstreamFiles>) -> bool {
        match (&self.files, files) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => ours.have_the_content_of(theirs),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

impl Tls {
    /// `roots` are the system's.
    pub(crate) fn new(roots: &Arc<RootCertStore>) -> Result<Self, TlsError> {
        Ok(Self { roots: Arc::clone(roots), usual: upstream_tls(Arc::clone(roots), None)? })
    }

    fn group(&self, configured: &Upstreams, files: Option<&UpstreamFiles>) -> Result<Group, BuildError> {
        let unusable = |error: &dyn std::fmt::Display| BuildError::Upstream { upstream: configured.to_string(), error: error.to_string() };
        let tls = match files {
            None => Arc::clone(&self.usual),
            Some(files) => self.with(files).map_err(|error| unusable(&error))?,
        };
        Group::new(configured, &tls).map_err(|error| unusable(&error))
    }

    fn with(&self, files: &UpstreamFiles) -> Result<Arc<ClientConfig>, TlsError> {
        upstream_tls(Arc::clone(files.roots.as_ref().unwrap_or(&self.roots)), files.identity.as_ref())
    }
}

#[cfg(test)]
mod tests;
