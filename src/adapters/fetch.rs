//! One bounded GET, as the adapters need it: whoever fetches a document can be given the shared HTTP client or, in a
//! test, a stand-in that counts.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::http_client::{HttpClient, HttpFault, Limits};

/// Fetches documents from providers. An implementation follows no redirects and stops reading at a bound of its own;
/// dropping the future ends the request.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// GETs `url`. Every status is an answer; only no answer is a failure.
    async fn get(&self, url: &Url) -> Result<Fetched, FetchFailed>;
}

/// An answer, read to its end.
#[derive(Clone)]
pub struct Fetched {
    /// The status code.
    pub status: u16,
    /// The content.
    pub body: Bytes,
}

/// Why there is no answer. The texts are for operators and hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailed {
    /// The connection broke off, or what came is not HTTP.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// No connection: name resolution, TCP or TLS.
    #[error("no connection: {0}")]
    Connect(String),
    /// The time was up.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than the bound.
    #[error("the answer is too large")]
    TooLarge,
}

/// Says how much came, not what.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("status", &self.status).field("bytes", &self.body.len()).finish()
    }
}

/// What a tenant look-up may fetch: it stops reading long before a document of any other size.
const LOOK_UP: Limits = Limits { bytes: 64 * 1024, time: Duration::from_secs(5) };

#[async_trait::async_trait]
impl Fetch for HttpClient {
    async fn get(&self, url: &Url) -> Result<Fetched, FetchFailed> {
        let answer = Self::get(self, url, LOOK_UP).await.map_err(|fault| {
            let text = fault.to_string();
            match fault {
                HttpFault::Connect(_) | HttpFault::PlainHttp | HttpFault::Url => FetchFailed::Connect(text),
                HttpFault::Broken(_) | HttpFault::Encoded => FetchFailed::Broken(text),
                HttpFault::Timeout(_) => FetchFailed::Timeout,
                HttpFault::TooLong(_) => FetchFailed::TooLarge,
            }
        })?;
        Ok(Fetched { status: answer.status.as_u16(), body: answer.body })
    }
}
