//! Where requests come in: socket files, sockets that a service manager opened, TLS, balancers with the PROXY protocol; and
//! what many or slow clients can take from others.

mod crowds;
mod proxy_protocol;
mod sockets;
mod tls;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::support::proxy::{CLIENT_ID, configured};
use crate::support::raw::Answer;
use crate::support::upstream::Upstream;

/// A configuration whose one route is open to everybody: keys above the first table, and tables.
fn config(scheme: &str, port: u16, app: &Upstream, above: &str, tables: &str) -> String {
    let upstream = app.origin();
    format!(
        "version = 1\npublic_url = \"{scheme}://localhost:{port}\"\n{above}\n[client]\nid = \"{CLIENT_ID}\"\nsecret_file = \"client-secret\"\n\
         {tables}\n[[routes]]\nauth = \"none\"\nupstream = \"{upstream}\"\n"
    )
}

/// A directory with such a configuration, which listens on the port as well.
fn on_port(scheme: &str, port: u16, app: &Upstream, above: &str, tables: &str) -> TempDir {
    configured(&config(scheme, port, app, &format!("listen = \"127.0.0.1:{port}\"\n{above}"), tables))
}

/// A request of somebody who claims to speak for a client.
fn request(port: u16) -> String {
    format!("GET /here HTTP/1.1\r\nhost: localhost:{port}\r\nx-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n")
}

/// Sends these bytes and reads to the end, whatever the end is like.
async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Answer {
    let _closed_already = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    Answer(String::from_utf8_lossy(&answer).into_owned())
}
