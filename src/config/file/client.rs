//! `[client]` and `authorities.*.client`: a registration and where its secret is.

use super::forms;
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use crate::config::problem::{Code, Problem};

/// A registration.
#[derive(Debug, Clone)]
pub(crate) struct ClientSection {
    pub(crate) id: Setting<String>,
    /// Whether a missing or contradictory way to authenticate was reported already.
    pub(crate) source: Option<SecretSource>,
    pub(crate) expires: Setting<chrono::NaiveDate>,
}

/// Where the secret is.
#[derive(Debug, Clone)]
pub(crate) enum SecretSource {
    File(Located<String>),
    Environment(Located<String>),
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> ClientSection {
    let id = reader.parsed("id", forms::token);
    reader.require("id", &id, "the client id (application id) of the registration");
    let file = reader.parsed("secret_file", forms::path);
    let variable = reader.parsed("secret_env", variable_name);
    let mut otherwise = false;
    for key in ["certificate_file", "key_file", "federated_token_file"] {
        otherwise |= reader.has(key);
        reader.unavailable(key, |_| false);
    }
    let source = match (&file, &variable) {
        (Setting::Given(file), Setting::Given(variable)) => {
            let title = format!("two places for one secret in {}", reader.place());
            let problem = Problem::new(Code::Conflict, variable.key, title).label("remove one of the two");
            reader.findings().report(problem.context(file.key, "the first"));
            None
        }
        (Setting::Given(file), _) => Some(SecretSource::File(file.clone())),
        (_, Setting::Given(variable)) => Some(SecretSource::Environment(variable.clone())),
        (Setting::Absent, Setting::Absent) if !otherwise && !reader.has_secret_in_file() => {
            reader.require("secret_file", &file, "the file with the client secret, or secret_env: the variable with it");
            None
        }
        (Setting::Absent | Setting::Broken, Setting::Absent | Setting::Broken) => None,
    };
    ClientSection { id, source, expires: reader.date("expires") }
}

fn variable_name(text: &str) -> Result<String, Refusal> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && !text.is_empty() && !text.as_bytes()[0].is_ascii_digit() {
        Ok(text.to_owned())
    } else {
        Err(Refusal::malformed(
            "expected the name of an environment variable, like \"CLIENT_SECRET\"; the secret itself does not belong here",
        ))
    }
}
