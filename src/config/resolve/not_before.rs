//! `[[session.not_before]]`: tenants looked up, people held against who can be one, moments against the clock. What is
//! said here ends sessions, so nothing that could miss its aim is passed over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::routes::Scope;
use super::unknown;
use crate::config::file::not_before::{NotBeforeSection, report_contradiction};
use crate::config::file::reader::MOST_ENTRIES;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Shown};
use crate::domain::account::TenantId;
use crate::domain::named_user::NamedUser;
use crate::domain::revocation::{Revocation, Revocations, Whom};
use crate::domain::time::Timestamp;

/// How far the clocks of whoever writes an entry and of this machine may disagree.
const LEEWAY: Duration = Duration::from_secs(60);

/// What an entry says that gives no reason.
const WHY: &str = "the configuration says so";

/// `None` if something is broken, and was reported.
pub(crate) fn resolve(scope: &Scope<'_>) -> Option<Revocations> {
    let entries = match &scope.file.session.not_before {
        Setting::Absent => return Some(Revocations::new()),
        Setting::Broken => return None,
        Setting::Given(entries) => entries,
    };
    if entries.value.len() > MOST_ENTRIES {
        let problem = Problem::new(Code::TooMany, entries.key, format!("more than {MOST_ENTRIES} entries of `not_before` in [session]"));
        scope.around.findings.report(problem.label("an entry that is older than `max` means nobody any more"));
        return None;
    }
    let resolved: Vec<_> = entries.value.iter().map(|section| entry(section, scope)).collect();
    let mut revocations = Revocations::new();
    for revocation in resolved.into_iter().collect::<Option<Vec<_>>>()? {
        revocations.add(revocation);
    }
    Some(revocations)
}

fn entry(section: &NotBeforeSection, scope: &Scope<'_>) -> Option<Revocation> {
    let report = |problem| scope.around.findings.report(problem);
    let at = section.at.given().and_then(|at| past(at, scope));
    if report_contradiction(section, report) {
        return None;
    }
    let whom = match (&section.user, &section.tenant, &section.session) {
        (Setting::Broken, _, _) | (_, Setting::Broken, _) | (_, _, Setting::Broken) => None,
        (Setting::Given(user), _, _) => person(user, scope),
        (_, Setting::Given(tenant), _) => tenant_of(tenant, scope).map(Whom::Tenant),
        (_, _, Setting::Given(session)) => Some(Whom::Session(session.value)),
        (Setting::Absent, Setting::Absent, Setting::Absent) => Some(Whom::Everybody),
    };
    let why = match &section.why {
        Setting::Broken => None,
        Setting::Absent => Some(WHY),
        Setting::Given(why) => Some(why.value.as_str()),
    };
    Some(Revocation { whom: whom?, at: at?, why: Arc::from(why?) })
}

/// A moment that is still to come would end sessions as soon as they begin, until it is past.
fn past(at: &Located<DateTime<Utc>>, scope: &Scope<'_>) -> Option<Timestamp> {
    let now = scope.around.now;
    if at.value > now + LEEWAY {
        let problem = Problem::new(Code::StillToCome, at.at, "`at` in [[not_before]] is still to come");
        let label = "sessions that begin before it would be over at once: write the present moment, or wait";
        scope.around.findings.report(problem.label(label).note(format!("it is {} now", now.format("%Y-%m-%dT%H:%M:%SZ"))));
        return None;
    }
    Some(Timestamp::from_unix_seconds(at.value.timestamp().try_into().unwrap_or(0)))
}

fn tenant_of(name: &Located<String>, scope: &Scope<'_>) -> Option<TenantId> {
    if let Ok(id) = TenantId::parse(&name.value) {
        return Some(id);
    }
    match scope.tenants.get(name.value.as_str()) {
        Some(tenant) => tenant.id.value().copied(),
        None => {
            unknown::report_tenant(name, scope);
            None
        }
    }
}

/// People are of a tenant, or of an issuer that is one of ours. An address would mean nobody, and be believed to.
fn person(user: &Located<NamedUser>, scope: &Scope<'_>) -> Option<Whom> {
    let known = user.value.may_be_of(scope.authorities.iter().filter_map(|authority| authority.issuer.as_ref()));
    // With an authority broken nobody knows whose host it would be.
    let is_whole = scope.authorities.iter().all(|authority| authority.issuer.is_some());
    if !known && is_whole {
        let name = user.value.to_string();
        let problem = Problem::new(Code::UnknownName, user.at, format!("nobody is called {} here", Shown(&name)));
        let label = "expected oid@tid, or sub@host with the host of an issuer: people are not known by their addresses";
        let problem = problem.label(label).note("sessions and audit logs name people so (telemetry.audit.identity = \"full\")");
        scope.around.findings.report(problem);
        return None;
    }
    Some(Whom::User(user.value.to_string().into()))
}
