//! `[session]`.

use std::time::Duration;

use super::not_before::{self, NotBeforeSection};
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use super::{forms, section};
use crate::config::problem::Code;

/// The section.
#[derive(Debug, Default)]
pub(crate) struct SessionSection {
    pub(crate) key_files: Setting<Vec<Located<String>>>,
    pub(crate) idle: Setting<Duration>,
    pub(crate) max: Setting<Duration>,
    pub(crate) not_before: Setting<Vec<NotBeforeSection>>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> SessionSection {
    section(reader.table("session", "[session]", |reader| {
        reader.parsed("store", store);
        SessionSection {
            key_files: reader.one_or_more("key_files", forms::path),
            idle: reader.parsed("idle", forms::seconds),
            max: reader.parsed("max", forms::seconds),
            not_before: reader.tables("not_before", not_before::read),
        }
    }))
}

fn store(text: &str) -> Result<(), Refusal> {
    let (kind, _) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "cookie" if text == kind => Ok(()),
        "memory" | "file" | "redis" | "rediss" => Err(Refusal::new(Code::NotAvailable, "expected \"cookie\"")),
        _ => Err(Refusal::malformed("expected \"cookie\"")),
    }
}
