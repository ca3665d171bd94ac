//! A hostile input, what has to become of it, and how it is spelled: raw bytes with a few names in braces for what only
//! the run knows.

use std::borrow::Cow;

/// Behind every case on its connection comes this: whoever misjudges where the case ends answers it wrongly, twice or
/// never.
const CANARY: &str = "GET /public/{T}/canary HTTP/1.1\r\nhost: {H}\r\nconnection: close\r\n\r\n";
/// What must never be taken for a request, wherever it stands in a case: `{S}`.
const SMUGGLED: &str = "GET /public/{T}/smuggled HTTP/1.1\r\nhost: {H}\r\nx-evil: 1\r\n\r\n";

/// What has to become of a case.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// One of these statuses, nothing upstream, and nothing more on this connection: nobody can say where it goes on.
    Fatal(&'static [u16]),
    /// One of these statuses, and nothing of it upstream. The connection may go on.
    Refused(&'static [u16]),
    /// The head is fine, the body is not: no answer of the upstream's, nothing more on this connection.
    Broken,
    /// So many requests are answered by the upstream, then the canary.
    Passed(usize),
    /// So many requests are answered by the upstream, then the connection ends.
    Last(usize),
    /// Whatever agrees.
    Unsaid,
}

/// A hostile input.
#[derive(Debug, Clone)]
pub struct Case {
    text: Cow<'static, str>,
    pub expected: Expected,
}

impl Case {
    pub fn new(text: impl Into<Cow<'static, str>>, expected: Expected) -> Self {
        Self { text: text.into(), expected }
    }

    /// The bytes for the wire, the canary behind them. In the text stand: `{T}` for the tag that tells the requests of
    /// this case from all others, `{H}` for the host, `{S}` for a request that must not be seen, `{SL}` and `{SX}` for
    /// its length, decimal and hexadecimal, `{A*N}` for N letters, `{xNN}` for a byte.
    pub fn bytes(&self, tag: &str, host: &str) -> Vec<u8> {
        let fill = |text: &str| text.replace("{T}", tag).replace("{H}", host);
        let smuggled = fill(SMUGGLED);
        let length = smuggled.len();
        let text = self.text.replace("{SL}", &length.to_string()).replace("{SX}", &format!("{length:x}")).replace("{S}", &smuggled);
        let mut bytes = Vec::new();
        let text = fill(&text) + &fill(CANARY);
        let mut rest = text.as_str();
        while let Some(at) = rest.find('{') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            let end = at + rest[at..].find('}').expect("a closed brace");
            let name = &rest[at + 1..end];
            match name.split_at(1) {
                ("A", count) => bytes.resize(bytes.len() + count[1..].parse::<usize>().expect("a number"), b'a'),
                ("x", digits) => bytes.push(u8::from_str_radix(digits, 16).expect("a byte")),
                _ => panic!("{name} in {}", self.text),
            }
            rest = &rest[end + 1..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        bytes
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} ({:?})", self.text, self.expected)
    }
}
