//! How the token endpoint knows the app: a secret in the form or in `Authorization` (RFC 6749 §2.3.1), or an
//! assertion signed with the app's own key (RFC 7523 §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::fault::Fault;
use super::params::Params;
use super::{Provider, Registration};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What an app's key may sign with. Nothing symmetric: the key is public.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::PS256, Algorithm::RS256, Algorithm::EdDSA];

/// The app that asks, proven.
pub(super) fn authenticate<'a>(
    provider: &'a Provider,
    params: &Params,
    headers: &HeaderMap,
    token_endpoint: &str,
) -> Result<&'a Registration, Fault> {
    if let Some(line) = headers.get(AUTHORIZATION) {
        let (id, secret) = line.to_str().ok().and_then(basic).ok_or(Fault::NoCredential)?;
        return by_secret(provider, &id, &secret);
    }
    let id = params.required("client_id")?;
    if let Some(secret) = params.optional("client_secret") {
        return by_secret(provider, id, secret);
    }
    let assertion = params.optional("client_assertion").ok_or(Fault::NoCredential)?;
    if params.optional("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(Fault::BadAssertion("its type is not jwt-bearer"));
    }
    by_assertion(provider, id, assertion, token_endpoint)
}

fn by_secret<'a>(provider: &'a Provider, id: &str, told: &str) -> Result<&'a Registration, Fault> {
    let registration = provider.registration(id).ok_or(Fault::UnknownClient)?;
    let registered = registration.client_secret.as_ref().ok_or(Fault::BadSecret)?;
    if registered.matches(told.as_bytes()) { Ok(registration) } else { Err(Fault::BadSecret) }
}

fn by_assertion<'a>(provider: &'a Provider, id: &str, assertion: &str, token_endpoint: &str) -> Result<&'a Registration, Fault> {
    let registration = provider.registration(id).ok_or(Fault::UnknownClient)?;
    let key = registration.public_key.as_ref().ok_or(Fault::BadAssertion("the app has no key registered"))?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Fault::BadAssertion("the app's key cannot be used"))?;
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| Fault::BadAssertion("it is no JWT"))?;
    let algorithm = ALGORITHMS.into_iter().find(|known| *known == header.alg);
    let mut validation = Validation::new(algorithm.ok_or(Fault::BadAssertion("its algorithm is not accepted"))?);
    validation.set_audience(&[token_endpoint]);
    validation.set_issuer(&[id]);
    validation.sub = Some(id.into());
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    jsonwebtoken::decode::<Value>(assertion, &key, &validation)
        .map_err(|_| Fault::BadAssertion("signature, iss, sub, aud or exp is not as it must be"))?;
    Ok(registration)
}

/// Id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(line: &str) -> Option<(String, String)> {
    let (scheme, encoded) = line.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok()).flatten()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
