//! Cases nobody has thought of: pieces of well-formed and ill-formed requests, put together by a seed.

use super::case::{Case, Expected};

/// SplitMix64: the same seed, the same cases.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = self.0;
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    /// Mostly the first, now and then one of the others.
    fn mostly<'a>(&mut self, plain: &'a str, odd: &[&'a str]) -> &'a str {
        if self.below(8) == 0 { odd[self.below(odd.len())] } else { plain }
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const METHODS: &[&str] = &["POST", "GET", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"];
const ODD_METHODS: &[&str] = &["get", "TRACE", "CONNECT", "PRI", "G T", "POST\t", "\u{1}GET", "M-SEARCH"];
const SEGMENTS: &[&str] = &["a", "b.c", "%41", "~", "a%20b", "x;y", "%7E", "a=b", "@", "%C3%A9"];
const ODD_SEGMENTS: &[&str] = &[
    "..", ".", "%2e%2e", "%2f", "%5c", "\\", "", "#", "%00", "%", "..;", "%0d%0a", "%23", "%3f", "?", ";", "%3b", "{x00}", "{x80}",
    "%252e", "^", "..%00",
];
const VERSIONS: &[&str] = &["HTTP/1.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", ""];
const LINE_ENDS: &[&str] = &["\n", "\r", "\r\r\n", "\n\r\n", "\r\n ", "\r\n\t", "{x0b}\r\n", "{x00}\r\n"];
const FIELDS: &[&str] = &[
    "x: y",
    "accept: */*",
    "cookie: a=b",
    "connection: keep-alive",
    "connection: close",
    "connection: content-length, x",
    "connection: transfer-encoding",
    "te: trailers",
    "trailer: x",
    "expect: 100-continue",
    "upgrade: websocket",
    "max-forwards: 0",
    "x-forwarded-host: evil.example",
    "x-http-method-override: PUT",
    "x-original-url: /work/x",
    "x_y: z",
    "keep-alive: timeout=1",
];
const ODD_FIELDS: &[&str] = &[
    "host: {H}",
    "host: evil.example",
    " host: evil.example",
    "host : evil.example",
    "x y: z",
    "x",
    ": y",
    "x: {x00}",
    "x: {xff}",
    "x:\r\n y",
    "x: y\nx-evil: 1",
    "x: y\rx-evil: 1",
    "content-length: 3",
    "content-length: 0",
    "content-length: {SL}",
    "content-length: 3, 3",
    "Content-Length: +3",
    "content-length : 3",
    "content_length: 3",
    "transfer-encoding: chunked",
    "transfer-encoding: identity",
    "Transfer-Encoding: xchunked",
    "transfer-encoding: chunked, identity",
    "transfer-encoding : chunked",
    "transfer-encoding:{x0b}chunked",
    "\ttransfer-encoding: chunked",
];
const CHUNK_SIZES: &[&str] = &["3", "03", "3;x", "3;x=y", "0003"];
const ODD_CHUNK_SIZES: &[&str] =
    &["0x3", "+3", "-3", "3 ", " 3", "4", "2", "", "{SX}", "3\n", "3;\n", "3\r", "g", "10000000000000003", "3_", "0"];
const TRAILERS: &[&str] =
    &["x: y", "x-evil: 1", "content-length: 3", "transfer-encoding: chunked", "host: evil.example", "x", " x: y", "x: y\n", "x : y"];

/// One more.
pub fn case(random: &mut Random) -> Case {
    let count = 1 + random.below(3);
    Case::new((0..count).map(|_| request(random)).collect::<String>(), Expected::Unsaid)
}

fn request(random: &mut Random) -> String {
    let plain = random.of(METHODS);
    let method = random.mostly(plain, ODD_METHODS);
    let mut text = format!("{method} {} {}{}", target(random), random.mostly("HTTP/1.1", VERSIONS), line_end(random));
    let (framing, body) = framing(random);
    let mut fields = vec!["host: {H}".to_owned()];
    for _ in 0..random.below(3) {
        let plain = random.of(FIELDS);
        fields.push(random.mostly(plain, ODD_FIELDS).to_owned());
    }
    fields.extend(framing);
    // Any order.
    for at in (1..fields.len()).rev() {
        fields.swap(at, random.below(at + 1));
    }
    for field in fields {
        text += &field;
        text += line_end(random);
    }
    text + line_end(random) + &body
}

/// Rarer than other oddities: a head has many.
fn line_end(random: &mut Random) -> &'static str {
    if random.below(6) == 0 { random.mostly("\r\n", LINE_ENDS) } else { "\r\n" }
}

fn target(random: &mut Random) -> String {
    let mut target = random
        .mostly("/public/{T}", &["/work/{T}", "http://{H}/public/{T}", "http://evil.example/public/{T}", "//public/{T}", "public/{T}"])
        .to_owned();
    for _ in 0..random.below(4) {
        let plain = random.of(SEGMENTS);
        target = target + "/" + random.mostly(plain, ODD_SEGMENTS);
    }
    target + random.mostly("", &["?", "?a=b", "?a#b", "?../..", "#", "?a b", "?{x00}"])
}

fn framing(random: &mut Random) -> (Vec<String>, String) {
    match random.below(5) {
        0 => (Vec::new(), random.mostly("", &["{S}", "abc", "\r\n"]).to_owned()),
        1 => (vec!["content-length: 3".to_owned()], random.mostly("abc", &["ab", "abcd", ""]).to_owned()),
        2 => (vec!["content-length: {SL}".to_owned()], "{S}".to_owned()),
        _ => (vec![random.mostly("transfer-encoding: chunked", ODD_FIELDS).to_owned()], chunks(random)),
    }
}

fn chunks(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(3) {
        let plain = random.of(CHUNK_SIZES);
        text = text
            + random.mostly(plain, ODD_CHUNK_SIZES)
            + line_end(random)
            + random.mostly("abc", &["{S}", "ab", "0\r\n\r\n"])
            + line_end(random);
    }
    text = text + random.mostly("0", &["00", "0;x", "-0", "0 ", "000000000000000000", ""]) + line_end(random);
    if random.below(4) == 0 {
        text = text + random.of(TRAILERS) + line_end(random);
    }
    text + line_end(random)
}
