//! Where sessions are kept when browsers do not carry them. All a store sees is ciphertext; what is in it is
//! `protocol::session_record`'s business.

pub mod redis;
pub mod time;

#[cfg(test)]
pub(crate) mod conformance;
