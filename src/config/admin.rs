//! The admin listener's address as text, and how commands find it: from `[admin]` alone, because whoever asks a running
//! proxy need not be able to read its secrets.

use std::fmt;
use std::path::Path;

use toml::de::DeTable;

use super::file::admin::{address, read};
use super::file::reader::Reader;
use super::mask::{self, Masked};
use super::problem::{Code, Findings, Found, Span};
use super::report::Report;
use super::resolve::admin::wanted;
use super::{AdminListen, not_toml, text_of};

impl AdminListen {
    /// Reads `127.0.0.1:9090` or `unix:/path`.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        address(text).map_err(|refusal| refusal.why)
    }
}

impl fmt::Display for AdminListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where the admin listener of this configuration is; `None`: it is off. Nothing else of the file is looked at, and no
/// other file is read.
///
/// # Errors
/// The file cannot be read, is not TOML, or its `[admin]` table is wrong.
pub fn admin_of(file: &Path) -> Result<Option<AdminListen>, Report> {
    let name = file.display().to_string();
    let text = text_of(file).map_err(|why| Report::of_file(&name, &why))?;
    let (table, syntax_errors) = DeTable::parse_recoverable(&text);
    if !syntax_errors.is_empty() {
        return Err(not_toml(&text, &name, &syntax_errors));
    }
    let findings = Findings::default();
    let section = Reader::read(table.get_ref(), Span::default(), super::file::TOP, &findings, read);
    let Found { mut problems, hidden, redirect_uris } = findings.into_found();
    match wanted(&section) {
        Some((admin, _)) => Ok(admin.into()),
        None => {
            // The rest of the file is none of our business here: none of its keys was asked for.
            problems.retain(|problem| !matches!(problem.code, Code::UnknownKey | Code::SecretInFile));
            let masked = Masked::new(&text, mask::secrets_of(&text, table.get_ref()).into_iter().chain(hidden).collect());
            Err(Report::new(&name, &masked, problems, redirect_uris))
        }
    }
}
