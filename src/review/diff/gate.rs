//! Whom a route lets in, asked of the very functions that decide when somebody comes.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{self, Organisation, Sort, Universe};
use super::realms::{Realms, Voice, Voucher};
use crate::domain::authority::AuthorityName;
use crate::domain::made_up::MadeUp;
use crate::domain::policy::{AccessGrant, Check, Decision, Presented, Subject};
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::route::Route;

/// A route of one of the files, and who can vouch for its visitors.
pub(super) struct Gate<'a> {
    route: &'a Route,
    /// The file's authorities that the route lists, in its order.
    vouchers: Vec<&'a Voucher>,
}

/// Who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    /// No route takes the request, or the route leads nowhere for this kind of account.
    NoRoute,
    /// The route, for this reason.
    Route(Reason),
}

/// What becomes of everybody at two gates.
#[derive(Default)]
pub(super) struct Outcome {
    /// Who was refused by the old one, and by what, and is let in by the new one.
    pub(super) gain: BTreeMap<Refusal, BTreeSet<Sort>>,
    /// The reverse.
    pub(super) lose: BTreeMap<Refusal, BTreeSet<Sort>>,
    /// Whom the new one lets in with a session.
    pub(super) let_in: BTreeSet<Sort>,
}

impl<'a> Gate<'a> {
    pub(super) fn of(route: &'a Route, vouchers: &'a [Voucher]) -> Self {
        let listed = route.access.requirements().map_or(&[][..], |wanted| &wanted.authorities);
        let vouchers = listed.iter().filter_map(|name| vouchers.iter().find(|voucher| voucher.name == *name)).collect();
        Self { route, vouchers }
    }

    /// Whether nobody needs to sign in.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.route.decide(Presented::Nothing), Decision::Allow(..)) && self.route.destination.of(None).is_some()
    }

    /// Whether somebody gets in with any of the authorities that could vouch for them. Of several refusals the one that
    /// comes last in the order of checks: the nearest to being let in.
    fn admits(&self, visitor: &mut Visitor<'_>) -> Result<(), Refusal> {
        let mut nearest = None;
        let (realm, organisation) = (visitor.realm, visitor.organisation);
        for voucher in self.vouchers.iter().filter(|voucher| voucher.realm == realm && voucher.speaks_for(organisation)) {
            match self.judge(visitor, &voucher.name) {
                Ok(()) => return Ok(()),
                Err(refusal) => nearest = nearest.max(Some((rank(refusal), refusal))),
            }
        }
        let Some((_, refusal)) = nearest else {
            let wanted = self.route.access.requirements();
            let kind = wanted.and_then(|wanted| wanted.check_kind(visitor.principal.kind).err());
            return Err(Refusal::Route(kind.unwrap_or(Reason::AuthorityNotAllowed)));
        };
        Err(refusal)
    }

    fn judge(&self, visitor: &mut Visitor<'_>, authority: &AuthorityName) -> Result<(), Refusal> {
        visitor.principal.authority.clone_from(authority);
        let subject = Subject { principal: &visitor.principal, grant: visitor.grant };
        let _permit = self.route.judge(subject).map_err(Refusal::Route)?;
        self.route.destination.of(Some(visitor.principal.kind)).map(|_| ()).ok_or(Refusal::NoRoute)
    }
}

fn rank(refusal: Refusal) -> usize {
    match refusal {
        Refusal::NoRoute => Check::ORDER.len(),
        // What no check is named for is about the token, which comes last.
        Refusal::Route(reason) => Check::ORDER.iter().position(|check| Some(*check) == Check::of(reason)).unwrap_or(Check::ORDER.len()),
    }
}

impl Voucher {
    fn speaks_for(&self, organisation: &Organisation) -> bool {
        match &self.voice {
            Voice::Domain(domain) => organisation.domain.as_ref() == Some(domain),
            Voice::Everybody => true,
            Voice::Tenant(tenant) => organisation.tenants.contains(tenant),
        }
    }
}

/// Somebody at the gate.
struct Visitor<'a> {
    realm: usize,
    organisation: &'a Organisation,
    principal: Principal,
    grant: Option<&'a AccessGrant>,
}

/// Sends everybody to both gates; `None` is where no route takes the request.
pub(super) fn compare(realms: &Realms, universe: &Universe, old: Option<&Gate<'_>>, new: Option<&Gate<'_>>) -> Outcome {
    let mut outcome = Outcome::default();
    let grants: Vec<_> = std::iter::once(None).chain(universe.tokens.iter().map(|token| Some(token.grant()))).collect();
    for (realm, at) in realms.all.iter().zip(0..) {
        for (number, organisation) in universe.organisations[at].iter().enumerate() {
            let made_up = MadeUp { tenant: organisation.tenants.first().copied(), ..MadeUp::of(realm.kind) };
            let principal = made_up.principal(AuthorityName::work());
            let mut visitor = Visitor { realm: at, organisation, principal, grant: None };
            for (belonging, kept) in universe.belongings.iter().enumerate() {
                (visitor.principal.groups, visitor.principal.roles) = (kept.groups(), kept.roles());
                for standing in 0..people::standings(realm.kind) {
                    (visitor.principal.membership, visitor.principal.home) = people::standing(realm.kind, standing);
                    for (means, grant) in grants.iter().enumerate().filter(|(means, _)| belonging < universe.belongings_by(*means)) {
                        visitor.grant = grant.as_ref();
                        let mut ask = |gate: Option<&Gate<'_>>| gate.map_or(Err(Refusal::NoRoute), |gate| gate.admits(&mut visitor));
                        outcome.note(Sort { means, realm: at, organisation: number, standing, belonging }, ask(old), ask(new));
                    }
                }
            }
        }
    }
    outcome
}

impl Outcome {
    fn note(&mut self, sort: Sort, old: Result<(), Refusal>, new: Result<(), Refusal>) {
        match (old, new) {
            (Err(refusal), Ok(())) => _ = self.gain.entry(refusal.of_check()).or_default().insert(sort),
            (Ok(()), Err(refusal)) => _ = self.lose.entry(refusal.of_check()).or_default().insert(sort),
            (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
        }
        if new.is_ok() && sort.means == 0 {
            self.let_in.insert(sort);
        }
    }
}

impl Refusal {
    /// Reasons of one check are one line of the file, and told together.
    fn of_check(self) -> Self {
        match self {
            Self::NoRoute => self,
            Self::Route(reason) => {
                let same = |other: &&Reason| Check::of(**other) == Check::of(reason);
                Self::Route(Check::of(reason).and_then(|_| Reason::ALL.iter().find(same)).copied().unwrap_or(reason))
            }
        }
    }
}
