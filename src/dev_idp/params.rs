//! Request parameters: a query or a form, every name at most once (RFC 6749 §3.1, §3.2).

use super::fault::Fault;

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

/// An authorization request and the answers of our own form come to a dozen.
const MAX_PARAMETERS: usize = 64;

impl Params {
    /// Reads `application/x-www-form-urlencoded` texts, as if they were one.
    pub(super) fn read(texts: &[&str]) -> Result<Self, Fault> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in texts.iter().flat_map(|text| url::form_urlencoded::parse(text.as_bytes())) {
            if all.len() == MAX_PARAMETERS || all.iter().any(|(seen, _)| *seen == name) {
                return Err(Fault::RepeatedParameter);
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    /// A parameter's value. One without a value counts as absent (RFC 6749 §3.1).
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(seen, value)| seen == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Fault> {
        self.optional(name).ok_or(Fault::MissingParameter(name))
    }
}
