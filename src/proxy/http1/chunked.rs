//! Chunked bodies (RFC 9112 §7.1), with none of the liberties that readers take: CRLF only, no space around the size,
//! bounded extensions and trailers.

use http::{HeaderMap, HeaderValue};
use memchr::memchr;

use super::field;
use super::violation::Violation;

/// More hexadecimal digits than any size needs; fewer than overflow a `u64`.
const MAX_DIGITS: u8 = 15;
/// Chunk extensions of a whole body, in bytes. Nobody uses them; they are read over because RFC 9112 §7.1.1 says so.
const MAX_EXTENSIONS: u16 = 1024;
/// All trailer lines of a body, in bytes.
const MAX_TRAILERS: usize = 8 * 1024;
/// Trailer fields of a body.
const MAX_TRAILER_FIELDS: usize = 32;

/// Why a chunked body cannot be read one way only, or holds more than anybody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Other than `size [; extension] CRLF data CRLF`.
    #[error("malformed chunk framing")]
    Chunk,
    /// A trailer line that begins with white space (RFC 9112 §5.2).
    #[error("folded trailer field")]
    FoldedTrailer,
    /// More bytes of trailers than anybody needs.
    #[error("too large trailers")]
    LargeTrailers,
    /// A trailer line that does not end with CRLF (RFC 9112 §2.2).
    #[error("line end other than CRLF")]
    LineEnd,
    /// More trailers than anybody needs.
    #[error("too many trailers")]
    TooManyTrailers,
    /// A trailer line that is no field line.
    #[error("malformed trailer field")]
    Trailer,
}

/// Where in a chunked body a reader is.
#[derive(Debug)]
pub struct Chunked {
    at: At,
    extensions: u16,
    /// How many bytes of the trailer section were read.
    trailer_bytes: usize,
    /// The beginning of a trailer line that was cut.
    line: Vec<u8>,
    trailers: HeaderMap,
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

/// What comes next in the bytes that were given.
#[derive(Debug)]
pub enum Piece {
    /// So many bytes of framing are to be dropped, then so many are the body's. The latter is 0 if more is needed.
    Data {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body behind them.
        length: usize,
    },
    /// So many bytes are to be dropped, then the body is over.
    End {
        /// Bytes of framing.
        skip: usize,
        /// Its trailers, all of them, unjudged.
        trailers: HeaderMap,
    },
}

impl Default for Chunked {
    fn default() -> Self {
        Self { at: At::Size { digits: 0, size: 0 }, extensions: 0, trailer_bytes: 0, line: Vec::new(), trailers: HeaderMap::new() }
    }
}

impl Chunked {
    /// Reads on, to the next bytes of the body or to its end. To be called again with what follows what it used.
    ///
    /// # Errors
    /// [`Malformed`]; the connection is of no more use.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, Malformed> {
        let mut skip = 0;
        while let Some(&byte) = bytes.get(skip) {
            match self.at {
                At::Data { left } => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - skip);
                    self.at = match left - length as u64 {
                        0 => At::DataCr,
                        left => At::Data { left },
                    };
                    return Ok(Piece::Data { skip, length });
                }
                At::Trailers => {
                    let length = memchr(b'\n', &bytes[skip..]).map_or(bytes.len() - skip, |end| end + 1);
                    let is_over = self.trailer_bytes(&bytes[skip..skip + length])?;
                    skip += length;
                    if is_over {
                        self.at = At::End;
                        return Ok(Piece::End { skip, trailers: std::mem::take(&mut self.trailers) });
                    }
                }
                At::End => return Ok(Piece::End { skip, trailers: HeaderMap::new() }),
                At::Size { .. } | At::Extension { .. } | At::SizeLf { .. } | At::DataCr | At::DataLf => {
                    self.at = self.byte(byte)?;
                    skip += 1;
                }
            }
        }
        Ok(Piece::Data { skip, length: 0 })
    }

    fn byte(&mut self, byte: u8) -> Result<At, Malformed> {
        Ok(match (self.at, byte) {
            (At::Size { digits, size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).ok_or(Malformed::Chunk)?;
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
            _ => return Err(Malformed::Chunk),
        })
    }

    /// Reads a trailer line or the beginning of one; says whether it was the empty line that ends them.
    fn trailer_bytes(&mut self, bytes: &[u8]) -> Result<bool, Malformed> {
        self.trailer_bytes += bytes.len();
        if self.trailer_bytes > MAX_TRAILERS {
            return Err(Malformed::LargeTrailers);
        }
        self.line.extend_from_slice(bytes);
        let Some((b'\n', line)) = self.line.split_last() else { return Ok(false) };
        let is_over = trailer_line(line, &mut self.trailers);
        self.line.clear();
        is_over
    }
}

/// Takes one line of the trailer section, without its LF; says whether it was the empty one that ends them.
fn trailer_line(line: &[u8], trailers: &mut HeaderMap) -> Result<bool, Malformed> {
    field::whole_line(line, |line| {
        if line.is_empty() {
            return Ok(true);
        }
        if trailers.len() == MAX_TRAILER_FIELDS {
            return Err(Violation::TooManyFields);
        }
        let (name, value) = field::split(line)?;
        trailers.append(field::name(name)?, HeaderValue::from_bytes(value).map_err(|_| Violation::FieldValue)?);
        Ok(false)
    })
    .map_err(|violation| match violation {
        Violation::LineEnd => Malformed::LineEnd,
        Violation::ObsFold => Malformed::FoldedTrailer,
        Violation::TooManyFields => Malformed::TooManyTrailers,
        Violation::TooLarge => Malformed::LargeTrailers,
        // About fields, or about what is no trailer at all.
        Violation::BytesBeforeUpgrade
        | Violation::Chunk
        | Violation::ContentLength
        | Violation::FieldName
        | Violation::FieldValue
        | Violation::Flood
        | Violation::Framing
        | Violation::Host
        | Violation::Method
        | Violation::RequestLine
        | Violation::Target
        | Violation::Trailer
        | Violation::TransferEncoding => Malformed::Trailer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a whole body in pieces of this size: what it holds, its trailers, and how much was used.
    fn read(raw: &[u8], cut: usize) -> Result<(Vec<u8>, HeaderMap, usize), Malformed> {
        let (mut chunked, mut at, mut end, mut data) = (Chunked::default(), 0, cut.min(raw.len()), Vec::new());
        loop {
            match chunked.next(&raw[at..end])? {
                Piece::End { skip, trailers } => return Ok((data, trailers, at + skip)),
                Piece::Data { skip, length } => {
                    data.extend_from_slice(&raw[at + skip..at + skip + length]);
                    at += skip + length;
                    if at == end {
                        assert!(end < raw.len(), "the body never ends");
                        end = (end + cut).min(raw.len());
                    }
                }
            }
        }
    }

    #[test]
    fn a_body_is_the_same_wherever_it_is_cut() {
        let raw = b"5\r\nhello\r\n00B;a=\"b\"\r\n, the world\r\n0\r\nX-Sum: 7\r\nx-sum:8 \r\n\r\nGET / HTTP/1.1\r\n";
        for cut in 1..raw.len() {
            let (data, trailers, used) = read(raw, cut).expect("well-formed");
            assert_eq!(data, b"hello, the world");
            assert_eq!(trailers.get_all("x-sum").into_iter().collect::<Vec<_>>(), ["7", "8"]);
            assert!(raw[used..].starts_with(b"GET"));
        }
    }

    #[test]
    fn what_readers_take_in_two_ways_is_malformed() {
        let cases: [(&[u8], Malformed); 16] = [
            (b"5\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b"5 \r\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b" 5\r\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b"+5\r\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b"0x5\r\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b"5\r\nhello!\r\n0\r\n\r\n", Malformed::Chunk),
            (b"5\r\nhello\n0\r\n\r\n", Malformed::Chunk),
            (b"\r\n", Malformed::Chunk),
            (b"0000000000000005\r\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b"5;\x01\r\nhello\r\n0\r\n\r\n", Malformed::Chunk),
            (b"0\r\nX : 1\r\n\r\n", Malformed::Trailer),
            (b"0\r\nX: 1\n\r\n\r\n", Malformed::LineEnd),
            (b"0\r\n X: 1\r\n\r\n", Malformed::FoldedTrailer),
            (b"0\r\n\n", Malformed::LineEnd),
            (b"0\r\nX: 1\r\r\n\r\n", Malformed::LineEnd),
            (b"0\r\nno field\r\n\r\n", Malformed::Trailer),
        ];
        for (raw, malformed) in cases {
            assert_eq!(read(raw, raw.len()).err(), Some(malformed), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let extended = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(usize::from(MAX_EXTENSIONS) + 1));
        assert_eq!(read(extended.as_bytes(), 64).err(), Some(Malformed::Chunk));
        let long = format!("0\r\nx: {}\r\n\r\n", "y".repeat(MAX_TRAILERS));
        assert_eq!(read(long.as_bytes(), 64).err(), Some(Malformed::LargeTrailers));
        let many = format!("0\r\n{}\r\n", "x: y\r\n".repeat(MAX_TRAILER_FIELDS + 1));
        assert_eq!(read(many.as_bytes(), 64).err(), Some(Malformed::TooManyTrailers));
    }
}
