//! Which domain belongs to whom, and what home realm discovery is told about it.

use super::authorities::Authority;
use super::server::report_repeated;
use crate::config::file::File;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Findings, Problem};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::address::Domain;
use crate::domain::authority::ExpectedIssuer;
use crate::domain::realm::{Directory, KnownAuthority, KnownTenant};

/// Whose a domain is.
#[derive(Clone, Copy)]
struct Owner<'a> {
    label: &'a str,
    tenant: Option<TenantId>,
    kind: Option<AccountKind>,
}

impl Owner<'_> {
    /// Two may speak of one domain if they cannot disagree about where its people sign in.
    fn agrees_with(self, other: Self) -> bool {
        let same_tenant = self.tenant.is_some() && self.tenant == other.tenant;
        let both_personal = self.kind == Some(AccountKind::Personal) && other.kind == Some(AccountKind::Personal);
        same_tenant || both_personal
    }
}

/// Reports every domain that belongs to two.
pub(crate) fn check(file: &File, authorities: &[Authority], findings: &Findings) {
    let mut claims: Vec<(&Located<Domain>, Owner<'_>)> = Vec::new();
    for authority in authorities {
        let tenant = if let Some(ExpectedIssuer::Tenant { tenant, .. }) = authority.issuer { Some(tenant) } else { None };
        let owner = Owner { label: "the authority", tenant, kind: authority.kind };
        claims.extend(authority.domains.iter().map(|domain| (domain, owner)));
    }
    for tenant in &file.tenants {
        let owner = Owner { label: "the tenant", tenant: tenant.id.value().copied(), kind: Some(AccountKind::Work) };
        let domains = tenant.domains.value().map_or(&[][..], |domains| domains);
        report_repeated(domains, "the domain", findings);
        claims.extend(domains.iter().map(|domain| (domain, owner)));
    }
    let personal = file.sign_in.personal_domains.value().map_or(&[][..], |domains| domains);
    report_repeated(personal, "the domain", findings);
    let owner = Owner { label: "personal accounts", tenant: None, kind: Some(AccountKind::Personal) };
    claims.extend(personal.iter().map(|domain| (domain, owner)));
    report_conflicts(&mut claims, findings);
}

fn report_conflicts(claims: &mut [(&Located<Domain>, Owner<'_>)], findings: &Findings) {
    claims.sort_by(|(a, _), (b, _)| a.value.as_str().cmp(b.value.as_str()).then(a.at.start.cmp(&b.at.start)));
    for pair in claims.windows(2) {
        let [(first, first_owner), (second, second_owner)] = pair else { continue };
        // Within one list a domain has been reported already.
        if first.value == second.value && first.key != second.key && !first_owner.agrees_with(*second_owner) {
            let title = format!("the domain `{}` belongs to two", first.value.as_str());
            let problem = Problem::new(Code::Duplicate, second.at, title);
            findings.report(
                problem.label(format!("to {} here", second_owner.label)).context(first.at, format!("to {} here", first_owner.label)),
            );
        }
    }
}

/// What home realm discovery knows.
pub(crate) fn directory(file: &File, authorities: Vec<KnownAuthority>) -> Directory {
    let domains = |setting: &Setting<Vec<Located<Domain>>>| setting.value().map(|domains| plain(domains)).unwrap_or_default();
    let tenants = file.tenants.iter().filter_map(|tenant| Some(KnownTenant { id: *tenant.id.value()?, domains: domains(&tenant.domains) }));
    Directory {
        authorities,
        tenants: tenants.collect(),
        personal_domains: domains(&file.sign_in.personal_domains),
        detect: file.sign_in.detect.value().copied().unwrap_or_default(),
        ambiguous: file.sign_in.ambiguous.value().copied().unwrap_or_default(),
    }
}

/// Domains without their places.
pub(crate) fn plain(domains: &[Located<Domain>]) -> Vec<Domain> {
    domains.iter().map(|domain| domain.value.clone()).collect()
}
