//! From what the configuration says to where sessions are kept.

use std::sync::Arc;

use crate::adapters::session_store::memory::MemoryStore;
use crate::adapters::session_store::time::MachineTime;
use crate::flow::ports::SessionStore;
use crate::protocol::store_address::StoreAddress;

/// The session store cannot be used at all. One that is merely down is no reason not to start.
#[derive(Debug, thiserror::Error)]
#[error("[session] store: {0}")]
pub struct StoreError(String);

/// Opens the store; `None`: sessions are kept in cookies. Called on the runtime that tasks of the store are to run on.
pub(super) fn open(address: &StoreAddress) -> Result<Option<Arc<dyn SessionStore>>, StoreError> {
    match address {
        StoreAddress::Cookie => Ok(None),
        StoreAddress::Memory => Ok(Some(MemoryStore::start(Arc::new(MachineTime::default())))),
        StoreAddress::File(_) => Err(StoreError("file is not there".into())),
        StoreAddress::Redis(_) => Err(StoreError("redis is not there".into())),
    }
}
