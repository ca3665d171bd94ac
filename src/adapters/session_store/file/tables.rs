//! What is in the file, and what may be done to it within one transaction.

use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use redb::{ReadTransaction, ReadableTable as _, ReadableTableMetadata as _, Table, TableDefinition, WriteTransaction};

use super::super::leases::{Lease, Leases};
use super::super::{PAGE, behind};
use crate::domain::time::Timestamp;
use crate::flow::ports::{Claim, Holder, Inserted, Listed, Read, Replaced, StoreFailed, Stored};
use crate::flow::revocations::MOST_ENTRIES;
use crate::protocol::session_record::Handle;

/// So many sessions are kept. Nobody who is signed in makes room for somebody new.
pub const MOST_RECORDS: u64 = 2_000_000;

/// How many records are looked at in one go, when nobody knows how many of them have expired.
const STRIDE: usize = 2_000;

/// Version, when it expires, summary, sealed record.
type Row = (u64, u64, &'static [u8], &'static [u8]);

/// By handle.
const RECORDS: TableDefinition<'_, u128, Row> = TableDefinition::new("records");
/// The records that somebody has claimed and not settled.
const UNSETTLED: TableDefinition<'_, u128, ()> = TableDefinition::new("unsettled");
/// By version: until when, and the sealed entry.
const REVOCATIONS: TableDefinition<'_, u64, (u64, &[u8])> = TableDefinition::new("revocations");
/// How many revocations there ever were; they themselves are dropped.
const REVOKED: TableDefinition<'_, (), u64> = TableDefinition::new("revoked");

/// What goes wrong with a file. Boxed, because it is larger than most answers.
pub(super) type Fault = Box<redb::Error>;

/// A fault from whatever the database calls it.
pub(super) fn fault(error: impl Into<redb::Error>) -> Fault {
    Box::new(error.into())
}

/// A write transaction with its tables, and the claims of this process.
pub(super) struct Changes<'t> {
    records: Table<'t, u128, Row>,
    unsettled: Table<'t, u128, ()>,
    revocations: Table<'t, u64, (u64, &'static [u8])>,
    revoked: Table<'t, (), u64>,
    leases: &'t mut Leases,
    /// What leases were before, in case nothing comes of the transaction.
    undo: &'t mut Undo,
    now: Timestamp,
    elapsed: Duration,
}

/// The leases that a transaction has touched, as they were; the first one last.
#[derive(Debug, Default)]
pub(super) struct Undo(Vec<(Handle, Option<Lease>)>);

impl Undo {
    /// Puts everything back.
    pub(super) fn apply(self, leases: &mut Leases) {
        for (handle, lease) in self.0.into_iter().rev() {
            leases.restore(handle, lease);
        }
    }
}

impl<'t> Changes<'t> {
    /// Opens the tables, which makes them in a new file.
    pub(super) fn of(
        transaction: &'t WriteTransaction,
        leases: &'t mut Leases,
        undo: &'t mut Undo,
        (now, elapsed): (Timestamp, Duration),
    ) -> Result<Self, Fault> {
        Ok(Self {
            records: transaction.open_table(RECORDS).map_err(fault)?,
            unsettled: transaction.open_table(UNSETTLED).map_err(fault)?,
            revocations: transaction.open_table(REVOCATIONS).map_err(fault)?,
            revoked: transaction.open_table(REVOKED).map_err(fault)?,
            leases,
            undo,
            now,
            elapsed,
        })
    }

    pub(super) fn insert(&mut self, handle: Handle, record: &Stored) -> Result<Result<Inserted, StoreFailed>, Fault> {
        if self.live_version(handle)?.is_some() {
            return Ok(Ok(Inserted::Taken));
        }
        if self.records.len().map_err(fault)? >= MOST_RECORDS {
            return Ok(Err(StoreFailed::NotDone(format!("it holds {MOST_RECORDS} sessions, and takes no more"))));
        }
        self.put(handle, record.version, record).map(|()| Ok(Inserted::Done))
    }

    pub(super) fn replace(&mut self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, Fault> {
        match self.live_version(handle)? {
            None => Ok(Replaced::Gone),
            Some(version) if version != known => Ok(Replaced::Outdated),
            Some(_) => self.put(handle, record.version, record).map(|()| Replaced::Done),
        }
    }

    pub(super) fn remove(&mut self, handle: Handle) -> Result<(), Fault> {
        self.records.remove(key(handle)).map_err(fault)?;
        self.forget(handle)
    }

    pub(super) fn claim(&mut self, handle: Handle, holder: Holder, lease: Duration) -> Result<Claim, Fault> {
        if self.live_version(handle)?.is_none() {
            return Ok(Claim::Gone);
        }
        self.touch(handle);
        let claim = self.leases.claim(handle, holder, self.elapsed, self.elapsed + lease);
        if matches!(claim, Claim::Ours(_)) {
            self.unsettled.insert(key(handle), ()).map_err(fault)?;
        }
        Ok(claim)
    }

    pub(super) fn prolong(&mut self, handle: Handle, holder: Holder, lease: Duration) -> bool {
        self.touch(handle);
        self.leases.prolong(handle, holder, self.elapsed, self.elapsed + lease)
    }

    pub(super) fn settle(&mut self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, Fault> {
        let is_ours = self.leases.is_held_by(handle, holder);
        match self.live_version(handle)? {
            None => return Ok(Replaced::Gone),
            Some(version) if !is_ours && version != known => return Ok(Replaced::Outdated),
            // Above what was written meanwhile, or whoever wrote that would take the renewed record for its own.
            Some(version) => self.put(handle, record.version.max(version + 1), record)?,
        }
        if is_ours {
            self.forget(handle)?;
        }
        Ok(Replaced::Done)
    }

    pub(super) fn release(&mut self, handle: Handle, holder: Holder) -> Result<(), Fault> {
        self.touch(handle);
        self.leases.release(handle, holder);
        if self.leases.of(handle).is_none() {
            self.unsettled.remove(key(handle)).map_err(fault)?;
        }
        Ok(())
    }

    pub(super) fn revoke(&mut self, entry: &str, until: Timestamp) -> Result<Result<u64, StoreFailed>, Fault> {
        if self.revocations.len().map_err(fault)? >= MOST_ENTRIES as u64 {
            return Ok(Err(StoreFailed::NotDone(format!("it holds {MOST_ENTRIES} revocations, and takes no more"))));
        }
        let version = self.revoked.get(()).map_err(fault)?.map_or(0, |revoked| revoked.value()) + 1;
        self.revoked.insert((), version).map_err(fault)?;
        self.revocations.insert(version, (until.unix_seconds(), entry.as_bytes())).map_err(fault)?;
        Ok(Ok(version))
    }

    /// Clears out what has expired of the next records behind this one. Where to go on, unless that was the end: then
    /// revocations were looked through as well.
    pub(super) fn sweep(&mut self, from: Option<Handle>) -> Result<Option<Handle>, Fault> {
        let (mut expired, mut looked_at, mut last) = (Vec::new(), 0, None);
        for record in self.records.range((from.map_or(Unbounded, |handle| Excluded(key(handle))), Unbounded)).map_err(fault)?.take(STRIDE) {
            let (key, record) = record.map_err(fault)?;
            (looked_at, last) = (looked_at + 1, Some(handle(key.value())));
            if record.value().1 <= self.now.unix_seconds() {
                expired.extend(last);
            }
        }
        for handle in expired {
            self.remove(handle)?;
        }
        if looked_at == STRIDE {
            return Ok(last);
        }
        let now = self.now.unix_seconds();
        self.revocations.retain(|_, (until, _)| until > now).map_err(fault)?;
        Ok(None)
    }

    /// How many strides it takes to look at everything.
    pub(super) fn strides(&self) -> Result<u32, Fault> {
        let strides = self.records.len().map_err(fault)? / STRIDE as u64 + 1;
        Ok(u32::try_from(strides).unwrap_or(u32::MAX))
    }

    /// Takes up the traces of a process that is gone: whatever it had claimed is abandoned.
    pub(super) fn abandon_all(&mut self) -> Result<(), Fault> {
        for unsettled in self.unsettled.iter().map_err(fault)? {
            self.leases.abandon(handle(unsettled.map_err(fault)?.0.value()));
        }
        Ok(())
    }

    /// Records, claims of them, and revocations.
    #[cfg(test)]
    pub(super) fn count(&self) -> Result<(u64, u64, u64), Fault> {
        let lengths = (self.records.len(), self.unsettled.len(), self.revocations.len());
        Ok((lengths.0.map_err(fault)?, lengths.1.map_err(fault)?, lengths.2.map_err(fault)?))
    }

    fn put(&mut self, handle: Handle, version: u64, record: &Stored) -> Result<(), Fault> {
        let value = (version, record.expires_at.unix_seconds(), record.summary.as_bytes(), &*record.sealed);
        self.records.insert(key(handle), value).map(drop).map_err(fault)
    }

    fn live_version(&self, handle: Handle) -> Result<Option<u64>, Fault> {
        let record = self.records.get(key(handle)).map_err(fault)?;
        let (version, expires_at) = match &record {
            Some(record) => (record.value().0, record.value().1),
            None => return Ok(None),
        };
        Ok((expires_at > self.now.unix_seconds()).then_some(version))
    }

    fn forget(&mut self, handle: Handle) -> Result<(), Fault> {
        self.touch(handle);
        self.leases.forget(handle);
        self.unsettled.remove(key(handle)).map(drop).map_err(fault)
    }

    fn touch(&mut self, handle: Handle) {
        self.undo.0.push((handle, self.leases.of(handle)));
    }
}

pub(super) fn read(transaction: &ReadTransaction, handle: Handle, now: Timestamp) -> Result<Read, Fault> {
    let records = transaction.open_table(RECORDS).map_err(fault)?;
    let found = records.get(key(handle)).map_err(fault)?;
    let record = match found.as_ref().map(redb::AccessGuard::value) {
        Some((version, expires_at, summary, sealed)) if expires_at > now.unix_seconds() => Some(Stored {
            version,
            expires_at: Timestamp::from_unix_seconds(expires_at),
            summary: text(summary)?.into(),
            sealed: sealed.into(),
        }),
        Some(_) | None => None,
    };
    Ok(Read { record, revocations: revoked(transaction)? })
}

pub(super) fn revocations(transaction: &ReadTransaction, after: u64, now: Timestamp) -> Result<(u64, Vec<String>), Fault> {
    let mut entries = Vec::new();
    let table = transaction.open_table(REVOCATIONS).map_err(fault)?;
    for entry in table.range((Excluded(after), Unbounded)).map_err(fault)? {
        let (_, entry) = entry.map_err(fault)?;
        let (until, sealed) = entry.value();
        if until > now.unix_seconds() {
            entries.push(text(sealed)?.to_owned());
        }
    }
    Ok((revoked(transaction)?, entries))
}

pub(super) fn list(transaction: &ReadTransaction, from: Option<Handle>, now: Timestamp) -> Result<Listed, Fault> {
    let table = transaction.open_table(RECORDS).map_err(fault)?;
    let rest = table.range((from.map_or(Unbounded, |handle| Excluded(key(handle))), Unbounded)).map_err(fault)?;
    let (mut records, mut last) = (Vec::new(), None);
    for (looked_at, record) in rest.enumerate() {
        if records.len() == PAGE || looked_at == STRIDE {
            return Ok(Listed { records, next: last.map(behind) });
        }
        let (key, record) = record.map_err(fault)?;
        let (handle, (_, expires_at, summary, _)) = (handle(key.value()), record.value());
        last = Some(handle);
        if expires_at > now.unix_seconds() {
            records.push((handle, text(summary)?.into()));
        }
    }
    Ok(Listed { records, next: None })
}

fn revoked(transaction: &ReadTransaction) -> Result<u64, Fault> {
    let revoked = transaction.open_table(REVOKED).map_err(fault)?;
    Ok(revoked.get(()).map_err(fault)?.map_or(0, |revoked| revoked.value()))
}

const fn key(handle: Handle) -> u128 {
    u128::from_be_bytes(handle.0)
}

const fn handle(key: u128) -> Handle {
    Handle(key.to_be_bytes())
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| fault(redb::StorageError::Corrupted("a text that is none".into())))
}
