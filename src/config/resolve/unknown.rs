//! Names of tenants and authorities that are not configured: what was probably meant. The two are easily taken for each
//! other, and a tenant for its domain.

use super::routes::Scope;
use crate::config::file::setting::Located;
use crate::config::file::tenants::TenantSection;
use crate::config::problem::{Code, Problem, Shown, did_you_mean};
use crate::domain::account::TenantId;
use crate::domain::address::Domain;

/// More names are not listed.
const MOST_LISTED: usize = 20;

pub(crate) fn report_authority(name: &Located<String>, scope: &Scope<'_>) {
    let known = scope.authorities.iter().map(|authority| authority.name.as_str());
    let problem = Problem::new(Code::UnknownName, name.at, format!("unknown authority {}", Shown(&name.value)));
    let problem = if let Some(tenant) = scope.tenants.get(name.value.as_str()) {
        problem.label("this is a tenant: write it under `tenants`").context(tenant.at, "the tenant")
    } else if TenantId::parse(&name.value).is_ok() {
        problem.label("this is a tenant's id: write it under `tenants`")
    } else {
        let owner = domain_of(name).and_then(|domain| {
            let owns = |domains: &[Located<Domain>]| domains.iter().any(|owned| owned.value == domain);
            scope.authorities.iter().find(|authority| owns(&authority.domains)).map(|authority| authority.name.as_str())
        });
        problem.label(meant(&name.value, owner, known.clone(), "there is no authority of this name"))
    };
    scope.around.findings.report(listing(problem, known));
}

pub(crate) fn report_tenant(name: &Located<String>, scope: &Scope<'_>) {
    let known = scope.file.tenants.iter().map(|tenant| tenant.key.as_str());
    let problem = Problem::new(Code::UnknownName, name.at, format!("unknown tenant {}", Shown(&name.value)));
    let authority = scope.authorities.iter().find(|authority| authority.name.as_str() == name.value);
    let problem = match (authority, domain_of(name)) {
        (Some(authority), _) => {
            let problem = problem.label("this is an authority: write it under `authorities`");
            match authority.at {
                Some(at) => problem.context(at, "the authority"),
                None => problem,
            }
        }
        (None, Some(domain)) => {
            let owns = |tenant: &&TenantSection| tenant.domains.value().into_iter().flatten().any(|owned| owned.value == domain);
            let owner = scope.file.tenants.iter().find(owns).map(|tenant| tenant.key.as_str());
            problem.label(meant(
                &name.value,
                owner,
                known.clone(),
                "a tenant goes by its id, or by its name in [tenants], not by its domain",
            ))
        }
        (None, None) => problem.label(meant(&name.value, None, known.clone(), "there is no tenant of this name")),
    };
    scope.around.findings.report(listing(problem, known));
}

/// What has a dot, and may be somebody's domain.
fn domain_of(name: &Located<String>) -> Option<Domain> {
    Domain::parse(&name.value).ok().filter(|_| name.value.contains('.'))
}

fn meant<'a>(written: &str, owner: Option<&str>, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    match owner {
        Some(owner) => format!("did you mean `{owner}`, which has this domain?"),
        None => did_you_mean(written, known, otherwise),
    }
}

fn listing<'a>(problem: Problem, known: impl Iterator<Item = &'a str>) -> Problem {
    let known: Vec<&str> = known.take(MOST_LISTED + 1).collect();
    if known.is_empty() || known.len() > MOST_LISTED { problem } else { problem.note(format!("configured: {}", known.join(", "))) }
}
