//! Registrations: the secret is read when the configuration is.

use zeroize::Zeroizing;

use super::{Surroundings, files};
use crate::config::file::client::{ClientSection, SecretSource};
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem};
use crate::protocol::client::{Client, ClientAuthentication};
use crate::protocol::secret::Secret;

/// What became of a registration.
#[derive(Debug, Clone)]
pub(crate) enum Registration {
    /// There is none.
    Missing,
    /// There is one, it cannot be used, and that was reported.
    Broken,
    /// There is one.
    Ready(Client),
}

/// A warning comes this many days before a secret expires.
const DAYS_OF_WARNING: i64 = 14;

pub(crate) fn resolve(section: &Setting<ClientSection>, around: &Surroundings<'_>) -> Registration {
    match section {
        Setting::Absent => Registration::Missing,
        Setting::Broken => Registration::Broken,
        Setting::Given(located) => {
            warn_of_expiry(&located.value.expires, around);
            registration(&located.value, around).map_or(Registration::Broken, Registration::Ready)
        }
    }
}

fn registration(section: &ClientSection, around: &Surroundings<'_>) -> Option<Client> {
    let secret = secret(section.source.as_ref()?, ["secret_file", "secret_env"], around);
    Some(Client { id: section.id.value()?.clone(), authentication: ClientAuthentication::Secret(secret?) })
}

/// Reads a secret from the place that one of these two keys names. `None` if that failed, and was reported.
pub(crate) fn secret(source: &SecretSource, [file, variable]: [&str; 2], around: &Surroundings<'_>) -> Option<Secret<String>> {
    match source {
        SecretSource::File(path) => from_file(path, file, around),
        SecretSource::Environment(name) => from_environment(name, variable, around),
    }
}

fn from_file(path: &Located<String>, key: &str, around: &Surroundings<'_>) -> Option<Secret<String>> {
    let content = files::read(path, key, around)?;
    let text = std::str::from_utf8(&content).ok().map(trimmed);
    match text {
        Some("") => files::report_unusable(path, key, "it has nothing but a line end", around),
        Some(text) if !text.contains(char::is_control) => return Some(Secret::new(text.to_owned())),
        Some(_) => files::report_unusable(path, key, "it has more than one line, or control characters", around),
        None => files::report_unusable(path, key, "it is not text", around),
    }
    None
}

fn from_environment(variable: &Located<String>, key: &str, around: &Surroundings<'_>) -> Option<Secret<String>> {
    let value = (around.environment)(&variable.value).map(Zeroizing::new);
    let (code, label) = match value.as_ref().map(|value| trimmed(value)) {
        Some("") => (Code::Unusable, "it is empty"),
        Some(text) if text.len() as u64 > files::LARGEST => (Code::Unusable, "it is larger than 64 KiB"),
        Some(text) => return Some(Secret::new(text.to_owned())),
        None => (Code::Unreadable, "it is not set, or not text"),
    };
    around.findings.report(Problem::new(code, variable.at, format!("the variable of `{key}` cannot be used")).label(label));
    None
}

/// Without the line end that editors and `echo` put there.
fn trimmed(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn warn_of_expiry(expires: &Setting<chrono::NaiveDate>, around: &Surroundings<'_>) {
    let Some(date) = expires.given() else { return };
    let days = date.value.signed_duration_since(around.today).num_days();
    let (code, title) = match days {
        ..0 => (Code::SecretExpired, "the client secret has expired".to_owned()),
        0 => (Code::SecretExpires, "the client secret expires today".to_owned()),
        1 => (Code::SecretExpires, "the client secret expires tomorrow".to_owned()),
        days if days < DAYS_OF_WARNING => (Code::SecretExpires, format!("the client secret expires in {days} days")),
        _ => return,
    };
    let problem = Problem::new(code, date.at, title).label("by this date");
    around.findings.report(problem.note("without a valid secret nobody can sign in: make a new one, then change the file and this date"));
}
