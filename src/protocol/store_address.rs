//! Where sessions are kept, as the configuration says it. Nothing is connected here.

use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Host;

use super::secret::Secret;

/// `session.store`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// `redis://`
    Plain,
    /// `rediss://`, trusting the system's roots and these, in PEM.
    Tls {
        /// `store_ca_file`
        ca_pem: Option<Vec<u8>>,
    },
}

/// Why a text names no place for sessions. No message repeats what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Nothing that is known.
    #[error("expected \"cookie\", \"memory\", \"file:/var/lib/homerealm\", or a URL like \"redis://redis.internal:6379/0\"")]
    Kind,
    /// `file:` alone.
    #[error("expected the folder behind file:, like \"file:/var/lib/homerealm\"")]
    NoFolder,
    /// `file://`
    #[error("a folder is no URL: write it right behind file:, like \"file:/var/lib/homerealm\"")]
    FolderAsUrl,
    /// `file:~`
    #[error("nobody here expands a ~: write the whole path of the folder, like \"file:/var/lib/homerealm\"")]
    HomeFolder,
    /// A password in the URL.
    #[error("a URL here has no password: put it in a file of its own and name that with store_password_file")]
    Password,
    /// An `@` with nothing usable before it.
    #[error("expected a user name before the @, in percent-encoded visible characters")]
    User,
    /// No host, or an empty one in a list.
    #[error("expected a host, like \"redis://redis.internal:6379/0\"; several are separated by commas")]
    NoHost,
    /// A host that is none.
    #[error("a host in it is neither a name nor an address; an IPv6 address stands in brackets")]
    Host,
    /// Not a port.
    #[error("expected a port from 1 to 65535 behind the colon")]
    Port,
    /// Twice the same.
    #[error("a host stands in it twice")]
    Repeated,
    /// Too many.
    #[error("more than 16 hosts: a few are enough to find the others")]
    TooMany,
    /// Not the number of a database.
    #[error("expected the number of a database behind the slash, from 0 to 255")]
    Database,
    /// Clusters have one.
    #[error("a cluster has only database 0")]
    ClusterDatabase,
    /// Unknown, repeated, or without a good value.
    #[error("expected ?sentinel=NAME, where NAME is what the sentinels call the primary, or ?cluster=true, or nothing")]
    Parameter,
    /// Several nodes that are not one.
    #[error("several hosts are the sentinels of one Redis (?sentinel=NAME) or nodes of one cluster (?cluster=true): say which")]
    Several,
}

/// More nodes than these are not tried one after the other.
const MOST_NODES: usize = 16;
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl StoreAddress {
    /// Reads `session.store`. What has keys of its own (password, trust roots) is not in the text.
    ///
    /// # Errors
    /// [`BadAddress`]
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        match (text, text.split_once(':')) {
            ("cookie", _) => Ok(Self::Cookie),
            ("memory", _) => Ok(Self::Memory),
            (_, Some(("file", ""))) => Err(BadAddress::NoFolder),
            (_, Some(("file", path))) if path.starts_with("//") => Err(BadAddress::FolderAsUrl),
            (_, Some(("file", path))) if path.starts_with('~') => Err(BadAddress::HomeFolder),
            (_, Some(("file", path))) if !path.contains('\0') => Ok(Self::File(path.into())),
            (_, Some(("redis", rest))) => RedisAddress::parse(rest, Transport::Plain).map(Self::Redis),
            (_, Some(("rediss", rest))) => RedisAddress::parse(rest, Transport::Tls { ca_pem: None }).map(Self::Redis),
            (_, Some(_) | None) => Err(BadAddress::Kind),
        }
    }
}

impl StoreAddress {
    /// Whether this is another place, whatever the password for it is.
    #[must_use]
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Redis(this), Self::Redis(other)) => this.is_elsewhere(other),
            (Self::Cookie | Self::Memory | Self::File(_) | Self::Redis(_), _) => self != other,
        }
    }
}

impl RedisAddress {
    /// `//[user@]host[:port][,host[:port]…][/database][?sentinel=NAME|?cluster=true]`
    fn parse(rest: &str, transport: Transport) -> Result<Self, BadAddress> {
        let rest = rest.strip_prefix("//").ok_or(BadAddress::Kind)?;
        // Before anything else is looked at, so that a password with odd characters is told to be one.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => return Err(BadAddress::Password),
            Some((user, rest)) => (Some(username(user)?), rest),
            None => (None, rest),
        };
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let topology = topology(query)?;
        let default_port = if matches!(topology, Topology::Sentinel { .. }) { SENTINEL_PORT } else { REDIS_PORT };
        let nodes = nodes(hosts, default_port)?;
        let database = match database {
            "" => 0,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| BadAddress::Database)?,
            _ => return Err(BadAddress::Database),
        };
        match topology {
            Topology::Single if nodes.len() > 1 => Err(BadAddress::Several),
            Topology::Cluster if database != 0 => Err(BadAddress::ClusterDatabase),
            Topology::Single | Topology::Cluster | Topology::Sentinel { .. } => {
                Ok(Self { nodes, topology, transport, database, username: user, password: None })
            }
        }
    }

    /// Whether this is another place, whatever the password for it is.
    #[must_use]
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        let Self { nodes, topology, transport, database, username, password: _ } = self;
        (nodes, topology, transport, database, username)
            != (&other.nodes, &other.topology, &other.transport, &other.database, &other.username)
    }

    /// Whether every node that is known from the start is on this machine.
    #[must_use]
    pub fn is_on_loopback(&self) -> bool {
        let is_loopback = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.nodes.iter().all(|(host, _)| is_loopback(host))
    }
}

impl PartialEq for RedisAddress {
    fn eq(&self, other: &Self) -> bool {
        let same_password = match (&self.password, &other.password) {
            (Some(ours), Some(theirs)) => ours.matches(theirs.expose().as_bytes()),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        !self.is_elsewhere(other) && same_password
    }
}

impl Eq for RedisAddress {}

fn username(text: &str) -> Result<String, BadAddress> {
    // With one of these in it, it is no part of a URL that names a user (RFC 3986 §3.2.1): most likely a password.
    if text.contains(['/', '?', '#']) {
        return Err(BadAddress::User);
    }
    let name = percent_decode_str(text).decode_utf8().map_err(|_| BadAddress::User)?;
    let is_plain = !name.is_empty() && name.len() <= 256 && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_plain { Ok(name.into_owned()) } else { Err(BadAddress::User) }
}

fn topology(query: Option<&str>) -> Result<Topology, BadAddress> {
    match query.map(|query| query.split_once('=')) {
        None => Ok(Topology::Single),
        Some(Some(("cluster", "true"))) => Ok(Topology::Cluster),
        Some(Some(("sentinel", name))) => {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            let is_plain = !name.is_empty() && name.len() <= 256 && name.bytes().all(is_name);
            if is_plain { Ok(Topology::Sentinel { primary: name.to_owned() }) } else { Err(BadAddress::Parameter) }
        }
        Some(Some(_) | None) => Err(BadAddress::Parameter),
    }
}

fn nodes(text: &str, default_port: u16) -> Result<Vec<(String, u16)>, BadAddress> {
    let mut nodes = Vec::new();
    for written in text.split(',') {
        let node = node(written, default_port)?;
        if nodes.contains(&node) {
            return Err(BadAddress::Repeated);
        }
        if nodes.len() == MOST_NODES {
            return Err(BadAddress::TooMany);
        }
        nodes.push(node);
    }
    Ok(nodes)
}

fn node(text: &str, default_port: u16) -> Result<(String, u16), BadAddress> {
    // The colons of an IPv6 address are inside of its brackets.
    let behind_host = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match text[behind_host..].split_once(':') {
        Some((before, port)) => (&text[..behind_host + before.len()], Some(port)),
        None => (text, None),
    };
    if host.is_empty() {
        return Err(BadAddress::NoHost);
    }
    let host = match Host::parse(host).map_err(|_| BadAddress::Host)? {
        Host::Domain(name) => name,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten().filter(|port| *port != 0);
    let port = port.map_or(Some(default_port), number).ok_or(BadAddress::Port)?;
    Ok((host, port))
}

#[cfg(test)]
mod tests;
