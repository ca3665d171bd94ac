//! Requests in HTTP/2 and what has to become of them.

use Expected::{Broken, Passed, Refused, Unsaid};

/// What has to become of a request.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// A reset, the end of the connection or one of these statuses, and nothing upstream.
    Refused(&'static [u16]),
    /// Likewise, found out behind the head: nothing whole upstream.
    Broken,
    /// The server understands this method and target, and the whole body.
    Passed(&'static str),
    /// Whatever agrees.
    Unsaid,
}

/// What follows the head.
#[derive(Debug, Clone, Copy)]
pub enum After {
    Nothing,
    /// The last piece ends the stream.
    Data(&'static [&'static str]),
    /// A body, and these.
    Trailers(Fields),
    /// Likewise, but the stream does not end.
    EndlessTrailers(Fields),
}

type Field = (&'static str, &'static str);
type Fields = &'static [Field];

/// A request: `{T}` in it is its tag, `{H}` the host, `{A*N}` as a whole value or name stands for N letters.
#[derive(Debug, Clone)]
pub struct Case {
    pub fields: Vec<Field>,
    pub after: After,
    pub expected: Expected,
}

const X: &str = "GET /public/{T}/x";
const MALFORMED: Expected = Refused(&[400]);

/// The pseudo fields of an innocent request.
pub const fn get() -> [Field; 4] {
    [(":method", "GET"), (":scheme", "http"), (":authority", "{H}"), (":path", "/public/{T}/x")]
}

/// One pseudo field of an innocent GET is something else.
const INSTEAD: &[(&str, &str, Expected)] = &[
    (":method", "GET", Passed(X)),
    (":method", "HEAD", Passed("HEAD /public/{T}/x")),
    (":method", "OPTIONS", Passed("OPTIONS /public/{T}/x")),
    (":method", "DELETE", Passed("DELETE /public/{T}/x")),
    (":method", "get", Refused(&[400, 405, 501])),
    (":method", "", MALFORMED),
    (":method", "G ET", MALFORMED),
    (":method", "GET\0", MALFORMED),
    (":method", "GET /work/{T}/x HTTP/1.1\r\nx-evil: 1\r\nx: ", MALFORMED),
    (":method", "TRACE", Refused(&[400, 405, 501])),
    (":method", "TRACK", Refused(&[400, 405, 501])),
    (":method", "CONNECT", Refused(&[400, 405, 501])),
    (":method", "PRI", Refused(&[400, 405, 501])),
    (":method", "{A*300}", Refused(&[400, 405, 431, 501])),
    (":path", "/public/{T}/x?a=b&c=%zz", Passed("GET /public/{T}/x?a=b&c=%zz")),
    (":path", "/public/{T}/%41", Passed("GET /public/{T}/A")),
    (":path", "", MALFORMED),
    (":path", "public/{T}/x", MALFORMED),
    (":path", "*", Refused(&[400, 404])),
    (":path", "?public/{T}/x", MALFORMED),
    (":path", "#/public/{T}/x", MALFORMED),
    // The library cuts a fragment off before anybody can see it. So nobody does: neither we nor a server behind us.
    (":path", "/public/{T}/x#", Passed(X)),
    (":path", "/public/{T}/x#/../work", Passed(X)),
    (":path", "/public/{T}/x?a#b", Passed("GET /public/{T}/x?a")),
    (":path", "/public/{T}/\0", MALFORMED),
    (":path", "/public/{T}/a b", MALFORMED),
    (":path", "/public/{T}/a\tb", MALFORMED),
    (":path", "/public/{T}/x HTTP/1.1\r\nx-evil: 1\r\nx: ", MALFORMED),
    (":path", "/public/{T}/x\r\n\r\nGET /public/{T}/smuggled HTTP/1.1\r\nhost: {H}\r\n\r\n", MALFORMED),
    (":path", "/public/{T}/\u{7f}", MALFORMED),
    (":path", "/public/{T}/é", MALFORMED),
    (":path", "/public/{T}/../../work/x", MALFORMED),
    (":path", "/public/{T}/%2e%2e/%2e%2e/work/x", MALFORMED),
    (":path", "/public/{T}/..%2f..%2fwork/x", MALFORMED),
    (":path", "/public/{T}/..\\..\\work\\x", MALFORMED),
    (":path", "/public/{T}/..;/..;/work/x", MALFORMED),
    (":path", "/public/{T}/a%2fb", MALFORMED),
    (":path", "/public/{T}/%00", MALFORMED),
    (":path", "/public/{T}/%0d%0a", MALFORMED),
    (":path", "/public/{T}/%", MALFORMED),
    (":path", "/public/{T}//x", MALFORMED),
    (":path", "//public/{T}/x", MALFORMED),
    (":path", "//evil.example/public/{T}/x", MALFORMED),
    (":path", "http://{H}/public/{T}/x", MALFORMED),
    (":path", "http://evil.example/public/{T}/x", MALFORMED),
    (":path", "/work/{T}/x", Refused(&[401])),
    (":path", "/nowhere/{T}/x", Refused(&[404])),
    (":path", "{A*70000}", Refused(&[400, 414, 431])),
    (":scheme", "https", Unsaid),
    (":scheme", "HTTP", Unsaid),
    (":scheme", "", MALFORMED),
    (":scheme", "javascript", MALFORMED),
    (":scheme", "file", MALFORMED),
    (":scheme", "http ", MALFORMED),
    (":scheme", "http://evil.example/", MALFORMED),
    (":authority", "", MALFORMED),
    (":authority", "evil.example", Refused(&[400, 404, 421])),
    (":authority", "localhost", Refused(&[400, 404, 421])),
    (":authority", "user@{H}", MALFORMED),
    (":authority", "user:pass@{H}", MALFORMED),
    (":authority", "{H}@evil.example", MALFORMED),
    (":authority", "{H}/x", MALFORMED),
    (":authority", "{H}?x", MALFORMED),
    (":authority", "{H}#x", MALFORMED),
    (":authority", "{H}, evil.example", MALFORMED),
    (":authority", "{H} evil.example", MALFORMED),
    (":authority", "{H}\r\nx-evil: 1", MALFORMED),
    (":authority", "{H}\0", MALFORMED),
    (":authority", "http://{H}", MALFORMED),
];

/// A field more, behind those of an innocent GET.
const BESIDES: &[(&str, &str, Expected)] = &[
    ("x", "y", Passed(X)),
    ("x", "", Passed(X)),
    ("te", "trailers", Passed(X)),
    ("host", "{H}", Passed(X)),
    ("cookie", "a=b", Passed(X)),
    ("x_y", "z", Passed(X)),
    ("expect", "100-continue", Unsaid),
    ("X-Upper", "y", MALFORMED),
    ("x-Upper", "y", MALFORMED),
    ("", "y", MALFORMED),
    ("x y", "z", MALFORMED),
    ("x:y", "z", MALFORMED),
    ("x\r\nx-evil", "1", MALFORMED),
    ("x\0", "z", MALFORMED),
    ("x\u{7f}", "z", MALFORMED),
    ("é", "z", MALFORMED),
    ("x", "y\r\nx-evil: 1", MALFORMED),
    ("x", "y\nx-evil: 1", MALFORMED),
    ("x", "y\rx-evil: 1", MALFORMED),
    ("x", "y\0", MALFORMED),
    ("x", " y", Unsaid),
    ("x", "y\t", Unsaid),
    ("connection", "close", MALFORMED),
    ("connection", "x-evil", MALFORMED),
    ("keep-alive", "timeout=5", MALFORMED),
    ("proxy-connection", "close", MALFORMED),
    ("transfer-encoding", "chunked", MALFORMED),
    ("transfer-encoding", "identity", MALFORMED),
    ("upgrade", "websocket", MALFORMED),
    ("upgrade", "h2c", MALFORMED),
    ("te", "gzip", MALFORMED),
    ("te", "trailers, deflate", MALFORMED),
    ("te", "chunked", MALFORMED),
    ("host", "evil.example", Refused(&[400, 421])),
    ("host", "user@{H}", MALFORMED),
    ("host", "", MALFORMED),
    (":method", "GET", MALFORMED),
    (":method", "POST", MALFORMED),
    (":scheme", "http", MALFORMED),
    (":authority", "{H}", MALFORMED),
    (":authority", "evil.example", MALFORMED),
    (":path", "/public/{T}/y", MALFORMED),
    (":path", "/work/{T}/y", MALFORMED),
    (":status", "200", MALFORMED),
    (":evil", "1", MALFORMED),
    (":", "1", MALFORMED),
    (":protocol", "evil", Refused(&[400, 501])),
    ("content-length", "5", Broken),
    ("content-length", "+0", MALFORMED),
    ("x", "{A*70000}", Refused(&[431])),
    ("{A*70000}", "x", Refused(&[431])),
];

/// A POST with one field more and a body.
const BODIES: &[(Option<Field>, After, Expected)] = &[
    (None, After::Data(&["body"]), Passed("POST /public/{T}/x")),
    (None, After::Data(&["bo", "", "dy"]), Passed("POST /public/{T}/x")),
    (None, After::Data(&["body", ""]), Passed("POST /public/{T}/x")),
    (None, After::Data(&[""]), Passed("POST /public/{T}/x")),
    (None, After::Data(&["0\r\n\r\nGET /public/{T}/smuggled HTTP/1.1\r\n\r\n"]), Passed("POST /public/{T}/x")),
    (Some(("content-length", "4")), After::Data(&["body"]), Passed("POST /public/{T}/x")),
    (Some(("content-length", "4")), After::Data(&["bo", "dy"]), Passed("POST /public/{T}/x")),
    (Some(("content-length", "3")), After::Data(&["body"]), Broken),
    (Some(("content-length", "5")), After::Data(&["body"]), Broken),
    (Some(("content-length", "0")), After::Data(&["body"]), Broken),
    (Some(("content-length", "0")), After::Data(&["GET /public/x HTTP/1.1\r\n\r\n"]), Broken),
    (Some(("content-length", "4, 4")), After::Data(&["body"]), MALFORMED),
    (Some(("content-length", "+4")), After::Data(&["body"]), MALFORMED),
    (Some(("content-length", "4x")), After::Data(&["body"]), MALFORMED),
    (Some(("content-length", "")), After::Data(&["body"]), MALFORMED),
    (Some(("content-length", "18446744073709551620")), After::Data(&["body"]), MALFORMED),
    (Some(("transfer-encoding", "chunked")), After::Data(&["0\r\n\r\n"]), MALFORMED),
    (None, After::Trailers(&[("x-sum", "42")]), Passed("POST /public/{T}/x")),
    (None, After::Trailers(&[("x-evil", "1")]), Passed("POST /public/{T}/x")),
    (None, After::Trailers(&[("x-forwarded-user", "evil")]), Unsaid),
    (None, After::Trailers(&[("content-length", "3")]), Unsaid),
    (None, After::Trailers(&[("host", "evil.example")]), Unsaid),
    (None, After::Trailers(&[("transfer-encoding", "chunked")]), Broken),
    (None, After::Trailers(&[("connection", "close")]), Broken),
    // The library ends the stream there and drops these trailers, all of them: what is left is what was judged.
    (None, After::Trailers(&[(":path", "/work/{T}/x")]), Passed("POST /public/{T}/x")),
    (None, After::Trailers(&[(":status", "200")]), Passed("POST /public/{T}/x")),
    (None, After::Trailers(&[("x", "{A*70000}")]), Passed("POST /public/{T}/x")),
    (None, After::Trailers(&[("X-Upper", "y")]), Broken),
    (None, After::Trailers(&[("x", "y\r\nx-evil: 1")]), Broken),
    (None, After::EndlessTrailers(&[("x", "y")]), Broken),
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |fields: Vec<_>, after, expected| cases.push(Case { fields, after, expected });
    for (name, value, expected) in INSTEAD {
        let fields = get().into_iter().map(|(own, innocent)| (own, if own == *name { *value } else { innocent }));
        add(fields.collect(), After::Nothing, *expected);
    }
    for (name, value, expected) in BESIDES {
        add(get().into_iter().chain([(*name, *value)]).collect(), After::Nothing, *expected);
    }
    for (field, after, expected) in BODIES {
        let post = get().into_iter().map(|(name, value)| (name, if name == ":method" { "POST" } else { value }));
        add(post.chain(*field).collect(), *after, *expected);
    }
    // Each of them missing, twice in a row, or behind the others.
    for (at, (name, value)) in get().into_iter().enumerate() {
        let others = || get().into_iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, field)| field);
        add(others().collect(), After::Nothing, MALFORMED);
        add([(name, value)].into_iter().chain(get()).collect(), After::Nothing, MALFORMED);
        add(others().chain([("x", "y"), (name, value)]).collect(), After::Nothing, MALFORMED);
    }
    let nobody = get().into_iter().filter(|(name, _)| *name != ":authority");
    add(nobody.clone().chain([("host", "{H}")]).collect(), After::Nothing, Unsaid);
    add(nobody.chain([("host", "evil.example")]).collect(), After::Nothing, Refused(&[400, 404, 421]));
    add(get().into_iter().chain([("host", "{H}"), ("host", "{H}")]).collect(), After::Nothing, MALFORMED);
    add(get().into_iter().chain([("content-length", "0"), ("content-length", "1")]).collect(), After::Nothing, MALFORMED);
    add(vec![(":method", "CONNECT"), (":authority", "{H}")], After::Nothing, Refused(&[400, 405, 501]));
    add(vec![(":method", "CONNECT"), (":authority", "evil.example:443")], After::Nothing, Refused(&[400, 404, 405, 421, 501]));
    add(
        vec![(":method", "OPTIONS"), (":scheme", "http"), (":authority", "{H}"), (":path", "*")],
        After::Nothing,
        Refused(&[200, 204, 400, 404]),
    );
    add(get().into_iter().chain(std::iter::repeat_n(("x", "y"), 3000)).collect(), After::Nothing, Refused(&[431]));
    cases
}
