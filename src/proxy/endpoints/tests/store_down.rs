//! A session store that fails at everything.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::time::Timestamp;
use crate::flow::ports::{Claim, Cursor, Holder, Listed, Read, Replaced, SessionStore, StoreFailed, Stored};
use crate::protocol::session_record::Handle;

/// It.
pub(in crate::proxy::endpoints) struct Down;

fn down<T>() -> Result<T, StoreFailed> {
    Err(StoreFailed::NotDone("down".into()))
}

#[async_trait]
impl SessionStore for Down {
    async fn read(&self, _: Handle) -> Result<Read, StoreFailed> {
        down()
    }

    async fn insert(&self, _: Handle, _: &Stored) -> Result<(), StoreFailed> {
        down()
    }

    async fn replace(&self, _: Handle, _: u64, _: &Stored) -> Result<Replaced, StoreFailed> {
        down()
    }

    async fn remove(&self, _: Handle) -> Result<(), StoreFailed> {
        down()
    }

    async fn claim(&self, _: Handle, _: Holder, _: Duration) -> Result<Claim, StoreFailed> {
        down()
    }

    async fn prolong(&self, _: Handle, _: Holder, _: Duration) -> Result<bool, StoreFailed> {
        down()
    }

    async fn settle(&self, _: Handle, _: Holder, _: u64, _: &Stored) -> Result<Replaced, StoreFailed> {
        down()
    }

    async fn release(&self, _: Handle, _: Holder) -> Result<(), StoreFailed> {
        down()
    }

    async fn revoke(&self, _: &str, _: Timestamp) -> Result<u64, StoreFailed> {
        down()
    }

    async fn revocations(&self) -> Result<(u64, Vec<String>), StoreFailed> {
        down()
    }

    async fn list(&self, _: Option<Cursor>) -> Result<Listed, StoreFailed> {
        down()
    }
}
