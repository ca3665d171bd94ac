//! The PROXY protocol, versions 1 and 2 (proxy-protocol.txt of HAProxy): what a balancer that only passes bytes on says about
//! its client before the client's first byte. Strict, and not one byte is read that belongs to what follows.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What version 2 starts with (§2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 starts with (§2.1).
const WORD: &[u8] = b"PROXY ";
/// Signature, command, family and length of version 2.
const FIXED: usize = 16;
/// The longest line of version 1, in bytes, its end among them (§2.1).
const LONGEST_LINE: usize = 107;
/// The longest header of version 2 that we take, in bytes. Senders keep to 536 (§2.2), unless they add a client's certificate.
const LONGEST_HEADER: usize = 4096;
/// No header of either version is shorter than this plus two bytes.
const FEWEST: usize = 13;

/// What the other end of a connection says about whom it speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// For itself: it looks how we are.
    Itself,
    /// For somebody whose address it does not know or cannot say.
    Somebody,
    /// For a client.
    Client {
        /// Where the client connects from.
        from: SocketAddr,
        /// Where the client connected to.
        to: SocketAddr,
    },
}

/// Why what comes is no header.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderFault {
    /// Something else comes.
    #[error("the connection does not begin with a PROXY protocol header")]
    Absent,
    /// It begins like one.
    #[error("the PROXY protocol header is malformed")]
    Malformed,
    /// Longer than any that says what we want to know.
    #[error("the PROXY protocol header is longer than {LONGEST_HEADER} bytes")]
    TooLong,
    /// The connection ended or broke.
    #[error("the connection ended within the PROXY protocol header")]
    Broken(#[from] io::Error),
}

/// Reads a header and nothing behind it.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Told, HeaderFault> {
    let mut header = Vec::with_capacity(LONGEST_LINE);
    loop {
        let at_least = missing(&header)?;
        if at_least == 0 {
            return parse(&header);
        }
        let from = header.len();
        header.resize(from + at_least, 0);
        stream.read_exact(&mut header[from..]).await?;
    }
}

/// So many bytes at least are still to come of a header that begins like this.
fn missing(header: &[u8]) -> Result<usize, HeaderFault> {
    let begins = |with: &[u8]| header.iter().zip(with).all(|(ours, theirs)| ours == theirs);
    if begins(SIGNATURE) {
        return match header.get(FIXED - 2..FIXED) {
            _ if header.len() < FEWEST => Ok(FEWEST - header.len()),
            None => Ok(FIXED - header.len()),
            Some(length) => match FIXED + usize::from(length[0]) * 256 + usize::from(length[1]) {
                whole if whole > LONGEST_HEADER => Err(HeaderFault::TooLong),
                whole => Ok(whole - header.len()),
            },
        };
    }
    if !begins(WORD) {
        return Err(HeaderFault::Absent);
    }
    if header.len() < FEWEST {
        return Ok(FEWEST - header.len());
    }
    match header.iter().position(u8::is_ascii_control).map(|at| &header[at..]) {
        Some(b"\r\n") => Ok(0),
        Some(b"\r") if header.len() < LONGEST_LINE => Ok(1),
        Some(_) => Err(HeaderFault::Malformed),
        None if header.len() + 2 > LONGEST_LINE => Err(HeaderFault::Malformed),
        None if header.starts_with(b"PROXY TCP") => {
            let fields = header.iter().filter(|byte| **byte == b' ').count();
            // Each further field is a space and a character at least, and the line's end is two bytes.
            Ok((2 * 5_usize.saturating_sub(fields) + 2).min(LONGEST_LINE - header.len()))
        }
        None => Ok(2),
    }
}

fn parse(header: &[u8]) -> Result<Told, HeaderFault> {
    let told = if header.starts_with(SIGNATURE) { binary(header) } else { line(header) };
    told.ok_or(HeaderFault::Malformed)
}

/// Version 1.
fn line(header: &[u8]) -> Option<Told> {
    let line = std::str::from_utf8(header).ok()?.strip_suffix("\r\n")?;
    let mut words = line.split(' ').skip(1);
    let (family, mut word) = (words.next()?, || words.next());
    let told = match family {
        // Whatever follows says nothing.
        "UNKNOWN" => return Some(Told::Somebody),
        "TCP4" => client::<Ipv4Addr>([word()?, word()?], [word()?, word()?])?,
        "TCP6" => client::<Ipv6Addr>([word()?, word()?], [word()?, word()?])?,
        _ => return None,
    };
    if word().is_none() { Some(told) } else { None }
}

fn client<A: FromStr + Into<IpAddr>>([from, to]: [&str; 2], [from_port, to_port]: [&str; 2]) -> Option<Told> {
    let at = |address: &str, port| Some(SocketAddr::new(address.parse::<A>().ok()?.into(), decimal(port)?));
    Some(Told::Client { from: at(from, from_port)?, to: at(to, to_port)? })
}

/// A port, without leading zeros.
fn decimal(port: &str) -> Option<u16> {
    let is_plain = port.bytes().all(|byte| byte.is_ascii_digit()) && (port == "0" || !port.starts_with('0'));
    if is_plain { port.parse().ok() } else { None }
}

/// Version 2. What follows the addresses (§2.2.2) is skipped.
fn binary(header: &[u8]) -> Option<Told> {
    let (fixed, addresses) = header.split_at_checked(FIXED)?;
    match (fixed[12], fixed[13]) {
        // LOCAL: whatever family it names is to be ignored (§2.2).
        (0x20, _) => Some(Told::Itself),
        // No family, or a socket of the balancer's own machine.
        (0x21, 0x00) => Some(Told::Somebody),
        (0x21, 0x31) if addresses.len() >= 216 => Some(Told::Somebody),
        (0x21, 0x11) => {
            let (addresses, _) = addresses.split_first_chunk::<12>()?;
            let ip = |at: usize| Ipv4Addr::new(addresses[at], addresses[at + 1], addresses[at + 2], addresses[at + 3]);
            let at = |address, port| SocketAddr::from((ip(address), u16::from_be_bytes([addresses[port], addresses[port + 1]])));
            Some(Told::Client { from: at(0, 8), to: at(4, 10) })
        }
        (0x21, 0x21) => {
            let (addresses, _) = addresses.split_first_chunk::<36>()?;
            let ip = |at: usize| <[u8; 16]>::try_from(&addresses[at..at + 16]).map(Ipv6Addr::from).ok();
            let port = |at: usize| u16::from_be_bytes([addresses[at], addresses[at + 1]]);
            Some(Told::Client { from: (ip(0)?, port(32)).into(), to: (ip(16)?, port(34)).into() })
        }
        // Datagrams do not come over a stream.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 2 with a command, a family and what follows.
    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    /// Reads a header; gives what it told and what was not read.
    fn told(bytes: &[u8]) -> (Result<Told, HeaderFault>, Vec<u8>) {
        let mut rest = bytes;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let told = runtime.block_on(read(&mut rest));
        (told, rest.to_vec())
    }

    fn client(from: &str, to: &str) -> Told {
        Told::Client { from: from.parse().expect("an address"), to: to.parse().expect("an address") }
    }

    const V4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xd4, 0x31, 1, 0xbb];

    #[test]
    fn good_headers_are_read_to_their_end_and_no_further() {
        let v6 = [Ipv6Addr::LOCALHOST.octets(), Ipv6Addr::UNSPECIFIED.octets()].concat();
        let tlvs = [V4, &[4; 2000]].concat();
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n".to_vec(), client("192.0.2.7:54321", "198.51.100.1:443")),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 0\r\n".to_vec(), client("1.1.1.1:1", "1.1.1.1:0")),
            (b"PROXY TCP6 :: :: 1 1\r\n".to_vec(), client("[::]:1", "[::]:1")),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 54321 443\r\n".to_vec(), client("[2001:db8::7]:54321", "[2001:db8::1]:443")),
            (b"PROXY UNKNOWN\r\n".to_vec(), Told::Somebody),
            (format!("PROXY UNKNOWN {}\r\n", "f".repeat(91)).into_bytes(), Told::Somebody),
            (version_2(0x20, 0x00, b""), Told::Itself),
            (version_2(0x20, 0x11, V4), Told::Itself),
            (version_2(0x21, 0x00, b""), Told::Somebody),
            (version_2(0x21, 0x00, &[3, 0, 4, 1, 2, 3, 4]), Told::Somebody),
            (version_2(0x21, 0x31, &[0; 216]), Told::Somebody),
            (version_2(0x21, 0x11, V4), client("192.0.2.7:54321", "198.51.100.1:443")),
            (version_2(0x21, 0x11, &tlvs), client("192.0.2.7:54321", "198.51.100.1:443")),
            (version_2(0x21, 0x21, &[&v6[..], &[0, 80, 1, 187]].concat()), client("[::1]:80", "[::]:443")),
        ] {
            let shown = String::from_utf8_lossy(&header).into_owned();
            let (told, rest) = told(&[&header[..], b"GET / HTTP/1.1\r\n\r\n"].concat());
            assert_eq!(told.expect(&shown), expected, "{shown}");
            assert_eq!(rest, b"GET / HTTP/1.1\r\n\r\n", "{shown}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for header in [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            b"PROXY\r\nGET / HTTP/1.1\r\n\r\n".to_vec(),
            b"proxy TCP4 192.0.2.7 198.51.100.1 54321 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\nGET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 54321\r\nGET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7  198.51.100.1 54321 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.007 198.51.100.1 54321 443\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 54321 443\r\n".to_vec(),
            b"PROXY TCP6 192.0.2.7 198.51.100.1 54321 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 054321 443\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n".to_vec(),
            b"PROXY UDP4 192.0.2.7 198.51.100.1 54321 443\r\n".to_vec(),
            b"PROXY UNKNOWN\r\r\n and more of it".to_vec(),
            format!("PROXY UNKNOWN {}\r\n", "f".repeat(92)).into_bytes(),
            version_2(0x11, 0x11, V4),
            version_2(0x22, 0x11, V4),
            version_2(0x21, 0x12, V4),
            version_2(0x21, 0x11, &V4[..11]),
            version_2(0x21, 0x21, V4),
            version_2(0x21, 0x31, &[0; 215]),
            version_2(0x21, 0x11, &[0; 4081]),
            b"\r\n\r\n\0\r\nQUIZ\n".to_vec(),
            version_2(0x21, 0x11, V4)[..27].to_vec(),
            b"".to_vec(),
        ] {
            let (told, _) = told(&header);
            assert!(told.is_err(), "{}: {told:?}", String::from_utf8_lossy(&header));
        }
    }

    #[test]
    fn an_endless_line_is_not_read_to_its_end() {
        let (told, rest) = told(&[b"PROXY UNKNOWN ", &[b'f'; 1000][..]].concat());
        assert!(matches!(told, Err(HeaderFault::Malformed)) && rest.len() >= 1014 - LONGEST_LINE, "{told:?} {}", rest.len());
    }
}
