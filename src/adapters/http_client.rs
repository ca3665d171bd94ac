//! HTTP to providers: bounded in time and bytes, without redirects, https only (http to this machine), through the
//! proxy of the environment if there is one. What the answers mean is not known here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::domain::time::Timestamp;
use crate::protocol::metadata::is_loopback;
use crate::protocol::secret::Secret;
use dial::Dial;

mod dial;

#[cfg(test)]
mod tests;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("homerealm/", env!("CARGO_PKG_VERSION")));

/// Identity providers close idle connections after a minute or so.
const IDLE: Duration = Duration::from_secs(30);

/// A response head is smaller than this, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// An HTTP client for one set of trust roots. Cheap to clone: clones share connections.
#[derive(Clone)]
pub struct HttpClient {
    connector: HttpsConnector<Dial>,
    client: Client<HttpsConnector<Dial>, Full<Bytes>>,
}

/// What an exchange may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest body, in bytes.
    pub bytes: usize,
    /// From the start of the connection to the last byte of the body.
    pub time: Duration,
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status; a redirect is an answer like any other.
    pub status: StatusCode,
    /// `Content-Type`, if it is text.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1).
    pub max_age: Option<Duration>,
    /// `Retry-After`, if it is in seconds (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
    /// `Date` (RFC 9110 §6.6.1): what the other end's clock said.
    pub date: Option<Timestamp>,
}

/// Why there is no answer. The texts are for operators and name neither URL nor content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpFault {
    /// The connection broke, or what came is not HTTP.
    #[error("{0}")]
    Broken(String),
    /// No connection: the name, the proxy, TCP or TLS.
    #[error("{0}")]
    Connect(String),
    /// Compressed although nothing was said about accepting that.
    #[error("the answer is encoded in a way that was not asked for")]
    Encoded,
    /// Plain http to another machine.
    #[error("plain http is for this machine only")]
    PlainHttp,
    /// No whole answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// A longer body than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// Not a URL that requests can be sent to.
    #[error("the URL cannot be requested")]
    Url,
}

impl HttpClient {
    /// A client that trusts these roots.
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        Self::through(Matcher::from_env(), roots)
    }

    fn through(proxies: Matcher, roots: Arc<RootCertStore>) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls(roots)).https_or_http().enable_http1();
        Self::over(connector.wrap_connector(Dial::new(proxies)))
    }

    fn over(connector: HttpsConnector<Dial>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .http1_max_buf_size(LONGEST_HEAD)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(2)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Self { connector, client }
    }

    /// A client of the same ways with connections of its own. A connection ends with the runtime that opened it: what must
    /// not be cut off there shares none with others.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::over(self.connector.clone())
    }

    /// GET.
    ///
    /// # Errors
    /// [`HttpFault`]; a status is not a fault.
    pub async fn get(&self, url: &Url, limits: Limits) -> Result<Answer, HttpFault> {
        self.send(url, Method::GET, HeaderMap::new(), Bytes::new(), limits).await
    }

    /// POST of a form that is encoded already.
    ///
    /// # Errors
    /// [`HttpFault`]; a status is not a fault.
    pub async fn post_form(
        &self,
        url: &Url,
        authorization: Option<&Secret<String>>,
        form: &Secret<String>,
        limits: Limits,
    ) -> Result<Answer, HttpFault> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, credentials(authorization)?);
        }
        self.send(url, Method::POST, headers, Bytes::copy_from_slice(form.expose().as_bytes()), limits).await
    }

    /// POST of JSON, as whoever the credentials say.
    ///
    /// # Errors
    /// [`HttpFault`]; a status is not a fault.
    pub async fn post_json(&self, url: &Url, authorization: &Secret<String>, json: String, limits: Limits) -> Result<Answer, HttpFault> {
        let content_type = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type), (AUTHORIZATION, credentials(authorization)?)]);
        self.send(url, Method::POST, headers, json.into(), limits).await
    }

    async fn send(&self, url: &Url, method: Method, mut headers: HeaderMap, body: Bytes, limits: Limits) -> Result<Answer, HttpFault> {
        if url.scheme() != "https" && !is_loopback(url) {
            return Err(HttpFault::PlainHttp);
        }
        let uri: Uri = url.as_str().parse().map_err(|_| HttpFault::Url)?;
        headers.insert(USER_AGENT, AGENT);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| not_sent(&error))?;
            answer(response, limits.bytes).await
        };
        tokio::time::timeout(limits.time, exchange).await.map_err(|_| HttpFault::Timeout(limits.time))?
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

fn tls(roots: Arc<RootCertStore>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the aws-lc provider supports TLS 1.2 and 1.3");
    config.with_root_certificates(roots).with_no_client_auth()
}

async fn answer(response: Response<Incoming>, longest: usize) -> Result<Answer, HttpFault> {
    let (head, body) = response.into_parts();
    if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(HttpFault::Encoded);
    }
    // Refused before the first byte, if the length is announced; at the limit, if it is not.
    if body.size_hint().lower() > longest as u64 {
        return Err(HttpFault::TooLong(longest));
    }
    let body = Limited::new(body, longest)
        .collect()
        .await
        .map_err(|error| if error.is::<LengthLimitError>() { HttpFault::TooLong(longest) } else { HttpFault::Broken(causes(&*error)) })?;
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(Answer {
        status: head.status,
        content_type: content_type.map(str::to_owned),
        body: body.to_bytes(),
        max_age: max_age(&head.headers),
        retry_after: retry_after(&head.headers),
        date: date(&head.headers),
    })
}

fn credentials(authorization: &Secret<String>) -> Result<HeaderValue, HttpFault> {
    let mut value = HeaderValue::from_str(authorization.expose()).map_err(|_| HttpFault::Url)?;
    value.set_sensitive(true);
    Ok(value)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get(CACHE_CONTROL)?.to_str().ok()?.split(',');
    let seconds = directives.filter_map(|directive| directive.trim().strip_prefix("max-age=")).next()?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = chrono::DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?).ok()?;
    date.timestamp().try_into().ok().map(Timestamp::from_unix_seconds)
}

fn not_sent(error: &Error) -> HttpFault {
    let causes = causes(error);
    if error.is_connect() { HttpFault::Connect(causes) } else { HttpFault::Broken(causes) }
}

/// An error with its causes: "connection refused" stands at the end of the chain.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
