//! Where requests go now, and how upstreams are spoken to.

use std::path::Path;

use super::settings::told;
use crate::domain::account::AccountKind;
use crate::domain::destination::{Destination, Forward, HealthCheck, HostField, Upstreams};

/// Every change; for each kind of account where that depends on it. `directories` are those of the files: paths are told from
/// there.
pub(super) fn changes(destinations: [&Destination; 2], directories: [&Path; 2]) -> Vec<String> {
    if let [Destination::One(old), Destination::One(new)] = destinations {
        return of_forwards("upstream", [old, new], directories);
    }
    let of_kind = |kind: AccountKind| match destinations.map(|destination| destination.of(Some(kind))) {
        [Some(old), Some(new)] => of_forwards(&format!("upstream for {} accounts", kind.as_str()), [old, new], directories),
        [None, _] | [_, None] => Vec::new(),
    };
    AccountKind::ALL.into_iter().flat_map(of_kind).collect()
}

fn of_forwards(what: &str, forwards: [&Forward; 2], directories: [&Path; 2]) -> Vec<String> {
    let mut changes: Vec<_> = told(what, forwards.map(ToString::to_string)).into_iter().collect();
    if let [Forward::Upstream(old), Forward::Upstream(new)] = forwards {
        let pairs = options(old).into_iter().zip(options(new));
        changes.extend(pairs.filter_map(|((key, old), (_, new))| told(&format!("{key} of {what}"), [old, new])));
        let pairs = files(old).into_iter().zip(files(new));
        changes.extend(pairs.filter_map(|((key, old), (_, new))| told_of_file(&format!("{key} of {what}"), [old, new], directories)));
    }
    changes
}

/// The files that upstreams name: each key with its path, or with what holds without it.
fn files(upstreams: &Upstreams) -> [(&'static str, Result<&Path, &'static str>); 3] {
    let tls = upstreams.members.first().map(|member| &member.tls);
    let certificate = tls.and_then(|tls| tls.certificate.as_ref());
    [
        ("ca_file", tls.and_then(|tls| tls.ca_file.as_deref()).ok_or("the system's")),
        ("certificate_file", certificate.map(|files| &*files.certificate).ok_or("none")),
        ("key_file", certificate.map(|files| &*files.key).ok_or("none")),
    ]
}

/// The same file is no change, and neither is one in the same place beside the other configuration.
fn told_of_file(what: &str, paths: [Result<&Path, &'static str>; 2], directories: [&Path; 2]) -> Option<String> {
    let from = |path: Result<&Path, &'static str>, directory: &Path| match path {
        Ok(path) => path.strip_prefix(directory).unwrap_or(path).display().to_string(),
        Err(without) => without.to_owned(),
    };
    if paths[0] == paths[1] { None } else { told(what, [from(paths[0], directories[0]), from(paths[1], directories[1])]) }
}

/// What a file says of upstreams beside where they are: each key with its value, or with what holds without it.
fn options(upstreams: &Upstreams) -> [(&'static str, String); 4] {
    // What is said is said of all members.
    let first = upstreams.members.first();
    let tls = first.map(|member| &member.tls);
    let or = |value: Option<String>, without: &str| value.unwrap_or_else(|| without.to_owned());
    [
        ("server_name", or(tls.and_then(|tls| tls.server_name.clone()), "its host")),
        ("host", host(first.map(|member| member.host).unwrap_or_default()).to_owned()),
        ("health", or(upstreams.health.as_ref().map(health), "none")),
        ("max_connections", or(upstreams.max_connections.map(|most| most.to_string()), "no bound")),
    ]
}

const fn host(host: HostField) -> &'static str {
    match host {
        HostField::Own => "own",
        HostField::Public => "public",
    }
}

fn health(HealthCheck { path, every }: &HealthCheck) -> String {
    format!("{path} every {every:?}")
}

#[cfg(test)]
mod tests;
