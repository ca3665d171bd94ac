//! The forms that values have: durations, sizes, rates, URLs, colours, names. Each function reads one text or says
//! what it expected.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method};
use ipnet::IpNet;
use url::Url;

use super::setting::Refusal;
use crate::config::mask::holds_a_secret;
use crate::config::problem::{Code, Shown};
use crate::domain::account::TenantId;
use crate::domain::address::Domain;
use crate::domain::origin::{Origin, Scheme};
use crate::domain::revocation::LONGEST_REASON;
use crate::protocol::listen_address::ListenAddress;

const LONGEST_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Digits in front, unit behind.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

/// `500ms`, `30s`, `2m`, `1h`, `7d`; never zero, at most 366 days.
pub(crate) fn duration(text: &str) -> Result<Duration, Refusal> {
    let expected = || Refusal::malformed("expected a whole number and a unit, like \"500ms\", \"30s\", \"2m\", \"1h\" or \"7d\"");
    let (number, unit) = number_and_unit(text).ok_or_else(expected)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    let span = number.checked_mul(milliseconds).map(Duration::from_millis).filter(|span| *span <= LONGEST_DURATION);
    let span = span.ok_or_else(|| Refusal::malformed("longer than 366 days"))?;
    if span.is_zero() { Err(Refusal::malformed("must be longer than zero")) } else { Ok(span) }
}

/// A [`duration`] that sessions count in: whole seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, Refusal> {
    let span = duration(text)?;
    if span.subsec_nanos() == 0 { Ok(span) } else { Err(Refusal::malformed("expected whole seconds")) }
}

/// `10MB`, `64KiB`, or `unlimited` (`None`).
pub(crate) fn size(text: &str) -> Result<Option<u64>, Refusal> {
    if text == "unlimited" {
        return Ok(None);
    }
    let expected = || Refusal::malformed("expected a whole number and a unit, like \"512KB\", \"10MB\" or \"1GiB\", or \"unlimited\"");
    let (number, unit) = number_and_unit(text).ok_or_else(expected)?;
    let factor: u64 = match unit {
        "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(expected()),
    };
    number.checked_mul(factor).map(Some).ok_or_else(|| Refusal::malformed("larger than can be counted"))
}

/// `10/min`, `1/s`, `120/h`: so many per minute.
pub(crate) fn per_minute(text: &str) -> Result<NonZeroU32, Refusal> {
    let expected = || Refusal::malformed("expected a count per time, like \"10/min\", \"1/s\" or \"120/h\"");
    let (number, unit) = number_and_unit(text).ok_or_else(expected)?;
    let rate = match unit {
        "/s" => number.checked_mul(60),
        "/min" => Some(number),
        "/h" if number % 60 == 0 => Some(number / 60),
        "/h" => return Err(Refusal::malformed("minutes are counted: an hourly rate must be a multiple of 60")),
        _ => return Err(expected()),
    };
    match rate.and_then(|rate| u32::try_from(rate).ok()).map(NonZeroU32::new) {
        Some(None) => Err(Refusal::malformed("zero would let nobody sign in")),
        Some(Some(rate)) => Ok(rate),
        None => Err(Refusal::malformed("larger than can be counted")),
    }
}

/// An address to listen on. What stands for an IPv4 address in IPv6 is that IPv4 address.
pub(crate) fn listen(text: &str) -> Result<ListenAddress, Refusal> {
    if let Some(path) = text.strip_prefix("unix:") {
        return socket(path, "unix:/run/homerealm.sock").map(ListenAddress::Unix);
    }
    if let Some(name) = text.strip_prefix("systemd:") {
        // What FileDescriptorName= of a socket unit takes (systemd.socket(5)).
        let fits = (1..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        let expected = "expected the name that the socket unit gives it behind \"systemd:\", like \"systemd:web\"";
        return if fits { Ok(ListenAddress::Systemd(name.to_owned())) } else { Err(Refusal::malformed(expected)) };
    }
    let expected = "expected an IP address and a port, like \"0.0.0.0:8080\" or \"[::]:8080\", \"unix:/path\" or \"systemd:NAME\"";
    let address: SocketAddr = text.parse().map_err(|_| Refusal::malformed(expected))?;
    Ok(ListenAddress::Tcp(match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }))
}

/// The path of a socket file: one of ours, or an upstream's.
pub(crate) fn socket(path: &str, example: &str) -> Result<PathBuf, Refusal> {
    /// What the system's address structure holds, without the byte that ends it (`sun_path`).
    const LONGEST: usize = 107;
    let below_root = path.trim_start_matches('/');
    let is_absolute = path.len() == below_root.len() + 1;
    if !is_absolute || below_root.is_empty() || path.ends_with('/') || path.contains(char::is_control) {
        let plain = below_root.trim_end_matches('/');
        let meant = if plain.contains('/') { format!("unix:/{plain}") } else { example.to_owned() };
        return Err(Refusal::malformed(format!("expected the absolute path of a file behind one `unix:`, like {}", Shown(&meant))));
    }
    if path.len() > LONGEST {
        return Err(Refusal::malformed(format!("the path of a socket has at most {LONGEST} bytes")));
    }
    Ok(PathBuf::from(path))
}

/// One of our own origins.
pub(crate) fn public_url(text: &str) -> Result<Origin, Refusal> {
    no_secret(text)?;
    let origin = Origin::parse(text).map_err(|error| Refusal::malformed(error.to_string()))?;
    match origin.scheme() {
        Scheme::Http if !origin.is_loopback() => Err(Refusal::new(
            Code::ClearText,
            "browsers keep our cookies on https only; where TLS ends in front of us, write the https URL that browsers see",
        )),
        Scheme::Http | Scheme::Https => Ok(origin),
    }
}

/// Path of our own endpoints: `/.auth`.
pub(crate) fn prefix(text: &str) -> Result<String, Refusal> {
    let expected = || Refusal::malformed("expected a path like \"/.auth\": no slash at the end, only letters, digits and - . _ ~");
    let segments = text.strip_prefix('/').ok_or_else(expected)?;
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..") && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
    };
    if text.len() <= 64 && segments.split('/').all(plain) { Ok(text.to_owned()) } else { Err(expected()) }
}

/// A network, or one address.
pub(crate) fn network(text: &str) -> Result<IpNet, Refusal> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network = network.ok_or_else(|| Refusal::malformed("expected a network or an address, like \"10.0.0.0/8\" or \"10.0.0.7\""))?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(Refusal::malformed(format!("the address has bits behind its mask: write \"{}\"", network.trunc())))
    }
}

/// A URL that people are sent to: https, or http on loopback.
pub(crate) fn https_url(text: &str) -> Result<Url, Refusal> {
    https_off_loopback(web_url(text, "expected an https URL")?, "expected https")
}

/// Refuses clear text wherever somebody could be on the way.
pub(crate) fn https_off_loopback(url: Url, why: &str) -> Result<Url, Refusal> {
    if url.scheme() == "https" || is_loopback(&url) { Ok(url) } else { Err(Refusal::new(Code::ClearText, why)) }
}

/// A `mailto:` or https URL.
pub(crate) fn support(text: &str) -> Result<String, Refusal> {
    let is_mail = text.strip_prefix("mailto:").is_some_and(|address| address.contains('@') && Url::parse(text).is_ok());
    if is_mail && !text.contains(char::is_whitespace) {
        return Ok(text.to_owned());
    }
    let url = web_url(text, "expected an address like \"mailto:help@example.com\" or an https URL")?;
    https_off_loopback(url, "expected https").map(String::from)
}

/// An http or https URL without user name and password.
pub(crate) fn web_url(text: &str, expected: &str) -> Result<Url, Refusal> {
    no_secret(text)?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    url.filter(|url| plain && url.username().is_empty() && url.password().is_none()).ok_or_else(|| Refusal::malformed(expected))
}

/// Refuses a URL with a user name or password in it.
pub(crate) fn no_secret(text: &str) -> Result<(), Refusal> {
    if holds_a_secret(text) { Err(Refusal::new(Code::SecretInFile, "a URL here has no user name and no password")) } else { Ok(()) }
}

/// Whether a URL leads to this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    Origin::parse(&url.origin().ascii_serialization()).is_ok_and(|origin| origin.is_loopback())
}

/// `#rrggbb`, in lower case.
pub(crate) fn colour(text: &str) -> Result<String, Refusal> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    digits.map(|_| text.to_ascii_lowercase()).ok_or_else(|| Refusal::malformed("expected a colour like \"#0b5cad\""))
}

/// A domain that people have in their addresses.
pub(crate) fn domain(text: &str) -> Result<Domain, Refusal> {
    Domain::parse(text).map_err(|_| Refusal::malformed("expected a domain name like \"contoso.com\", without @ and without *"))
}

/// The id of an organisation's tenant.
pub(crate) fn tenant_id(text: &str) -> Result<TenantId, Refusal> {
    match TenantId::parse(text) {
        Ok(TenantId::CONSUMERS) => Err(Refusal::malformed("this is the tenant of all personal accounts: use accounts = \"personal\"")),
        Ok(id) => Ok(id),
        Err(error) => Err(Refusal::malformed(format!("{error}; a tenant's id, not its domain, is what can be enforced"))),
    }
}

/// Text for people: something, on one line, not long.
pub(crate) fn short_text(text: &str) -> Result<String, Refusal> {
    text_of_a_line(text, 100)
}

/// Why somebody did something, for whoever reads of it.
pub(crate) fn reason(text: &str) -> Result<String, Refusal> {
    text_of_a_line(text, LONGEST_REASON)
}

fn text_of_a_line(text: &str, longest: usize) -> Result<String, Refusal> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Refusal::new(Code::Empty, "expected some text"));
    }
    let fits = trimmed.chars().count() <= longest && !trimmed.contains(char::is_control);
    if fits { Ok(trimmed.to_owned()) } else { Err(Refusal::malformed(format!("expected one line of at most {longest} characters"))) }
}

/// A word of a protocol: visible ASCII, not empty, not long (RFC 6749 §3.3 for scopes).
pub(crate) fn token(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(Code::Empty, "expected a value"));
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if plain && text.len() <= 512 { Ok(text.to_owned()) } else { Err(Refusal::malformed("expected visible ASCII without spaces")) }
}

/// The name of a file. What is in it is looked at later.
pub(crate) fn path(text: &str) -> Result<String, Refusal> {
    if text.is_empty() || text.contains('\0') { Err(Refusal::new(Code::Empty, "expected the name of a file")) } else { Ok(text.to_owned()) }
}

/// A request method.
pub(crate) fn method(text: &str) -> Result<Method, Refusal> {
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| text.len() <= 32);
    let method = method.ok_or_else(|| Refusal::malformed("expected a method like \"GET\""))?;
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Refusal::malformed(format!("methods are case-sensitive: write \"{}\"", text.to_ascii_uppercase())));
    }
    Ok(method)
}

/// A header's name.
pub(crate) fn header_name(text: &str) -> Result<HeaderName, Refusal> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| Refusal::malformed("expected a header's name"))?;
    if belongs_to_connection(&name) {
        return Err(Refusal::new(Code::ConnectionHeader, "it belongs to the connection or to the message's framing, not to applications"));
    }
    Ok(name)
}

/// Hop-by-hop fields (RFC 9110 §7.6.1), framing and routing fields.
fn belongs_to_connection(name: &HeaderName) -> bool {
    const NAMES: [&str; 13] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.as_str())
}
