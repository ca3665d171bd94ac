//! Whom a route admits: `auth`, `accounts`, `authorities`, `tenants`, `guests`, `groups`, `roles`.
//!
//! A key of the route itself that cannot have an effect is an error; one that comes from `[defaults]` is just not
//! about this route.

use std::sync::Arc;

use super::authorities::Authority;
use super::client::Registration;
use super::effects::{report_shadow_of_nothing, report_without_effect};
use super::routes::Scope;
use super::server::report_repeated;
use super::unknown;
use crate::config::file::reader::listed;
use crate::config::file::routes::{Accounts, Auth, RouteKeys, RouteSection};
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Shown, Span};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::guid::Guid;
use crate::domain::route::{Access, AccountKinds, Guests, Requirements};

/// What was found out about whom a route admits.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// `None`: something is broken, and was reported.
    pub(crate) access: Option<Access>,
    /// The authorities that people can come from, as far as that is known.
    pub(crate) authorities: Vec<AuthorityName>,
    /// The kinds that they issue.
    pub(crate) kinds: AccountKinds,
    /// The kinds that `accounts` admits.
    pub(crate) admitted: AccountKinds,
}

pub(crate) fn resolve(section: &RouteSection, scope: &Scope<'_>) -> Admission {
    let auth = match section.keys.auth.or(&scope.file.defaults.auth) {
        Setting::Absent => Auth::Required,
        Setting::Broken => return Admission::default(),
        Setting::Given(auth) => auth.value,
    };
    if auth != Auth::Required {
        report_without_effect(section, auth, scope);
    }
    if auth == Auth::None {
        return Admission { access: Some(Access::Public), ..Admission::default() };
    }
    let judge = RouteAccess { own: &section.keys, defaults: &scope.file.defaults, at: section.at, scope };
    let Some(accounts) = judge.accounts(auth) else { return Admission::default() };
    let admitted: AccountKinds = match &accounts {
        Accounts::Any => AccountKinds::ANY,
        Accounts::These(kinds) => kinds.iter().copied().collect(),
    };
    let Some(authorities) = judge.authorities(&accounts, admitted) else { return Admission { admitted, ..Admission::default() } };
    let requirements = judge.requirements(admitted, &authorities);
    if auth == Auth::Required && judge.enforcement() == Enforcement::Tried {
        let admission = judge.shadowed(requirements, authorities);
        if let Some(access) = &admission.access {
            report_shadow_of_nothing(section, access, admission.kinds, &scope.file.defaults, scope.around.findings);
        }
        return admission;
    }
    let access = requirements.map(|requirements| match auth {
        Auth::Optional => Access::Optional(requirements),
        Auth::None | Auth::Required => Access::Required(requirements),
    });
    Admission {
        access,
        authorities: authorities.iter().map(|authority| authority.name.clone()).collect(),
        kinds: authorities.iter().filter_map(|authority| authority.kind).collect(),
        admitted,
    }
}

/// The texts of a list, to be shared by requests.
pub(crate) fn shared(setting: &Setting<Vec<Located<String>>>) -> impl Iterator<Item = Arc<str>> {
    setting.value().into_iter().flatten().map(|text| Arc::from(text.value.as_str()))
}

/// `enforce`
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enforcement {
    Enforced,
    Tried,
}

struct RouteAccess<'a> {
    own: &'a RouteKeys,
    defaults: &'a RouteKeys,
    at: Span,
    scope: &'a Scope<'a>,
}

impl<'a> RouteAccess<'a> {
    fn report(&self, problem: Problem) {
        self.scope.around.findings.report(problem);
    }

    fn enforcement(&self) -> Enforcement {
        match self.own.enforce.or(&self.defaults.enforce).value() {
            Some(false) => Enforcement::Tried,
            Some(true) | None => Enforcement::Enforced,
        }
    }

    /// A route that only tries its rules lets in whoever can sign in, as if it said accounts = "any" and guests = "allow":
    /// at its own authorities and at all others that we have a registration for.
    fn shadowed(&self, stated: Option<Requirements>, own: Vec<&'a Authority>) -> Admission {
        let registered = |authority: &&&Authority| !matches!(authority.registration, Registration::Missing);
        let mut authorities = own;
        for other in self.every_authority(AccountKinds::ANY).iter().filter(registered) {
            if authorities.iter().all(|authority| authority.name != other.name) {
                authorities.push(other);
            }
        }
        let kinds: AccountKinds = authorities.iter().filter_map(|authority| authority.kind).collect();
        let names: Vec<_> = authorities.iter().map(|authority| authority.name.clone()).collect();
        let enforced = Requirements {
            kinds: AccountKinds::ANY,
            authorities: names.clone(),
            tenants: Vec::new(),
            guests: Guests::Allow,
            groups: Vec::new(),
            roles: Vec::new(),
        };
        let access = stated.map(|stated| Access::Shadowed { enforced, stated });
        Admission { access, authorities: names, kinds, admitted: AccountKinds::ANY }
    }

    fn accounts(&self, auth: Auth) -> Option<Accounts> {
        match self.own.accounts.or(&self.defaults.accounts) {
            Setting::Absent if auth == Auth::Optional => Some(Accounts::Any),
            Setting::Absent => {
                let problem = Problem::new(Code::AccountsMissing, self.at, "which accounts may sign in on this route?");
                let problem = problem.label("`accounts` is missing");
                self.report(
                    problem.note("add: accounts = \"work\", \"personal\", \"customer\" or \"any\"; or auth = \"none\" to let everybody in"),
                );
                None
            }
            Setting::Broken => None,
            Setting::Given(accounts) => Some(accounts.value.clone()),
        }
    }

    /// `authorities`, or every authority whose kind the route admits.
    fn authorities(&self, accounts: &Accounts, admitted: AccountKinds) -> Option<Vec<&'a Authority>> {
        let chosen = match self.own.authorities.or(&self.defaults.authorities) {
            Setting::Absent => self.every_authority(admitted),
            Setting::Broken => return None,
            Setting::Given(names) => self.named_authorities(&names.value, admitted)?,
        };
        // With one of them broken nobody knows what it would have issued.
        let broken = self.scope.authorities.iter().any(|authority| authority.kind.is_none());
        let issued: AccountKinds = chosen.iter().filter_map(|authority| authority.kind).collect();
        let missing = match accounts {
            Accounts::Any => None,
            Accounts::These(kinds) => kinds.iter().find(|kind| !issued.contains(**kind)),
        };
        match missing {
            Some(kind) if !broken => {
                self.report_no_authority(*kind);
                None
            }
            Some(_) | None => Some(chosen),
        }
    }

    fn every_authority(&self, admitted: AccountKinds) -> Vec<&'a Authority> {
        let fits = |authority: &&Authority| authority.kind.is_some_and(|kind| admitted.contains(kind));
        let fitting = || self.scope.authorities.iter().filter(fits);
        // A built-in authority that the file does not mention and has no registration for is only wanted where there
        // is no other: its absence is then what has to be told.
        let idle = |authority: &Authority| authority.at.is_none() && matches!(authority.registration, Registration::Missing);
        let replaced = |authority: &Authority| fitting().any(|other| other.kind == authority.kind && !idle(other));
        fitting().filter(|authority| !(idle(authority) && replaced(authority))).collect()
    }

    fn named_authorities(&self, names: &[Located<String>], admitted: AccountKinds) -> Option<Vec<&'a Authority>> {
        let own = self.own.authorities.given();
        if let Some(own) = own {
            report_repeated(&own.value, "the authority", self.scope.around.findings);
            if own.value.is_empty() {
                let problem = Problem::new(Code::Empty, own.at, "`authorities` of this route is empty");
                self.report(problem.label("leave it out for every authority of the admitted kinds"));
                return None;
            }
        }
        let mut chosen: Vec<&Authority> = Vec::new();
        let mut complete = true;
        for name in names {
            let found = self.scope.authorities.iter().find(|authority| authority.name.as_str() == name.value);
            let Some(authority) = found else {
                unknown::report_authority(name, self.scope);
                complete = false;
                continue;
            };
            match authority.kind {
                Some(kind) if admitted.contains(kind) => chosen.push(authority),
                Some(kind) if own.is_some() => {
                    self.report_not_admitted(name, kind);
                    complete = false;
                }
                Some(_) => {}
                None => complete = false,
            }
        }
        complete.then_some(chosen)
    }

    fn report_not_admitted(&self, name: &Located<String>, kind: AccountKind) {
        let title = format!("the authority {} issues {} accounts, which this route does not admit", Shown(&name.value), kind.as_str());
        let problem = Problem::new(Code::AuthorityNotAdmitted, name.at, title).label("nobody from there would get in");
        let accounts = self.own.accounts.or(&self.defaults.accounts).given();
        self.report(match accounts {
            Some(accounts) => problem.context(accounts.at, "admitted"),
            None => problem,
        });
    }

    fn report_no_authority(&self, kind: AccountKind) {
        let accounts = self.own.accounts.or(&self.defaults.accounts).given();
        let at = accounts.map_or(self.at, |accounts| accounts.at);
        let kind = kind.as_str();
        let problem = Problem::new(Code::NoAuthority, at, format!("nobody can sign in with a {kind} account here"));
        self.report(match self.own.authorities.or(&self.defaults.authorities).given() {
            Some(named) => problem.label(format!("{kind} accounts are admitted")).context(named.at, "none of these issues them"),
            None => problem
                .label(format!("no authority issues {kind} accounts"))
                .note(format!("an authority for them is an [authorities.…] table with kind = \"{kind}\"")),
        });
    }

    fn requirements(&self, kinds: AccountKinds, authorities: &[&Authority]) -> Option<Requirements> {
        let tenants = self.tenants(kinds, authorities);
        let guests = self.guests(kinds, authorities);
        let groups = self.groups(authorities);
        let names = authorities.iter().map(|authority| authority.name.clone()).collect();
        let roles = shared(self.own.roles.or(&self.defaults.roles)).collect();
        Some(Requirements { kinds, authorities: names, tenants: tenants?, guests: guests?, groups: groups?, roles })
    }

    fn report_work_only<T>(&self, key: &str, setting: &Located<T>) {
        let problem = Problem::new(Code::NoEffect, setting.key, format!("`{key}` has no effect where no work account may sign in"));
        let accounts = self.own.accounts.or(&self.defaults.accounts).given();
        let problem = problem.label("remove this key, or admit work accounts");
        self.report(match accounts {
            Some(accounts) => problem.context(accounts.at, "these accounts belong to no organisation"),
            None => problem,
        });
    }

    fn tenants(&self, kinds: AccountKinds, authorities: &[&Authority]) -> Option<Vec<TenantId>> {
        let work = kinds.contains(AccountKind::Work);
        if let (Some(own), false) = (self.own.tenants.given(), work) {
            self.report_work_only("tenants", own);
            return None;
        }
        let names = match self.own.tenants.or(&self.defaults.tenants) {
            Setting::Given(names) if work => names,
            Setting::Absent | Setting::Given(_) => return Some(Vec::new()),
            Setting::Broken => return None,
        };
        report_repeated(&names.value, "the tenant", self.scope.around.findings);
        let ids: Vec<_> = names.value.iter().map(|name| self.tenant(name, authorities)).collect();
        ids.into_iter().collect()
    }

    fn tenant(&self, name: &Located<String>, authorities: &[&Authority]) -> Option<TenantId> {
        let configured = self.scope.tenants.get(name.value.as_str());
        let id = match (configured, TenantId::parse(&name.value)) {
            (Some(tenant), _) => *tenant.id.value()?,
            (None, Ok(TenantId::CONSUMERS)) => {
                let problem = Problem::new(Code::Malformed, name.at, "the tenant of personal accounts is no organisation");
                self.report(problem.label("admit personal accounts by accounts = \"personal\" or \"any\""));
                return None;
            }
            (None, Ok(id)) => id,
            (None, Err(_)) => {
                unknown::report_tenant(name, self.scope);
                return None;
            }
        };
        let signs_in = |authority: &&Authority| match (&authority.issuer, authority.kind) {
            (Some(ExpectedIssuer::Tenant { tenant, .. }), Some(AccountKind::Work)) => *tenant == id,
            (_, Some(AccountKind::Customer | AccountKind::Personal)) => false,
            (_, Some(AccountKind::Work) | None) => true,
        };
        if !authorities.iter().any(signs_in) {
            let title = format!("nobody of the tenant {} can sign in here", Shown(&name.value));
            let problem = Problem::new(Code::NoAuthority, name.at, title);
            let names = listed(authorities.iter().map(|authority| authority.name.as_str()));
            self.report(
                problem.label("no authority of this route is this tenant's").note(format!("the authorities of this route: {names}")),
            );
            return None;
        }
        Some(id)
    }

    fn guests(&self, kinds: AccountKinds, authorities: &[&Authority]) -> Option<Guests> {
        let work = kinds.contains(AccountKind::Work);
        if let (Some(own), false) = (self.own.guests.given(), work) {
            self.report_work_only("guests", own);
            return None;
        }
        let guests = match self.own.guests.or(&self.defaults.guests) {
            Setting::Given(guests) if work => guests,
            Setting::Absent | Setting::Given(_) => return Some(Guests::Deny),
            Setting::Broken => return None,
        };
        let signs_guests_in = |authority: &&Authority| match (&authority.issuer, authority.kind) {
            (Some(ExpectedIssuer::Organizations { .. }), _) | (_, Some(AccountKind::Customer | AccountKind::Personal)) => false,
            (_, Some(AccountKind::Work) | None) => true,
        };
        match guests.value {
            Guests::Allow | Guests::Work if !authorities.iter().any(signs_guests_in) => {
                let problem = Problem::new(Code::GuestsNeedTenant, guests.at, "no guest can sign in on this route");
                let problem = problem.label("guests sign in at the tenant that invited them, and no authority here is a tenant's own");
                self.report(problem.note(
                    "the authority `work` (organizations) sends everybody home to their own tenant; add [authorities.NAME] with issuer = \"https://login.microsoftonline.com/TENANT-ID/v2.0\"",
                ));
                None
            }
            Guests::Allow | Guests::Deny | Guests::Work => Some(guests.value),
        }
    }

    /// Microsoft's groups are object ids; what others call groups is theirs.
    fn groups(&self, authorities: &[&Authority]) -> Option<Vec<Arc<str>>> {
        let setting = self.own.groups.or(&self.defaults.groups);
        let all_microsoft = authorities.iter().all(|authority| authority.issuer.as_ref().is_some_and(ExpectedIssuer::is_microsoft_shaped));
        let groups: Vec<_> = setting.value().into_iter().flatten().collect();
        let mut ids = Vec::with_capacity(groups.len());
        for group in groups {
            match Guid::parse(&group.value) {
                Ok(id) => ids.push(Arc::from(id.to_string())),
                Err(_) if !all_microsoft => ids.push(Arc::from(group.value.as_str())),
                Err(error) => {
                    let title = format!("{} is not the object id of a group", Shown(&group.value));
                    self.report(Problem::new(Code::Malformed, group.at, title).label(error.to_string()));
                }
            }
        }
        if matches!(setting, Setting::Broken) { None } else { Some(ids) }
    }
}
