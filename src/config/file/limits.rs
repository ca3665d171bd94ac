//! `[limits]`: how much of everything clients get.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::Reader;
use super::setting::{Located, Setting};
use super::{forms, section};
use crate::config::problem::{Code, Problem};

/// The table.
#[derive(Debug, Default)]
pub(crate) struct LimitsSection {
    pub(crate) connections: Setting<usize>,
    pub(crate) connections_per_client: Setting<usize>,
    pub(crate) head_timeout: Setting<Duration>,
    pub(crate) keep_alive: Setting<Duration>,
    pub(crate) write_stall: Setting<Duration>,
    pub(crate) shutdown: Setting<Duration>,
    pub(crate) http2_streams: Setting<u32>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> LimitsSection {
    section(reader.table("limits", "[limits]", |reader| LimitsSection {
        connections: count(reader, "connections", 1..=10_000_000),
        connections_per_client: count(reader, "connections_per_client", 1..=10_000_000),
        head_timeout: reader.parsed("head_timeout", forms::duration),
        keep_alive: reader.parsed("keep_alive", forms::duration),
        write_stall: reader.parsed("write_stall", forms::duration),
        shutdown: reader.parsed("shutdown", forms::duration),
        http2_streams: count(reader, "http2_streams", 1..=10_000),
    }))
}

/// A whole number of these.
fn count<N>(reader: &mut Reader<'_, '_>, key: &'static str, range: RangeInclusive<N>) -> Setting<N>
where
    N: TryFrom<i64> + PartialOrd + Display,
{
    match reader.integer(key) {
        Setting::Absent => Setting::Absent,
        Setting::Broken => Setting::Broken,
        Setting::Given(Located { value, at, key: key_at }) => match N::try_from(value).ok().filter(|value| range.contains(value)) {
            Some(value) => Setting::Given(Located { value, at, key: key_at }),
            None => {
                let title = format!("invalid value for `{key}` in {}", reader.place());
                let expected = format!("expected a number from {} to {}", range.start(), range.end());
                reader.findings().report(Problem::new(Code::Malformed, at, title).label(expected));
                Setting::Broken
            }
        },
    }
}
