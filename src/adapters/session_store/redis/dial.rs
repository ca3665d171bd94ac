//! One connection to one node, in the clear or over TLS. Connecting is ours and not the client library's, because only so do
//! we know at once when a connection has ended: a question that was never sent can be told from one that may have been.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisResult, cmd};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

use super::Unusable;
use super::line::ANSWER;
use crate::adapters::trust_roots;
use crate::protocol::store_address::{RedisAddress, Transport};

/// So many questions wait in front of a connection before those who ask have to.
const QUEUE: usize = 1024;

/// Makes connections.
#[derive(Clone)]
pub(super) struct Dial {
    tls: Option<TlsConnector>,
    /// Who we are to a node that keeps records.
    pub(super) credentials: RedisConnectionInfo,
}

/// A connection to one node. Clones share it; it ends with the last of them.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) connection: MultiplexedConnection,
    driver: Arc<Driver>,
}

/// The task that reads and writes.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Dial {
    pub(super) fn new(address: &RedisAddress) -> Result<Self, Unusable> {
        let tls = match &address.transport {
            Transport::Plain => None,
            Transport::Tls { ca_pem } => Some(connector(ca_pem.as_deref())?),
        };
        let mut credentials = RedisConnectionInfo::default().set_db(address.database.into()).set_skip_set_lib_name();
        if let Some(name) = &address.username {
            credentials = credentials.set_username(name);
        }
        if let Some(password) = &address.password {
            credentials = credentials.set_password(password.expose());
        }
        Ok(Self { tls, credentials })
    }

    /// Connects and says who we are. No time limit of its own.
    pub(super) async fn link(&self, host: &str, port: u16, credentials: &RedisConnectionInfo) -> RedisResult<Link> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        // A peer that has vanished without a word is found out while nobody asks anything, too.
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5)).with_retries(3);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        match &self.tls {
            None => greet(stream, credentials).await,
            Some(connector) => {
                let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
                greet(connector.connect(name, stream).await?, credentials).await
            }
        }
    }
}

impl Link {
    /// Whether it has not ended.
    pub(super) fn is_up(&self) -> bool {
        !self.driver.0.is_finished()
    }
}

async fn greet<S>(stream: S, credentials: &RedisConnectionInfo) -> RedisResult<Link>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER)).set_pipeline_buffer_size(QUEUE);
    let (mut connection, driver) = MultiplexedConnection::new_with_config(credentials, stream, config).await?;
    let driver = Arc::new(Driver(tokio::spawn(driver).abort_handle()));
    // A process that hangs takes connections all the same, and one that is still reading its files answers nothing else.
    cmd("PING").exec_async(&mut connection).await?;
    Ok(Link { connection, driver })
}

fn connector(ca_pem: Option<&[u8]>) -> Result<TlsConnector, Unusable> {
    let system = trust_roots::of_the_system();
    let roots = ca_pem.map_or_else(|| Ok(Arc::clone(&system)), |pem| trust_roots::with(&system, pem))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(versions.with_root_certificates(roots).with_no_client_auth()).into())
}
