//! HTTP/2 frame by frame: what no library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::PREFACE;

/// A connection whose frames are written by hand.
pub(super) struct Raw {
    pub(super) stream: TcpStream,
}

/// A frame that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field section without compression (RFC 7541 §6.2.2); nothing longer than 126 bytes.
pub(super) fn fields(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let text = |text: &[u8]| [&[u8::try_from(text.len()).expect("short")], text].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name.as_bytes()), text(value)].concat()).collect()
}

impl Raw {
    pub(super) async fn open(mut stream: TcpStream) -> Self {
        stream.write_all(&[PREFACE, &frame(4, 0, 0, b"")].concat()).await.expect("a connection");
        Self { stream }
    }

    /// A server that hangs up while it is written to has answered.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    pub(super) async fn headers(&mut self, stream: u32, section: &[u8]) {
        self.send(&frame(1, 5, stream, section)).await;
    }

    /// The next frame; `None` when the connection has ended.
    pub(super) async fn next(&mut self) -> Option<Came> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let [high, middle, low, kind, _, a, b, c, d] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Came { kind, stream: u32::from_be_bytes([a, b, c, d]), payload })
    }

    /// The next frame of this kind.
    pub(super) async fn next_of(&mut self, kind: u8) -> Option<Came> {
        loop {
            let came = self.next().await?;
            if came.kind == kind {
                return Some(came);
            }
        }
    }

    /// The error code of GOAWAY if one comes before the end, and that the end comes.
    pub(super) async fn end(&mut self) -> Option<u32> {
        let mut code = None;
        let ends = async {
            while let Some(came) = self.next().await {
                if came.kind == 7 {
                    code = Some(u32::from_be_bytes([came.payload[4], came.payload[5], came.payload[6], came.payload[7]]));
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ends).await.expect("an end");
        code
    }
}
