//! Provider metadata (OpenID Connect Discovery §3), held against what the configuration expects.
//!
//! `openidconnect`'s own discovery is not used: it refuses the `{tenantid}` template of Microsoft's issuers. Members
//! that are not used here may say what they like.

use openidconnect::core::CoreClientAuthMethod;
use serde::Deserialize;
use url::{Host, Url};

use super::json::{self, Bounds, JsonDefect};
use crate::domain::authority::{ExpectedIssuer, ForeignIssuer, IssuerInForce};

#[cfg(test)]
mod tests;

const BOUNDS: Bounds = Bounds { bytes: Metadata::MAX_BYTES, depth: 16 };

/// What we use of a metadata document, all of it checked.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// What tokens are held against.
    pub issuer: IssuerInForce,
    /// Where browsers are sent.
    pub authorization_endpoint: Url,
    /// Where codes are spent.
    pub token_endpoint: Url,
    /// Where the signing keys are.
    pub jwks_uri: Url,
    /// RP-initiated logout.
    pub end_session_endpoint: Option<Url>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    pub announces_iss_parameter: bool,
    /// Whether `client_secret_basic` is the only secret method announced.
    pub wants_basic: bool,
    /// What the document says of itself.
    pub nature: Nature,
}

/// Whether a provider is to be taken seriously.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A development identity provider, at which anybody can be anybody. It says so itself.
    Development,
    /// Any other.
    Production,
}

/// Why a metadata document is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataDefect {
    /// Not the JSON it should be.
    #[error("the metadata document cannot be read: {0}")]
    Json(#[from] JsonDefect),
    /// A member that must be there is not.
    #[error("the metadata document has no `{0}`")]
    Missing(&'static str),
    /// Somebody else's document.
    #[error("{0}")]
    Issuer(#[from] ForeignIssuer),
    /// Not an absolute https URL, or with user information or a fragment. Plain http is for a provider on loopback.
    #[error("`{0}` in the metadata document is not an https URL without user information and fragment")]
    Endpoint(&'static str),
    /// The authorization code flow is not offered.
    #[error("the provider does not offer the response type `code`")]
    NoCodeFlow,
    /// PKCE is offered, but only with the plain method.
    #[error("the provider does not offer PKCE with S256 (RFC 9700 §2.1.1)")]
    NoS256,
}

impl Metadata {
    /// The longest document, in bytes.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads a document and holds it against the expectation.
    ///
    /// # Errors
    /// [`MetadataDefect`], the first that is found.
    pub fn read(document: &[u8], expected: &ExpectedIssuer) -> Result<Self, MetadataDefect> {
        let document: Document = json::read_object(document, BOUNDS)?;
        let issuer_text = document.issuer.as_deref().ok_or(MetadataDefect::Missing("issuer"))?;
        let issuer = expected.adopt(issuer_text)?;
        check_flow(&document)?;
        let transport = Transport::of(issuer_text);
        let required = |name, text: Option<&str>| endpoint(name, text.ok_or(MetadataDefect::Missing(name))?, transport);
        Ok(Self {
            authorization_endpoint: required("authorization_endpoint", document.authorization_endpoint.as_deref())?,
            token_endpoint: required("token_endpoint", document.token_endpoint.as_deref())?,
            jwks_uri: required("jwks_uri", document.jwks_uri.as_deref())?,
            end_session_endpoint: match document.end_session_endpoint.as_deref() {
                Some(text) => Some(endpoint("end_session_endpoint", text, transport)?),
                None => None,
            },
            announces_iss_parameter: document.authorization_response_iss_parameter_supported.unwrap_or(false),
            wants_basic: wants_basic(document.token_endpoint_auth_methods_supported.as_deref()),
            nature: if document.homerealm_development == Some(true) { Nature::Development } else { Nature::Production },
            issuer,
        })
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    end_session_endpoint: Option<String>,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<CoreClientAuthMethod>>,
    authorization_response_iss_parameter_supported: Option<bool>,
    homerealm_development: Option<bool>,
}

/// Lists that are absent say nothing: Microsoft leaves `code_challenge_methods_supported` out and takes S256.
fn check_flow(document: &Document) -> Result<(), MetadataDefect> {
    let lacks = |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|list| list.iter().all(|entry| entry != word));
    if lacks(&document.response_types_supported, "code") {
        return Err(MetadataDefect::NoCodeFlow);
    }
    if lacks(&document.code_challenge_methods_supported, "S256") {
        return Err(MetadataDefect::NoS256);
    }
    Ok(())
}

/// Without a list the method is `client_secret_basic` (OpenID Connect Discovery §3). Where both are announced the body
/// is used: it needs no second encoding of the secret, which providers disagree about.
fn wants_basic(announced: Option<&[CoreClientAuthMethod]>) -> bool {
    let Some(announced) = announced else { return true };
    announced.contains(&CoreClientAuthMethod::ClientSecretBasic) && !announced.contains(&CoreClientAuthMethod::ClientSecretPost)
}

/// What an endpoint may use: plain http only beside an issuer on loopback, where it is a developer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    HttpsOnly,
    LoopbackHttp,
}

impl Transport {
    fn of(issuer: &str) -> Self {
        let on_loopback = Url::parse(issuer).is_ok_and(|issuer| issuer.scheme() == "http" && is_loopback(&issuer));
        if on_loopback { Self::LoopbackHttp } else { Self::HttpsOnly }
    }
}

/// Whether a URL names this machine by a name or address that cannot mean another.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn endpoint(name: &'static str, text: &str, transport: Transport) -> Result<Url, MetadataDefect> {
    let url = Url::parse(text).map_err(|_| MetadataDefect::Endpoint(name))?;
    let secure = match (url.scheme(), transport) {
        ("https", _) => true,
        ("http", Transport::LoopbackHttp) => is_loopback(&url),
        _ => false,
    };
    let plain = url.has_host() && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if secure && plain { Ok(url) } else { Err(MetadataDefect::Endpoint(name)) }
}
