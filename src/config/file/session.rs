//! `[session]`.

use std::time::Duration;

use super::client::{SecretSource, secret_source};
use super::not_before::{self, NotBeforeSection};
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use super::{forms, section};
use crate::config::mask::holds_a_secret;
use crate::config::problem::Code;
use crate::protocol::store_address::{BadAddress, StoreAddress};

/// The keys that name the place of the password for the store.
pub(crate) const STORE_PASSWORD: [&str; 2] = ["store_password_file", "store_password_env"];

/// The section.
#[derive(Debug, Default)]
pub(crate) struct SessionSection {
    pub(crate) key_files: Setting<Vec<Located<String>>>,
    /// As written: a path may be relative, and what has keys of its own is not in it.
    pub(crate) store: Setting<StoreAddress>,
    pub(crate) store_password: Setting<SecretSource>,
    pub(crate) store_ca_file: Setting<String>,
    pub(crate) idle: Setting<Duration>,
    pub(crate) max: Setting<Duration>,
    pub(crate) not_before: Setting<Vec<NotBeforeSection>>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> SessionSection {
    section(reader.table("session", "[session]", |reader| SessionSection {
        key_files: reader.one_or_more("key_files", forms::path),
        store: reader.parsed("store", store),
        store_password: store_password(reader),
        store_ca_file: reader.parsed("store_ca_file", forms::path),
        idle: reader.parsed("idle", forms::seconds),
        max: reader.parsed("max", forms::seconds),
        not_before: reader.tables("not_before", not_before::read),
    }))
}

fn store_password(reader: &mut Reader<'_, '_>) -> Setting<SecretSource> {
    let source = secret_source(reader, STORE_PASSWORD);
    // If it is in the file itself, that is reported, and it is not missing.
    if source.is_absent() && reader.has_secret_in_file() { Setting::Broken } else { source }
}

fn store(text: &str) -> Result<StoreAddress, Refusal> {
    StoreAddress::parse(text).map_err(|error| {
        if error == BadAddress::Password || has_more_than_a_user(text) || (error == BadAddress::Parameter && holds_a_secret(text)) {
            Refusal::new(Code::SecretInFile, BadAddress::Password.to_string())
        } else {
            Refusal::malformed(error.to_string())
        }
    })
}

/// Whether more stands before the last `@` of an address that is none than the name of a user would: most likely a password.
fn has_more_than_a_user(text: &str) -> bool {
    let (_, rest) = text.split_once("://").unwrap_or(("", text));
    rest.rsplit_once('@').is_some_and(|(before, _)| before.contains([':', '/', '?', '#'])) && !text.starts_with("file:")
}
