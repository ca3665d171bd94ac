//! From what the configuration says to where sessions are kept.

use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::session_store::file::{FileStore, OpenError};
use crate::adapters::session_store::memory::MemoryStore;
use crate::adapters::session_store::redis::{RedisStore, Unusable};
use crate::adapters::session_store::time::{MachineTime, Time};
use crate::flow::ports::SessionStore;
use crate::protocol::store_address::StoreAddress;

/// The session store cannot be used at all. One that is merely down is no reason not to start.
#[derive(Debug, thiserror::Error)]
#[error("[session] store: {0}")]
pub struct StoreError(String);

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        Self(error.to_string())
    }
}

impl From<Unusable> for StoreError {
    fn from(error: Unusable) -> Self {
        Self(error.to_string())
    }
}

/// Opens the store; `None`: sessions are kept in cookies. Called on the runtime that tasks of the store are to run on.
pub(super) fn open(address: &StoreAddress) -> Result<Option<Arc<dyn SessionStore>>, StoreError> {
    match address {
        StoreAddress::Cookie => Ok(None),
        StoreAddress::Memory => Ok(Some(MemoryStore::start(time()))),
        StoreAddress::File(folder) => Ok(Some(Arc::new(FileStore::open(folder, time())?))),
        StoreAddress::Redis(address) => Ok(Some(Arc::new(RedisStore::connect(address, Arc::new(SystemClock))?))),
    }
}

fn time() -> Arc<dyn Time> {
    Arc::new(MachineTime::default())
}
