//! `[telemetry]` and `[dev]`.

use super::reader::Reader;
use super::setting::{Refusal, Setting};
use super::{forms, section};
use crate::config::{AccessLog, AuditIdentity};

/// `[telemetry]`
#[derive(Debug, Default)]
pub(crate) struct TelemetrySection {
    pub(crate) access_log: Setting<AccessLog>,
    pub(crate) audit: Setting<AuditSection>,
}

/// `audit`
#[derive(Debug)]
pub(crate) struct AuditSection {
    pub(crate) to: Setting<AuditTo>,
    pub(crate) identity: Setting<AuditIdentity>,
}

/// `to`, as written: a path may be relative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditTo {
    Stderr,
    Stdout,
    File(String),
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> TelemetrySection {
    section(reader.table("telemetry", "[telemetry]", |reader| {
        reader.unavailable("otlp", |value| value.as_bool() == Some(false));
        TelemetrySection {
            access_log: reader.choice("access_log", &[("json", AccessLog::Json), ("human", AccessLog::Human), ("off", AccessLog::Off)]),
            audit: reader.table("audit", "telemetry.audit", read_audit),
        }
    }))
}

fn read_audit(reader: &mut Reader<'_, '_>) -> AuditSection {
    let audit = AuditSection {
        to: reader.parsed("to", audit_to),
        identity: reader.choice("identity", &[("hashed", AuditIdentity::Hashed), ("full", AuditIdentity::Full)]),
    };
    reader.require("to", &audit.to, "where the audit log goes: to = \"stdout\", \"stderr\" or \"file:/path\"");
    audit
}

fn audit_to(text: &str) -> Result<AuditTo, Refusal> {
    match (text, text.strip_prefix("file:")) {
        ("stderr", _) => Ok(AuditTo::Stderr),
        ("stdout", _) => Ok(AuditTo::Stdout),
        (_, Some(path)) => forms::path(path).map(AuditTo::File),
        (_, None) => Err(Refusal::malformed("expected \"stdout\", \"stderr\" or a file, like \"file:/var/log/homerealm/audit.log\"")),
    }
}

pub(crate) fn read_dev(reader: &mut Reader<'_, '_>) -> Setting<bool> {
    flatten(reader.table("dev", "[dev]", |reader| reader.boolean("allow")))
}

fn flatten<T>(section: Setting<Setting<T>>) -> Setting<T> {
    match section {
        Setting::Given(located) => located.value,
        Setting::Absent => Setting::Absent,
        Setting::Broken => Setting::Broken,
    }
}
