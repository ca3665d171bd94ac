//! `homerealm check --online`: whether everything that a configuration names is there, asked through the code that the
//! proxy itself uses. Everybody is asked at once, and nobody for longer than a few seconds.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Serialize;
use url::Url;

use self::store::ask_store;
use crate::adapters::clock::SystemClock;
use crate::adapters::http_client::{HttpClient, Limits};
use crate::adapters::provider::Development;
use crate::app::providers::{self, Clients};
use crate::app::upstreams::{self, Tls};
use crate::command::runtime;
use crate::config::{AuthoritySettings, Config};
use crate::domain::authority::IssuerInForce;
use crate::domain::route::Route;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Clock as _, Provider as _, ProviderUnavailable};
use crate::protocol::metadata::Metadata;
use crate::proxy::forward;
use crate::proxy::forward::upstreams::{Group, Member};

mod store;

/// For each answer. A provider's adapter has the same patience.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many are asked at a time.
const AT_ONCE: usize = 64;

/// Clocks further apart make tokens look expired, or not valid yet.
const MOST_APART: Duration = Duration::from_secs(60);

/// What came of asking one authority or upstream, or the session store.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    asked: Asked,
    /// The authority's name, the upstream's origin, or where sessions are kept.
    name: String,
    pub(super) outcome: Outcome,
    /// What was found, or why it failed.
    detail: String,
}

/// Whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    Authority,
    Upstream,
    Store,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Ok,
    /// It is there, but not as it should be.
    Warning,
    Failed,
}

/// One line.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Ok => "ok",
            Outcome::Warning => "warn",
            Outcome::Failed => "FAIL",
        };
        let asked = match self.asked {
            Asked::Authority => "authority",
            Asked::Upstream => "upstream",
            Asked::Store => "store",
        };
        write!(f, "{outcome:<5} {asked:<9} {}: {}", self.name, self.detail)
    }
}

/// Asks every authority, every upstream and the session store.
///
/// # Errors
/// When nobody could be asked: no runtime, no TLS.
pub(super) fn ask(config: &Config) -> std::io::Result<Vec<Answer>> {
    let clients = Clients::new();
    let tls = Tls::new(clients.trust_roots()).map_err(std::io::Error::other)?;
    let groups = upstreams::unwatched(config, &tls).map_err(std::io::Error::other)?;
    let development = providers::development(config);
    let runtime = runtime::start()?;
    let answers = runtime.block_on(async {
        let authorities = config.authorities.iter().map(|settings| ask_authority(settings, development, &clients));
        let members = members(&groups, config.rules.routes.routes());
        let upstreams = members.into_iter().map(|(member, route)| ask_upstream(member, route));
        let (mut answers, others, store) = tokio::join!(
            futures_util::stream::iter(authorities).buffered(AT_ONCE).collect::<Vec<_>>(),
            futures_util::stream::iter(upstreams).buffered(AT_ONCE).collect::<Vec<_>>(),
            ask_store(&config.session.store),
        );
        answers.extend(others.into_iter().chain(store));
        answers
    });
    // A name that is still being looked up has been given up already.
    runtime.shutdown_background();
    Ok(answers)
}

async fn ask_authority(settings: &AuthoritySettings, development: Development, clients: &Clients) -> Answer {
    let (outcome, detail) = match read_authority(settings, development, clients).await {
        Ok((found, None)) => (Outcome::Ok, found),
        Ok((found, Some(clocks))) => (Outcome::of_clocks(clocks), format!("{found}, {clocks}")),
        Err(why) => (Outcome::Failed, why),
    };
    Answer { asked: Asked::Authority, name: settings.name.to_string(), outcome, detail }
}

/// What its documents say, and what its clock does, if it tells.
async fn read_authority(
    settings: &AuthoritySettings,
    development: Development,
    clients: &Clients,
) -> Result<(String, Option<Clocks>), String> {
    let provider = providers::provider(settings, development, clients).map_err(|error| error.to_string())?;
    let http = clients.of(settings).map_err(|error| error.to_string())?;
    let documents = async { Ok::<_, ProviderUnavailable>((provider.metadata().await?, provider.keys().await?)) };
    let (documents, clocks) = tokio::join!(documents, compare_clocks(&http, &settings.discovery));
    let (metadata, keys) = documents.map_err(|error| error.to_string())?;
    let issuer = match &metadata.issuer {
        IssuerInForce::One { issuer, .. } => issuer.clone(),
        IssuerInForce::PerTenant { prefix, suffix } => format!("{prefix}{{tenantid}}{suffix}"),
    };
    let count = keys.keys().len();
    Ok((format!("issuer {issuer}, {count} key{}", if count == 1 { "" } else { "s" }), clocks))
}

/// How far another clock is from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clocks {
    TheirsIsAhead(Duration),
    TheirsIsBehind(Duration),
}

async fn compare_clocks(http: &HttpClient, discovery: &Url) -> Option<Clocks> {
    let answer = http.get(discovery, Limits { bytes: Metadata::MAX_BYTES, time: PATIENCE }).await.ok()?;
    answer.date.map(|theirs| Clocks::compare(theirs, SystemClock.now()))
}

impl Clocks {
    fn compare(theirs: Timestamp, ours: Timestamp) -> Self {
        if theirs > ours { Self::TheirsIsAhead(theirs.since(ours)) } else { Self::TheirsIsBehind(ours.since(theirs)) }
    }

    const fn apart(self) -> Duration {
        match self {
            Self::TheirsIsAhead(apart) | Self::TheirsIsBehind(apart) => apart,
        }
    }
}

impl fmt::Display for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.apart().as_secs();
        match self {
            _ if self.apart() <= MOST_APART => f.write_str("clocks agree"),
            Self::TheirsIsAhead(_) => write!(f, "its clock is {seconds} s ahead of this machine's: tokens will seem not valid yet"),
            Self::TheirsIsBehind(_) => write!(f, "its clock is {seconds} s behind this machine's: tokens will seem expired"),
        }
    }
}

impl Outcome {
    fn of_clocks(clocks: Clocks) -> Self {
        if clocks.apart() > MOST_APART { Self::Warning } else { Self::Ok }
    }
}

/// Every member once, with the first route that leads to it.
fn members<'a>(groups: &'a [Arc<Group>], routes: &'a [Route]) -> Vec<(&'a Arc<Member>, &'a Route)> {
    let leads_to =
        |route: &&Route, group: &Group| route.destination.upstreams().iter().any(|upstreams| ***upstreams == *group.configured());
    let mut seen = HashSet::new();
    let mut distinct = Vec::new();
    for group in groups {
        let Some(route) = routes.iter().find(|route| leads_to(route, group)) else { continue };
        let new = group.members().iter().filter(|member| {
            let upstream = member.upstream();
            seen.insert((upstream.scheme, &upstream.address, &upstream.tls))
        });
        distinct.extend(new.map(|member| (member, route)));
    }
    distinct
}

async fn ask_upstream(member: &Arc<Member>, route: &Route) -> Answer {
    let (outcome, detail) = match forward::connect(member, PATIENCE).await {
        Ok(()) => (Outcome::Ok, "connected".to_owned()),
        Err(error) => (Outcome::Failed, format!("{error} (route \"{}\")", route.name)),
    };
    Answer { asked: Asked::Upstream, name: member.upstream().origin(), outcome, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_be_a_minute_apart() {
        let at = Timestamp::from_unix_seconds;
        let told = |theirs, ours| {
            let clocks = Clocks::compare(at(theirs), at(ours));
            (Outcome::of_clocks(clocks), clocks.to_string())
        };
        for fine in [told(100, 100), told(160, 100), told(100, 160)] {
            assert_eq!(fine, (Outcome::Ok, "clocks agree".to_owned()));
        }
        let (outcome, text) = told(161, 100);
        assert!(outcome == Outcome::Warning && text.starts_with("its clock is 61 s ahead"), "{text}");
        let (outcome, text) = told(100, 161);
        assert!(outcome == Outcome::Warning && text.starts_with("its clock is 61 s behind"), "{text}");
    }
}
