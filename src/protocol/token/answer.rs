//! Reading the token endpoint's answer: tokens (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3 and §12.2) or an error (§5.2).

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::{Dialect, HomeTenant, RedeemError, RefreshedTokens, TokenResponse};
use crate::domain::account::TenantId;
use crate::domain::guid::Guid;
use crate::protocol::json::{self, Bounds};
use crate::protocol::secret::Secret;

/// The longest answer, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

const BOUNDS: Bounds = Bounds { bytes: MAX_BYTES, depth: 16 };

const CLIENT_INFO: Bounds = Bounds { bytes: 8 * 1024, depth: 4 };

/// The longest error code that is repeated, in bytes.
const LONGEST_CODE: usize = 64;

/// Reads the answer to a code.
///
/// # Errors
/// [`RedeemError`]: what the provider said, or that it said nothing readable.
pub fn read(status: u16, content_type: Option<&str>, body: &[u8], dialect: Dialect) -> Result<TokenResponse, RedeemError> {
    let RefreshedTokens { id_token, access_token, refresh_token, expires_in, home_tenant } =
        read_refreshed(status, content_type, body, dialect)?;
    let id_token = id_token.ok_or_else(|| RedeemError::Unreadable("there is no `id_token`".into()))?;
    let home_tenant = match home_tenant {
        HomeTenant::Told(home) => Some(home),
        HomeTenant::Untold => None,
        HomeTenant::Unreadable => return Err(RedeemError::Unreadable("`client_info`".into())),
    };
    Ok(TokenResponse { id_token, access_token, refresh_token, expires_in, home_tenant })
}

/// Reads the answer to a refresh token.
///
/// # Errors
/// [`RedeemError`], likewise.
pub fn read_refreshed(status: u16, content_type: Option<&str>, body: &[u8], dialect: Dialect) -> Result<RefreshedTokens, RedeemError> {
    let refusal = |what: String| match status {
        // Who says so has done the work.
        200..300 => RedeemError::Unreadable(what),
        // Whoever fails like this, or stands in between and has no answer, may have done the work.
        500.. => RedeemError::Unanswered(what),
        _ if is_passing(status) => RedeemError::Unavailable(what),
        _ => RedeemError::Provider(what),
    };
    if !is_json(content_type) {
        return Err(refusal(format!("status {status}, not JSON")));
    }
    let answer: Answer = json::read_object(body, BOUNDS).map_err(|defect| refusal(format!("status {status}: {defect}")))?;
    if let Some(error) = &answer.error {
        return Err(fault(error, status, &answer));
    }
    if status != 200 {
        return Err(refusal(format!("status {status} without an error code")));
    }
    tokens(answer, dialect)
}

#[derive(Deserialize)]
struct Answer {
    token_type: Option<String>,
    id_token: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<Value>,
    client_info: Option<Value>,
    error: Option<String>,
    error_codes: Option<Value>,
    error_description: Option<Value>,
    correlation_id: Option<Value>,
}

fn tokens(answer: Answer, dialect: Dialect) -> Result<RefreshedTokens, RedeemError> {
    // Token types are compared without case (RFC 6749 §5.1).
    if !answer.token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(RedeemError::Unreadable("`token_type` is missing or not Bearer".into()));
    }
    Ok(RefreshedTokens {
        id_token: answer.id_token.map(Secret::new),
        access_token: answer.access_token.map(Secret::new),
        refresh_token: answer.refresh_token.map(Secret::new),
        expires_in: answer.expires_in.as_ref().and_then(seconds),
        home_tenant: match dialect {
            Dialect::Microsoft => answer.client_info.as_ref().map_or(HomeTenant::Untold, home_tenant),
            // Not asked for, and so not what it is called.
            Dialect::Standard => HomeTenant::Untold,
        },
    })
}

/// Seen as a number and as a text. Nobody's token holds for longer than a year.
fn seconds(expires_in: &Value) -> Option<Duration> {
    const YEAR: u64 = 365 * 24 * 3600;
    let seconds = expires_in.as_u64().or_else(|| expires_in.as_str()?.parse().ok())?;
    Some(Duration::from_secs(seconds.min(YEAR)))
}

fn home_tenant(client_info: &Value) -> HomeTenant {
    #[derive(Deserialize)]
    struct ClientInfo {
        utid: String,
    }
    let read = || {
        let decoded = URL_SAFE_NO_PAD.decode(client_info.as_str()?.trim_end_matches('=')).ok()?;
        let info: ClientInfo = json::read_object(&decoded, CLIENT_INFO).ok()?;
        TenantId::parse(&info.utid).ok()
    };
    read().map_or(HomeTenant::Unreadable, HomeTenant::Told)
}

fn fault(error: &str, status: u16, answer: &Answer) -> RedeemError {
    let text = describe(error, status, answer);
    match error {
        "invalid_client" | "unauthorized_client" => RedeemError::ClientRefused(text),
        "invalid_grant" => RedeemError::GrantRefused(text),
        "temporarily_unavailable" => RedeemError::Unavailable(text),
        _ if is_passing(status) => RedeemError::Unavailable(text),
        _ => RedeemError::Provider(text),
    }
}

/// Only what has the shape of a code, a number or a GUID is repeated: descriptions quote addresses and secrets.
fn describe(error: &str, status: u16, answer: &Answer) -> String {
    let is_code =
        (1..=LONGEST_CODE).contains(&error.len()) && error.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let mut text = if is_code { error.to_owned() } else { format!("status {status} with an unreadable error code") };
    if let Some(number) = microsoft_number(answer) {
        // Writing to a string does not fail.
        let _ = write!(text, ", AADSTS{number}");
    }
    if let Some(id) = answer.correlation_id.as_ref().and_then(Value::as_str).and_then(|id| Guid::parse(id).ok()) {
        let _ = write!(text, ", correlation id {id}");
    }
    text
}

fn microsoft_number(answer: &Answer) -> Option<u64> {
    let listed = answer.error_codes.as_ref().and_then(|codes| codes.get(0)).and_then(Value::as_u64);
    listed.or_else(|| {
        let description = answer.error_description.as_ref()?.as_str()?.strip_prefix("AADSTS")?;
        let digits = description.bytes().take_while(u8::is_ascii_digit).count();
        description[..digits].parse().ok()
    })
}

/// Trouble that goes away by itself.
const fn is_passing(status: u16) -> bool {
    status == 429 || status >= 500
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
