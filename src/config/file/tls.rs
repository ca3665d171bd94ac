//! `[tls]`: who we are towards clients, and who they have to be.

use super::forms;
use super::reader::Reader;
use super::setting::Setting;

/// The table.
#[derive(Debug)]
pub(crate) struct TlsSection {
    pub(crate) cert_file: Setting<String>,
    pub(crate) key_file: Setting<String>,
    pub(crate) client_ca_file: Setting<String>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> TlsSection {
    let section = TlsSection {
        cert_file: reader.parsed("cert_file", forms::path),
        key_file: reader.parsed("key_file", forms::path),
        client_ca_file: reader.parsed("client_ca_file", forms::path),
    };
    reader.require("cert_file", &section.cert_file, "add: cert_file = \"…\", the certificate and those that lead to a root, as PEM");
    reader.require("key_file", &section.key_file, "add: key_file = \"…\", the certificate's private key, as PEM");
    section
}
