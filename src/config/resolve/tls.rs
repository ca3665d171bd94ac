//! Who we are in TLS: certificate and key read, and held against each other and the day.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::{Surroundings, files};
use crate::config::TlsSettings;
use crate::config::file::File;
use crate::config::file::setting::{Located, Setting};
use crate::config::file::tls::TlsSection;
use crate::config::problem::{Code, Problem};
use crate::domain::origin::Scheme;
use crate::protocol::server_identity::{BadIdentity, ServerIdentity, Validity};

/// A warning comes this many days before a certificate expires. Those that renew themselves have done so by then.
const DAYS_OF_WARNING: i64 = 14;
/// Everybody on the machine may read it.
const READABLE_BY_OTHERS: u32 = 0o004;

/// The outer `None`: something is wrong, and was reported.
pub(crate) fn resolve(file: &File, around: &Surroundings<'_>) -> Option<Option<TlsSettings>> {
    let section = match &file.tls {
        Setting::Absent => return Some(None),
        Setting::Broken => return None,
        Setting::Given(section) => &section.value,
    };
    warn_of_clear_text_urls(file, section, around);
    // Everything that is wrong is told at once.
    let (identity, client_roots) = (identity(section, around), client_roots(&section.client_ca_file, around));
    Some(Some(TlsSettings { identity: identity?, client_roots: client_roots? }))
}

fn identity(section: &TlsSection, around: &Surroundings<'_>) -> Option<ServerIdentity> {
    let (cert_file, key_file) = (section.cert_file.given()?, section.key_file.given()?);
    let chain = files::read(cert_file, "cert_file", around);
    let key = files::read(key_file, "key_file", around);
    warn_of_readers(key_file, around);
    let identity = ServerIdentity::from_pem(&chain?, &key?);
    match identity {
        Ok(identity) => {
            warn_of_expiry(cert_file, identity.validity, around);
            Some(identity)
        }
        Err(BadIdentity::Chain(why)) => {
            files::report_unusable(cert_file, "cert_file", &format!("expected certificates: {why}"), around);
            None
        }
        Err(BadIdentity::Key(why)) => {
            files::report_unusable(key_file, "key_file", &format!("expected a private key: {why}"), around);
            None
        }
        Err(BadIdentity::Mismatch) => {
            let problem = Problem::new(Code::KeyMismatch, key_file.at, "this key is not that of the certificate");
            around.findings.report(problem.label("of another certificate").context(cert_file.at, "the first certificate in there is ours"));
            None
        }
    }
}

/// Whom clients have to be vouched for by. The outer `None`: something is wrong, and was reported.
fn client_roots(setting: &Setting<String>, around: &Surroundings<'_>) -> Option<Option<Arc<RootCertStore>>> {
    let Some(pem) = files::certificates(setting, "client_ca_file", around)? else { return Some(None) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        if roots.add(certificate).is_err() {
            let path = setting.given()?;
            files::report_unusable(path, "client_ca_file", "a certificate in it cannot be read", around);
            return None;
        }
    }
    Some(Some(Arc::new(roots)))
}

fn warn_of_readers(key_file: &Located<String>, around: &Surroundings<'_>) {
    let Ok(metadata) = std::fs::metadata(around.directory.join(&key_file.value)) else { return };
    if metadata.is_file() && metadata.permissions().mode() & READABLE_BY_OTHERS != 0 {
        let problem = Problem::new(Code::KeyExposed, key_file.at, "every user of this machine can read the private key");
        around.findings.report(problem.label("chmod o-r this file, or a directory above it"));
    }
}

fn warn_of_expiry(cert_file: &Located<String>, validity: Option<Validity>, around: &Surroundings<'_>) {
    let Some(Validity { not_before, not_after }) = validity else { return };
    let days = not_after.signed_duration_since(around.now).num_days();
    let (code, title) = match days {
        _ if around.now < not_before => (Code::CertificateInvalid, "the certificate is not valid yet".to_owned()),
        _ if around.now > not_after => (Code::CertificateInvalid, "the certificate has expired".to_owned()),
        0 => (Code::CertificateExpires, "the certificate expires within a day".to_owned()),
        1 => (Code::CertificateExpires, "the certificate expires in a day".to_owned()),
        days if days < DAYS_OF_WARNING => (Code::CertificateExpires, format!("the certificate expires in {days} days")),
        _ => return,
    };
    let when = format!("valid from {} to {}", not_before.format("%Y-%m-%d"), not_after.format("%Y-%m-%d"));
    around
        .findings
        .report(Problem::new(code, cert_file.at, title).label(when).note("a renewed one is taken over as soon as the file changes"));
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
