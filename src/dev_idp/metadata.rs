//! What each authority publishes: its metadata document (OpenID Connect Discovery §3) and its keys. The address of a
//! document and the issuer in it differ on purpose, as they do on the platform.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Provider;
use super::authority::Authority;
use super::fault::Fault;

/// The address of one of an authority's endpoints.
pub(super) fn endpoint(origin: &str, authority: Authority, path: &str) -> String {
    format!("{origin}/{}/{path}", authority.segment())
}

/// GET: the metadata document.
pub(super) async fn document(State(provider): State<Arc<Provider>>, Path(tenant): Path<String>) -> Response {
    match Authority::parse(&tenant) {
        Some(authority) => Json(metadata(authority, provider.origin())).into_response(),
        None => Fault::no_tenant(&tenant).into_response(),
    }
}

/// GET: the keys.
pub(super) async fn keys(State(provider): State<Arc<Provider>>, Path(tenant): Path<String>) -> Response {
    let Some(authority) = Authority::parse(&tenant) else { return Fault::no_tenant(&tenant).into_response() };
    match provider.keys.published(authority, provider.origin()).await {
        Ok(keys) => Json(keys).into_response(),
        Err(no_key) => Fault::from(no_key).into_response(),
    }
}

/// PKCE is required but not announced: the platform does not announce it either, and clients have to send it anyway.
fn metadata(authority: Authority, origin: &str) -> Value {
    let at = |path: &str| endpoint(origin, authority, path);
    json!({
        "issuer": authority.announced_issuer(origin),
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "token_endpoint": at("oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": at("discovery/v2.0/keys"),
        "end_session_endpoint": at("oauth2/v2.0/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "email"],
        "request_uri_parameter_supported": false,
        "tenant_region_scope": Value::Null,
        "homerealm_development": true,
    })
}
