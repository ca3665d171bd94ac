//! The authorities that a route leaves open, and which of them suits whom best. What was typed is not known here.

use std::borrow::Cow;

use super::{Directory, KnownAuthority};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::ExpectedIssuer;
use crate::domain::reason::Reason;
use crate::domain::route::{Guests, Requirements};

/// The route's authorities that could yield somebody whom it admits, in its order.
pub(super) struct Candidates<'d, 'w> {
    wanted: &'w Requirements,
    authorities: Vec<&'d KnownAuthority>,
}

impl<'d, 'w> Candidates<'d, 'w> {
    pub(super) fn new(directory: &'d Directory, wanted: &'w Requirements) -> Self {
        let listed = wanted.authorities.iter().filter_map(|name| directory.authorities.iter().find(|authority| authority.name == *name));
        Self { wanted, authorities: listed.filter(|authority| could_admit(wanted, authority)).collect() }
    }

    pub(super) fn contains(&self, authority: &KnownAuthority) -> bool {
        self.authorities.iter().any(|candidate| candidate.name == authority.name)
    }

    /// Whether there is an authority for a kind that the route admits.
    pub(super) fn is_open(&self, kind: AccountKind) -> bool {
        self.of(kind).next().is_some()
    }

    /// The open kinds in the order of pages.
    pub(super) fn open_kinds(&self) -> Vec<AccountKind> {
        AccountKind::ALL.into_iter().filter(|kind| self.is_open(*kind)).collect()
    }

    /// Why a kind is not open. Where none is, nobody can ever sign in: the route's keys exclude one another.
    pub(super) fn refusal_of(&self, kind: AccountKind) -> Reason {
        let none = if self.authorities.is_empty() { Reason::Configuration } else { Reason::AuthorityNotAllowed };
        self.wanted.check_kind(kind).err().unwrap_or(none)
    }

    /// The tenants that an authority here is pinned to.
    pub(super) fn pinned_tenants(&self) -> impl Iterator<Item = TenantId> {
        self.authorities.iter().filter_map(|authority| pinned_tenant(authority))
    }

    /// The best for somebody of whom only the kind is known.
    pub(super) fn for_kind(&self, kind: AccountKind) -> Option<&'d KnownAuthority> {
        match kind {
            AccountKind::Customer => self.of(kind).next(),
            // Microsoft's own before another provider that is declared personal.
            AccountKind::Personal => self.of(kind).min_by_key(|authority| !matches!(authority.issuer, ExpectedIssuer::Consumers { .. })),
            AccountKind::Work => self.for_tenant(self.only_tenant()),
        }
    }

    /// The best for a work account of `tenant`, or of nobody knows which. Members get in at their own tenant as at
    /// `organizations`, guests at the tenant only: so the tenant comes first.
    pub(super) fn for_tenant(&self, tenant: Option<TenantId>) -> Option<&'d KnownAuthority> {
        self.of(AccountKind::Work).min_by_key(|authority| work_rank(authority, tenant))
    }

    /// Where somebody whose home is elsewhere may be a guest, if the route takes such guests: a tenant of its own,
    /// since `organizations` signs everybody in at home.
    pub(super) fn for_guest(&self, home: AccountKind) -> Option<&'d KnownAuthority> {
        let invited = match (self.wanted.guests, home) {
            (Guests::Allow, AccountKind::Personal | AccountKind::Work) | (Guests::Work, AccountKind::Work) => true,
            (Guests::Allow | Guests::Work, AccountKind::Customer) | (Guests::Work, AccountKind::Personal) | (Guests::Deny, _) => false,
        };
        let hosts = |authority: &&KnownAuthority| match authority.issuer {
            ExpectedIssuer::Tenant { .. } | ExpectedIssuer::TenantOfDomain { .. } => invited,
            ExpectedIssuer::Consumers { .. }
            | ExpectedIssuer::Exact(_)
            | ExpectedIssuer::Organizations { .. }
            | ExpectedIssuer::Template { .. } => false,
        };
        // A tenant that is known to be admitted before one whose id only its metadata tells.
        self.of(AccountKind::Work).filter(hosts).min_by_key(|authority| pinned_tenant(authority).is_none())
    }

    /// The best at which people of `owner`'s domains can sign in as well.
    pub(super) fn in_place_of(&self, owner: &KnownAuthority) -> Option<&'d KnownAuthority> {
        let fitting = self.of(owner.kind).filter(|other| self.could_stand_in(other, owner));
        let tenant = pinned_tenant(owner).or(self.only_tenant());
        fitting.min_by_key(|other| work_rank(other, tenant))
    }

    /// The one to which everything leads that could be typed.
    pub(super) fn only(&self) -> Option<&'d KnownAuthority> {
        if let [only] = self.authorities[..] {
            return Some(only);
        }
        // An authority pinned to the route's one tenant makes those for many tenants superfluous: of what they issue,
        // the route admits nothing else.
        let best = self.for_kind(AccountKind::Work)?;
        let is_the_tenants = self.only_tenant().is_some() && pinned_tenant(best) == self.only_tenant();
        let superfluous = |other: &KnownAuthority| {
            let many = matches!(other.issuer, ExpectedIssuer::Organizations { .. } | ExpectedIssuer::Template { .. });
            many && other.kind == best.kind && other.domains.is_empty() && family(&other.issuer) == family(&best.issuer)
        };
        let alone = self.authorities.iter().all(|other| other.name == best.name || superfluous(other));
        (is_the_tenants && alone).then_some(best)
    }

    fn of(&self, kind: AccountKind) -> impl Iterator<Item = &'d KnownAuthority> {
        self.authorities.iter().copied().filter(move |authority| authority.kind == kind)
    }

    fn only_tenant(&self) -> Option<TenantId> {
        if let [tenant] = self.wanted.tenants[..] { Some(tenant) } else { None }
    }

    fn could_stand_in(&self, other: &KnownAuthority, owner: &KnownAuthority) -> bool {
        // A personal Microsoft account may have any address.
        if matches!(other.issuer, ExpectedIssuer::Consumers { .. }) {
            return true;
        }
        let as_guests = match (pinned_tenant(owner), pinned_tenant(other)) {
            (Some(home), Some(host)) => home != host,
            (Some(_), None) | (None, Some(_) | None) => false,
        };
        family(&other.issuer) == family(&owner.issuer) && (!as_guests || self.wanted.guests != Guests::Deny)
    }
}

/// The tenant of an authority that is pinned to one by its id.
pub(super) fn pinned_tenant(authority: &KnownAuthority) -> Option<TenantId> {
    match authority.issuer {
        ExpectedIssuer::Tenant { tenant, .. } => Some(tenant),
        ExpectedIssuer::Consumers { .. }
        | ExpectedIssuer::Exact(_)
        | ExpectedIssuer::Organizations { .. }
        | ExpectedIssuer::Template { .. }
        | ExpectedIssuer::TenantOfDomain { .. } => None,
    }
}

/// Whether a token of this authority could ever pass the route's checks of kind and tenant.
fn could_admit(wanted: &Requirements, authority: &KnownAuthority) -> bool {
    let tenant = pinned_tenant(authority);
    wanted.kinds.contains(authority.kind) && tenant.is_none_or(|tenant| wanted.check_tenant(authority.kind, Some(tenant)).is_ok())
}

/// How well an authority suits a work account of `tenant`; less is better, and the order of the route breaks ties.
fn work_rank(authority: &KnownAuthority, tenant: Option<TenantId>) -> u8 {
    match (&authority.issuer, tenant) {
        (ExpectedIssuer::Tenant { tenant: pinned, .. }, Some(tenant)) if *pinned == tenant => 0,
        (ExpectedIssuer::Organizations { .. }, _) => 1,
        (ExpectedIssuer::Template { .. }, _) => 2,
        (ExpectedIssuer::TenantOfDomain { .. }, Some(_)) | (_, None) => 3,
        (ExpectedIssuer::Exact(_), Some(_)) => 4,
        (ExpectedIssuer::Consumers { .. } | ExpectedIssuer::Tenant { .. }, Some(_)) => 5,
    }
}

/// Authorities of one family know the same people: what stands before the tenant in the issuer, or the whole issuer.
fn family(issuer: &ExpectedIssuer) -> Cow<'_, str> {
    match issuer {
        ExpectedIssuer::Consumers { origin }
        | ExpectedIssuer::Organizations { origin }
        | ExpectedIssuer::Tenant { origin, .. }
        | ExpectedIssuer::TenantOfDomain { origin, .. } => Cow::Owned(format!("{origin}/")),
        ExpectedIssuer::Template { prefix, .. } => Cow::Borrowed(prefix),
        ExpectedIssuer::Exact(issuer) => Cow::Borrowed(issuer),
    }
}
