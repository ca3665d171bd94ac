//! `telemetry.audit`: where the audit log goes, and whether it can.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::Surroundings;
use crate::config::file::setting::{Located, Setting};
use crate::config::file::telemetry::{AuditSection, AuditTo as Written};
use crate::config::problem::{Code, Problem};
use crate::config::{Audit, AuditTo};

/// `Some(None)`: off. `None`: something is broken, and was reported.
pub(crate) fn audit(section: &Setting<AuditSection>, around: &Surroundings<'_>) -> Option<Option<Audit>> {
    let section = match section {
        Setting::Absent => return Some(None),
        Setting::Broken => return None,
        Setting::Given(section) => &section.value,
    };
    let to = section.to.given().and_then(|to| destination(to, around));
    if matches!(section.identity, Setting::Broken) {
        return None;
    }
    let identity = section.identity.value().copied().unwrap_or_default();
    to.map(|to| Some(Audit { to, identity }))
}

fn destination(to: &Located<Written>, around: &Surroundings<'_>) -> Option<AuditTo> {
    match &to.value {
        Written::Stderr => Some(AuditTo::Stderr),
        Written::Stdout => Some(AuditTo::Stdout),
        Written::File(path) => file(path, to, around).map(AuditTo::File),
    }
}

/// Whether it may be written is known for certain only when it is opened, at start. What is plain to see is told here.
fn file(written: &str, to: &Located<Written>, around: &Surroundings<'_>) -> Option<PathBuf> {
    let path = around.directory.join(written);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let why = if path.is_dir() {
        "it is a directory"
    } else if std::fs::metadata(&path).is_ok_and(|file| file.file_type().is_fifo()) {
        "it is a named pipe: whoever reads it could hold up the start"
    } else if !parent.is_dir() {
        "there is no such directory to make it in"
    } else {
        return Some(path);
    };
    let problem = Problem::new(Code::Unwritable, to.at, "the file of `to` in telemetry.audit cannot be written").label(why);
    let is_absolute = Path::new(written).is_absolute();
    around.findings.report(if is_absolute {
        problem
    } else {
        problem.note("the path is relative to the directory of the configuration file")
    });
    None
}
