//! The sorts of people that two routes tell apart. Whoever no list of either route tells apart is of one sort: all
//! tenants that neither names, all groups that only the old one names.
//!
//! A person has no group and no role that matters, or one: one of a route's groups and roles is enough to get in, so
//! whoever gains or loses by having several gains or loses by one of them alone. An access token must fill two such lists,
//! the route's and that of `bearer`, and so its bearer has up to one of each. Likewise a token is made out to one audience,
//! since one is enough, and has the scopes that one of the routes asks for, since all of them are needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::realms::Realms;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::policy::AccessGrant;
use crate::domain::principal::Groups;
use crate::domain::route::{Access, BearerRequirements, Requirements, Route};
use crate::domain::time::Timestamp;

/// In the order in which people are told of.
pub(super) const MEMBERSHIPS: [Membership; 3] = [Membership::Member, Membership::Guest, Membership::Unknown];
/// In the order in which people are told of.
pub(super) const HOMES: [Home; 6] = [Home::ThisTenant, Home::OtherTenant, Home::Personal, Home::Social, Home::EmailCode, Home::Unknown];

/// Organisations of one realm that nothing tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Empty: every one that is not named.
    pub tenants: Vec<TenantId>,
    /// There if these are people of the organisation that has this domain, whose id no file tells.
    pub domain: Option<Arc<str>>,
}

/// What somebody belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// Of what `groups` and `roles` ask for.
    pub held: Held,
    /// Of the roles that `bearer` asks for: one of these. Empty: none of them.
    pub badge: Vec<Arc<str>>,
}

/// A group, a role, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// One of these groups.
    Group(Vec<Arc<str>>),
    /// None that matters.
    Nothing,
    /// Too many groups for a token to list.
    Overage,
    /// One of these roles.
    Role(Vec<Arc<str>>),
}

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// For one of these audiences.
    pub audiences: Vec<Arc<str>>,
    /// With these scopes.
    pub scopes: Vec<Arc<str>>,
    /// Without these, which the other route asks for.
    pub lacks: Vec<Arc<str>>,
}

/// One sort of people, as places in the [`Universe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sort {
    /// 0: a session; else one more than the place among the tokens.
    pub(super) means: usize,
    pub(super) realm: usize,
    pub(super) organisation: usize,
    /// Membership × home.
    pub(super) standing: usize,
    pub(super) belonging: usize,
}

/// Everybody, as far as two routes tell them apart.
pub(super) struct Universe {
    /// Of each realm.
    pub(super) organisations: Vec<Vec<Organisation>>,
    /// [`Held::Nothing`] without a badge comes first; those with a badge come last.
    pub(super) belongings: Vec<Belonging>,
    /// How many of them have no badge: those of people in sessions.
    pub(super) plain_belongings: usize,
    pub(super) tokens: Vec<Token>,
}

impl Universe {
    pub(super) fn of(realms: &Realms, old: Option<&Route>, new: Option<&Route>) -> Self {
        let routes = [old, new];
        let wanted = routes.map(|route| route.and_then(|route| route.access.requirements()));
        let bearers = routes.map(|route| route.and_then(enforced));
        let bearers = bearers.each_ref().map(Option::as_ref);
        let organisations = (0..realms.all.len()).map(|realm| organisations(realms, realm, wanted)).collect();
        let (belongings, plain_belongings) = belongings(wanted, bearers);
        Self { organisations, belongings, plain_belongings, tokens: tokens(bearers) }
    }

    /// How many belongings there are to people who come by this means.
    pub(super) const fn belongings_by(&self, means: usize) -> usize {
        if means == 0 { self.plain_belongings } else { self.belongings.len() }
    }
}

impl Belonging {
    pub(super) fn groups(&self) -> Groups {
        match &self.held {
            Held::Group(groups) => Groups::Listed(groups.first().cloned().into_iter().collect()),
            Held::Nothing | Held::Role(_) => Groups::Listed(Vec::new()),
            Held::Overage => Groups::Overage,
        }
    }

    pub(super) fn roles(&self) -> Vec<Arc<str>> {
        let held = if let Held::Role(roles) = &self.held { roles.first() } else { None };
        held.into_iter().chain(self.badge.first()).cloned().collect()
    }
}

impl Token {
    pub(super) fn grant(&self) -> AccessGrant {
        AccessGrant {
            audiences: self.audiences.first().map(|audience| audience.to_string()).into_iter().collect(),
            scopes: self.scopes.iter().map(|scope| scope.to_string()).collect(),
            expires_at: Timestamp::from_unix_seconds(0),
        }
    }
}

/// How many standings there are to tell apart.
pub(super) const fn standings(kind: AccountKind) -> usize {
    match kind {
        AccountKind::Customer | AccountKind::Personal => 1,
        AccountKind::Work => MEMBERSHIPS.len() * HOMES.len(),
    }
}

/// What membership and home a standing is; accounts that belong to no organisation have one only.
pub(super) fn standing(kind: AccountKind, at: usize) -> (Membership, Home) {
    match kind {
        AccountKind::Customer => (Membership::Unknown, Home::Unknown),
        AccountKind::Personal => (Membership::Unknown, Home::Personal),
        AccountKind::Work => (MEMBERSHIPS[at / HOMES.len()], HOMES[at % HOMES.len()]),
    }
}

fn organisations(realms: &Realms, realm: usize, wanted: [Option<&Requirements>; 2]) -> Vec<Organisation> {
    if let Some(only) = realms.all[realm].only {
        return vec![Organisation { tenants: only.tenant.into_iter().collect(), domain: None }];
    }
    let lists = wanted.map(|wanted| wanted.map_or(&[][..], |wanted| &wanted.tenants));
    let pinned: Vec<_> = realms.pinned(realm).collect();
    // An authority's own tenant is told apart from all others by that.
    let apart = |tenant: &TenantId| pinned.contains(tenant).then_some(*tenant);
    let named = lists.iter().copied().flatten().chain(&pinned).copied();
    let mut alike: BTreeMap<_, Vec<TenantId>> = BTreeMap::new();
    for tenant in named {
        let same = alike.entry((lists.map(|list| !list.contains(&tenant)), apart(&tenant))).or_default();
        if !same.contains(&tenant) {
            same.push(tenant);
        }
    }
    let named = alike.into_values().chain([Vec::new()]);
    let domains: Vec<_> = std::iter::once(None).chain(realms.domains(realm).into_iter().map(Some)).collect();
    named.flat_map(|tenants| domains.iter().map(move |domain| Organisation { tenants: tenants.clone(), domain: domain.clone() })).collect()
}

/// What a route enforces of `bearer`: one that only tries its rules asks for the audience alone.
fn enforced(route: &Route) -> Option<BearerRequirements> {
    let stated = route.bearer.clone()?;
    Some(match &route.access {
        Access::Shadowed { .. } => BearerRequirements { scopes: Vec::new(), roles: Vec::new(), ..stated },
        Access::Optional(_) | Access::Public | Access::Required(_) => stated,
    })
}

fn belongings(wanted: [Option<&Requirements>; 2], bearers: [Option<&BearerRequirements>; 2]) -> (Vec<Belonging>, usize) {
    let groups = wanted.map(|wanted| wanted.map_or(&[][..], |wanted| &wanted.groups));
    let [old, new] = wanted.map(|wanted| wanted.map_or(&[][..], |wanted| &wanted.roles));
    let [old_badges, new_badges] = bearers.map(|bearer| bearer.map_or(&[][..], |bearer| &bearer.roles));
    let roles = alike(&[old, new, old_badges, new_badges]);
    let held_roles = roles.iter().filter(|(lists, _)| lists[0] || lists[1]).map(|(_, roles)| Held::Role(roles.clone()));
    let held_groups = alike(&groups).into_iter().map(|(_, groups)| Held::Group(groups));
    let held: Vec<_> = [Held::Nothing, Held::Overage].into_iter().chain(held_groups).chain(held_roles).collect();
    let badges = roles.iter().filter(|(lists, _)| lists[2] || lists[3]).map(|(_, roles)| roles.clone());
    let badges = std::iter::once(Vec::new()).chain(badges);
    let all: Vec<_> =
        badges.flat_map(|badge| held.iter().map(move |held| Belonging { held: held.clone(), badge: badge.clone() })).collect();
    (all, held.len())
}

fn tokens(bearers: [Option<&BearerRequirements>; 2]) -> Vec<Token> {
    let audiences = alike(&bearers.map(|bearer| bearer.map_or(&[][..], |bearer| &bearer.audiences)));
    let mut tokens: Vec<Token> = Vec::new();
    for (_, audiences) in &audiences {
        for (this, other) in [(0, 1), (1, 0)] {
            let Some(bearer) = bearers[this] else { continue };
            let elsewhere = bearers[other].map_or(&[][..], |bearer| &bearer.scopes);
            let lacks = elsewhere.iter().filter(|scope| !bearer.scopes.contains(scope)).cloned().collect();
            let token = Token { audiences: audiences.clone(), scopes: bearer.scopes.clone(), lacks };
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
    }
    tokens
}

/// The entries of some lists, those together that are in the same of them.
fn alike<const N: usize>(lists: &[&[Arc<str>]; N]) -> Vec<([bool; N], Vec<Arc<str>>)> {
    let mut alike: Vec<([bool; N], Vec<Arc<str>>)> = Vec::new();
    for entry in lists.iter().copied().flatten() {
        let found = lists.map(|list| list.contains(entry));
        match alike.iter_mut().find(|(lists, _)| *lists == found) {
            Some((_, same)) if same.contains(entry) => {}
            Some((_, same)) => same.push(entry.clone()),
            None => alike.push((found, vec![entry.clone()])),
        }
    }
    alike
}
