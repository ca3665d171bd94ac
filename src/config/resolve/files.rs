//! Files that the configuration names, read with a bound. What was read is never quoted in a message.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::Surroundings;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem};

/// No secret, key or logo is larger.
pub(crate) const LARGEST: u64 = 64 * 1024;

/// Reads the file that `key` names. `None` if that failed, and was reported.
pub(crate) fn read(path: &Located<String>, key: &str, around: &Surroundings<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let full = around.directory.join(&path.value);
    let mut content = Zeroizing::new(Vec::new());
    let result = File::open(&full).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content));
    around.reading.note(&full, result.is_ok().then_some(&content));
    if let Err(error) = result {
        report_unreadable(path, key, error.kind(), around);
        return None;
    }
    if content.len() as u64 > LARGEST {
        report_unusable(path, key, "it is larger than 64 KiB", around);
        return None;
    }
    if content.is_empty() {
        report_unusable(path, key, "it is empty", around);
        return None;
    }
    Some(content)
}

/// Reads certificates in PEM, if the key is there. The outer `None`: something is wrong, and was reported.
pub(crate) fn certificates(setting: &Setting<String>, key: &str, around: &Surroundings<'_>) -> Option<Option<Vec<u8>>> {
    let Some(path) = setting.given() else { return if setting.is_absent() { Some(None) } else { None } };
    let content = read(path, key, around)?;
    let mut certificates = 0;
    let sound = CertificateDer::pem_slice_iter(&content).inspect(|_| certificates += 1).all(|certificate| certificate.is_ok());
    if sound && certificates > 0 {
        return Some(Some(content.to_vec()));
    }
    report_unusable(path, key, "expected certificates in PEM form", around);
    None
}

/// Reads those who vouch for the other side in TLS, likewise.
pub(crate) fn roots(setting: &Setting<String>, key: &str, around: &Surroundings<'_>) -> Option<Option<Arc<RootCertStore>>> {
    let Some(pem) = certificates(setting, key, around)? else { return Some(None) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        if roots.add(certificate).is_err() {
            report_unusable(setting.given()?, key, "a certificate in it cannot be read", around);
            return None;
        }
    }
    Some(Some(Arc::new(roots)))
}

fn report_unreadable(path: &Located<String>, key: &str, error: ErrorKind, around: &Surroundings<'_>) {
    let known = [
        (ErrorKind::NotFound, "there is no such file"),
        (ErrorKind::PermissionDenied, "permission denied"),
        (ErrorKind::IsADirectory, "it is a directory"),
    ];
    let why = known.iter().find(|(kind, _)| *kind == error).map_or("reading it failed", |(_, why)| *why);
    let mut problem = Problem::new(Code::Unreadable, path.at, format!("the file of `{key}` cannot be read")).label(why);
    // What looks like no path may be the secret itself, put under the wrong key.
    if error == ErrorKind::NotFound && !looks_like_a_path(&path.value) {
        around.findings.hide(path.at);
        problem = problem.note("the value is hidden: it does not look like a path and may be the secret itself");
    } else if !path.value.starts_with('/') {
        problem = problem.note("the path is relative to the directory of the configuration file");
    }
    around.findings.report(problem);
}

/// Secrets are long and have all sorts of characters; they start with a slash or a dot only by chance.
fn looks_like_a_path(text: &str) -> bool {
    const LONGEST: usize = 32;
    let plain = text.contains(['/', '.']) && !text.contains(['~', '=', '+']) && text.len() <= LONGEST;
    plain || ["/", "./", "../"].iter().any(|start| text.starts_with(start))
}

/// Reports what is wrong with the content of a file.
pub(crate) fn report_unusable(path: &Located<String>, key: &str, why: &str, around: &Surroundings<'_>) {
    let title = format!("the file of `{key}` cannot be used");
    around.findings.report(Problem::new(Code::Unusable, path.at, title).label(why));
}
