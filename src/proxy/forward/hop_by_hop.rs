//! Fields that are about one connection and end with it (RFC 9110 §7.6.1), and fields that have no business in trailers
//! (§6.5.1).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::error::ForwardError;

/// The most options in all `Connection` fields of a message.
pub(super) const MAX_OPTIONS: usize = 32;

/// Whether a field is about a connection, named by `Connection` or not.
pub(super) fn is_fixed(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether a field is about a connection, or frames, routes, authenticates or changes what was judged and begun by the
/// time that trailers come.
pub(super) fn is_no_trailer(name: &str) -> bool {
    is_fixed(name)
        || (name.starts_with("content-") && !matches!(name, "content-digest" | "content-md5"))
        || name.starts_with("if-")
        || name.starts_with("access-control-")
        || matches!(
            name,
            "age"
                | "alt-svc"
                | "authorization"
                | "cache-control"
                | "clear-site-data"
                | "cookie"
                | "date"
                | "expect"
                | "expires"
                | "host"
                | "location"
                | "max-forwards"
                | "origin"
                | "pragma"
                | "range"
                | "retry-after"
                | "set-cookie"
                | "strict-transport-security"
                | "tracestate"
                | "trailer"
                | "vary"
                | "warning"
                | "www-authenticate"
        )
}

/// The members of a list-valued field's line.
pub(super) fn options(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty())
}

/// Whether a list-valued field has this member, whatever its case.
pub(super) fn lists(headers: &HeaderMap, field: &HeaderName, member: &str) -> bool {
    headers.get_all(field).iter().flat_map(options).any(|listed| listed.eq_ignore_ascii_case(member.as_bytes()))
}

/// What a message says about its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection<'a> {
    /// The message, if it names anything.
    naming: Option<&'a HeaderMap>,
}

impl<'a> Connection<'a> {
    /// # Errors
    /// [`ForwardError::TooManyConnectionOptions`].
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, ForwardError> {
        match headers.get_all(header::CONNECTION).iter().flat_map(options).take(MAX_OPTIONS + 1).count() {
            0 => Ok(Self { naming: None }),
            1..=MAX_OPTIONS => Ok(Self { naming: Some(headers) }),
            _ => Err(ForwardError::TooManyConnectionOptions),
        }
    }

    /// Whether a field ends with the connection.
    pub(super) fn owns(&self, name: &str) -> bool {
        is_fixed(name) || self.naming.is_some_and(|headers| lists(headers, &header::CONNECTION, name))
    }
}
