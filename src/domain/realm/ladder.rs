//! The rungs of home realm discovery, for one route. Pure and total: every climb ends at an authority that the route
//! lists and whose kind it admits, at a question with at least two answers, or at a refusal.

use super::candidates::{Candidates, pinned_tenant};
use super::{Ambiguous, Detect, Directory, How, KnownAuthority, Realm, TenantOfDomain, consumer_domains};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::address::{Domain, Identifier, Shape};
use crate::domain::reason::Reason;
use crate::domain::route::Requirements;

/// What discovery knows, seen from one route.
pub(super) struct Ladder<'d, 'w> {
    directory: &'d Directory,
    wanted: &'w Requirements,
    candidates: Candidates<'d, 'w>,
}

/// What an address says by itself.
#[derive(Clone, Copy)]
enum Clue<'d> {
    /// The domain is one of this authority's `domains`.
    Authority(&'d KnownAuthority),
    /// No organisation has the domain.
    NoTenant,
    /// Nothing: an unlisted domain, or nobody looks.
    Nothing,
    /// A personal account beyond doubt.
    Personal(How),
    /// A phone number, which either kind may have.
    Phone,
    /// An organisation has the domain; some people there have a personal account of the same address.
    Tenant(TenantId, How),
}

/// Stands for all tenants that no configuration names.
const SOME_TENANT: TenantId = match TenantId::parse("00000000-0000-0000-0000-000000000000") {
    Ok(tenant) => tenant,
    Err(_) => panic!("a GUID literal, evaluated at compile time"),
};

impl<'d, 'w> Ladder<'d, 'w> {
    pub(super) fn new(directory: &'d Directory, wanted: &'w Requirements) -> Self {
        Self { directory, wanted, candidates: Candidates::new(directory, wanted) }
    }

    pub(super) fn climb(
        &self,
        typed: &Identifier,
        chosen: Option<AccountKind>,
        remembered: Option<AccountKind>,
        looked_up: TenantOfDomain,
    ) -> Realm {
        let clue = self.clue(typed);
        if let Some(kind) = chosen {
            return self.of_kind(kind, clue, How::Chosen);
        }
        if let Some(realm) = remembered.and_then(|kind| self.by_memory(kind, clue)) {
            return realm;
        }
        match (clue, self.directory.detect) {
            (Clue::Nothing, Detect::Lookup) => self.by_clue(Clue::from(looked_up)),
            (clue, Detect::Domains | Detect::Lookup | Detect::Off) => self.by_clue(clue),
        }
    }

    /// One of each sort of answer that a look-up can give and that this route could treat in a way of its own.
    pub(super) fn telling_answers(&self) -> impl Iterator<Item = TenantOfDomain> {
        let tenants = self.wanted.tenants.iter().copied().chain(self.candidates.pinned_tenants()).chain([SOME_TENANT]);
        tenants.map(TenantOfDomain::Tenant).chain([TenantOfDomain::NoTenant])
    }

    fn clue(&self, typed: &Identifier) -> Clue<'d> {
        match (self.directory.detect, typed.shape()) {
            (Detect::Off, Shape::Email { .. } | Shape::Phone | Shape::Skype) => Clue::Nothing,
            (Detect::Domains | Detect::Lookup, Shape::Email { domain }) => self.clue_of_domain(domain),
            (Detect::Domains | Detect::Lookup, Shape::Phone) => Clue::Phone,
            (Detect::Domains | Detect::Lookup, Shape::Skype) => Clue::Personal(How::Syntax),
        }
    }

    /// The configuration comes before the built-in list: an operator may have taken a domain over.
    fn clue_of_domain(&self, domain: &Domain) -> Clue<'d> {
        let owners = || self.directory.authorities.iter().filter(|authority| authority.domains.contains(domain));
        if let Some(owner) = owners().find(|owner| self.candidates.contains(owner)).or_else(|| owners().next()) {
            return Clue::Authority(owner);
        }
        if let Some(tenant) = self.directory.tenants.iter().find(|tenant| tenant.domains.contains(domain)) {
            return Clue::Tenant(tenant.id, How::Domains);
        }
        if self.directory.personal_domains.contains(domain) || consumer_domains::contains(domain) {
            return Clue::Personal(How::ConsumerDomain);
        }
        Clue::Nothing
    }

    /// The person, or their browser, has said which kind. The address still says which authority of that kind, and
    /// an address that is personal beyond doubt stays so on a route without personal accounts: that refusal is what
    /// keeps it from being sent to an authority for work accounts.
    fn of_kind(&self, kind: AccountKind, clue: Clue<'d>, how: How) -> Realm {
        if !self.candidates.is_open(kind) {
            return self.guest_or_refused(kind, how);
        }
        match (kind, clue) {
            (kind, Clue::Authority(owner)) if owner.kind == kind => self.by_authority(owner, how),
            (AccountKind::Work, Clue::Tenant(tenant, _)) => self.by_work_tenant(tenant, how),
            (AccountKind::Work, Clue::Personal(_)) if !self.candidates.is_open(AccountKind::Personal) => {
                self.guest_or_refused(AccountKind::Personal, how)
            }
            (kind, _) => self.any_of(kind, how),
        }
    }

    /// A remembered kind answers the question which kind, so it counts only where that is a question: not on a route
    /// that takes one kind, not against an address that can only be personal, and never as the ground of a refusal.
    fn by_memory(&self, kind: AccountKind, clue: Clue<'d>) -> Option<Realm> {
        let is_question = self.candidates.is_open(kind) && self.candidates.open_kinds().len() > 1;
        let contradicted = matches!((kind, clue), (AccountKind::Work, Clue::Personal(_)));
        if !is_question || contradicted {
            return None;
        }
        match self.of_kind(kind, clue, How::Remembered) {
            known @ Realm::Known { .. } => Some(known),
            Realm::Ask(_) | Realm::Refused(_) => None,
        }
    }

    fn by_clue(&self, clue: Clue<'d>) -> Realm {
        let takes_personal = self.candidates.is_open(AccountKind::Personal);
        match clue {
            Clue::Authority(owner) => self.by_authority(owner, How::Domains),
            Clue::NoTenant if takes_personal => self.any_of(AccountKind::Personal, How::Lookup),
            // Not a refusal on a route for work accounts: guests are invited at any address.
            Clue::NoTenant | Clue::Nothing => self.one_or_ask(How::OnlyOne),
            Clue::Personal(how) if takes_personal => self.any_of(AccountKind::Personal, how),
            Clue::Personal(how) => self.not_open(AccountKind::Personal, how),
            Clue::Phone => self.one_or_ask(How::Syntax),
            Clue::Tenant(tenant, how) => self.by_tenant(tenant, how),
        }
    }

    /// The configuration sends the domain to `owner`; the route may know its people under another authority.
    fn by_authority(&self, owner: &'d KnownAuthority, how: How) -> Realm {
        if !self.wanted.kinds.contains(owner.kind) {
            return self.not_open(owner.kind, how);
        }
        if self.candidates.contains(owner) {
            return go(Some(owner), how, Reason::AuthorityNotAllowed);
        }
        let foreign = pinned_tenant(owner).and_then(|tenant| self.wanted.check_tenant(owner.kind, Some(tenant)).err());
        match foreign {
            Some(reason) => go(self.candidates.for_guest(owner.kind), how, reason),
            None => go(self.candidates.in_place_of(owner), how, Reason::AuthorityNotAllowed),
        }
    }

    fn by_tenant(&self, tenant: TenantId, how: How) -> Realm {
        let (work, personal) = (self.candidates.is_open(AccountKind::Work), self.candidates.is_open(AccountKind::Personal));
        match (work, personal, self.directory.ambiguous) {
            (false, _, _) => self.not_open(AccountKind::Work, how),
            (true, true, Ambiguous::Ask) => self.one_or_ask(how),
            (true, true, Ambiguous::Personal) => self.any_of(AccountKind::Personal, how),
            (true, true, Ambiguous::Work) | (true, false, _) => self.by_work_tenant(tenant, how),
        }
    }

    /// People of a tenant that the route does not list can only be guests here.
    fn by_work_tenant(&self, tenant: TenantId, how: How) -> Realm {
        match self.wanted.check_tenant(AccountKind::Work, Some(tenant)) {
            Ok(()) => go(self.candidates.for_tenant(Some(tenant)), how, Reason::AuthorityNotAllowed),
            Err(reason) => go(self.candidates.for_guest(AccountKind::Work), how, reason),
        }
    }

    /// The address is of a kind that the route does not take. Two sorts of people may still be meant: guests of an
    /// organisation, and customers, who sign up with any address.
    fn not_open(&self, kind: AccountKind, how: How) -> Realm {
        let other = self.candidates.for_guest(kind).or_else(|| self.candidates.for_kind(AccountKind::Customer));
        go(other, how, self.candidates.refusal_of(kind))
    }

    fn guest_or_refused(&self, kind: AccountKind, how: How) -> Realm {
        go(self.candidates.for_guest(kind), how, self.candidates.refusal_of(kind))
    }

    fn any_of(&self, kind: AccountKind, how: How) -> Realm {
        go(self.candidates.for_kind(kind), how, self.candidates.refusal_of(kind))
    }

    fn one_or_ask(&self, how: How) -> Realm {
        let kinds = self.candidates.open_kinds();
        match kinds[..] {
            // As in `refusal_of`.
            [] => Realm::Refused(Reason::Configuration),
            [kind] => self.any_of(kind, how),
            [_, _, ..] => Realm::Ask(kinds),
        }
    }
}

impl From<TenantOfDomain> for Clue<'_> {
    fn from(answer: TenantOfDomain) -> Self {
        match answer {
            TenantOfDomain::NoTenant | TenantOfDomain::Tenant(TenantId::CONSUMERS) => Self::NoTenant,
            TenantOfDomain::Tenant(tenant) => Self::Tenant(tenant, How::Lookup),
            TenantOfDomain::Unknown => Self::Nothing,
        }
    }
}

fn go(authority: Option<&KnownAuthority>, how: How, otherwise: Reason) -> Realm {
    match authority {
        Some(authority) => Realm::Known { authority: authority.name.clone(), how },
        None => Realm::Refused(otherwise),
    }
}
