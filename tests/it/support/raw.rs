//! HTTP byte for byte: what no well-behaved client would send.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends these bytes and reads to the end. Ask for `connection: close`.
pub async fn exchange(port: u16, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a listening port");
    stream.write_all(request).await.expect("a connection that takes a request");
    let mut answer = Vec::new();
    // A peer that resets after its answer has answered.
    let _reset = stream.read_to_end(&mut answer).await;
    Answer(String::from_utf8_lossy(&answer).into_owned())
}

/// A GET of a target, spelled exactly so.
pub async fn get(port: u16, host: &str, target: &str, headers: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
    exchange(port, request.as_bytes()).await
}

/// The whole answer.
#[derive(Debug)]
pub struct Answer(pub String);

impl Answer {
    /// 0, if there was none.
    pub fn status(&self) -> u16 {
        self.0.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
    }
}
