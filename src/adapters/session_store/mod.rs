//! Where sessions are kept when browsers do not carry them: [`memory`] (gone with the process), [`file`] (survives it),
//! both for one process; and [`redis`], for any number. All a store sees is ciphertext; what is in it is
//! `protocol::session_record`'s business.
//!
//! What every store must do, whatever it is made of, is said once, in `conformance`.

mod leases;
mod packed;

pub mod file;
pub mod memory;
pub mod redis;
pub mod time;

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
mod properties;

use crate::flow::ports::{Cursor, StoreFailed};
use crate::protocol::session_record::Handle;

/// How many records a list tells at once.
const PAGE: usize = 256;

/// The cursor that goes on behind this record.
fn behind(handle: Handle) -> Cursor {
    Cursor(handle.to_hex())
}

/// The record that a cursor goes on behind. Cursors come back from outside.
fn position(cursor: &Cursor) -> Result<Handle, StoreFailed> {
    let is_hex = cursor.0.len() == 32 && cursor.0.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = is_hex.then(|| u128::from_str_radix(&cursor.0, 16).ok()).flatten();
    value.map(|value| Handle(value.to_be_bytes())).ok_or_else(|| StoreFailed::NotDone("this is not a place in its list".into()))
}
