//! Chunked bodies (RFC 9112 §7.1), with none of the liberties that readers take: CRLF only, no space around the size,
//! no trailer field that could change what the message is.

use super::grammar::without_cr;
use super::{Lines, Violation, field};

/// More hexadecimal digits than any size needs; fewer than overflow a `u64`.
const MAX_DIGITS: u8 = 15;
/// Chunk extensions of a whole body, in bytes. Nobody uses them; they are read over because RFC 9112 §7.1.1 says so.
const MAX_EXTENSIONS: u16 = 1024;
/// All trailer lines of a body, in bytes.
const MAX_TRAILERS: usize = 8 * 1024;
/// Trailer fields of a body.
const MAX_TRAILER_FIELDS: usize = 32;

/// Where in a chunked body we are.
#[derive(Debug)]
pub(super) struct Chunks {
    at: At,
    extensions: u16,
    trailer_bytes: usize,
    trailer_fields: usize,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Size { digits: u8, size: u64 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailers,
    End,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: At::Size { digits: 0, size: 0 }, extensions: 0, trailer_bytes: 0, trailer_fields: 0 }
    }
}

impl Chunks {
    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// Reads on, at most to the end of the body; says how far.
    pub(super) fn feed(&mut self, bytes: &[u8], lines: &mut Lines) -> Result<usize, Violation> {
        let mut used = 0;
        while used < bytes.len() {
            match self.at {
                At::Data { left } => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - used);
                    used += taken;
                    self.at = match left - taken as u64 {
                        0 => At::DataCr,
                        left => At::Data { left },
                    };
                }
                At::Trailers => used += self.trailer(&bytes[used..], lines)?,
                At::End => break,
                At::Size { .. } | At::Extension { .. } | At::SizeLf { .. } | At::DataCr | At::DataLf => {
                    self.at = self.byte(bytes[used])?;
                    used += 1;
                }
            }
        }
        Ok(used)
    }

    fn byte(&mut self, byte: u8) -> Result<At, Violation> {
        Ok(match (self.at, byte) {
            (At::Size { digits, size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).ok_or(Violation::Chunk)?;
                At::Size { digits: digits + 1, size: size << 4 | u64::from(digit) }
            }
            (At::Size { digits: 1.., size } | At::Extension { size }, b'\r') => At::SizeLf { size },
            (At::Size { digits: 1.., size }, b';') => At::Extension { size },
            (At::Extension { size }, b'\t' | b' '..=b'~') if self.extensions < MAX_EXTENSIONS => {
                self.extensions += 1;
                At::Extension { size }
            }
            (At::SizeLf { size: 0 }, b'\n') => At::Trailers,
            (At::SizeLf { size }, b'\n') => At::Data { left: size },
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size { digits: 0, size: 0 },
            _ => return Err(Violation::Chunk),
        })
    }

    fn trailer(&mut self, bytes: &[u8], lines: &mut Lines) -> Result<usize, Violation> {
        let (used, line) = lines.take(bytes);
        self.trailer_bytes += used;
        if self.trailer_bytes > MAX_TRAILERS {
            return Err(Violation::TooLarge);
        }
        let Some(line) = line else { return Ok(used) };
        let line = without_cr(line).ok_or(Violation::LineEnd)?;
        if line.is_empty() {
            self.at = At::End;
        } else {
            self.trailer_fields += 1;
            if self.trailer_fields > MAX_TRAILER_FIELDS {
                return Err(Violation::TooManyFields);
            }
            let (name, _) = field::split(line)?;
            if changes_the_message(name) {
                return Err(Violation::Trailer);
            }
        }
        lines.clear();
        Ok(used)
    }
}

/// Fields that frame, route, authenticate or condition a request (RFC 9110 §6.5.1).
fn changes_the_message(name: &[u8]) -> bool {
    const NAMES: [&str; 20] = [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "max-forwards",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden.as_bytes()))
}
