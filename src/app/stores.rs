//! From what the configuration says to where sessions are kept.

use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::session_store::redis::RedisStore;
use crate::flow::ports::SessionStore;
use crate::protocol::store_address::StoreAddress;

/// The session store cannot be used at all. One that is merely down is no reason not to start.
#[derive(Debug, thiserror::Error)]
#[error("[session] store: {0}")]
pub struct StoreError(String);

/// Opens the store; `None`: sessions are kept in cookies.
pub(super) fn open(address: &StoreAddress) -> Result<Option<Arc<dyn SessionStore>>, StoreError> {
    match address {
        StoreAddress::Cookie => Ok(None),
        StoreAddress::Memory => Err(StoreError("memory is not there".into())),
        StoreAddress::File(_) => Err(StoreError("file is not there".into())),
        StoreAddress::Redis(address) => match RedisStore::connect(address, Arc::new(SystemClock)) {
            Ok(store) => Ok(Some(Arc::new(store))),
            Err(error) => Err(StoreError(error.to_string())),
        },
    }
}
