//! Writing the head of an answer (RFC 9112 §4), byte by byte into a buffer that is used again.

use http::{HeaderMap, StatusCode, header};

/// How the content of an answer is framed (RFC 9112 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentFraming {
    /// No content, whatever the fields say: they speak of the content that a GET would have got, or there is none to
    /// speak of.
    Absent,
    /// The fields say nothing about it, and the end of the connection is its end.
    UntilClose,
    /// So many bytes.
    Sized(u64),
    /// Chunks.
    Chunked,
}

/// What we say in `Connection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Nothing: it stays open, as HTTP/1.1 has it.
    Kept,
    /// `keep-alive`, to HTTP/1.0, which asked for it.
    KeptAlive,
    /// `close`.
    Closed,
    /// What the fields say: it becomes something else.
    Switched,
}

/// Appends a head. Whatever the fields say about framing and the connection is left out, but for the length of content that
/// is absent; `date` is added if there is none.
pub fn write(out: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap, framing: ContentFraming, connection: Connection, date: &[u8]) {
    write_status(out, status);
    let keeps_length = framing == ContentFraming::Absent && may_tell_length(status);
    let mut has_date = false;
    for (name, value) in headers {
        let is_kept = if *name == header::DATE {
            has_date = true;
            true
        } else if *name == header::CONTENT_LENGTH {
            keeps_length
        } else if *name == header::CONNECTION {
            connection == Connection::Switched
        } else {
            *name != header::TRANSFER_ENCODING && name.as_str() != "keep-alive"
        };
        if is_kept {
            write_field(out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    match framing {
        ContentFraming::Absent | ContentFraming::UntilClose => {}
        ContentFraming::Sized(length) => {
            out.extend_from_slice(b"content-length: ");
            write_number(out, length, Base::Decimal);
            out.extend_from_slice(b"\r\n");
        }
        ContentFraming::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    match connection {
        Connection::Kept | Connection::Switched => {}
        Connection::KeptAlive => out.extend_from_slice(b"connection: keep-alive\r\n"),
        Connection::Closed => out.extend_from_slice(b"connection: close\r\n"),
    }
    if !has_date {
        write_field(out, b"date", date);
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether an answer with this status may tell a length (RFC 9110 §8.6).
#[must_use]
pub fn may_tell_length(status: StatusCode) -> bool {
    !status.is_informational() && status != StatusCode::NO_CONTENT
}

fn write_status(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends one field line.
pub fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// As lengths are.
    Decimal,
    /// As the sizes of chunks are.
    Hexadecimal,
}

/// Appends a number without the detour of formatting.
pub fn write_number(out: &mut Vec<u8>, number: u64, base: Base) {
    let base = match base {
        Base::Decimal => 10,
        Base::Hexadecimal => 16,
    };
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(rest % base) as usize];
        rest /= base;
        if rest == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn written(status: StatusCode, fields: &[(&'static str, &'static str)], framing: ContentFraming, connection: Connection) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let mut out = Vec::new();
        write(&mut out, status, &headers, framing, connection, b"today");
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn framing_is_ours_and_never_the_fields() {
        let lies =
            [("content-length", "7"), ("transfer-encoding", "gzip"), ("connection", "x"), ("keep-alive", "y"), ("a", "b"), ("a", "c")];
        let cases = [
            (ContentFraming::Sized(105), "content-length: 105\r\n"),
            (ContentFraming::Chunked, "transfer-encoding: chunked\r\n"),
            (ContentFraming::UntilClose, ""),
        ];
        for (framing, told) in cases {
            let head = written(StatusCode::OK, &lies, framing, Connection::Kept);
            assert_eq!(head, format!("HTTP/1.1 200 OK\r\na: b\r\na: c\r\n{told}date: today\r\n\r\n"));
        }
    }

    #[test]
    fn the_length_of_absent_content_is_told_where_that_is_allowed() {
        let length = [("content-length", "7"), ("date", "then")];
        let head = written(StatusCode::NOT_MODIFIED, &length, ContentFraming::Absent, Connection::Closed);
        assert_eq!(head, "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\ndate: then\r\nconnection: close\r\n\r\n");
        let head = written(StatusCode::NO_CONTENT, &length, ContentFraming::Absent, Connection::KeptAlive);
        assert_eq!(head, "HTTP/1.1 204 No Content\r\ndate: then\r\nconnection: keep-alive\r\n\r\n");
    }

    #[test]
    fn a_switch_says_to_what() {
        let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("date", "then")];
        let head = written(StatusCode::SWITCHING_PROTOCOLS, &upgrade, ContentFraming::Absent, Connection::Switched);
        assert_eq!(head, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\ndate: then\r\n\r\n");
    }

    #[test]
    fn numbers_are_what_formatting_makes_of_them() {
        for number in [0, 9, 10, 15, 16, 255, 1024, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number, Base::Decimal);
            out.push(b' ');
            write_number(&mut out, number, Base::Hexadecimal);
            assert_eq!(String::from_utf8(out).expect("ASCII"), format!("{number} {number:x}"));
        }
    }
}
