//! `[tls]`: who we are towards clients, and who may vouch for them.

use super::identity::{self, Named};
use super::{Surroundings, files};
use crate::config::TlsSettings;
use crate::config::file::File;
use crate::config::file::setting::Setting;
use crate::config::file::tls::TlsSection;
use crate::config::problem::{Code, Problem};
use crate::domain::origin::Scheme;

/// The outer `None`: something is wrong, and was reported.
pub(crate) fn resolve(file: &File, around: &Surroundings<'_>) -> Option<Option<TlsSettings>> {
    let section = match &file.tls {
        Setting::Absent => return Some(None),
        Setting::Broken => return None,
        Setting::Given(section) => &section.value,
    };
    warn_of_clear_text_urls(file, section, around);
    // Everything that is wrong is told at once.
    let client_roots = files::roots(&section.client_ca_file, "client_ca_file", around);
    let (certificate, key) = (section.cert_file.given()?, section.key_file.given()?);
    let identity = identity::read(&Named { path: certificate, by: "cert_file" }, &Named { path: key, by: "key_file" }, around);
    Some(Some(TlsSettings { identity: identity?, client_roots: client_roots? }))
}

/// A URL in clear text leads to this machine, so nothing in front of us can make TLS of it.
fn warn_of_clear_text_urls(file: &File, section: &TlsSection, around: &Surroundings<'_>) {
    let others = file.public_urls.value().into_iter().flatten().map(|origin| (&origin.value, origin.at));
    for (origin, at) in file.public_url.given().map(|origin| (&origin.value, origin.at)).into_iter().chain(others) {
        let is_ours = super::server::ports(file).any(|(port, _)| port.port() == origin.port());
        if origin.scheme() == Scheme::Http && is_ours {
            let problem = Problem::new(Code::TlsUnderHttp, at, "this URL says http, and what listens on its port speaks TLS");
            let problem = problem.label("write https, or leave [tls] out");
            around.findings.report(match section.cert_file.given() {
                Some(cert_file) => problem.context(cert_file.at, "TLS with this certificate"),
                None => problem,
            });
        }
    }
}
