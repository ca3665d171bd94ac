//! Session keys and lifetimes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::server::report_repeated;
use super::{Surroundings, files, store};
use crate::config::file::session::SessionSection;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Span};
use crate::config::{SessionKeys, SessionSettings};
use crate::domain::revocation::Revocations;
use crate::domain::session::Lifetimes;
use crate::protocol::secret::Secret;
use crate::protocol::store_address::StoreAddress;

const DEFAULT_IDLE: Duration = Duration::from_secs(3600);
const DEFAULT_MAX: Duration = Duration::from_secs(8 * 3600);
const MOST_KEYS: usize = 8;

type Key = Secret<[u8; 32]>;

pub(crate) fn resolve(section: &SessionSection, around: &Surroundings<'_>) -> Option<SessionSettings> {
    let store = store::resolve(section, around);
    let keys = keys(section, around);
    let lifetimes = lifetimes(section, around);
    Some(SessionSettings { keys: keys?, lifetimes: lifetimes?, store: store?, not_before: Revocations::new() })
}

fn lifetimes(section: &SessionSection, around: &Surroundings<'_>) -> Option<Lifetimes> {
    if matches!(section.idle, Setting::Broken) || matches!(section.max, Setting::Broken) {
        return None;
    }
    let max = section.max.value().copied().unwrap_or(DEFAULT_MAX);
    let idle = section.idle.value().copied().unwrap_or(DEFAULT_IDLE);
    if idle <= max {
        return Some(Lifetimes { idle, max });
    }
    let problem = |at: Span| Problem::new(Code::IdleAboveMax, at, "`idle` is longer than `max` in [session]");
    around.findings.report(match (section.idle.given(), section.max.given()) {
        (Some(idle), Some(max)) => {
            problem(idle.at).label("must not be longer than `max`").context(max.at, "a session ends here at the latest")
        }
        (Some(idle), None) => problem(idle.at).label("must not be longer than `max`, which is 8h unless it is given"),
        (None, max) => problem(max.map_or(Span::default(), |max| max.at)).label("shorter than `idle`, which is 1h unless it is given"),
    });
    None
}

fn keys(section: &SessionSection, around: &Surroundings<'_>) -> Option<SessionKeys> {
    const WAY_OUT: &str = "make a key with: openssl rand -hex 32 > session-key, and write: [session] key_files = [\"session-key\"]";
    let given = match (&section.key_files, store::outlasts_the_process(section)) {
        (Setting::Absent, Some(store)) => {
            let problem = Problem::new(Code::Missing, store, "`key_files` is missing in [session]");
            around.findings.report(
                problem
                    .label("what is kept here outlasts this process, and a random key does not")
                    .note("after a restart nobody could read what is kept, and two processes could not read each other's")
                    .note(WAY_OUT),
            );
            return None;
        }
        (Setting::Absent, None) => {
            let problem = Problem::new(Code::RandomKey, Span::default(), "no session key is configured: a random one is used");
            // What is kept in memory does not outlast the process with any key.
            around.findings.report(match section.store.value() {
                Some(StoreAddress::Memory) => problem
                    .note("sessions in memory end with the process in any case; with a key, sign-ins that are under way outlast a restart")
                    .note(WAY_OUT),
                None | Some(StoreAddress::Cookie | StoreAddress::File(_) | StoreAddress::Redis(_)) => {
                    problem.note("a restart signs everybody out, and two processes do not know each other's sessions").note(WAY_OUT)
                }
            });
            return Some(SessionKeys::Random);
        }
        (Setting::Broken, _) => return None,
        (Setting::Given(given), _) => given,
    };
    let refusal = match given.value.len() {
        0 => Some((Code::Empty, "expected at least one file; leave `key_files` out to use a random key")),
        1..=MOST_KEYS => None,
        _ => Some((Code::TooMany, "more than 8 keys: every one is tried on every request")),
    };
    if let Some((code, label)) = refusal {
        around.findings.report(Problem::new(code, given.at, "`key_files` in [session] cannot be used").label(label));
        return None;
    }
    report_repeated(&given.value, "the file", around.findings);
    let keys: Vec<_> = given.value.iter().map(|path| key_of_file(path, around)).collect();
    keys.into_iter().collect::<Option<_>>().map(SessionKeys::Given)
}

fn key_of_file(path: &Located<String>, around: &Surroundings<'_>) -> Option<Key> {
    let content = files::read(path, "key_files", around)?;
    match key_of(&content) {
        Ok(key) => Some(key),
        Err(UnusableKey::Short) => {
            let problem = Problem::new(Code::ShortKey, path.at, "a session key is too short");
            around.findings.report(
                problem.label("expected 32 bytes: raw, as 64 hex digits, or as base64").note("make one with: openssl rand -hex 32"),
            );
            None
        }
        Err(UnusableKey::Form) => {
            files::report_unusable(path, "key_files", "expected 32 bytes: raw, as 64 hex digits, or as base64", around);
            None
        }
        Err(UnusableKey::Constant) => {
            files::report_unusable(path, "key_files", "every byte of it is the same: make one with: openssl rand -hex 32", around);
            None
        }
    }
}

enum UnusableKey {
    Constant,
    Form,
    Short,
}

fn key_of(content: &[u8]) -> Result<Key, UnusableKey> {
    let text = content.trim_ascii_end();
    let is_hex = text.iter().all(u8::is_ascii_hexdigit);
    let decoded = Zeroizing::new(match (content.len(), text.len()) {
        // Half a key in hex has the length of a whole one: most likely `openssl rand -hex 16`.
        (_, 32) if is_hex => return Err(UnusableKey::Short),
        (32, _) => content.to_vec(),
        (_, 32) => text.to_vec(),
        (_, 64) if is_hex => from_hex(text),
        (_, 43 | 44) => [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|engine| engine.decode(text).ok())
            .ok_or(UnusableKey::Form)?,
        (_, ..32) => return Err(UnusableKey::Short),
        _ => return Err(UnusableKey::Form),
    });
    let key: [u8; 32] = decoded.as_slice().try_into().map_err(|_| UnusableKey::Form)?;
    if key.iter().all(|byte| *byte == key[0]) { Err(UnusableKey::Constant) } else { Ok(Secret::new(key)) }
}

fn from_hex(digits: &[u8]) -> Vec<u8> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
    digits.chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}
