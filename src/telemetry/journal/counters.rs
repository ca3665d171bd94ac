//! Counts of decisions, by labels of which there are only so many. Route names come from the configuration; still, there
//! is a limit to the series, and what is beyond it is counted together.

use std::collections::HashMap;

use crate::domain::account::AccountKind;
use crate::domain::decision::{DecisionRecord, Outcome};
use crate::domain::reason::Reason;
use crate::domain::route::RouteName;

/// How many series one [`Tally`] has at most, beside those of [`OVERFLOW`].
pub const MOST_SERIES: usize = 2000;

/// What decisions without a route are counted under.
pub const NO_ROUTE: &str = "_none";

/// What is counted under instead of a route's name, once there are [`MOST_SERIES`].
pub const OVERFLOW: &str = "_overflow";

/// The counts.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Decided requests.
    pub decisions: Tally<Decided>,
    /// Requests that were let in and would have been refused, had their route enforced what it states.
    pub would_be_refusals: Tally<WouldRefuse>,
}

/// What decisions are counted by, beside the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// What became of the request.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Who was judged, if anybody.
    pub kind: Option<AccountKind>,
}

/// What would-be refusals are counted by, beside the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WouldRefuse {
    /// Why they would have been refused.
    pub reason: Reason,
    /// Who was judged, if anybody.
    pub kind: Option<AccountKind>,
}

/// Counts by route and label.
#[derive(Debug, Clone)]
pub struct Tally<L> {
    /// A route has few labels in practice: looking through them is cheaper than hashing them.
    routes: HashMap<Option<RouteName>, Vec<(L, u64)>>,
    beyond: Vec<(L, u64)>,
    series: usize,
}

impl Counters {
    pub(super) fn count(&mut self, decision: &DecisionRecord) {
        let kind = decision.who.as_ref().map(|who| who.kind);
        self.decisions.add(&decision.route, Decided { outcome: decision.outcome, reason: decision.reason, kind }, 1);
        if let Some(reason) = decision.would_refuse {
            self.would_be_refusals.add(&decision.route, WouldRefuse { reason, kind }, 1);
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.decisions.absorb(&other.decisions);
        self.would_be_refusals.absorb(&other.would_be_refusals);
    }
}

impl<L: Copy + PartialEq> Tally<L> {
    fn add(&mut self, route: &Option<RouteName>, label: L, count: u64) {
        let known = self.routes.get_mut(route).and_then(|labels| find(labels, label));
        if let Some(known) = known {
            *known += count;
        } else if self.series < MOST_SERIES {
            self.series += 1;
            self.routes.entry(route.clone()).or_default().push((label, count));
        } else if let Some(known) = find(&mut self.beyond, label) {
            *known += count;
        } else {
            self.beyond.push((label, count));
        }
    }

    fn absorb(&mut self, other: &Self) {
        for (route, labels) in &other.routes {
            labels.iter().for_each(|(label, count)| self.add(route, *label, *count));
        }
        for (label, count) in &other.beyond {
            match find(&mut self.beyond, *label) {
                Some(known) => *known += count,
                None => self.beyond.push((*label, *count)),
            }
        }
    }

    /// Every series: the route's name (or [`NO_ROUTE`], or [`OVERFLOW`]), the label and the count. In no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, L, u64)> {
        let named = self.routes.iter().flat_map(|(route, labels)| {
            let route = route.as_ref().map_or(NO_ROUTE, RouteName::as_str);
            labels.iter().map(move |(label, count)| (route, *label, *count))
        });
        named.chain(self.beyond.iter().map(|(label, count)| (OVERFLOW, *label, *count)))
    }

    /// The count of a route's decisions with such labels.
    pub fn of(&self, route: &RouteName, is_meant: impl Fn(L) -> bool) -> u64 {
        let labels = self.routes.get(&Some(route.clone())).map(Vec::as_slice).unwrap_or_default();
        labels.iter().filter(|(label, _)| is_meant(*label)).map(|(_, count)| count).sum()
    }
}

impl<L> Default for Tally<L> {
    fn default() -> Self {
        Self { routes: HashMap::new(), beyond: Vec::new(), series: 0 }
    }
}

fn find<L: Copy + PartialEq>(labels: &mut [(L, u64)], label: L) -> Option<&mut u64> {
    labels.iter_mut().find(|(known, _)| *known == label).map(|(_, count)| count)
}
