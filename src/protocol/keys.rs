//! Signing keys (RFC 7517), each with the issuer it may sign for.

/// A provider's signing keys.
#[derive(Debug)]
pub struct KeySet {}
