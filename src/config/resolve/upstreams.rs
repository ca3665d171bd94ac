//! One upstream or several with their options: what the options have an effect on, and the files that they name.

use std::time::Duration;

use rustls_pki_types::ServerName;

use super::identity::{self, Named};
use super::server::report_repeated;
use super::{Surroundings, files};
use crate::config::UpstreamFiles;
use crate::config::file::setting::{Located, Setting};
use crate::config::file::upstream::{Options, UpstreamsSection};
use crate::config::problem::{Code, Problem, Shown};
use crate::domain::destination::{CertificateFiles, HealthCheck, Upstream, UpstreamAddress, UpstreamScheme, UpstreamTls, Upstreams};

/// How often upstreams are asked whether they are well, unless the file says otherwise.
const EVERY: Duration = Duration::from_secs(5);

/// The upstreams, and the content of the files that their TLS names. Files that cannot be used are reported and left out:
/// what is decided does not depend on them.
pub(crate) fn resolve(section: &UpstreamsSection, around: &Surroundings<'_>) -> (Upstreams, Option<UpstreamFiles>) {
    let UpstreamsSection { members, options } = section;
    report_repeated(members, "the upstream", around.findings);
    if members.iter().all(|member| member.value.scheme != UpstreamScheme::Https) {
        report_tls_without_effect(options, around);
    } else {
        report_unverifiable(members, options, around);
    }
    report_half_a_certificate(options, around);
    warn_of_lonely_health(members, options, around);
    let tls = tls(options, around);
    let files = if tls.ca_file.is_some() || tls.certificate.is_some() { files(options, &tls, around) } else { None };
    let host = options.host.value().copied().unwrap_or_default();
    let member = |member: &Located<Upstream>| Upstream { host, tls: tls.clone(), ..member.value.clone() }.into();
    let health = options.health.value().and_then(|health| {
        let path = health.path.value()?.clone();
        Some(HealthCheck { path, every: health.every.value().copied().unwrap_or(EVERY) })
    });
    let max_connections = options.max_connections.value().copied();
    (Upstreams { members: members.iter().map(member).collect(), health, max_connections }, files)
}

fn report_tls_without_effect(options: &Options, around: &Surroundings<'_>) {
    let about_tls = [
        ("ca_file", &options.ca_file),
        ("certificate_file", &options.certificate_file),
        ("key_file", &options.key_file),
        ("server_name", &options.server_name),
    ];
    for (key, setting) in about_tls {
        if let Some(given) = setting.given() {
            let problem = Problem::new(Code::NoEffect, given.key, format!("`{key}` has no effect on this upstream"));
            around.findings.report(problem.label("there is no TLS without https: remove this key, or write https:// in `url`"));
        }
    }
}

/// Reports hosts that no certificate can be for.
fn report_unverifiable(members: &[Located<Upstream>], options: &Options, around: &Surroundings<'_>) {
    if !options.server_name.is_absent() {
        return;
    }
    for member in members.iter().filter(|member| member.value.scheme == UpstreamScheme::Https) {
        if let UpstreamAddress::Tcp { host, .. } = &member.value.address
            && ServerName::try_from(host.as_str()).is_err()
        {
            let title = format!("no certificate can be for the host {}", Shown(host));
            let problem = Problem::new(Code::Malformed, member.at, title);
            around.findings.report(problem.label("add the name that its certificate has: server_name = \"…\""));
        }
    }
}

fn report_half_a_certificate(options: &Options, around: &Surroundings<'_>) {
    let (written, missing, hint) = match (&options.certificate_file, &options.key_file) {
        (Setting::Given(certificate), Setting::Absent) => (
            ("certificate_file", certificate.key),
            "key_file",
            "add the key of this certificate: key_file = \"/run/secrets/client-key.pem\"",
        ),
        (Setting::Absent, Setting::Given(key)) => {
            (("key_file", key.key), "certificate_file", "add the certificate of this key: certificate_file = \"/etc/homerealm/client.pem\"")
        }
        (Setting::Absent | Setting::Broken | Setting::Given(_), _) => return,
    };
    let problem = Problem::new(Code::Missing, written.1, format!("`{missing}` is missing beside `{}`", written.0));
    around.findings.report(problem.label(hint));
}

fn warn_of_lonely_health(members: &[Located<Upstream>], options: &Options, around: &Surroundings<'_>) {
    if let ([only], Some(health)) = (members, options.health.given()) {
        let problem = Problem::new(Code::NoEffectHere, health.key, "`health` has no effect on where requests go");
        let problem =
            problem.label("the log and the admin listener tell what it finds, and that is all: add other upstreams, or remove this key");
        around.findings.report(problem.context(only.at, "there is no other to go to"));
    }
}

fn tls(options: &Options, around: &Surroundings<'_>) -> UpstreamTls {
    let full = |path: &String| around.directory.join(path);
    let certificate = options.certificate_file.value().zip(options.key_file.value());
    UpstreamTls {
        ca_file: options.ca_file.value().map(full),
        certificate: certificate.map(|(certificate, key)| CertificateFiles { certificate: full(certificate), key: full(key) }),
        server_name: options.server_name.value().cloned(),
    }
}

fn files(options: &Options, tls: &UpstreamTls, around: &Surroundings<'_>) -> Option<UpstreamFiles> {
    let roots = files::roots(&options.ca_file, "ca_file", around);
    let identity = match (options.certificate_file.given(), options.key_file.given()) {
        (Some(certificate), Some(key)) => {
            let certificate = Named { path: certificate, by: "certificate_file" };
            identity::read(&certificate, &Named { path: key, by: "key_file" }, around).map(Some)
        }
        (None, _) | (_, None) => Some(None),
    };
    Some(UpstreamFiles { tls: tls.clone(), roots: roots?, identity: identity? })
}
