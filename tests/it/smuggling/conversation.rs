//! One raw connection: everything is sent at once, and the answers are told apart by nothing but RFC 9112 §6.3.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long nothing comes before the other side is taken to wait for more. Only cases that end in the middle of a
/// message take that long.
const QUIET: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Debug)]
pub struct Conversation {
    pub answers: Vec<Answer>,
    /// Bytes that are no answer.
    pub rest: Vec<u8>,
    /// Whether the other side closed by itself.
    pub is_closed: bool,
}

/// A final answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// What the upstream understood: method and target.
    pub understood: Option<String>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends these bytes and reads what comes back.
pub async fn converse(port: u16, bytes: &[u8]) -> Conversation {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a listening port");
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        // Whoever hangs up before the end has said what it has to say.
        let _hung_up = writer.write_all(bytes).await;
        writer
    };
    let read = async {
        let mut received = Vec::new();
        loop {
            match tokio::time::timeout(QUIET, reader.read_buf(&mut received)).await {
                Ok(Ok(0) | Err(_)) => return (received, true),
                Ok(Ok(_)) => {}
                Err(_) => return (received, false),
            }
        }
    };
    let (_writer, (received, is_closed)) = tokio::join!(write, read);
    let (answers, rest) = answers(&received);
    Conversation { answers, rest: rest.to_vec(), is_closed }
}

/// Sends these bytes to a server, says that there is nothing more, and waits until it has done with them.
pub async fn tell(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a listening port");
    let _hung_up = stream.write_all(bytes).await;
    let _hung_up = stream.shutdown().await;
    let _patience = tokio::time::timeout(5 * QUIET, stream.read_to_end(&mut Vec::new())).await;
}

fn answers(mut bytes: &[u8]) -> (Vec<Answer>, &[u8]) {
    let mut answers = Vec::new();
    while let Some((answer, rest)) = answer(bytes) {
        bytes = rest;
        // Interim answers only announce.
        if answer.status >= 200 {
            answers.push(answer);
        }
    }
    (answers, bytes)
}

fn answer(bytes: &[u8]) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "))?.get(..3)?.parse().ok()?;
    let field = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let understood = field("x-understood");
    let body = &bytes[end..];
    // The proxy's own answers do not tell to what: one to HEAD has the next answer, or nothing, where others have a body.
    let is_to_head = understood.as_deref().map_or(body.is_empty() || body.starts_with(b"HTTP/1."), |text| text.starts_with("HEAD "));
    let is_bare = status < 200 || matches!(status, 204 | 304) || is_to_head;
    let rest = if is_bare {
        body
    } else if let Some(length) = field("content-length") {
        body.get(length.parse().ok()?..)?
    } else if field("transfer-encoding").is_some() {
        behind_chunks(body)?
    } else {
        &[]
    };
    Some((Answer { status, understood }, rest))
}

fn behind_chunks(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let line = bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).ok()?, 16).ok()?;
        bytes = bytes.get(line + 2 + size + 2..)?;
        if size == 0 {
            return Some(bytes);
        }
    }
}
