//! Sessions in Redis, for any number of processes: what each promise of the port is made of there. What the keys are
//! called is in `keys`, what must happen in one step in `scripts`, how questions get there in `line`, and how lists are
//! told in `list`.
//!
//! Redis replicates behind the acknowledgement. What it acknowledged in the last moments before a primary dies may be
//! missing at the next: a sign-in that has to be repeated, a sign-out that has to be. Nothing here can mend that.

mod cluster;
mod dial;
mod keys;
mod line;
mod list;
mod scripts;
mod sentinel;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::{FromRedisValue, Value, cmd, from_redis_value};

use crate::adapters::trust_roots::BadRoots;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Before, Claim, Clock, Cursor, Holder, Inserted, Listed, Read, Replaced, SessionStore, StoreFailed, Stored};
use crate::flow::revocations::MOST_ENTRIES;
use crate::protocol::session_record::Handle;
use crate::protocol::store_address::RedisAddress;
use line::{Ask, Line, Put};
use scripts::Scripts;

/// A record that is written is there for this long at least, whatever the clocks say.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

/// So many entries of the list of revocations are read at once.
const ENTRIES_AT_ONCE: usize = 5_000;

/// The store.
pub struct RedisStore {
    line: Arc<Line>,
    scripts: Scripts,
    clock: Arc<dyn Clock>,
}

/// Why this Redis can never be used. One that is merely down is no reason.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The extra trust roots.
    #[error("store_ca_file: {0}")]
    Roots(#[from] BadRoots),
    /// No TLS.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The nodes of a cluster.
    #[error("{0}")]
    Nodes(#[from] redis::RedisError),
}

impl RedisStore {
    /// Begins to connect, in the background. To be called in a runtime that outlives the store's users.
    ///
    /// # Errors
    /// [`Unusable`]
    pub fn connect(address: &RedisAddress, clock: Arc<dyn Clock>) -> Result<Self, Unusable> {
        Ok(Self { line: Line::open(address)?, scripts: Scripts::default(), clock })
    }

    /// So long from now, in milliseconds.
    fn life(&self, until: Timestamp) -> u64 {
        millis(until.since(self.clock.now()).max(SHORTEST_LIFE))
    }

    /// Replaces a record by one of the two scripts that do.
    async fn put(&self, mut script: redis::ScriptInvocation<'_>, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        script.arg(known).arg(record.version).arg(record.expires_at.unix_seconds());
        script.arg(&*record.summary).arg(&*record.sealed).arg(self.life(record.expires_at));
        let answer: String = typed(self.line.ask(&Ask::write(Put::Script(&script))).await?)?;
        match answer.as_str() {
            "done" => Ok(Replaced::Done),
            "outdated" => Ok(Replaced::Outdated),
            "gone" => Ok(Replaced::Gone),
            _ => Err(unexpected()),
        }
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        let mut record = cmd("HMGET");
        record.arg(keys::record(handle)).arg(&["version", "until", "summary", "sealed"]);
        let mut version = cmd("GET");
        version.arg(keys::REVOCATIONS_VERSION);
        // In this order: the list of revocations is told as of then or later, never as of earlier. In a cluster, whose nodes
        // know nothing of each other, both are asked at once: as of some moment after this request began.
        let answer = self.line.ask(&Ask::read(Put::All(&[record, version]))).await?;
        let (fields, version): (Value, Option<u64>) = typed(answer)?;
        let record = match typed(fields)? {
            (Some(version), Some(until), Some(summary), Some(sealed)) => Some(stored(version, until, summary, sealed)),
            (None::<u64>, None::<u64>, None::<String>, None::<Vec<u8>>) => None,
            _ => return Err(unexpected()),
        };
        let now = self.clock.now();
        Ok(Read { record: record.filter(|record| record.expires_at > now), revocations: version.unwrap_or(0) })
    }

    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        let mut script = self.scripts.insert.key(keys::record(handle));
        script.key(keys::lease(handle)).arg(record.version).arg(record.expires_at.unix_seconds());
        script.arg(&*record.summary).arg(&*record.sealed).arg(self.life(record.expires_at));
        let answer: String = typed(self.line.ask(&Ask::write(Put::Script(&script))).await?)?;
        match answer.as_str() {
            "done" => Ok(Inserted::Done),
            "taken" => Ok(Inserted::Taken),
            _ => Err(unexpected()),
        }
    }

    async fn replace(&self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.put(self.scripts.replace.key(keys::record(handle)), known, record).await
    }

    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        let mut remove = cmd("DEL");
        remove.arg(keys::record(handle)).arg(keys::lease(handle));
        self.line.ask(&Ask::write(Put::One(&remove))).await.map(drop)
    }

    async fn claim(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<Claim, StoreFailed> {
        let mut script = self.scripts.claim.key(keys::record(handle));
        script.key(keys::lease(handle)).arg(name(holder)).arg(millis(lease));
        let answer: String = typed(self.line.ask(&Ask::write(Put::Script(&script))).await?)?;
        match answer.as_str() {
            "settled" => Ok(Claim::Ours(Before::Settled)),
            "abandoned" => Ok(Claim::Ours(Before::Abandoned)),
            "taken" => Ok(Claim::Taken),
            "gone" => Ok(Claim::Gone),
            _ => Err(unexpected()),
        }
    }

    async fn prolong(&self, handle: Handle, holder: Holder, lease: Duration) -> Result<bool, StoreFailed> {
        let mut script = self.scripts.prolong.key(keys::lease(handle));
        script.arg(name(holder)).arg(millis(lease));
        typed(self.line.ask(&Ask::write(Put::Script(&script))).await?)
    }

    async fn settle(&self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        let mut script = self.scripts.settle.key(keys::record(handle));
        script.key(keys::lease(handle)).arg(name(holder));
        self.put(script, known, record).await
    }

    async fn release(&self, handle: Handle, holder: Holder) -> Result<(), StoreFailed> {
        let mut script = self.scripts.release.key(keys::record(handle));
        script.key(keys::lease(handle)).arg(name(holder));
        self.line.ask(&Ask::write(Put::Script(&script))).await.map(drop)
    }

    async fn revoke(&self, entry: &str, until: Timestamp) -> Result<u64, StoreFailed> {
        let mut script = self.scripts.revoke.key(keys::REVOCATIONS);
        script.key(keys::REVOCATIONS_VERSION).key(keys::REVOCATIONS_BY_VERSION).arg(entry).arg(until.unix_seconds());
        script.arg(self.clock.now().unix_seconds()).arg(MOST_ENTRIES);
        let version: Option<u64> = typed(self.line.ask(&Ask::write(Put::Script(&script))).await?)?;
        version.ok_or_else(|| StoreFailed::NotDone("the list of revocations in Redis is full".into()))
    }

    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        // First, so that the list is never older than the version says.
        let mut version = cmd("GET");
        version.arg(keys::REVOCATIONS_VERSION);
        let version: Option<u64> = typed(self.line.ask(&Ask::read(Put::One(&version))).await?)?;
        let now = self.clock.now().unix_seconds();
        let mut entries = Vec::new();
        let (mut known, mut looked_at) = (after, ENTRIES_AT_ONCE);
        while looked_at == ENTRIES_AT_ONCE && entries.len() < MOST_ENTRIES {
            let mut page = self.scripts.revoked.key(keys::REVOCATIONS);
            page.key(keys::REVOCATIONS_BY_VERSION).arg(known).arg(now).arg(ENTRIES_AT_ONCE);
            let found;
            (looked_at, known, found) = typed::<(usize, u64, Vec<String>)>(self.line.ask(&Ask::read(Put::Script(&page))).await?)?;
            entries.extend(found);
        }
        Ok((version.unwrap_or(0), entries))
    }

    async fn list(&self, from: Option<Cursor>) -> Result<Listed, StoreFailed> {
        list::page(&self.line, from).await
    }
}

fn stored(version: u64, until: u64, summary: String, sealed: Vec<u8>) -> Stored {
    Stored { version, expires_at: Timestamp::from_unix_seconds(until), summary: summary.into(), sealed: sealed.into() }
}

fn name(holder: Holder) -> String {
    format!("{:032x}", holder.0)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What Redis answered, as what it should be.
fn typed<T: FromRedisValue>(value: Value) -> Result<T, StoreFailed> {
    from_redis_value(value).map_err(|_| unexpected())
}

fn unexpected() -> StoreFailed {
    StoreFailed::Unknown("Redis gave an answer that makes no sense: is something else writing to these keys?".into())
}

#[cfg(test)]
mod tests;
