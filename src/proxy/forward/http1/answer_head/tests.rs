//! Heads of answers, good and hostile.

use super::*;

fn asking(asked: Asked, lines: &str) -> Result<AnswerHead, OddHead> {
    read(&Bytes::from(format!("{}\r\n\r\n", lines.replace('\n', "\r\n"))), asked)
}

fn framing(asked: Asked, lines: &str) -> Result<(Framing, After), OddHead> {
    asking(asked, lines).map(|head| (head.framing, head.after))
}

#[test]
fn a_head_says_where_its_body_ends_and_what_comes_after_it() {
    use After::{Close, Reuse};
    use Framing::{Chunked, Empty, Sized, UntilClose};
    for (lines, expected) in [
        ("HTTP/1.1 200 OK\nContent-Length: 2", (Sized(2), Reuse)),
        ("HTTP/1.1 200 OK\ncontent-length:18446744073709551615", (Sized(u64::MAX), Reuse)),
        ("HTTP/1.1 200 OK\nContent-Length: 0", (Empty, Reuse)),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", (Chunked, Reuse)),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: Chunked", (Chunked, Reuse)),
        ("HTTP/1.1 200 OK", (UntilClose, Close)),
        ("HTTP/1.1 200\nContent-Length: 2", (Sized(2), Reuse)),
        ("HTTP/1.1 200 \nContent-Length: 2", (Sized(2), Reuse)),
        ("HTTP/1.1 200 Tr\u{e8}s bien\nContent-Length: 2", (Sized(2), Reuse)),
        ("HTTP/1.1 799 What\nContent-Length: 2", (Sized(2), Reuse)),
        ("HTTP/1.1 200 OK\nContent-Length: 2\nConnection: keep-alive", (Sized(2), Reuse)),
        ("HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close", (Sized(2), Close)),
        ("HTTP/1.1 200 OK\nContent-Length: 2\nConnection: x-mine\nConnection: a, CLOSE", (Sized(2), Close)),
        ("HTTP/1.0 200 OK\nContent-Length: 2", (Sized(2), Close)),
        ("HTTP/1.0 200 OK\nContent-Length: 2\nConnection: keep-alive", (Sized(2), Close)),
        ("HTTP/1.0 200 OK", (UntilClose, Close)),
        ("HTTP/1.1 204 No Content", (Empty, Reuse)),
        ("HTTP/1.1 204 No Content\nContent-Length: 0", (Empty, Reuse)),
        ("HTTP/1.1 204 No Content\nContent-Length: 3", (Empty, Close)),
        ("HTTP/1.1 204 No Content\nTransfer-Encoding: chunked", (Empty, Close)),
        ("HTTP/1.1 304 Not Modified\nContent-Length: 1234", (Empty, Reuse)),
        ("HTTP/1.1 304 Not Modified\nTransfer-Encoding: chunked", (Empty, Reuse)),
        ("HTTP/1.1 100 Continue", (Empty, Reuse)),
        ("HTTP/1.1 101 Switching Protocols\nConnection: upgrade\nUpgrade: websocket", (Empty, Reuse)),
        // Odd, but there is one way to read them.
        ("HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 2", (Sized(2), Close)),
        ("HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked", (Chunked, Close)),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 2", (Chunked, Close)),
    ] {
        assert_eq!(framing(Asked::Other, lines), Ok(expected), "{lines}");
    }
    for lines in ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK\nContent-Length: 1234", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked"] {
        assert_eq!(framing(Asked::Head, lines), Ok((Empty, Reuse)), "{lines}");
    }
}

#[test]
fn what_two_readers_could_take_in_two_ways_is_refused() {
    for (lines, odd) in [
        ("HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2", OddHead::Length),
        ("HTTP/1.1 200 OK\nContent-Length: 2, 2", OddHead::Length),
        ("HTTP/1.1 200 OK\nContent-Length: +2", OddHead::Length),
        ("HTTP/1.1 200 OK\nContent-Length: -2", OddHead::Length),
        ("HTTP/1.1 200 OK\nContent-Length: 0x2", OddHead::Length),
        ("HTTP/1.1 200 OK\nContent-Length:", OddHead::Length),
        ("HTTP/1.1 200 OK\nContent-Length: 18446744073709551616", OddHead::Length),
        ("HTTP/1.1 304 Not Modified\nContent-Length: x", OddHead::Length),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: x", OddHead::Length),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked", OddHead::Coding),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked, chunked", OddHead::Coding),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked", OddHead::Coding),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: identity", OddHead::Coding),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: xchunked", OddHead::Coding),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: \u{b}chunked", OddHead::Field),
        ("HTTP/1.1 200 OK\nTransfer-Encoding:", OddHead::Coding),
        ("HTTP/1.0 200 OK\nTransfer-Encoding: chunked", OddHead::Coding),
        ("HTTP/1.1 100 Continue\nContent-Length: 2", OddHead::Interim),
        ("HTTP/1.1 101 Switching Protocols\nTransfer-Encoding: chunked", OddHead::Interim),
        ("HTTP/1.1 200 OK\nContent-Length : 2", OddHead::Field),
        ("HTTP/1.1 200 OK\n Content-Length: 2", OddHead::Field),
        ("HTTP/1.1 200 OK\nX: a\n b", OddHead::Field),
        ("HTTP/1.1 200 OK\nno field", OddHead::Field),
        ("HTTP/1.1 200 OK\n: no name", OddHead::Field),
        ("HTTP/1.1 200 OK\nX Y: 1", OddHead::Field),
        ("HTTP/1.1 200 OK\nX: a\0b", OddHead::Field),
        ("HTTP/1.1 200 OK\nX: a\rb", OddHead::Field),
        ("HTTP/1.1 200 OK\nX: a\u{7f}b", OddHead::Field),
        ("HTTP/1.1 20 OK", OddHead::StatusLine),
        ("HTTP/1.1 2000 OK", OddHead::StatusLine),
        ("HTTP/1.1 099 OK", OddHead::StatusLine),
        ("HTTP/1.1 +20 OK", OddHead::StatusLine),
        ("HTTP/1.1  200 OK", OddHead::StatusLine),
        ("HTTP/1.1 200\tOK", OddHead::StatusLine),
        ("HTTP/1.2 200 OK", OddHead::StatusLine),
        ("HTTP/2 200 OK", OddHead::StatusLine),
        ("http/1.1 200 OK", OddHead::StatusLine),
        ("\nHTTP/1.1 200 OK", OddHead::StatusLine),
        (" HTTP/1.1 200 OK", OddHead::StatusLine),
        ("ICY 200 OK", OddHead::StatusLine),
        ("SSH-2.0-OpenSSH", OddHead::StatusLine),
        ("", OddHead::StatusLine),
    ] {
        assert_eq!(framing(Asked::Other, lines), Err(odd), "{lines:?}");
    }
    for raw in [
        "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\n\r\n\r\n",
    ] {
        assert_eq!(read(&Bytes::from(raw), Asked::Other).err(), Some(OddHead::BareLineFeed), "{raw:?}");
    }
}

#[test]
fn what_is_about_the_connection_ends_with_it_and_all_else_is_kept() {
    let head = asking(
        Asked::Other,
        "HTTP/1.1 200 OK\nConnection: X-Mine, keep-alive, close\nX-Mine: 1\nx-mine: 2\nKeep-Alive: timeout=5\nProxy-Connection: x\n\
         Upgrade: h2c\nProxy-Authenticate: Basic\nTE: x\nTransfer-Encoding: chunked\nContent-Length: 5\nX-Other: \t a b \nx-other: c\nSet-Cookie: a=\u{eb}",
    )
    .expect("a head");
    let mut fields: Vec<_> = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    fields.sort_unstable();
    assert_eq!(fields, [("set-cookie", "a=\u{eb}".as_bytes()), ("x-other", b"a b"), ("x-other", b"c")]);
    assert_eq!(head.upgrade.as_ref().map(HeaderValue::as_bytes), Some(&b"h2c"[..]));
    let head = asking(Asked::Head, "HTTP/1.1 200 OK\nContent-Length: 1234\nUpgrade: websocket\nUpgrade: h2c").expect("a head");
    assert_eq!((head.headers.len(), head.headers.get("content-length").map(HeaderValue::as_bytes)), (1, Some(&b"1234"[..])));
    assert_eq!(head.upgrade, None, "two of them ask for nothing");
}

#[test]
fn fields_and_options_are_bounded() {
    let fields = |count| format!("HTTP/1.1 200 OK{}", "\nX: y".repeat(count));
    assert_eq!(asking(Asked::Other, &fields(MAX_FIELDS)).map(|head| head.headers.len()), Ok(MAX_FIELDS));
    assert_eq!(asking(Asked::Other, &fields(MAX_FIELDS + 1)).err(), Some(OddHead::TooLarge));
    let options = |count| format!("HTTP/1.1 200 OK\nConnection: {}", "a,".repeat(count));
    assert!(asking(Asked::Other, &options(MAX_OPTIONS)).is_ok());
    assert_eq!(asking(Asked::Other, &options(MAX_OPTIONS + 1)).err(), Some(OddHead::TooLarge));
}

#[test]
fn another_protocol_is_known_by_its_first_bytes() {
    for start in ["", "H", "HTTP/1.", "HTTP/1.1 200 OK"] {
        assert!(can_begin(start.as_bytes()), "{start}");
    }
    for start in ["S", "HTTP/2", "HTTP/1x", "\0", "\r\n", "hTTP"] {
        assert!(!can_begin(start.as_bytes()), "{start}");
    }
}
