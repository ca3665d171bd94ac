//! A record's two ciphertexts in one allocation without slack: memory holds a hundred thousand of them.

use crate::flow::ports::Stored;

/// The length of the summary, then the summary, then the sealed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed(Box<[u8]>);

const LENGTH: usize = size_of::<u32>();

impl Packed {
    pub(super) fn new(record: &Stored) -> Self {
        let summary_length = u32::try_from(record.summary.len()).expect("a summary is some hundred bytes");
        let mut bytes = Vec::with_capacity(LENGTH + record.summary.len() + record.sealed.len());
        bytes.extend_from_slice(&summary_length.to_le_bytes());
        bytes.extend_from_slice(record.summary.as_bytes());
        bytes.extend_from_slice(&record.sealed);
        Self(bytes.into())
    }

    /// The summary and the sealed record.
    pub(super) fn parts(&self) -> (&str, &[u8]) {
        split(&self.0).expect("written by `new`")
    }
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    let (summary, sealed) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((std::str::from_utf8(summary).ok()?, sealed))
}
