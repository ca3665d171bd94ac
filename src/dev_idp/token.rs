//! The token endpoint (RFC 6749 §3.2): spends codes (§4.1.3) and refresh tokens (§6).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::{Value, json};

use super::authority::Authority;
use super::fault::Fault;
use super::grants::{Access, CodeGrant, Grant};
use super::keys::NoKey;
use super::mischief::Mischief;
use super::params::Params;
use super::{Provider, Registration};
use super::{ambient, claims, client_authentication, metadata};

impl From<NoKey> for Fault {
    fn from(NoKey: NoKey) -> Self {
        Self::IssuingFailed
    }
}

/// POST
pub(super) async fn exchange(
    State(provider): State<Arc<Provider>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response {
    match answer(&provider, &tenant, &form, &headers).await {
        Ok(tokens) => Json(tokens).into_response(),
        Err(fault) => fault.into_response(),
    }
}

async fn answer(provider: &Provider, tenant: &str, form: &str, headers: &HeaderMap) -> Result<Value, Fault> {
    let authority = Authority::parse(tenant).ok_or_else(|| Fault::no_tenant(tenant))?;
    let params = Params::read(&[form])?;
    let endpoint = metadata::endpoint(provider.origin(), authority, "oauth2/v2.0/token");
    let client = client_authentication::authenticate(provider, &params, headers, &endpoint)?;
    let (mut grant, nonce, mischief) = match params.required("grant_type")? {
        "authorization_code" => {
            let spent = spend_code(provider, client, authority, &params)?;
            (spent.grant, spent.nonce, spent.mischief)
        }
        "refresh_token" => {
            let spent = spend_refresh_token(provider, client, authority, &params);
            provider.changes().count(&spent);
            (spent?, None, Mischief::Nothing)
        }
        _ => return Err(Fault::UnsupportedGrant),
    };
    if mischief == Mischief::TokenError {
        return Err(Fault::IssuingFailed);
    }
    if mischief == Mischief::SlowToken {
        tokio::time::sleep(provider.settings.slow_answer).await;
    }
    // Less than was granted, never more (RFC 6749 §6).
    let scope = params.optional("scope").unwrap_or(&grant.scope);
    if !scope.split(' ').all(|word| grant.grants(word)) {
        return Err(Fault::ScopeNotGranted);
    }
    let scope = scope.to_owned();
    grant.wants_client_info |= params.optional("client_info") == Some("1");
    let narrowed = Grant { scope, ..grant.clone() };
    let mut body = tokens(provider, &narrowed, nonce.as_deref(), mischief).await?;
    if grant.grants("offline_access") {
        // Whatever was asked for this time, the next refresh starts from what was granted (RFC 6749 §6).
        body["refresh_token"] = json!(provider.grants().issue_refresh_token(grant));
    }
    Ok(body)
}

fn spend_code(provider: &Provider, client: &Registration, authority: Authority, params: &Params) -> Result<CodeGrant, Fault> {
    let code = params.required("code")?;
    let verifier = params.required("code_verifier")?;
    let redirect_uri = params.required("redirect_uri")?;
    let spent = provider.grants().spend_code(code, ambient::now())?;
    if spent.grant.client_id != client.client_id {
        return Err(Fault::CodeUnknown);
    }
    if spent.grant.authority != authority {
        return Err(Fault::CodeOfOtherAuthority);
    }
    if spent.redirect_uri != redirect_uri {
        return Err(Fault::RedirectUriOfOtherRequest);
    }
    let fits = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == spent.challenge;
    if fits { Ok(spent) } else { Err(Fault::PkceMismatch) }
}

fn spend_refresh_token(provider: &Provider, client: &Registration, authority: Authority, params: &Params) -> Result<Grant, Fault> {
    let grant = provider.grants().spend_refresh_token(params.required("refresh_token")?)?;
    if grant.client_id != client.client_id {
        return Err(Fault::CodeUnknown);
    }
    if grant.authority != authority {
        return Err(Fault::CodeOfOtherAuthority);
    }
    if provider.changes().refreshes(grant.person) { Ok(grant) } else { Err(Fault::CodeUnknown) }
}

async fn tokens(provider: &Provider, grant: &Grant, nonce: Option<&str>, mischief: Mischief) -> Result<Value, Fault> {
    let settings = &provider.settings;
    let now = ambient::now();
    let key = provider.keys.of(grant.account.tenant.id).await?;
    let mut id_token = claims::id_token(settings, grant, nonce, mischief, now);
    provider.changes().put_into(&mut id_token, grant.person);
    let id_token = if mischief == Mischief::UnknownKey { key.sign_as_unknown(&id_token)? } else { key.sign(&id_token)? };
    let lifetime = settings.token_lifetime.as_secs();
    let claims = claims::access_token(settings, grant, now);
    let access_token = key.sign(&claims)?;
    if claims["aud"] == claims::NO_RESOURCE {
        let access = Access { account: grant.account, mischief, until: now + lifetime };
        provider.grants().note_access_token(access_token.clone(), access);
    }
    let mut body = json!({
        "token_type": "Bearer",
        "scope": grant.scope,
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token,
        "id_token": id_token,
    });
    if grant.wants_client_info {
        body["client_info"] = json!(claims::client_info(grant));
    }
    Ok(body)
}
