//! `[[tests]]`: names looked up, people held against what can be, and, once nothing else is wrong, the promises held.

use super::authorities::Authority;
use super::routes::{ResolvedRoute, Scope};
use crate::config::file::policy_tests::{ExpectSection, PersonSection, Request, SomeoneSection, TestSection};
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Findings, Problem, Shown, Span, did_you_mean};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::ExpectedIssuer;
use crate::domain::made_up::{MadeUp, Someone};
use crate::domain::policy_test::{Expectation, PolicyTest};
use crate::domain::principal::Groups;
use crate::domain::route::RouteName;
use crate::domain::rules::Rules;
use crate::domain::target::Target;
use crate::review::promises;

const MOST_TESTS: usize = 1000;

/// More names are not listed.
const MOST_LISTED: usize = 20;

/// A test, and where it says what it expects.
pub(crate) struct Promise {
    test: PolicyTest,
    expect: Span,
}

/// `None`: something is broken, and was reported.
pub(crate) fn resolve(scope: &Scope<'_>, routes: &[ResolvedRoute]) -> Option<Vec<Promise>> {
    let tests = match &scope.file.tests {
        Setting::Absent => return Some(Vec::new()),
        Setting::Broken => return None,
        Setting::Given(tests) => tests,
    };
    if tests.value.len() > MOST_TESTS {
        let problem = Problem::new(Code::TooMany, tests.at, format!("more than {MOST_TESTS} tests"));
        scope.around.findings.report(problem.label("every one is run before each reload"));
        return None;
    }
    let resolver = Resolver { scope, routes: route_names(scope, routes) };
    // All of them, so that all mistakes are told.
    let promises: Vec<_> = tests.value.iter().map(|test| resolver.promise(test)).collect();
    promises.into_iter().collect()
}

/// Runs the tests of rules with which nothing is wrong; those that fail are reported.
pub(crate) fn hold(promises: Vec<Promise>, rules: &Rules, findings: &Findings) -> Vec<PolicyTest> {
    // What is wrong otherwise would only be said once more.
    let ready = !findings.has_errors();
    for Promise { test, expect } in promises.iter().filter(|_| ready) {
        let Some(broken) = promises::broken(rules, test) else { continue };
        let problem = Problem::new(Code::TestFailed, *expect, format!("policy test failed: {}", broken.case));
        findings.report(problem.label(broken.difference).note(broken.trace.join("\n")));
    }
    promises.into_iter().map(|promise| promise.test).collect()
}

/// `None`: some route is broken, and so perhaps nameless.
fn route_names<'a>(scope: &Scope<'a>, routes: &'a [ResolvedRoute]) -> Option<Vec<&'a str>> {
    let sections = scope.file.routes.value().filter(|sections| sections.len() == routes.len())?;
    let resolved = |route: &'a ResolvedRoute| route.route.as_ref().map(|route| route.name.as_str());
    sections.iter().zip(routes).map(|(section, route)| section.name.value().map(String::as_str).or_else(|| resolved(route))).collect()
}

struct Resolver<'a> {
    scope: &'a Scope<'a>,
    /// `None`: not all are known.
    routes: Option<Vec<&'a str>>,
}

impl<'a> Resolver<'a> {
    fn report(&self, problem: Problem) {
        self.scope.around.findings.report(problem);
    }

    fn promise(&self, section: &TestSection) -> Option<Promise> {
        let someone = section.someone.value().and_then(|someone| self.someone(someone));
        let target = section.request.given().and_then(|request| self.target(request));
        let expect = section.expect.value().and_then(|expect| self.expectation(expect));
        let test = PolicyTest {
            position: (self.scope.around.position)(section.at),
            someone: someone?,
            method: section.request.value()?.method.clone(),
            target: target?,
            expect: expect?,
        };
        Some(Promise { test, expect: section.expect.given()?.at })
    }

    fn someone(&self, someone: &SomeoneSection) -> Option<Someone> {
        match someone {
            SomeoneSection::Nobody => Some(Someone::Nobody),
            SomeoneSection::Person(person) => self.person(person).map(Someone::Person),
        }
    }

    fn person(&self, person: &PersonSection) -> Option<MadeUp> {
        let authority = given(&person.authority, |name| self.authority(name));
        let tenant = given(&person.tenant, |name| self.tenant(name));
        let kind = person.kind.given()?;
        let is_about_them = self.has_no_idle_key(person, kind);
        let (authority, tenant) = (authority?, tenant?);
        if !(is_about_them && self.can_come(person, kind, authority, tenant)) {
            return None;
        }
        let roles = given(&person.roles, |roles| Some(roles.value.iter().map(|role| role.value.as_str().into()).collect()));
        Some(MadeUp {
            kind: kind.value,
            email: plain(&person.email)?,
            // Whoever comes from a tenant's own authority comes from this tenant.
            tenant: tenant.or_else(|| authority.and_then(pinned_tenant)),
            membership: plain(&person.membership)?,
            home: plain(&person.home)?,
            groups: plain(&person.groups)?.unwrap_or(Groups::Listed(Vec::new())),
            roles: roles?.unwrap_or_default(),
            authority: authority.map(|authority| authority.name.clone()),
            bearer: plain(&person.bearer)?,
        })
    }

    /// Whether every key is about accounts of this kind.
    fn has_no_idle_key(&self, person: &PersonSection, kind: &Located<AccountKind>) -> bool {
        let [tenant, membership, home] = [key_of(&person.tenant), key_of(&person.membership), key_of(&person.home)];
        let (idle, why) = match kind.value {
            AccountKind::Customer => (vec![("membership", membership)], "customers are neither members nor guests"),
            AccountKind::Personal => {
                (vec![("tenant", tenant), ("membership", membership), ("home", home)], "personal accounts belong to no organisation")
            }
            AccountKind::Work => (Vec::new(), ""),
        };
        let idle: Vec<_> = idle.into_iter().filter_map(|(key, at)| Some((key, at?))).collect();
        for (key, at) in &idle {
            let problem = Problem::new(Code::NoEffect, *at, format!("`{key}` has no effect on a {} account", kind.value.as_str()));
            self.report(problem.label("remove this key").context(kind.at, why));
        }
        idle.is_empty()
    }

    /// Whether the authority could speak of such a person.
    fn can_come(
        &self,
        person: &PersonSection,
        kind: &Located<AccountKind>,
        authority: Option<&Authority>,
        tenant: Option<TenantId>,
    ) -> bool {
        let (Some(authority), Some(at)) = (authority, person.authority.given().map(|named| named.at)) else { return true };
        let name = Shown(authority.name.as_str());
        if let Some(issued) = authority.kind.filter(|issued| *issued != kind.value) {
            let problem = Problem::new(Code::Conflict, at, format!("the authority {name} issues {} accounts", issued.as_str()));
            self.report(
                problem.label("nobody of the other kind comes from there").context(kind.at, format!("a {} account", kind.value.as_str())),
            );
            return false;
        }
        if let (Some(pinned), Some(tenant), Some(named)) = (pinned_tenant(authority), tenant, person.tenant.given())
            && pinned != tenant
        {
            let problem = Problem::new(Code::Conflict, at, format!("the authority {name} speaks for another tenant"));
            self.report(problem.label("nobody of this tenant comes from there").context(named.at, "this tenant"));
            return false;
        }
        true
    }

    fn authority(&self, name: &Located<String>) -> Option<&'a Authority> {
        let found = self.scope.authorities.iter().find(|authority| authority.name.as_str() == name.value);
        if found.is_none() {
            self.report_unknown("authority", name, &self.scope.authorities.iter().map(|known| known.name.as_str()).collect::<Vec<_>>());
        }
        found
    }

    fn tenant(&self, name: &Located<String>) -> Option<TenantId> {
        match (self.scope.tenants.get(name.value.as_str()), TenantId::parse(&name.value)) {
            (Some(tenant), _) => tenant.id.value().copied(),
            (None, Ok(TenantId::CONSUMERS)) => {
                let problem = Problem::new(Code::Malformed, name.at, "the tenant of personal accounts is no organisation");
                self.report(problem.label("a personal account is one with kind = \"personal\""));
                None
            }
            (None, Ok(id)) => Some(id),
            (None, Err(_)) => {
                self.report_unknown("tenant", name, &self.scope.file.tenants.iter().map(|tenant| tenant.key.as_str()).collect::<Vec<_>>());
                None
            }
        }
    }

    fn target(&self, request: &Located<Request>) -> Option<Target> {
        let origins = self.scope.origins?;
        let Request { origin, path_and_query, .. } = &request.value;
        let ours = match origin {
            None => Some(origins.first()),
            Some(origin) => origins.iter().find(|ours| *ours == origin),
        };
        match (ours, origin) {
            (Some(origin), _) => Target::parse(origin.authority(), path_and_query).ok(),
            (None, origin) => {
                let origin = origin.as_ref().map_or("", |origin| origin.as_str());
                let known = origins.iter().map(|origin| origin.as_str());
                let label = did_you_mean(origin, known, "no request for it is ever answered");
                let title = format!("{} is not one of the public URLs", Shown(origin));
                let problem = Problem::new(Code::ForeignHost, request.at, title).label(label);
                self.report(problem.note("every host that browsers use stands in `public_url` or `public_urls`"));
                None
            }
        }
    }

    fn expectation(&self, expect: &ExpectSection) -> Option<Expectation> {
        let route = given(&expect.route, |name| self.route(name));
        Some(Expectation { status: plain(&expect.status)?, reason: plain(&expect.reason)?, route: route? })
    }

    fn route(&self, name: &Located<String>) -> Option<RouteName> {
        let known = self.routes.as_ref()?;
        if !known.contains(&name.value.as_str()) {
            self.report_unknown("route", name, known);
            return None;
        }
        Some(RouteName::new(&name.value))
    }

    fn report_unknown(&self, what: &str, name: &Located<String>, known: &[&str]) {
        let label = did_you_mean(&name.value, known.iter().copied(), &format!("there is no {what} of this name"));
        let problem = Problem::new(Code::UnknownName, name.at, format!("unknown {what} {}", Shown(&name.value))).label(label);
        let listed = (1..=MOST_LISTED).contains(&known.len());
        self.report(if listed { problem.note(format!("configured: {}", known.join(", "))) } else { problem });
    }
}

fn pinned_tenant(authority: &Authority) -> Option<TenantId> {
    match &authority.issuer {
        Some(ExpectedIssuer::Tenant { tenant, .. }) => Some(*tenant),
        Some(
            ExpectedIssuer::Consumers { .. }
            | ExpectedIssuer::Exact(_)
            | ExpectedIssuer::Organizations { .. }
            | ExpectedIssuer::Template { .. }
            | ExpectedIssuer::TenantOfDomain { .. },
        )
        | None => None,
    }
}

/// `None`: broken. `Some(None)`: not there.
fn given<T, U>(setting: &Setting<T>, convert: impl FnOnce(&Located<T>) -> Option<U>) -> Option<Option<U>> {
    match setting {
        Setting::Absent => Some(None),
        Setting::Broken => None,
        Setting::Given(located) => convert(located).map(Some),
    }
}

/// Like [`given`], the value as it is.
fn plain<T: Clone>(setting: &Setting<T>) -> Option<Option<T>> {
    given(setting, |located| Some(located.value.clone()))
}

fn key_of<T>(setting: &Setting<T>) -> Option<Span> {
    setting.given().map(|located| located.key)
}
