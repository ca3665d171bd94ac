//! Questions to Microsoft Graph about the groups that a token has no room for (`_claim_names`, `hasgroups`): where they go,
//! what they say, and what an answer is worth. When to ask is the business of `flow::groups`.
//!
//! The endpoint that the token's own `_claim_sources` names (OpenID Connect Core §5.6.2) is never looked at: whoever could
//! choose it would be sent an access token. Graph's address follows from the issuer that the configuration names.
//!
//! Asked is only about groups that somebody wants to know about (`checkMemberObjects`): how many others there are makes no
//! difference, and nobody learns of them.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::json::{self, Bounds};
use super::metadata::Nature;
use crate::domain::authority::ExpectedIssuer;
use crate::domain::guid::Guid;

#[cfg(test)]
mod tests;

/// So many groups are asked about for one person; of any further ones nothing is known.
pub const MOST_GROUPS: usize = 200;

/// Graph takes so many in one question.
const PER_QUESTION: usize = 20;

/// The longest answer, in bytes: twenty ids take less than a thousand.
pub const MAX_BYTES: usize = 64 * 1024;

const BOUNDS: Bounds = Bounds { bytes: MAX_BYTES, depth: 8 };

/// When to ask again if nobody says it.
pub const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The bounds of what Graph may say about that.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(5 * 60);

/// Where a development identity provider answers like Graph, at its own origin.
const DEVELOPMENT: &str = "/graph";

/// Why nothing was learnt about groups. The texts are for operators and hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupsFailed {
    /// The authority is not Microsoft's, or of a cloud whose Graph is not known.
    #[error("there is no Microsoft Graph to ask at this authority")]
    NoGraph,
    /// 403.
    #[error("Microsoft Graph may not tell us: give the app registration the delegated permission GroupMember.Read.All, with admin consent")]
    NotPermitted,
    /// 401: it is out of date, or not meant for Graph.
    #[error("Microsoft Graph does not take the access token: if it is fresh, the authority's `scopes` name another API")]
    TokenRefused,
    /// No answer, or one that will be another next time.
    #[error("Microsoft Graph does not answer: {why}")]
    Unavailable {
        /// When it makes sense to ask again.
        ask_again: Duration,
        /// What happened.
        why: String,
    },
    /// The same question will get the same answer.
    #[error("Microsoft Graph does not take the question: status {0}")]
    Unusable(u16),
}

impl GroupsFailed {
    /// No answer, for this reason.
    #[must_use]
    pub const fn unavailable(why: String) -> Self {
        Self::Unavailable { ask_again: ASK_AGAIN, why }
    }
}

/// Whether Graph can be asked about a group: it knows object ids, and no names.
#[must_use]
pub fn knows(group: &str) -> bool {
    Guid::parse(group).is_ok()
}

/// The Graph of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph(Url);

impl Graph {
    /// The Graph of the cloud that an issuer is in; `None` where there is none that we know.
    #[must_use]
    pub fn of(issuer: &ExpectedIssuer, nature: Nature) -> Option<Self> {
        let origin = issuer.microsoft_origin()?;
        let own;
        let base = match (origin, nature) {
            ("https://login.microsoftonline.com", _) => "https://graph.microsoft.com",
            ("https://login.microsoftonline.us", _) => "https://graph.microsoft.us",
            ("https://login.partner.microsoftonline.cn", _) => "https://microsoftgraph.chinacloudapi.cn",
            (_, Nature::Development) => {
                own = format!("{origin}{DEVELOPMENT}");
                &own
            }
            (_, Nature::Production) => return None,
        };
        Url::parse(&format!("{base}/v1.0/me/checkMemberObjects")).ok().map(Self)
    }

    /// Where questions are posted.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// One question: is whoever the access token is about in any of these groups, directly or through another?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a>(&'a [Arc<str>]);

/// The questions that it takes to ask about these groups, in their order.
pub fn questions(groups: &[Arc<str>]) -> impl Iterator<Item = Question<'_>> {
    groups.chunks(PER_QUESTION).map(Question)
}

impl Question<'_> {
    /// The body of the request.
    #[must_use]
    pub fn body(self) -> String {
        serde_json::json!({ "ids": self.0 }).to_string()
    }

    /// Reads the answer: those of the groups that the person is in. What else may stand in it counts for nothing.
    ///
    /// # Errors
    /// [`GroupsFailed`]
    pub fn read(self, status: u16, retry_after: Option<Duration>, body: &[u8]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        #[derive(Deserialize)]
        struct Answer {
            value: Vec<String>,
        }
        match status {
            200 => {}
            401 => return Err(GroupsFailed::TokenRefused),
            403 => return Err(GroupsFailed::NotPermitted),
            408 | 429 | 500.. => {
                let ask_again = retry_after.map_or(ASK_AGAIN, |wait| wait.clamp(SOONEST, LATEST));
                return Err(GroupsFailed::Unavailable { ask_again, why: format!("status {status}") });
            }
            _ => return Err(GroupsFailed::Unusable(status)),
        }
        let answer: Answer = json::read_object(body, BOUNDS).map_err(|defect| GroupsFailed::unavailable(defect.to_string()))?;
        let is_told = |group: &&Arc<str>| answer.value.iter().any(|told| told.eq_ignore_ascii_case(group));
        Ok(self.0.iter().filter(is_told).cloned().collect())
    }
}
