//! One authority's OpenID provider over HTTP: metadata and keys are read early, refreshed in the background, and the
//! last good ones kept while the authority is down. What they say is judged in `protocol`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::http_client::{Answer, HttpClient, HttpFault, Limits};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::flow::ports::{Provider, ProviderUnavailable};
use crate::protocol::client::Client;
use crate::protocol::graph::GroupsFailed;
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::{Metadata, Nature};
use crate::protocol::secret::Secret;
use crate::protocol::token::{CodeGrant, Dialect, RedeemError, RefreshedTokens, TokenRequest, TokenResponse, answer, request};
use refresh::Rhythm;
use single_flight::{Permit, SingleFlight, Turn};

mod groups;
mod refresh;
mod single_flight;

#[cfg(test)]
mod tests;

/// A code is spent within this time or not at all: the browser waits. Likewise a refresh token.
const REDEEM_TIME: Duration = Duration::from_secs(10);

/// What is known about a provider before it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The authority's name, for logs.
    pub authority: AuthorityName,
    /// For which issuer it must speak.
    pub expected: ExpectedIssuer,
    /// Where its metadata document is.
    pub discovery: Url,
    /// Whether it may be a development identity provider.
    pub development: Development,
}

/// `dev.allow`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Development {
    /// A development identity provider may be used.
    Allowed,
    /// It may not: its documents are not believed.
    Refused,
}

/// An OpenID provider over HTTP. Cheap to clone; clones share what was read.
#[derive(Debug, Clone)]
pub struct HttpProvider {
    client: Arc<Client>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ProviderSettings,
    http: HttpClient,
    /// For refresh tokens, which are spent on another runtime than codes.
    apart: HttpClient,
    rhythm: Rhythm,
    metadata: ArcSwapOption<Metadata>,
    keys: ArcSwapOption<KeySet>,
    flight: SingleFlight,
    /// When keys were last read because a token asked for it, whether that succeeded or not.
    forced: Mutex<Option<Instant>>,
    /// When the last attempt that somebody waited for failed, and why; `None` after one that did not.
    failed: Mutex<Option<(Instant, ProviderUnavailable)>>,
    /// Cancelled once the background work has made its first attempt.
    asked: CancellationToken,
}

/// What an attempt is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The metadata document, and the keys it points to.
    Everything,
    /// The keys, out of turn.
    NewerKeys,
}

impl HttpProvider {
    /// A provider of which nothing is known yet, and our registration there. Nothing is fetched: see
    /// [`HttpProvider::run`].
    #[must_use]
    pub fn new(settings: ProviderSettings, client: Client, http: HttpClient) -> Self {
        Self::with_rhythm(settings, client, http, Rhythm::default())
    }

    /// The same provider under another registration: what was read of it is shared.
    #[must_use]
    pub fn registered_as(&self, client: Client) -> Self {
        Self { client: Arc::new(client), shared: Arc::clone(&self.shared) }
    }

    /// Ends when [`HttpProvider::run`] has asked it for the first time, whatever came of it.
    pub async fn asked(&self) {
        self.shared.asked.cancelled().await;
    }

    /// What is known without asking it.
    #[must_use]
    pub fn settings(&self) -> &ProviderSettings {
        &self.shared.settings
    }

    fn with_rhythm(settings: ProviderSettings, client: Client, http: HttpClient, rhythm: Rhythm) -> Self {
        let shared = Shared {
            settings,
            apart: http.apart(),
            http,
            rhythm,
            metadata: ArcSwapOption::empty(),
            keys: ArcSwapOption::empty(),
            flight: SingleFlight::default(),
            forced: Mutex::default(),
            failed: Mutex::default(),
            asked: CancellationToken::new(),
        };
        Self { client: Arc::new(client), shared: Arc::new(shared) }
    }

    /// An attempt because somebody needs what was never read. Nobody has to sign in to ask for one, so a provider that
    /// refuses at once is not asked again at once: the failure of the last such attempt answers for a moment.
    async fn demand(&self) -> Result<(), ProviderUnavailable> {
        if let Some(error) = self.shared.recent_failure() {
            return Err(error);
        }
        let turn = match self.shared.flight.turn().await {
            Turn::Ours(turn) => turn,
            Turn::Finished(outcome) => return outcome,
        };
        let outcome = self.make(turn, Wanted::Everything).await;
        let failure = outcome.as_ref().err().map(|error| (Instant::now(), error.clone()));
        *self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        outcome
    }

    /// One attempt, or a share in the one that is under way.
    async fn attempt(&self, wanted: Wanted) -> Result<(), ProviderUnavailable> {
        let turn = match self.shared.flight.turn().await {
            Turn::Ours(turn) => turn,
            Turn::Finished(outcome) => return outcome,
        };
        if wanted == Wanted::NewerKeys && !self.shared.may_force() {
            return Err(ProviderUnavailable("the keys were read a moment ago".into()));
        }
        self.make(turn, wanted).await
    }

    /// Makes an attempt, in a task of its own: whoever waits for it may go away without ending it for the others, or
    /// wasting the one forced fetch of a minute.
    async fn make(&self, turn: Permit, wanted: Wanted) -> Result<(), ProviderUnavailable> {
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let outcome = shared.load_in_time(wanted).await;
            turn.finish(outcome.clone());
            outcome
        });
        task.await.unwrap_or_else(|_| Err(ProviderUnavailable("the attempt was cut off".into())))
    }
}

impl Shared {
    /// Whether a forced fetch is due; if so, the minute starts now.
    fn may_force(&self) -> bool {
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = forced.is_none_or(|last| last.elapsed() >= self.rhythm.cool_down);
        if is_due {
            *forced = Some(Instant::now());
        }
        is_due
    }

    fn recent_failure(&self) -> Option<ProviderUnavailable> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().filter(|(at, _)| at.elapsed() < self.rhythm.on_demand).map(|(_, error)| error.clone())
    }

    async fn load_in_time(&self, wanted: Wanted) -> Result<(), ProviderUnavailable> {
        let patience = self.rhythm.attempt;
        let late = |_| ProviderUnavailable(format!("{}: no answer within {} ms", self.settings.discovery, patience.as_millis()));
        tokio::time::timeout(patience, self.load(wanted)).await.map_err(late)?
    }

    /// Each part takes the place of the last good one only when it has been read and judged.
    async fn load(&self, wanted: Wanted) -> Result<(), ProviderUnavailable> {
        let known = self.metadata.load_full().filter(|_| wanted == Wanted::NewerKeys);
        let metadata = match known {
            Some(metadata) => metadata,
            None => {
                let discovery = &self.settings.discovery;
                let document = self.fetch(discovery, Metadata::MAX_BYTES).await?;
                let metadata = Metadata::read(&document, &self.settings.expected).map_err(|defect| about(discovery, defect))?;
                if (metadata.nature, self.settings.development) == (Nature::Development, Development::Refused) {
                    return Err(about(
                        discovery,
                        "a development identity provider, at which anybody can be anybody. To use it for development, set [dev] allow = true",
                    ));
                }
                let metadata = Arc::new(metadata);
                self.metadata.store(Some(Arc::clone(&metadata)));
                metadata
            }
        };
        let document = self.fetch(&metadata.jwks_uri, KeySet::MAX_BYTES).await?;
        let keys = KeySet::read(&document).map_err(|defect| about(&metadata.jwks_uri, defect))?;
        self.keys.store(Some(Arc::new(keys)));
        Ok(())
    }

    async fn fetch(&self, url: &Url, bytes: usize) -> Result<bytes::Bytes, ProviderUnavailable> {
        let limits = Limits { bytes, time: self.rhythm.attempt };
        let answer = self.http.get(url, limits).await.map_err(|fault| about(url, fault))?;
        if answer.status == http::StatusCode::OK { Ok(answer.body) } else { Err(about(url, format_args!("status {}", answer.status))) }
    }

    fn dialect(&self) -> Dialect {
        if self.settings.expected.is_microsoft_shaped() { Dialect::Microsoft } else { Dialect::Standard }
    }
}

#[async_trait]
impl Provider for HttpProvider {
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        if let Some(metadata) = self.shared.metadata.load_full() {
            return Ok(metadata);
        }
        let outcome = self.demand().await;
        // The metadata may be there although the keys could not be read.
        self.shared.metadata.load_full().ok_or_else(|| missing(outcome))
    }

    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable> {
        if let Some(keys) = self.shared.keys.load_full() {
            return Ok(keys);
        }
        let outcome = self.demand().await;
        self.shared.keys.load_full().ok_or_else(|| missing(outcome))
    }

    async fn newer_keys(&self, known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let newer = || self.shared.keys.load_full().filter(|keys| !Arc::ptr_eq(keys, known));
        if let Some(newer) = newer() {
            return Some(newer);
        }
        if let Err(error) = self.attempt(Wanted::NewerKeys).await {
            tracing::info!(authority = %self.shared.settings.authority, fault = "provider", %error, "A token names an unknown key, and there are no newer keys");
        }
        newer()
    }

    async fn redeem(&self, grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError> {
        let metadata = self.metadata().await.map_err(|error| RedeemError::Unavailable(error.0))?;
        let dialect = self.shared.dialect();
        let got = spend(&self.shared.http, &request::for_code(&self.client, &metadata, grant, dialect)).await?;
        answer::read(got.status.as_u16(), got.content_type.as_deref(), &got.body, dialect)
    }

    async fn refresh(&self, token: &Secret<String>) -> Result<RefreshedTokens, RedeemError> {
        let metadata = self.metadata().await.map_err(|error| RedeemError::Unavailable(error.0))?;
        let dialect = self.shared.dialect();
        let got = spend(&self.shared.apart, &request::for_refresh_token(&self.client, &metadata, token, dialect)).await?;
        answer::read_refreshed(got.status.as_u16(), got.content_type.as_deref(), &got.body, dialect)
    }

    async fn member_of(&self, access_token: &Secret<String>, groups: &[Arc<str>]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        self.ask_about_groups(access_token, groups).await
    }
}

async fn spend(http: &HttpClient, request: &TokenRequest) -> Result<Answer, RedeemError> {
    let limits = Limits { bytes: answer::MAX_BYTES, time: REDEEM_TIME };
    let sent = http.post_form(&request.url, request.authorization.as_ref(), &request.body, limits).await;
    sent.map_err(|fault| not_spent(&fault))
}

/// Not to have reached it is one thing, to have no answer another, an answer that is not worth reading a third, and not to
/// have asked at all a fourth.
fn not_spent(fault: &HttpFault) -> RedeemError {
    let text = fault.to_string();
    match fault {
        HttpFault::Connect(_) => RedeemError::Unavailable(text),
        HttpFault::Broken(_) | HttpFault::Timeout(_) => RedeemError::Unanswered(text),
        HttpFault::Encoded | HttpFault::TooLong(_) => RedeemError::Unreadable(text),
        HttpFault::PlainHttp | HttpFault::Url => RedeemError::Provider(text),
    }
}

/// Addresses of metadata and keys are public.
fn about(url: &Url, what: impl std::fmt::Display) -> ProviderUnavailable {
    ProviderUnavailable(format!("{url}: {what}"))
}

fn missing(outcome: Result<(), ProviderUnavailable>) -> ProviderUnavailable {
    outcome.err().unwrap_or_else(|| ProviderUnavailable("nothing has been read yet".into()))
}
