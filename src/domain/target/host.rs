//! The host of a `Host` field or `:authority` (RFC 9110 §7.2): a DNS name, an IPv4 address or an IPv6 address in
//! brackets, with or without a port. User names, percent-encoding, trailing dots and short forms of addresses are
//! other spellings of the same thing, and refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::BadTarget;

const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// The host in lower case, without the port.
pub(super) fn parse(field: &str) -> Result<String, BadTarget> {
    let host = without_port(field).ok_or(BadTarget::Host)?;
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok()).ok_or(BadTarget::Host)?;
        // The spelling of URLs, which our origins have too.
        return Ok(url::Host::<&str>::Ipv6(address).to_string());
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // What ends in a number is an address to a browser (WHATWG URL, "ends in a number checker"), in many spellings.
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    let known = if numeric { host.parse::<Ipv4Addr>().is_ok() } else { is_dns_name(host) };
    if known { Ok(host.to_ascii_lowercase()) } else { Err(BadTarget::Host) }
}

fn without_port(field: &str) -> Option<&str> {
    match field.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
            (digits && port.parse::<u16>().is_ok()).then_some(host)
        }
        _ => Some(field),
    }
}

/// Underscores are no host name's (RFC 1123 §2.1) but common in names of containers.
fn is_dns_name(host: &str) -> bool {
    host.len() <= LONGEST_NAME
        && host.split('.').all(|label| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}
