//! The names of the identity headers, and when two spellings are the same name.
//!
//! Upstreams that follow CGI (RFC 3875 §4.1.18) turn `X-Forwarded-User` and `X_Forwarded_User` into the same variable,
//! and some treat further characters alike. So names are compared folded: lower case, and `-` for every character that
//! is neither letter nor digit.

pub(super) const USER: &str = "x-forwarded-user";
pub(super) const PREFERRED_USERNAME: &str = "x-forwarded-preferred-username";
pub(super) const EMAIL: &str = "x-forwarded-email";
pub(super) const NAME: &str = "x-forwarded-name";
pub(super) const GROUPS: &str = "x-forwarded-groups";
pub(super) const KIND: &str = "x-account-kind";
pub(super) const TENANT: &str = "x-account-tenant";
pub(super) const MEMBERSHIP: &str = "x-account-membership";
pub(super) const HOME: &str = "x-account-home";

/// Ours, or what apps behind other proxies take for an identity.
pub(super) const OWNED: [&str; 11] =
    [USER, PREFERRED_USERNAME, EMAIL, NAME, GROUPS, KIND, TENANT, MEMBERSHIP, HOME, "x-forwarded-access-token", "remote-user"];

/// Whatever begins like this.
pub(super) const OWNED_PREFIXES: [&str; 4] = ["x-homerealm-", "x-ms-client-principal", "x-ms-token-", "x-auth-request-"];

/// What the forwarder itself tells upstreams: where a request comes from, what it was for, and under which id it goes.
const FORWARDING: [&str; 7] =
    ["forwarded", "traceparent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-prefix", "x-forwarded-proto", "x-request-id"];

pub(super) fn is_forwarding(name: &str) -> bool {
    FORWARDING.iter().any(|theirs| fold_alike(name, theirs))
}

pub(super) fn is_owned(name: &str) -> bool {
    // Most headers of most requests go home here.
    if !matches!(name.as_bytes().first(), Some(b'x' | b'X' | b'r' | b'R')) {
        return false;
    }
    OWNED.iter().any(|ours| fold_alike(name, ours))
        || OWNED_PREFIXES
            .iter()
            .any(|ours| name.as_bytes().get(..ours.len()).is_some_and(|start| octets_fold_alike(start, ours.as_bytes())))
}

/// Whether a name has one spelling only, letter case aside: no `_`, `.` or other character that folds to a hyphen.
pub(super) fn is_plain(name: &str) -> bool {
    name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

/// Whether two names fold to the same.
pub(super) fn fold_alike(one: &str, other: &str) -> bool {
    octets_fold_alike(one.as_bytes(), other.as_bytes())
}

fn octets_fold_alike(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| fold(*one) == fold(*other))
}

const fn fold(octet: u8) -> u8 {
    if octet.is_ascii_alphanumeric() { octet.to_ascii_lowercase() } else { b'-' }
}
