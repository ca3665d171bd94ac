//! Time and chance: the only place of this provider that asks for either.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "this provider shares nothing with the proxy, its clock included")]
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// 256 bits that nobody guesses, in characters that every URL and header takes.
pub(super) fn unguessable() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// A random GUID (RFC 9562 §5.4).
pub(super) fn guid() -> String {
    let mut bytes: [u8; 16] = random_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[expect(clippy::disallowed_methods, reason = "this provider shares nothing with the proxy, its randomness included")]
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's source of randomness answers");
    bytes
}

/// This moment as error bodies spell it.
pub(super) fn timestamp() -> String {
    let seconds = i64::try_from(now()).unwrap_or(i64::MAX);
    chrono::DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M:%SZ").to_string())
}
