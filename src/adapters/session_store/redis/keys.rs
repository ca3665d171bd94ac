//! The names of keys. What a script touches in one step has the same `{…}`, so that in a cluster it is on the same node.

use crate::protocol::session_record::Handle;

const PREFIX: &str = "homerealm:{";
const RECORD: &str = "}:r";

/// What every record's key looks like.
pub(super) const RECORDS: &str = "homerealm:{*}:r";

/// The list of revocations: a sorted set of sealed entries, by when they may be forgotten.
pub(super) const REVOCATIONS: &str = "homerealm:{revocations}:l";

/// The same entries, by the version of the list that each of them made.
pub(super) const REVOCATIONS_BY_VERSION: &str = "homerealm:{revocations}:b";

/// How far the list of revocations is.
pub(super) const REVOCATIONS_VERSION: &str = "homerealm:{revocations}:v";

/// A record: a hash of `version`, `until`, `summary`, `sealed`, and `claim` while one has not been settled.
pub(super) fn record(handle: Handle) -> String {
    format!("{PREFIX}{}{RECORD}", handle.to_hex())
}

/// Whose turn it is to renew a record; it goes by itself when the lease runs out.
pub(super) fn lease(handle: Handle) -> String {
    format!("{PREFIX}{}}}:c", handle.to_hex())
}

/// The record of a key, if it is one's.
pub(super) fn handle(key: &str) -> Option<Handle> {
    let hex = key.strip_prefix(PREFIX)?.strip_suffix(RECORD)?;
    let is_hex = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = is_hex.then(|| u128::from_str_radix(hex, 16).ok()).flatten()?;
    Some(Handle(value.to_be_bytes()))
}
