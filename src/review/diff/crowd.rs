//! From many sorts of people to the few crowds that one would speak of: sorts that differ in one respect only, and fill
//! it, become one crowd that is not told apart by it.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{self, Belonging, HOMES, Held, MEMBERSHIPS, Organisation, Sort, Token, Universe};
use super::realms::Realms;
use crate::domain::account::{AccountKind, Home, Membership};

/// People, in words of the configuration. What does not tell them apart is left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// `None`: accounts of every kind.
    pub kind: Option<AccountKind>,
    /// Who vouches for them, where accounts of this kind come from several places.
    pub realm: Option<String>,
    /// Where they belong.
    pub organisations: Organisations,
    /// Empty: all.
    pub memberships: Vec<Membership>,
    /// Empty: all.
    pub homes: Vec<Home>,
    /// Groups and roles.
    pub belongings: Belongings,
    /// By what they get in.
    pub means: Means,
}

/// How people get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// By signing in as by an access token.
    Both(Token),
    /// By signing in.
    Session,
    /// By an access token.
    Token(Token),
}

impl Means {
    /// The access token, if they may come with one.
    #[must_use]
    pub const fn token(&self) -> Option<&Token> {
        match self {
            Self::Both(token) | Self::Token(token) => Some(token),
            Self::Session => None,
        }
    }
}

/// A set of organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Organisations {
    /// Every one.
    All,
    /// Every one but these.
    AllBut(Vec<Organisation>),
    /// These.
    These(Vec<Organisation>),
}

/// Groups and roles of a crowd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongings {
    /// Whatever they are.
    All,
    /// Whoever has none of these.
    NoneOf(Vec<Belonging>),
    /// Whoever has one of these.
    OneOf(Vec<Belonging>),
}

type Standings = BTreeSet<usize>;
/// Which standings have which belongings.
type Shape = BTreeMap<BTreeSet<usize>, Standings>;

/// Puts sorts together.
pub(super) fn crowds(sorts: &BTreeSet<Sort>, realms: &Realms, universe: &Universe) -> Vec<Crowd> {
    let mut by_means: BTreeMap<usize, BTreeSet<Sort>> = BTreeMap::new();
    for sort in sorts {
        by_means.entry(sort.means).or_default().insert(*sort);
    }
    let crowds = by_means.into_iter().flat_map(|(means, sorts)| Gathering { realms, universe, means, sorts }.crowds());
    crowds.fold(Vec::new(), with_token)
}

/// Adds a crowd to those that came before it, or its means to the same people's.
fn with_token(mut crowds: Vec<Crowd>, crowd: Crowd) -> Vec<Crowd> {
    let is_same =
        |other: &&mut Crowd| Crowd { means: Means::Session, ..(**other).clone() } == Crowd { means: Means::Session, ..crowd.clone() };
    for other in crowds.iter_mut().filter(is_same) {
        if let Some(means) = crowd.means.token().and_then(|token| other.means.and(token)) {
            other.means = means;
            return crowds;
        }
    }
    crowds.push(crowd);
    crowds
}

impl Means {
    /// These means and a token. Where the same people may come with either of two tokens, the scopes that only one of them
    /// has do not matter, nor does the audience if that is all they differ in.
    fn and(&self, token: &Token) -> Option<Self> {
        match self {
            Self::Both(other) => other.or(token).map(Self::Both),
            Self::Session => Some(Self::Both(token.clone())),
            Self::Token(other) => other.or(token).map(Self::Token),
        }
    }
}

impl Token {
    /// The one token that says as much as these two.
    fn or(&self, other: &Self) -> Option<Self> {
        let is_below = |less: &Self, more: &Self| less.scopes.iter().all(|scope| more.scopes.contains(scope));
        if self.scopes == other.scopes && self.lacks == other.lacks {
            return Some(Self { audiences: self.audiences.iter().chain(&other.audiences).cloned().collect(), ..self.clone() });
        }
        let fewer = if is_below(self, other) { self } else { other };
        let is_chain = is_below(self, other) || is_below(other, self);
        (is_chain && self.audiences == other.audiences).then(|| Self { lacks: Vec::new(), ..fewer.clone() })
    }
}

/// People who come by one means.
struct Gathering<'a> {
    realms: &'a Realms,
    universe: &'a Universe,
    means: usize,
    sorts: BTreeSet<Sort>,
}

impl Gathering<'_> {
    fn crowds(&self) -> Vec<Crowd> {
        let shapes: Vec<_> = (0..self.realms.all.len()).map(|realm| self.shapes(realm)).collect();
        let kinds: BTreeSet<_> = self.realms.all.iter().map(|realm| realm.kind).collect();
        let mut whole = shapes.iter().enumerate().map(|(realm, shapes)| self.whole(realm, shapes));
        let first = whole.next().flatten();
        if let Some(belongings) = first.filter(|first| kinds.len() > 1 && whole.all(|other| other == Some(*first))) {
            return vec![self.crowd(None, None, Organisations::All, belongings)];
        }
        AccountKind::ALL.into_iter().flat_map(|kind| self.of_kind(kind, &shapes)).collect()
    }

    /// The organisations of a realm, those together whose people fare alike.
    fn shapes(&self, realm: usize) -> Vec<(Shape, Vec<usize>)> {
        let mut shapes: Vec<(Shape, Vec<usize>)> = Vec::new();
        for organisation in 0..self.universe.organisations[realm].len() {
            let mut by_standing: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for sort in self.sorts.iter().filter(|sort| sort.realm == realm && sort.organisation == organisation) {
                by_standing.entry(sort.standing).or_default().insert(sort.belonging);
            }
            let mut shape = Shape::new();
            for (standing, belongings) in by_standing {
                shape.entry(belongings).or_default().insert(standing);
            }
            match shapes.iter_mut().find(|(other, _)| *other == shape) {
                _ if shape.is_empty() => {}
                Some((_, organisations)) => organisations.push(organisation),
                None => shapes.push((shape, vec![organisation])),
            }
        }
        shapes
    }

    /// The belongings, if nothing else tells people of this realm apart.
    fn whole<'s>(&self, realm: usize, shapes: &'s [(Shape, Vec<usize>)]) -> Option<&'s BTreeSet<usize>> {
        let [(shape, organisations)] = shapes else { return None };
        let (belongings, standings) = shape.first_key_value()?;
        let all = standings.len() == people::standings(self.realms.all[realm].kind);
        (all && organisations.len() == self.universe.organisations[realm].len()).then_some(belongings)
    }

    fn of_kind(&self, kind: AccountKind, shapes: &[Vec<(Shape, Vec<usize>)>]) -> Vec<Crowd> {
        let realms: Vec<_> = (0..shapes.len()).filter(|realm| self.realms.all[*realm].kind == kind).collect();
        let shape_of_all = |realm: usize| match &shapes[realm][..] {
            [(shape, organisations)] if organisations.len() == self.universe.organisations[realm].len() => Some(shape),
            _ => None,
        };
        if let Some((first, others)) = realms.split_first()
            && let Some(shape) = shape_of_all(*first)
            && others.iter().all(|other| shape_of_all(*other) == Some(shape))
        {
            return self.of_shape(kind, None, &Organisations::All, shape);
        }
        let of_realm = |realm: &usize| {
            let name = (realms.len() > 1).then(|| self.realms.name(*realm));
            let realm = *realm;
            shapes[realm].iter().flat_map(move |(shape, these)| self.of_shape(kind, name, &self.organisations(realm, these), shape))
        };
        realms.iter().flat_map(of_realm).collect()
    }

    fn organisations(&self, realm: usize, these: &[usize]) -> Organisations {
        let all = &self.universe.organisations[realm];
        if these.len() == all.len() {
            return Organisations::All;
        }
        let is_nameless = |organisation: &Organisation| organisation.tenants.is_empty() && organisation.domain.is_none();
        if these.iter().any(|number| is_nameless(&all[*number])) {
            let others = (0..all.len()).filter(|number| !these.contains(number));
            return Organisations::AllBut(others.map(|number| all[number].clone()).collect());
        }
        // Whatever its domain: then the domain says nothing.
        let alike = |tenants: &Organisation| all.iter().filter(|other| other.tenants == tenants.tenants).count();
        let here = |organisation: &Organisation| these.iter().filter(|number| all[**number].tenants == organisation.tenants).count();
        let mut named: Vec<Organisation> = Vec::new();
        for organisation in these.iter().map(|number| &all[*number]) {
            let is_whole = !organisation.tenants.is_empty() && here(organisation) == alike(organisation);
            let organisation = Organisation { domain: organisation.domain.clone().filter(|_| !is_whole), ..organisation.clone() };
            if !named.contains(&organisation) {
                named.push(organisation);
            }
        }
        Organisations::These(named)
    }

    fn of_shape(&self, kind: AccountKind, realm: Option<&str>, organisations: &Organisations, shape: &Shape) -> Vec<Crowd> {
        let mut crowds = Vec::new();
        for (belongings, standings) in shape {
            let mut crowd = self.crowd(Some(kind), realm, organisations.clone(), belongings);
            match kind {
                AccountKind::Customer | AccountKind::Personal => crowds.push(crowd),
                AccountKind::Work => {
                    for (memberships, homes) in by_homes(standings) {
                        crowd.memberships = if memberships.len() == MEMBERSHIPS.len() { Vec::new() } else { memberships };
                        crowd.homes = if homes.len() == HOMES.len() { Vec::new() } else { homes };
                        crowds.push(crowd.clone());
                    }
                }
            }
        }
        crowds
    }

    fn crowd(&self, kind: Option<AccountKind>, realm: Option<&str>, organisations: Organisations, belongings: &BTreeSet<usize>) -> Crowd {
        Crowd {
            kind,
            realm: realm.map(ToOwned::to_owned),
            organisations,
            memberships: Vec::new(),
            homes: Vec::new(),
            belongings: self.belongings(belongings),
            means: self.means.checked_sub(1).map_or(Means::Session, |at| Means::Token(self.universe.tokens[at].clone())),
        }
    }

    fn belongings(&self, these: &BTreeSet<usize>) -> Belongings {
        let all = &self.universe.belongings;
        let count = self.universe.belongings_by(self.means);
        if these.len() == count {
            return Belongings::All;
        }
        let is_single = |belonging: &Belonging| belonging.badge.is_empty() || belonging.held == Held::Nothing;
        if these.contains(&0) {
            let missing = (0..count).filter(|at| !these.contains(at)).map(|at| &all[at]);
            return Belongings::NoneOf(missing.filter(|belonging| is_single(belonging)).cloned().collect());
        }
        let has = |held: &Held, badge: &[_]| these.iter().any(|at| all[*at].held == *held && all[*at].badge == badge);
        let is_enough_without = |belonging: &Belonging| {
            has(&belonging.held, &[]) && !belonging.badge.is_empty()
                || has(&Held::Nothing, &belonging.badge) && belonging.held != Held::Nothing
        };
        Belongings::OneOf(these.iter().map(|at| &all[*at]).filter(|belonging| !is_enough_without(belonging)).cloned().collect())
    }
}

/// The homes of each membership, memberships with the same homes together.
fn by_homes(standings: &Standings) -> Vec<(Vec<Membership>, Vec<Home>)> {
    let mut together: Vec<(Vec<Membership>, Vec<Home>)> = Vec::new();
    for (at, membership) in MEMBERSHIPS.into_iter().enumerate() {
        let has = |home: &usize| standings.contains(&(at * HOMES.len() + home));
        let homes: Vec<_> = (0..HOMES.len()).filter(has).map(|home| HOMES[home]).collect();
        match together.iter_mut().find(|(_, other)| *other == homes) {
            _ if homes.is_empty() => {}
            Some((memberships, _)) => memberships.push(membership),
            None => together.push((vec![membership], homes)),
        }
    }
    together
}
