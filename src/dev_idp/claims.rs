//! What the tokens say: ID tokens (OpenID Connect Core §2, with the platform's claims) and access tokens. This is
//! where the "Break it" menu spoils an ID token.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Settings;
use super::ambient;
use super::authority;
use super::directory::{CONTOSO, FABRIKAM};
use super::grants::Grant;
use super::mischief::Mischief;
use crate::domain::account::Acct;

/// The resource that is meant when the scopes name none.
pub(super) const NO_RESOURCE: &str = "00000003-0000-0000-c000-000000000000";

/// The ID token's claims.
pub(super) fn id_token(settings: &Settings, grant: &Grant, nonce: Option<&str>, mischief: Mischief, now: u64) -> Value {
    let mut claims = about(settings, grant, now);
    claims["aud"] = json!(grant.client_id);
    claims["login_hint"] = json!(grant.account.login_hint());
    claims["sid"] = json!(grant.session);
    // Guests bring their address whether asked or not.
    if let Some(email) = grant.account.email.filter(|_| grant.grants("email") || grant.account.acct == Acct::Guest) {
        claims["email"] = json!(email);
        claims["xms_edov"] = json!(true);
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    spoil(&mut claims, settings, grant, mischief, now);
    claims
}

/// The claims of a logout token (OpenID Connect Back-Channel Logout §2.4).
pub(super) fn logout_token(settings: &Settings, grant: &Grant, now: u64) -> Value {
    json!({
        "iss": authority::issuer(settings.origin.as_str(), grant.account.tenant.id),
        "aud": grant.client_id,
        "iat": now,
        "exp": now + 120,
        "jti": ambient::guid(),
        "sub": pairwise_subject(grant),
        "sid": grant.session,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    })
}

/// The access token's claims: for the first resource of the scopes (`api://orders/Orders.Read`), and what of it.
pub(super) fn access_token(settings: &Settings, grant: &Grant, now: u64) -> Value {
    let mut claims = about(settings, grant, now);
    let of_apis = || grant.scope.split(' ').filter(|word| word.starts_with("api://")).filter_map(|word| word.rsplit_once('/'));
    let resource = of_apis().map(|(resource, _)| resource).next();
    let scopes: Vec<&str> = match resource {
        Some(wanted) => of_apis().filter(|(resource, _)| *resource == wanted).map(|(_, scope)| scope).collect(),
        None => grant.scope.split(' ').collect(),
    };
    claims["aud"] = json!(resource.unwrap_or(NO_RESOURCE));
    claims["scp"] = json!(scopes.join(" "));
    claims["azp"] = json!(grant.client_id);
    claims["uti"] = json!(ambient::guid());
    claims
}

/// `client_info`: the home account, told by the token endpoint outside of every signature.
pub(super) fn client_info(grant: &Grant) -> String {
    let home = json!({ "uid": grant.account.home_object, "utid": grant.account.home.id.to_string() });
    URL_SAFE_NO_PAD.encode(home.to_string())
}

fn about(settings: &Settings, grant: &Grant, now: u64) -> Value {
    let account = grant.account;
    let mut claims = json!({
        "iss": authority::issuer(settings.origin.as_str(), account.tenant.id),
        "iat": now,
        "nbf": now,
        "exp": now + settings.token_lifetime.as_secs(),
        "sub": pairwise_subject(grant),
        "tid": account.tenant.id.to_string(),
        "ver": "2.0",
    });
    if grant.grants("profile") {
        claims["name"] = json!(grant.person.name);
        claims["oid"] = json!(account.object);
        claims["preferred_username"] = json!(account.user_name);
    }
    if let Some(provider) = account.identity_provider {
        claims["idp"] = json!(provider);
    }
    match account.acct {
        Acct::Guest if settings.issues_acct => claims["acct"] = json!(1),
        Acct::Member if settings.issues_acct => claims["acct"] = json!(0),
        Acct::Absent | Acct::Guest | Acct::Member | Acct::Unreadable => {}
    }
    let groups = account.listed_groups();
    if groups.is_none() {
        claims["_claim_names"] = json!({ "groups": "src1" });
        claims["_claim_sources"] = json!({ "src1": { "endpoint": settings.claim_source } });
    }
    for (name, values) in [("groups", groups.unwrap_or_default()), ("roles", account.roles)] {
        if !values.is_empty() {
            claims[name] = json!(values);
        }
    }
    claims
}

/// Another `sub` for every app, so that apps cannot compare notes (OpenID Connect Core §8.1).
fn pairwise_subject(grant: &Grant) -> String {
    let input = format!("{}|{}|{}", grant.client_id, grant.account.object, grant.account.tenant.id);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, input.as_bytes()))
}

fn spoil(claims: &mut Value, settings: &Settings, grant: &Grant, mischief: Mischief, now: u64) {
    match mischief {
        Mischief::ExpiredToken => {
            let hour = 3_600;
            claims["exp"] = json!(now - hour);
            claims["iat"] = json!(now - 2 * hour);
            claims["nbf"] = json!(now - 2 * hour);
        }
        Mischief::WrongAudience => claims["aud"] = json!(NO_RESOURCE),
        Mischief::WrongIssuer => {
            let other = if grant.account.tenant.id == CONTOSO.id { FABRIKAM.id } else { CONTOSO.id };
            claims["iss"] = json!(authority::issuer(settings.origin.as_str(), other));
        }
        Mischief::WrongNonce => claims["nonce"] = json!(ambient::unguessable()),
        Mischief::AnotherAccount
        | Mischief::Cancel
        | Mischief::ConsentRequired
        | Mischief::GraphFailsOnce
        | Mischief::GraphRefuses
        | Mischief::Nothing
        | Mischief::SlowToken
        | Mischief::TemporarilyUnavailable
        | Mischief::TokenError
        | Mischief::UnknownKey => {}
    }
}
