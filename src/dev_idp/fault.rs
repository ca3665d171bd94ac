//! Everything that is refused, with the platform's numbers, and the shape in which clients read it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::ambient;

/// Why a request is refused. The texts are for developers; programs read [`Fault::error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "The account has no place in this authority: it must be added to the tenant as a guest first, or belongs to the other kind of account."
    )]
    AccountNotInTenant,
    #[error("The assertion does not hold: {0}.")]
    BadAssertion(&'static str),
    #[error("The client secret is not the one registered.")]
    BadSecret,
    #[error("The person went back instead of signing in.")]
    Cancelled,
    #[error("The code or refresh token was issued to another authority than the one it is spent at.")]
    CodeOfOtherAuthority,
    #[error("The code was spent before.")]
    CodeSpent,
    #[error("The code or refresh token is unknown or too old.")]
    CodeUnknown,
    #[error("Nobody has consented to the app's use of this account.")]
    ConsentRequired,
    #[error("No token could be issued.")]
    IssuingFailed,
    #[error("Nobody is signed in, and prompt=none forbids asking.")]
    LoginRequired,
    #[error("The request lacks '{0}'.")]
    MissingParameter(&'static str),
    #[error("The client must prove itself with a secret or an assertion.")]
    NoCredential,
    #[error("The code challenge is missing or not of method S256.")]
    NoPkce,
    #[error("Somebody has to choose, and prompt=none forbids asking.")]
    NothingWithoutAsking,
    #[error("The verifier does not fit the code challenge.")]
    PkceMismatch,
    #[error("The redirect URI is not registered for this app.")]
    RedirectUriNotRegistered,
    #[error("The redirect URI is not the one of the authorization request.")]
    RedirectUriOfOtherRequest,
    #[error("A parameter stands twice in the request, or there are too many of them.")]
    RepeatedParameter,
    #[error("The scope asks for more than was granted.")]
    ScopeNotGranted,
    #[error("The scope must contain 'openid'.")]
    ScopeWithoutOpenid,
    #[error("Tenant '{0}' not found.")]
    TenantNotFound(String),
    #[error("A passing fault. Try again.")]
    TryAgain,
    #[error("The app is not registered here.")]
    UnknownClient,
    #[error("The grant type is not supported.")]
    UnsupportedGrant,
    #[error("The prompt is not supported.")]
    UnsupportedPrompt,
    #[error("The response mode is not supported.")]
    UnsupportedResponseMode,
    #[error("The response type is not supported.")]
    UnsupportedResponseType,
}

impl Fault {
    /// A tenant that does not exist, named as it was asked for, in bounds.
    pub(super) fn no_tenant(asked: &str) -> Self {
        Self::TenantNotFound(asked.chars().take(100).collect())
    }

    /// The OAuth error code and the platform's number.
    pub(super) const fn codes(&self) -> (&'static str, u32) {
        match self {
            Self::AccountNotInTenant => ("access_denied", 50_020),
            Self::BadAssertion(_) => ("invalid_client", 700_027),
            Self::BadSecret => ("invalid_client", 7_000_215),
            Self::Cancelled => ("access_denied", 65_004),
            Self::CodeOfOtherAuthority => ("invalid_grant", 700_005),
            Self::CodeSpent => ("invalid_grant", 54_005),
            Self::CodeUnknown => ("invalid_grant", 70_008),
            Self::ConsentRequired => ("consent_required", 65_001),
            Self::IssuingFailed => ("server_error", 50_000),
            Self::LoginRequired => ("login_required", 50_058),
            Self::MissingParameter(_) => ("invalid_request", 900_144),
            Self::NoCredential => ("invalid_client", 7_000_218),
            Self::NoPkce => ("invalid_request", 9_002_325),
            Self::NothingWithoutAsking => ("interaction_required", 16_000),
            Self::PkceMismatch => ("invalid_grant", 501_481),
            Self::RedirectUriNotRegistered => ("invalid_request", 50_011),
            Self::RedirectUriOfOtherRequest => ("invalid_grant", 500_112),
            Self::RepeatedParameter => ("invalid_request", 9_002_313),
            Self::ScopeNotGranted | Self::ScopeWithoutOpenid => ("invalid_scope", 70_011),
            Self::TenantNotFound(_) => ("invalid_tenant", 90_002),
            Self::TryAgain => ("temporarily_unavailable", 90_033),
            Self::UnknownClient => ("unauthorized_client", 700_016),
            Self::UnsupportedGrant => ("unsupported_grant_type", 70_003),
            Self::UnsupportedPrompt => ("invalid_request", 90_023),
            Self::UnsupportedResponseMode => ("invalid_request", 70_007),
            Self::UnsupportedResponseType => ("unsupported_response_type", 70_005),
        }
    }

    /// The OAuth error code.
    pub(super) const fn error(&self) -> &'static str {
        self.codes().0
    }

    /// Number and text.
    pub(super) fn description(&self) -> String {
        format!("AADSTS{}: {self}", self.codes().1)
    }

    fn status(&self) -> StatusCode {
        match self.error() {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// The JSON of the endpoints that programs call (RFC 6749 §5.2, with the platform's additions).
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (error, number) = self.codes();
        let (trace, correlation, time) = (ambient::guid(), ambient::guid(), ambient::timestamp());
        let body = json!({
            "error": error,
            "error_description": format!("{} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}", self.description()),
            "error_codes": [number],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        (self.status(), Json(body)).into_response()
    }
}
