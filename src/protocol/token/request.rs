//! Writing the token request: the grant, and the proof that it is us who ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{CodeGrant, Dialect, TokenRequest};
use crate::protocol::client::{Client, ClientAuthentication};
use crate::protocol::metadata::Metadata;
use crate::protocol::secret::Secret;

/// Writes the request that spends a code (RFC 6749 §4.1.3, RFC 7636 §4.5).
#[must_use]
pub fn for_code(client: &Client, metadata: &Metadata, grant: CodeGrant<'_>, dialect: Dialect) -> TokenRequest {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", grant.code.expose())
        .append_pair("redirect_uri", grant.redirect_uri)
        .append_pair("code_verifier", grant.verifier.expose());
    authenticated(in_dialect(form, dialect), client, metadata)
}

/// Writes the request that spends a refresh token (RFC 6749 §6). Without `scope`: for what was granted at the sign-in.
#[must_use]
pub fn for_refresh_token(client: &Client, metadata: &Metadata, token: &Secret<String>, dialect: Dialect) -> TokenRequest {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
    authenticated(in_dialect(form, dialect), client, metadata)
}

fn in_dialect(mut form: Serializer<'_, String>, dialect: Dialect) -> Serializer<'_, String> {
    match dialect {
        Dialect::Microsoft => {
            form.append_pair("client_info", "1");
        }
        Dialect::Standard => {}
    }
    form
}

enum SecretMethod {
    Basic,
    Post,
}

impl SecretMethod {
    const fn of(metadata: &Metadata) -> Self {
        if metadata.wants_basic { Self::Basic } else { Self::Post }
    }
}

/// The one place where a client proves itself (RFC 6749 §2.3.1). Never in both ways: RFC 6749 §2.3 forbids it.
fn authenticated(mut form: Serializer<'_, String>, client: &Client, metadata: &Metadata) -> TokenRequest {
    let authorization = match &client.authentication {
        ClientAuthentication::Secret(secret) => match SecretMethod::of(metadata) {
            SecretMethod::Basic => Some(basic(&client.id, secret)),
            SecretMethod::Post => {
                form.append_pair("client_id", &client.id).append_pair("client_secret", secret.expose());
                None
            }
        },
    };
    TokenRequest { url: metadata.token_endpoint.clone(), authorization, body: Secret::new(form.finish()) }
}

/// Id and secret are form-encoded before they are joined: a colon in either would otherwise move the border.
fn basic(id: &str, secret: &Secret<String>) -> Secret<String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}
