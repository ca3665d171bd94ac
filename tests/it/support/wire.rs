//! Both ends of HTTP/1, byte for byte: a client that sends what it likes, and an app that is told what to do step by step.
//! Whatever does not come at all is given up after half a minute.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(30);

/// One end of a connection.
pub struct Wire {
    stream: TcpStream,
    /// Read, and not asked for yet.
    kept: Vec<u8>,
}

impl Wire {
    pub async fn connect(port: u16) -> Self {
        Self::new(TcpStream::connect(("127.0.0.1", port)).await.expect("a listening port"))
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket of ours");
        Self { stream, kept: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("a connection that takes what is sent");
    }

    /// Sends, if the other side still takes it.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Sends as much as the other side takes now, but something; gives how much that was.
    pub async fn send_some(&mut self, bytes: &[u8]) -> usize {
        self.stream.write(bytes).await.expect("a connection that takes what is sent")
    }

    /// Whether so much has come that nobody has read.
    pub async fn has_unread(&self, count: usize) -> bool {
        let mut unread = vec![0; count];
        let read = tokio::time::timeout(PATIENCE, self.stream.peek(&mut unread)).await;
        read.is_ok_and(|read| read.is_ok_and(|read| read == count))
    }

    /// Says that there is nothing more to come.
    pub async fn end_sending(&mut self) {
        self.stream.shutdown().await.expect("an open connection");
    }

    /// Up to the empty line, which is a part of it.
    pub async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Up to this text, which is a part of it.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.kept.windows(text.len()).position(|window| window == text.as_bytes()) {
                return String::from_utf8_lossy(&self.kept.drain(..at + text.len()).collect::<Vec<_>>()).into_owned();
            }
            assert!(self.more().await, "the connection ended before {text:?}: {:?}", String::from_utf8_lossy(&self.kept));
        }
    }

    /// So many bytes.
    pub async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.kept.len() < count {
            assert!(self.more().await, "the connection ended after {} of {count} bytes", self.kept.len());
        }
        self.kept.drain(..count).collect()
    }

    /// One chunk of a body; empty for the last one, behind which trailers and an empty line come.
    pub async fn chunk(&mut self) -> Vec<u8> {
        let line = self.until("\r\n").await;
        let size = usize::from_str_radix(line.trim_end(), 16).expect("a size");
        let chunk = self.take(size).await;
        if size > 0 {
            assert_eq!(self.take(2).await, b"\r\n");
        }
        chunk
    }

    /// Everything up to the end, however it ends.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.kept)
    }

    async fn more(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.kept)).await;
        read.expect("something within half a minute").is_ok_and(|read| read > 0)
    }
}

/// An app that is told what to do.
pub struct App {
    listener: TcpListener,
    pub port: u16,
}

impl App {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        Self { listener, port }
    }

    /// The next connection.
    pub async fn accept(&self) -> Wire {
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        Wire::new(accepted.expect("a connection within half a minute").expect("a connection").0)
    }

    /// Whether somebody has connected that nobody accepted yet.
    pub async fn is_asked(&self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.listener.accept()).await.is_ok()
    }
}
