//! Fields that are about one connection and end with it (RFC 9110 §7.6.1).

use http::{HeaderMap, HeaderName, header};

use super::error::ForwardError;

/// The most options in all `Connection` fields of a message.
const MAX_OPTIONS: usize = 32;

/// Removes every field about this connection and every field that `Connection` names. This comes before anything of ours
/// is added: a peer must not be able to name what we say about a person.
///
/// # Errors
/// [`ForwardError::TooManyConnectionOptions`].
pub(super) fn remove(headers: &mut HeaderMap) -> Result<(), ForwardError> {
    if headers.contains_key(header::CONNECTION) {
        let mut named = Vec::new();
        for value in headers.get_all(header::CONNECTION) {
            for option in value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty()) {
                if named.len() == MAX_OPTIONS {
                    return Err(ForwardError::TooManyConnectionOptions);
                }
                // What is no field name names no field.
                named.extend(HeaderName::from_bytes(option));
            }
        }
        for name in named {
            headers.remove(name);
        }
    }
    for name in fixed() {
        headers.remove(name);
    }
    Ok(())
}

/// Those that need no naming.
fn fixed() -> [HeaderName; 8] {
    [
        header::CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
}

/// Whether a list-valued field has this member, whatever its case.
pub(super) fn lists(headers: &HeaderMap, field: &HeaderName, member: &str) -> bool {
    headers
        .get_all(field)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|listed| listed.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
}
