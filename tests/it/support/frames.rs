//! HTTP/2 frame by frame (RFC 9113): what no library would send. Fields are written as literals (RFC 7541 §6.2.2), and of
//! answers nothing is read but their status and content.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The largest payload that everybody takes.
const MAX_FRAME: usize = 16_384;
/// No table between us: then every field of an answer stands for itself.
const SETTINGS_WITHOUT_TABLE: &[u8] = &[0, 1, 0, 0, 0, 0];

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    /// Of the final answer.
    pub status: Option<u16>,
    /// The code of its reset.
    pub reset: Option<u32>,
    pub is_ended: bool,
}

/// What became of a connection.
#[derive(Debug, Default)]
pub struct Outcome {
    pub streams: BTreeMap<u32, Stream>,
    /// The code it was closed with, if it was.
    pub goodbye: Option<u32>,
    pub is_closed: bool,
    /// Whether the other side speaks HTTP/2 at all.
    pub is_spoken: bool,
}

/// Frames to send.
#[derive(Debug, Clone)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// The beginning of a connection.
    pub fn new() -> Self {
        let mut frames = Self(PREFACE.to_vec());
        frames.push(SETTINGS, 0, 0, SETTINGS_WITHOUT_TABLE);
        frames
    }

    /// A field section, in as many frames as it takes.
    pub fn headers<'a>(&mut self, stream: u32, fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>, is_last: bool) {
        let mut block = Vec::new();
        for (name, value) in fields {
            block.push(0);
            literal(&mut block, name);
            literal(&mut block, value);
        }
        let end_stream = if is_last { END_STREAM } else { 0 };
        let mut pieces = block.chunks(MAX_FRAME).peekable();
        let mut kind = HEADERS;
        while let Some(piece) = pieces.next() {
            let end_headers = if pieces.peek().is_none() { END_HEADERS } else { 0 };
            self.push(kind, end_headers | if kind == HEADERS { end_stream } else { 0 }, stream, piece);
            kind = CONTINUATION;
        }
    }

    pub fn data(&mut self, stream: u32, content: &[u8], is_last: bool) {
        self.push(DATA, if is_last { END_STREAM } else { 0 }, stream, content);
    }

    fn push(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("at most a frame");
        self.0.extend_from_slice(&length.to_be_bytes()[1..]);
        self.0.extend_from_slice(&[kind, flags]);
        self.0.extend_from_slice(&stream.to_be_bytes());
        self.0.extend_from_slice(payload);
    }
}

/// A string as it is (RFC 7541 §5.2), its length with a prefix of seven bits (§5.1).
fn literal(block: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).expect("small"));
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push(u8::try_from(length % 128).expect("small") | 128);
            length /= 128;
        }
        block.push(u8::try_from(length).expect("small"));
    }
    block.extend_from_slice(text);
}

/// Sends everything at once and reads until these streams are over, or the connection is.
pub async fn converse(port: u16, frames: &Frames, streams: &[u32], patience: Duration) -> Outcome {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a listening port");
    let (mut reader, mut writer) = stream.into_split();
    let mut outcome = Outcome::default();
    let exchange = async {
        // Whoever hangs up before the end has said what it has to say.
        let _hung_up = writer.write_all(&frames.0).await;
        let mut received = Vec::new();
        while !streams.iter().all(|id| outcome.streams.get(id).is_some_and(|stream| stream.is_ended)) {
            if !reader.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
                outcome.is_closed = true;
                break;
            }
            while let Some((length, kind)) = take(&mut outcome, &received) {
                received.drain(..length);
                if kind == SETTINGS {
                    let mut ack = Frames(Vec::new());
                    ack.push(SETTINGS, ACK, 0, &[]);
                    let _hung_up = writer.write_all(&ack.0).await;
                }
            }
        }
    };
    let _silent = tokio::time::timeout(patience, exchange).await;
    outcome
}

/// Reads a frame; how long it is, and its kind if it wants an answer.
fn take(outcome: &mut Outcome, bytes: &[u8]) -> Option<(usize, u8)> {
    let (head, rest) = bytes.split_at_checked(9)?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let (kind, flags, id) = (head[3], head[4], u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]));
    let payload = rest.get(..length)?;
    outcome.is_spoken |= kind == SETTINGS && id == 0;
    let code = |at: usize| payload.get(at..at + 4).map_or(0, |code| u32::from_be_bytes([code[0], code[1], code[2], code[3]]));
    match kind {
        GOAWAY => outcome.goodbye = Some(code(4)),
        DATA | HEADERS | RST_STREAM => {
            let stream = outcome.streams.entry(id).or_default();
            match kind {
                RST_STREAM => (stream.reset, stream.is_ended) = (stream.reset.or(Some(code(0))), true),
                HEADERS => stream.status = status(payload).filter(|status| *status >= 200).or(stream.status),
                _ => {}
            }
            stream.is_ended |= kind != RST_STREAM && flags & END_STREAM != 0;
        }
        _ => {}
    }
    Some((9 + length, if flags & ACK != 0 { GOAWAY } else { kind }))
}

/// The status at the beginning of a field section: an entry of the static table, or a literal value with the name of one
/// (RFC 7541 Appendix A), in Huffman's code or without.
fn status(block: &[u8]) -> Option<u16> {
    let block = &block[block.iter().position(|byte| byte & 0xe0 != 0x20)?..];
    match block {
        [indexed @ 0x88..=0x8e, ..] => Some([200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)]),
        [0x08..=0x0e | 0x18..=0x1e | 0x48..=0x4e, 3, digits @ ..] => std::str::from_utf8(digits.get(..3)?).ok()?.parse().ok(),
        [0x08..=0x0e | 0x18..=0x1e | 0x48..=0x4e, length @ 0x80..=0xff, code @ ..] => digits(code.get(..usize::from(length & 0x7f))?),
        _ => None,
    }
}

/// Three digits in Huffman's code (RFC 7541 Appendix B): 0 to 2 have five bits, 3 to 9 have six.
fn digits(code: &[u8]) -> Option<u16> {
    let mut bits = code.iter().flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1)));
    (0..3).try_fold(0, |number, _| {
        let five = (0..5).try_fold(0, |value, _| Some(value << 1 | bits.next()?))?;
        let digit = if five <= 2 { five } else { (five << 1 | bits.next()?).checked_sub(0b01_1001)? + 3 };
        Some(number * 10 + digit)
    })
}
