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
    let secret = secret_source(reader, ["secret_file", "secret_env"]);
    let mut otherwise = false;
    for key in ["certificate_file", "key_file", "federated_token_file"] {
        otherwise |= reader.has(key);
        reader.unavailable(key, |_| false);
    }
    if !otherwise && !reader.has_secret_in_file() {
        reader.require("secret_file", &secret, "the file with the client secret, or secret_env: the variable with it");
    }
    ClientSection { id, source: secret.value().cloned(), expires: reader.date("expires") }
}

/// Reads two keys that name the place of one secret: a file, or else a variable.
pub(crate) fn secret_source(reader: &mut Reader<'_, '_>, [file, variable]: [&'static str; 2]) -> Setting<SecretSource> {
    let file = reader.parsed(file, forms::path);
    let variable = reader.parsed(variable, variable_name);
    match (file, variable) {
        (Setting::Given(file), Setting::Given(variable)) => {
            let title = format!("two places for one secret in {}", reader.place());
            let problem = Problem::new(Code::Conflict, variable.key, title).label("remove one of the two");
            reader.findings().report(problem.context(file.key, "the first"));
            Setting::Broken
        }
        (Setting::Given(file), _) => Setting::Given(Located { at: file.at, key: file.key, value: SecretSource::File(file) }),
        (_, Setting::Given(variable)) => {
            Setting::Given(Located { at: variable.at, key: variable.key, value: SecretSource::Environment(variable) })
        }
        (Setting::Absent, Setting::Absent) => Setting::Absent,
        (Setting::Absent | Setting::Broken, Setting::Absent | Setting::Broken) => Setting::Broken,
    }
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
