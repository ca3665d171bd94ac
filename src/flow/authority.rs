//! An authority as the use cases see it: what is believed of it, our registration there, and its provider.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::ports::{Provider, ProviderUnavailable};
use crate::domain::account::AccountKind;
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::principal::Principal;
use crate::protocol::authorize::{Habits, ResponseMode};
use crate::protocol::id_token::TokenDefect;
use crate::protocol::keys::KeySet;

/// One authority.
pub struct Authority {
    /// Its name.
    pub name: AuthorityName,
    /// What it issues.
    pub kind: AccountKind,
    /// For which issuer.
    pub issuer: ExpectedIssuer,
    /// Our client id there.
    pub client_id: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// How the response comes back.
    pub response_mode: ResponseMode,
    /// Static authorization parameters.
    pub extra_params: Vec<(String, String)>,
    /// The way to it.
    pub provider: Arc<dyn Provider>,
}

/// All authorities, by name.
pub type Authorities = HashMap<AuthorityName, Arc<Authority>>;

impl Authority {
    /// Whose habits the provider has.
    #[must_use]
    pub const fn habits(&self) -> Habits {
        if self.issuer.is_microsoft_shaped() { Habits::Microsoft } else { Habits::Standard }
    }

    /// Whether a person of a session can be this authority's, as it is configured now.
    #[must_use]
    pub fn vouches_for(&self, who: &Principal) -> bool {
        self.kind == who.kind && self.issuer.may_have_issued(&who.issuer, who.tenant)
    }

    /// Judges a token by the provider's keys: once more with newer ones if it names a key that is not among them, as
    /// after a rollover. How often newer keys are fetched is the provider's business.
    pub(super) async fn judge_with<T>(&self, judge: impl Fn(&KeySet) -> Result<T, TokenDefect>) -> Result<T, NotJudged> {
        let keys = self.provider.keys().await.map_err(NotJudged::Unavailable)?;
        match judge(&keys) {
            Err(TokenDefect::UnknownKey) => match self.provider.newer_keys(&keys).await {
                Some(newer) => judge(&newer).map_err(NotJudged::Defect),
                None => Err(NotJudged::Defect(TokenDefect::UnknownKey)),
            },
            verdict => verdict.map_err(NotJudged::Defect),
        }
    }
}

/// Why a token was not found good.
#[derive(Debug, thiserror::Error)]
pub enum NotJudged {
    /// It does not hold.
    #[error("{0}")]
    Defect(TokenDefect),
    /// There are no keys to judge it by.
    #[error("{0}")]
    Unavailable(ProviderUnavailable),
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Runs a future to its end even if whoever waits for it goes away: a code that is being spent must not be left half
/// spent because a browser closed its connection.
pub(super) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    tokio::spawn(work).await.ok()
}
