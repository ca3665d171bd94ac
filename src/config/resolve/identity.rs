//! Who we are in TLS, towards clients and towards upstreams: certificate and key read, and held against each other and
//! the day.

use std::os::unix::fs::PermissionsExt as _;

use super::{Surroundings, files};
use crate::config::file::setting::Located;
use crate::config::problem::{Code, Problem};
use crate::protocol::tls_identity::{BadIdentity, TlsIdentity, Validity};

/// A warning comes this many days before a certificate expires. Those that renew themselves have done so by then.
const DAYS_OF_WARNING: i64 = 14;
/// Everybody on the machine may read it.
const READABLE_BY_OTHERS: u32 = 0o004;

/// A file, and the key that names it.
pub(crate) struct Named<'a> {
    pub(crate) path: &'a Located<String>,
    pub(crate) by: &'static str,
}

impl Named<'_> {
    fn report_unusable(&self, why: &str, around: &Surroundings<'_>) {
        files::report_unusable(self.path, self.by, why, around);
    }
}

/// `None` if that failed, and was reported.
pub(crate) fn read(certificate: &Named<'_>, key: &Named<'_>, around: &Surroundings<'_>) -> Option<TlsIdentity> {
    let [chain, private] = [certificate, key].map(|file| files::read(file.path, file.by, around));
    warn_of_readers(key.path, around);
    match TlsIdentity::from_pem(&chain?, &private?) {
        Ok(identity) => {
            warn_of_expiry(certificate.path, identity.validity, around);
            return Some(identity);
        }
        Err(BadIdentity::Chain(why)) => certificate.report_unusable(&format!("expected certificates: {why}"), around),
        Err(BadIdentity::Key(why)) => key.report_unusable(&format!("expected a private key: {why}"), around),
        Err(BadIdentity::Mismatch) => {
            let problem = Problem::new(Code::KeyMismatch, key.path.at, "this key is not that of the certificate");
            let problem = problem.label("of another certificate").context(certificate.path.at, "the first certificate in there is ours");
            around.findings.report(problem);
        }
    }
    None
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
