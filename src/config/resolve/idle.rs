//! Keys and entries that are right by themselves and have no effect beside the rest of the file. Within one table that is
//! an error; across tables it is a warning, because the routes that would give such a key a meaning come and go. A key
//! that spells out its default is never meant.

use super::authorities::Authority;
use super::routes::ResolvedRoute;
use crate::config::file::File;
use crate::config::file::authorities::AuthoritySection;
use crate::config::file::setting::Setting;
use crate::config::file::tenants::TenantSection;
use crate::config::problem::{Code, Findings, Problem, Shown, Span};
use crate::domain::account::{AccountKind, Pinning};
use crate::domain::realm::{Ambiguous, Detect};
use crate::domain::route::Requirements;
use crate::domain::rules::Rules;
use crate::domain::sign_in_page::SignInPage;

/// Reports the keys of `[sign_in]` that read an address where none is read.
pub(crate) fn check_sign_in(file: &File, findings: &Findings) {
    let Some(detect) = off(file) else { return };
    let report = |key: &str, at: Span| {
        let problem = Problem::new(Code::NoEffect, at, format!("`{key}` in [sign_in] has no effect")).label("remove this key");
        findings.report(problem.context(detect, "nothing is read off an address"));
    };
    if let Some(domains) = file.sign_in.personal_domains.given().filter(|domains| !domains.value.is_empty()) {
        report("personal_domains", domains.key);
    }
    if let Some(ambiguous) = file.sign_in.ambiguous.given().filter(|ambiguous| ambiguous.value != Ambiguous::default()) {
        report("ambiguous", ambiguous.key);
    }
}

/// Warns of what the rest of the file leaves without effect.
pub(crate) fn warn(file: &File, rules: &Rules, findings: &Findings) {
    let scope = Scope { file, rules, findings };
    scope.warn_of_domains();
    scope.warn_of_ambiguous();
    scope.warn_of_remembering();
    scope.warn_of_page();
    for tenant in &file.tenants {
        scope.warn_of_tenant(tenant);
    }
}

/// Warns of `[client]` where every authority that is used has a registration of its own.
pub(crate) fn warn_of_client(file: &File, authorities: &[Authority], routes: &[ResolvedRoute], findings: &Findings) {
    // Nobody knows whom a broken route would have used.
    let is_known = !routes.is_empty() && routes.iter().all(|route| route.route.is_some());
    let is_used = |authority: &Authority| routes.iter().any(|route| route.authorities.contains(&authority.name));
    let is_wanted = authorities.iter().any(|authority| !authority.has_own_client && is_used(authority));
    if let Some(client) = file.client.given().filter(|_| is_known && !is_wanted) {
        let problem = Problem::new(Code::NoEffectHere, client.key, "[client] has no effect");
        findings.report(problem.label("every authority that routes use has a `client` of its own, or none is used"));
    }
}

fn off(file: &File) -> Option<Span> {
    file.sign_in.detect.given().filter(|detect| detect.value == Detect::Off).map(|detect| detect.at)
}

struct Scope<'a> {
    file: &'a File,
    rules: &'a Rules,
    findings: &'a Findings,
}

impl Scope<'_> {
    fn report(&self, key: &str, at: Span, why: &str) {
        self.findings.report(Problem::new(Code::NoEffectHere, at, format!("`{key}` has no effect")).label(why));
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirements> {
        self.rules.routes.routes().iter().filter_map(|route| route.access.requirements())
    }

    /// The kinds that people of a route can come with.
    fn kinds(&self, wanted: &Requirements) -> Vec<AccountKind> {
        let issued = |kind: &AccountKind| {
            wanted.authorities.iter().filter_map(|name| self.rules.authority(name)).any(|authority| authority.kind == *kind)
        };
        wanted.kinds.iter().filter(issued).collect()
    }

    fn warn_of_domains(&self) {
        let Some(detect) = off(self.file) else { return };
        // Those of an authority for many tenants say as well that it is not just another way to one of them.
        let is_hint_only =
            |section: &&AuthoritySection| section.issuer.value().is_some_and(|issuer| issuer.expected.pinning() == Pinning::OneIssuer);
        let of_authorities = self.file.authorities.iter().filter(is_hint_only).map(|section| &section.domains);
        for domains in of_authorities.chain(self.file.tenants.iter().map(|section| &section.domains)) {
            if let Some(domains) = domains.given().filter(|domains| !domains.value.is_empty()) {
                let problem = Problem::new(Code::NoEffectHere, domains.key, "`domains` has no effect");
                self.findings.report(problem.label("no address is held against them").context(detect, "nothing is read off an address"));
            }
        }
    }

    fn warn_of_ambiguous(&self) {
        let is_default = |value: &Ambiguous| *value == Ambiguous::default();
        let Some(ambiguous) = self.file.sign_in.ambiguous.given().filter(|ambiguous| !is_default(&ambiguous.value)) else { return };
        let both = |kinds: &[AccountKind]| kinds.contains(&AccountKind::Work) && kinds.contains(&AccountKind::Personal);
        let finds_tenants = match self.rules.directory.detect {
            // Told as an error.
            Detect::Off => return,
            Detect::Domains => self.rules.directory.tenants.iter().any(|tenant| !tenant.domains.is_empty()),
            Detect::Lookup => true,
        };
        if !self.requirements().any(|wanted| both(&self.kinds(wanted))) {
            self.report("ambiguous", ambiguous.key, "no route takes both work and personal accounts, so no address is ambiguous");
        } else if !finds_tenants {
            let why = "no address is known to be an organisation's: give tenants their `domains`, or write detect = \"lookup\"";
            self.report("ambiguous", ambiguous.key, why);
        }
    }

    fn warn_of_remembering(&self) {
        let Some(remember) = self.file.sign_in.remember_accounts.given().filter(|remember| remember.value) else { return };
        if !self.requirements().any(|wanted| self.kinds(wanted).len() > 1) {
            self.report(
                "remember_accounts",
                remember.key,
                "no route takes more than one kind of account, so there is no choice to remember",
            );
        }
    }

    fn warn_of_page(&self) {
        let Some(page) = self.file.sign_in.page.given().filter(|page| page.value == SignInPage::Auto) else { return };
        if !self.requirements().any(|wanted| self.rules.directory.only_authority(wanted).is_some()) {
            self.report("page", page.key, "every route leaves several authorities, so there is always something to ask");
        }
    }

    /// An entry is of use if a route names it or takes people of every tenant (then it names them on pages), if its
    /// domains tell whom to refuse before they leave, or if a test makes up somebody of it.
    fn warn_of_tenant(&self, section: &TenantSection) {
        let Some(id) = section.id.value() else { return };
        let admits =
            |wanted: &Requirements| wanted.kinds.contains(AccountKind::Work) && wanted.check_tenant(AccountKind::Work, Some(*id)).is_ok();
        let has_domains = match &section.domains {
            Setting::Absent => false,
            Setting::Broken => true,
            Setting::Given(domains) => !domains.value.is_empty(),
        };
        let is_tested = self.file.tests.value().into_iter().flatten().any(|test| test.tenant() == Some(&section.key));
        let stated = self.rules.routes.routes().iter().filter_map(|route| route.access.stated());
        if !has_domains && !is_tested && !stated.chain(self.requirements()).any(admits) {
            let title = format!("no route admits anybody of the tenant {}", Shown(&section.key));
            let problem = Problem::new(Code::UnusedTenant, section.at, title);
            self.findings.report(problem.label("name it under `tenants` of a route, or leave it out"));
        }
    }
}
