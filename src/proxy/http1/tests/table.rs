//! Raw requests and what must be made of each: whatever was measured to pass a widespread library though it can be read in
//! two ways, what that library refuses itself, and the accepted counterparts.

use crate::proxy::http1::violation::Violation;

/// Passes whole.
const GOOD: Option<Violation> = None;

const fn bad(violation: Violation) -> Option<Violation> {
    Some(violation)
}

/// One head with these lines behind the request line.
fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n").into_bytes()
}

fn line(line: &str) -> Vec<u8> {
    format!("{line}\r\nHost: a.example\r\n\r\n").into_bytes()
}

pub(super) fn chunked(body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n{body}").into_bytes()
}

/// All of them.
pub(super) fn table() -> Cases {
    let mut table = framing();
    table.extend(line_ends());
    table.extend(hosts());
    table.extend(targets());
    table.extend(methods_and_versions());
    table.extend(fields());
    table.extend(chunks());
    table
}

/// Name, raw bytes, and what is wrong with them.
pub(super) type Cases = Vec<(&'static str, Vec<u8>, Option<Violation>)>;

fn framing() -> Cases {
    let te = |value: &str| get(&format!("Transfer-Encoding: {value}\r\n"));
    let length = |value: &str| get(&format!("Content-Length: {value}\r\n"));
    vec![
        ("no body", get(""), GOOD),
        ("a body", [length("3"), b"abc".to_vec()].concat(), GOOD),
        ("an empty body", length("0"), GOOD),
        ("a body on GET in chunks", [te("chunked"), b"1\r\na\r\n0\r\n\r\n".to_vec()].concat(), GOOD),
        ("length, then coding", get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), bad(Violation::Framing)),
        ("coding, then length", get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), bad(Violation::Framing)),
        ("length 0 and coding", get("content-length: 0\r\ntransfer-encoding: chunked\r\n"), bad(Violation::Framing)),
        ("equal lengths", get("Content-Length: 3\r\nContent-Length: 3\r\n"), bad(Violation::ContentLength)),
        ("differing lengths", get("Content-Length: 3\r\ncontent-length: 4\r\n"), bad(Violation::ContentLength)),
        ("a list of lengths", length("3, 3"), bad(Violation::ContentLength)),
        ("a signed length", length("+3"), bad(Violation::ContentLength)),
        ("a negative length", length("-3"), bad(Violation::ContentLength)),
        ("a hexadecimal length", length("0x3"), bad(Violation::ContentLength)),
        ("a length with a space in it", length("1 0"), bad(Violation::ContentLength)),
        ("an empty length", length(""), bad(Violation::ContentLength)),
        ("a length that overflows", length("99999999999999999999"), bad(Violation::ContentLength)),
        ("another coding", te("gzip"), bad(Violation::TransferEncoding)),
        ("identity, chunked", te("identity, chunked"), bad(Violation::TransferEncoding)),
        ("gzip, chunked", te("gzip, chunked"), bad(Violation::TransferEncoding)),
        ("chunked, identity", te("chunked, identity"), bad(Violation::TransferEncoding)),
        ("chunked twice in a line", te("chunked, chunked"), bad(Violation::TransferEncoding)),
        ("capital chunked", te("Chunked"), bad(Violation::TransferEncoding)),
        ("quoted chunked", te("\"chunked\""), bad(Violation::TransferEncoding)),
        ("xchunked", te("xchunked"), bad(Violation::TransferEncoding)),
        ("chunked with a parameter", te("chunked;q=1"), bad(Violation::TransferEncoding)),
        ("empty coding", te(""), bad(Violation::TransferEncoding)),
        ("chunked behind a vertical tab", te("\u{b}chunked"), bad(Violation::FieldValue)),
        ("two codings", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), bad(Violation::TransferEncoding)),
        ("two codings, one unknown", get("Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n"), bad(Violation::TransferEncoding)),
        (
            "coding on HTTP/1.0",
            b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            bad(Violation::TransferEncoding),
        ),
        ("length on HTTP/1.0", b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\nx".to_vec(), GOOD),
    ]
}

fn line_ends() -> Cases {
    vec![
        ("bare LF after the request line", b"GET / HTTP/1.1\nHost: a\r\n\r\n".to_vec(), bad(Violation::LineEnd)),
        ("bare LF makes a field", get("X: a\nX-Auth-User: b\r\n"), bad(Violation::LineEnd)),
        ("bare LF at the end", b"GET / HTTP/1.1\r\nHost: a\r\n\n".to_vec(), bad(Violation::LineEnd)),
        ("all bare LF", b"GET / HTTP/1.1\nHost: a\n\n".to_vec(), bad(Violation::LineEnd)),
        ("bare CR in a value", get("X: a\rb\r\n"), bad(Violation::LineEnd)),
        ("two CRs", get("X: a\r\r\n"), bad(Violation::LineEnd)),
        ("bare CR in the target", line("GET /\ra HTTP/1.1"), bad(Violation::LineEnd)),
        ("an empty line first", b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), bad(Violation::Method)),
        ("folded with a space", get("X: a\r\n b\r\n"), bad(Violation::ObsFold)),
        ("folded with a tab", get("X: a\r\n\tb\r\n"), bad(Violation::ObsFold)),
        ("a first field that is folded", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n".to_vec(), bad(Violation::ObsFold)),
        ("two plain fields", get("X: a\r\nY: b\r\n"), GOOD),
    ]
}

fn hosts() -> Cases {
    let host = |value: &str| format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n").into_bytes();
    vec![
        ("no host", b"GET / HTTP/1.1\r\n\r\n".to_vec(), bad(Violation::Host)),
        ("no host on HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n".to_vec(), GOOD),
        ("two hosts", get("Host: b.example\r\n"), bad(Violation::Host)),
        ("the same host twice", get("host: a.example\r\n"), bad(Violation::Host)),
        ("two hosts on HTTP/1.0", b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".to_vec(), bad(Violation::Host)),
        ("an empty host", host(""), bad(Violation::Host)),
        ("a user name in the host", host("u@a.example"), bad(Violation::Host)),
        ("a path in the host", host("a.example/b"), bad(Violation::Host)),
        ("a host and a path behind a user name", host("a@b/c"), bad(Violation::Host)),
        ("a list of hosts", host("a.example, b.example"), bad(Violation::Host)),
        ("a query in the host", host("a.example?b"), bad(Violation::Host)),
        ("a backslash in the host", host("a.example\\b"), bad(Violation::Host)),
        ("a host with a port", host("a.example:8443"), GOOD),
        ("an IPv6 host", host("[::1]:80"), GOOD),
    ]
}

fn targets() -> Cases {
    let target = |target: &str| line(&format!("GET {target} HTTP/1.1"));
    let odd = |target: &str, name| (name, line(&format!("GET {target} HTTP/1.1")), GOOD);
    vec![
        ("a path with a query", target("/a/b?c=d&e"), GOOD),
        ("absolute form", target("http://a.example/b"), GOOD),
        ("absolute form with capitals", target("HTTPS://A.example/b"), GOOD),
        ("absolute form naming another host", target("http://b.example/"), bad(Violation::Host)),
        ("absolute form with another port", target("http://a.example:81/"), bad(Violation::Host)),
        ("absolute form without a path", target("http://a.example"), bad(Violation::Target)),
        ("absolute form with a user name", target("http://u@a.example/"), bad(Violation::Target)),
        ("absolute form without a host", target("http:///b"), bad(Violation::Target)),
        ("another scheme", target("ftp://a.example/"), bad(Violation::Target)),
        ("no hierarchy", target("mailto:x"), bad(Violation::Target)),
        ("a script", target("javascript:x"), bad(Violation::Target)),
        ("a tag", target("/<a>"), bad(Violation::Target)),
        ("a backtick", target("/`a`"), bad(Violation::Target)),
        ("authority form", target("a.example:80"), bad(Violation::Target)),
        ("a relative path", target("a/b"), bad(Violation::Target)),
        ("a bare query", target("?a"), bad(Violation::Target)),
        ("asterisk with GET", target("*"), bad(Violation::Target)),
        ("asterisk with OPTIONS", line("OPTIONS * HTTP/1.1"), GOOD),
        ("a fragment", target("/a#b"), bad(Violation::Target)),
        ("a fragment alone", target("/#"), bad(Violation::Target)),
        ("a raw letter beyond ASCII", target("/é"), bad(Violation::Target)),
        ("a space in the target", target("/a b"), bad(Violation::Target)),
        ("a tab in the target", target("/a\tb"), bad(Violation::Target)),
        ("NUL in the target", target("/a\0b"), bad(Violation::Target)),
        ("DEL in the target", target("/a\u{7f}b"), bad(Violation::Target)),
        ("no target", line("GET  HTTP/1.1"), bad(Violation::Target)),
        // Odd, but one way to read: the normalised target decides.
        odd("//x", "two slashes"),
        odd("/%zz", "a percent mistake"),
        odd("/a\\b", "a backslash"),
        odd("/{|}^[]\"", "characters that should be escaped"),
    ]
}

fn methods_and_versions() -> Cases {
    let long: &'static str = "METHODMETHODMETHODMETHODMETHODMET";
    vec![
        ("lower case", line("get / HTTP/1.1"), bad(Violation::Method)),
        ("mixed case", line("Get / HTTP/1.1"), bad(Violation::Method)),
        ("CONNECT", line("CONNECT a.example:80 HTTP/1.1"), bad(Violation::Method)),
        ("TRACE", line("TRACE / HTTP/1.1"), bad(Violation::Method)),
        ("TRACK", line("TRACK / HTTP/1.1"), bad(Violation::Method)),
        ("33 letters", line(&format!("{long} / HTTP/1.1")), bad(Violation::Method)),
        ("32 letters", line(&format!("{} / HTTP/1.1", &long[1..])), GOOD),
        ("not a token", line("GE(T / HTTP/1.1"), bad(Violation::Method)),
        ("a digit", line("GET1 / HTTP/1.1"), bad(Violation::Method)),
        ("a hyphen", line("M-SEARCH / HTTP/1.1"), GOOD),
        ("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), bad(Violation::RequestLine)),
        ("TLS", b"\x16\x03\x01\x02\x00".to_vec(), bad(Violation::Method)),
        ("HTTP/1.0", line("GET / HTTP/1.0"), GOOD),
        ("HTTP/1.2", line("GET / HTTP/1.2"), bad(Violation::RequestLine)),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec(), bad(Violation::RequestLine)),
        ("small http", line("GET / http/1.1"), bad(Violation::RequestLine)),
        ("a space at the end", line("GET / HTTP/1.1 "), bad(Violation::RequestLine)),
        ("two spaces", line("GET /  HTTP/1.1"), bad(Violation::Target)),
        ("tabs", line("GET\t/\tHTTP/1.1"), bad(Violation::RequestLine)),
    ]
}

fn fields() -> Cases {
    let many = |count: usize| get(&"X: y\r\n".repeat(count));
    let large = |size: usize| get(&format!("X: {}\r\n", "y".repeat(size)));
    vec![
        ("space before the colon", get("X : a\r\n"), bad(Violation::FieldName)),
        ("tab before the colon", get("X\t: a\r\n"), bad(Violation::FieldName)),
        ("coding with a space before the colon", get("Transfer-Encoding : chunked\r\n"), bad(Violation::FieldName)),
        ("no colon", get("Xa\r\n"), bad(Violation::FieldName)),
        ("no name", get(": a\r\n"), bad(Violation::FieldName)),
        ("a name that is no token", get("X(y): a\r\n"), bad(Violation::FieldName)),
        ("a name beyond ASCII", get("Xé: a\r\n"), bad(Violation::FieldName)),
        ("NUL in a name", get("X\0: a\r\n"), bad(Violation::FieldName)),
        ("underscore and dot in a name", get("X_y.z: a\r\n"), GOOD),
        ("NUL in a value", get("X: a\0b\r\n"), bad(Violation::FieldValue)),
        ("escape in a value", get("X: a\u{1b}b\r\n"), bad(Violation::FieldValue)),
        ("DEL in a value", get("X: a\u{7f}b\r\n"), bad(Violation::FieldValue)),
        ("a tab in a value", get("X: a\tb\r\n"), GOOD),
        ("a letter beyond ASCII in a value", get("X: é\r\n"), GOOD),
        ("an empty value", get("X:\r\n"), GOOD),
        ("100 fields", many(99), GOOD),
        ("101 fields", many(100), bad(Violation::TooManyFields)),
        ("a large head", large(60_000), GOOD),
        ("a head that is too large", large(70_000), bad(Violation::TooLarge)),
    ]
}

fn chunks() -> Cases {
    vec![
        ("chunks", chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), GOOD),
        ("an extension", chunked("3;a=\"b\"\r\nabc\r\n0\r\n\r\n"), GOOD),
        ("a trailer", chunked("0\r\nX-Checksum: 1\r\n\r\n"), GOOD),
        ("no size", chunked("\r\nabc\r\n0\r\n\r\n"), bad(Violation::Chunk)),
        ("a size in 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n"), bad(Violation::Chunk)),
        ("a signed size", chunked("+3\r\nabc\r\n"), bad(Violation::Chunk)),
        ("a space behind the size", chunked("3 \r\nabc\r\n"), bad(Violation::Chunk)),
        ("a size that overflows", chunked("10000000000000003\r\nabc\r\n"), bad(Violation::Chunk)),
        ("bare LF behind the size", chunked("3\nabc\r\n"), bad(Violation::Chunk)),
        ("bare LF behind the data", chunked("3\r\nabc\n"), bad(Violation::Chunk)),
        ("bare CR in an extension", chunked("3;a\rb\r\nabc\r\n"), bad(Violation::Chunk)),
        ("bare LF in an extension", chunked("3;a\nb\r\nabc\r\n"), bad(Violation::Chunk)),
        ("data longer than its size", chunked("3\r\nabcd\r\n"), bad(Violation::Chunk)),
        ("endless extensions", chunked(&format!("3;{}\r\nabc\r\n", "x".repeat(2000))), bad(Violation::Chunk)),
        ("coding in a trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), bad(Violation::Trailer)),
        ("length in a trailer", chunked("0\r\ncontent-length: 3\r\n\r\n"), bad(Violation::Trailer)),
        ("host in a trailer", chunked("0\r\nHost: b\r\n\r\n"), bad(Violation::Trailer)),
        ("cookie in a trailer", chunked("0\r\nCookie: a=b\r\n\r\n"), bad(Violation::Trailer)),
        ("bare LF in trailers", chunked("0\r\nX: a\nY: b\r\n\r\n"), bad(Violation::LineEnd)),
        ("bare LF at the very end", chunked("0\r\n\n"), bad(Violation::LineEnd)),
        ("two CRs in a trailer", chunked("0\r\nX: a\r\r\n\r\n"), bad(Violation::LineEnd)),
        ("a folded trailer", chunked("0\r\nX: a\r\n b\r\n\r\n"), bad(Violation::ObsFold)),
        ("many trailers", chunked(&format!("0\r\n{}\r\n", "X: y\r\n".repeat(33))), bad(Violation::TooManyFields)),
        ("large trailers", chunked(&format!("0\r\nX: {}\r\n\r\n", "y".repeat(9000))), bad(Violation::TooLarge)),
    ]
}
