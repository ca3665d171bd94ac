//! The authorization response (RFC 6749 §4.1.2, §4.1.2.1) as it arrives, by query or by form. Reading it decides
//! nothing: it is held against the attempt in [`super::attempt`], and until then it is somebody's claim.

use std::fmt;

use percent_encoding::percent_decode;

use super::secret::Secret;

pub mod provider_error;

use provider_error::ProviderError;

/// The longest response that is read, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;
const MAX_PARAMETERS: usize = 32;

/// A response, read but not believed.
pub struct AuthorizationResponse {
    state: String,
    issuer: Option<String>,
    outcome: Outcome,
}

/// What the provider gave.
#[derive(Debug)]
pub enum Outcome {
    /// `code`
    Code(Secret<String>),
    /// `error` with what explains it.
    Error(ProviderError),
}

/// Why a response cannot be read one way only. None of it is the provider's: a provider does not send such things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// `code` and `error` together.
    #[error("the authorization response has both a code and an error")]
    CodeAndError,
    /// A parameter that we read is there twice (RFC 6749 §3.1).
    #[error("the authorization response repeats a parameter")]
    Duplicate,
    /// Bad percent encoding, not UTF-8, or characters outside of what the parameter may have (RFC 6749 appendix A).
    #[error("the authorization response has characters that cannot be there")]
    Encoding,
    /// Neither `code` nor `error`.
    #[error("the authorization response has neither a code nor an error")]
    Neither,
    /// No `state`: nothing of ours was asked for.
    #[error("the authorization response has no state")]
    NoState,
    /// More than 16 KiB or 32 parameters.
    #[error("the authorization response is too large")]
    TooLarge,
}

/// The parameters we read: RFC 6749 §4.1.2 and §4.1.2.1, `iss` (RFC 9207), and `session_state` (OpenID Connect
/// Session Management).
#[derive(Default)]
struct Parameters {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    error_uri: Option<String>,
    session_state: Option<String>,
}

impl AuthorizationResponse {
    /// Reads the query (without `?`) or the body of a form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn parse(query_or_form: &[u8]) -> Result<Self, Unreadable> {
        let parameters = Parameters::read(query_or_form)?;
        let state = parameters.state.ok_or(Unreadable::NoState)?;
        let outcome = match (parameters.code, parameters.error) {
            (Some(_), Some(_)) => return Err(Unreadable::CodeAndError),
            (None, None) => return Err(Unreadable::Neither),
            (Some(code), None) => Outcome::Code(Secret::new(code)),
            (None, Some(error)) => {
                let description = parameters.error_description.as_deref();
                Outcome::Error(ProviderError::read(&error, description.unwrap_or_default()))
            }
        };
        Ok(Self { state, issuer: parameters.iss, outcome })
    }

    /// `state`, still sealed.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// `iss` (RFC 9207 §2), if there is one.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// What the provider claims to have said: for the words on a page when there is no attempt to hold it against.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    pub(super) fn into_parts(self) -> (Option<String>, Outcome) {
        (self.issuer, self.outcome)
    }
}

/// Says what came, not what it says: all of it is a capability or a stranger's text.
impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationResponse").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Parameters {
    fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.len() > MAX_LENGTH || bytes.split(|byte| *byte == b'&').count() > MAX_PARAMETERS {
            return Err(Unreadable::TooLarge);
        }
        let mut parameters = Self::default();
        let mut seen = Vec::with_capacity(MAX_PARAMETERS);
        for piece in bytes.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let at = memchr::memchr(b'=', piece).unwrap_or(piece.len());
            let name = decode(&piece[..at])?;
            let value = decode(piece.get(at + 1..).unwrap_or_default())?;
            let Some(slot) = parameters.slot(&name) else { continue };
            if !name.starts_with("error_") && !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                return Err(Unreadable::Encoding);
            }
            // A parameter without a value counts as left out (RFC 6749 §3.1), but still as said.
            *slot = Some(value).filter(|value| !value.is_empty());
            if seen.contains(&name) {
                return Err(Unreadable::Duplicate);
            }
            seen.push(name);
        }
        Ok(parameters)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "code" => Some(&mut self.code),
            "state" => Some(&mut self.state),
            "iss" => Some(&mut self.iss),
            "error" => Some(&mut self.error),
            "error_description" => Some(&mut self.error_description),
            "error_uri" => Some(&mut self.error_uri),
            "session_state" => Some(&mut self.session_state),
            _ => None,
        }
    }
}

/// Form decoding without forgiveness: a `%` that encodes nothing, bytes that are not UTF-8 and NUL are refused.
fn decode(bytes: &[u8]) -> Result<String, Unreadable> {
    let encodes = |at: usize| matches!(bytes.get(at + 1..at + 3), Some([high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    if memchr::memchr_iter(b'%', bytes).any(|at| !encodes(at)) {
        return Err(Unreadable::Encoding);
    }
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_decode(&spaced).decode_utf8().map_err(|_| Unreadable::Encoding)?.into_owned();
    if text.contains('\0') { Err(Unreadable::Encoding) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
