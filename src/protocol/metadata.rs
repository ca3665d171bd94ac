//! Provider metadata (OpenID Connect Discovery §3), held against what the configuration expects.

use url::Url;

use crate::domain::authority::IssuerInForce;

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
}
