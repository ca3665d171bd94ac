//! Moments as text. All of them are UTC.

use chrono::{DateTime, Utc};

use crate::domain::time::Timestamp;

/// `2026-11-22T21:17:18Z` (RFC 3339)
pub(super) fn precise(at: Timestamp) -> String {
    moment(at).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-22 21:17:18 UTC`
pub(super) fn readable(at: Timestamp) -> String {
    moment(at).format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `11-22 21:17:18`
pub(super) fn shortly(at: Timestamp) -> String {
    moment(at).format("%m-%d %H:%M:%S").to_string()
}

fn moment(at: Timestamp) -> DateTime<Utc> {
    i64::try_from(at.unix_seconds()).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default()
}
