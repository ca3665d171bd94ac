//! Where sessions are kept, as the configuration says it. Nothing is connected here.

use std::path::PathBuf;

use super::secret::Secret;

/// `session.store`
#[derive(Debug, Clone, Default)]
pub enum StoreAddress {
    /// In the browser's cookies: nothing is shared, nothing can be lost.
    #[default]
    Cookie,
    /// In this process: gone when it ends.
    Memory,
    /// In a file below this folder, for one process.
    File(PathBuf),
    /// In Redis, for any number of processes.
    Redis(RedisAddress),
}

/// A Redis, or several that are one.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    /// Host and port of each node that is known from the start. Never empty.
    pub nodes: Vec<(String, u16)>,
    /// How they belong together.
    pub topology: Topology,
    /// Whether the connections are encrypted.
    pub transport: Transport,
    /// The number of the database; a cluster has only 0.
    pub database: u8,
    /// Who we are there (Redis 6 and later).
    pub username: Option<String>,
    /// How we prove it.
    pub password: Option<Secret<String>>,
}

/// How the nodes of a Redis belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// There is one.
    Single,
    /// The nodes are sentinels, which know the primary of this name.
    Sentinel {
        /// The name that the sentinels monitor.
        primary: String,
    },
    /// The nodes are some of a cluster, and know the others.
    Cluster,
}

/// Whether connections to Redis are encrypted.
#[derive(Debug, Clone)]
pub enum Transport {
    /// `redis://`
    Plain,
    /// `rediss://`, trusting the system's roots and these, in PEM.
    Tls {
        /// `store_ca_file`
        ca_pem: Option<Vec<u8>>,
    },
}
