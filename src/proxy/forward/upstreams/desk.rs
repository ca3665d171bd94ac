//! What one worker has under way at each member, and who of its requests waits for a connection there. Kept only where
//! somebody asks: for members among several, and for those with a bound on connections.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::balance::Chance;
use super::limit::Bound;
use super::{Group, Member};

/// The worker's own books.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Desk {
    /// By the place in memory of the member, which the weak pointer keeps from being taken by another one.
    ledgers: RefCell<HashMap<usize, (Weak<Member>, Rc<Ledger>)>>,
    pub(super) chance: Chance,
}

/// One member's page.
#[derive(Debug, Default)]
pub(in crate::proxy::forward) struct Ledger {
    under_way: Cell<u32>,
    waiting: Cell<u32>,
    returned: Notify,
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(in crate::proxy::forward) struct UnderWay(Rc<Ledger>);

/// A request that waits for a connection.
pub(in crate::proxy::forward) struct Waiting<'a> {
    ledger: &'a Ledger,
    bound: &'a Bound,
}

impl Desk {
    /// Of which `seed` decides what is left to chance.
    pub(in crate::proxy::forward) fn new(seed: u64) -> Self {
        Self { ledgers: RefCell::default(), chance: Chance::seeded(seed) }
    }

    pub(super) fn load(&self, member: &Arc<Member>) -> u32 {
        self.ledgers.borrow().get(&place_of(member)).map_or(0, |(_, ledger)| ledger.under_way.get())
    }

    /// Notes a request, if anybody will want to know.
    pub(super) fn begin(&self, group: &Group, member: &Arc<Member>) -> Option<UnderWay> {
        if group.members.len() == 1 && member.bound.is_none() {
            return None;
        }
        let ledger = self.ledger(member);
        ledger.under_way.set(ledger.under_way.get() + 1);
        Some(UnderWay(ledger))
    }

    fn ledger(&self, member: &Arc<Member>) -> Rc<Ledger> {
        let mut ledgers = self.ledgers.borrow_mut();
        if let Some((_, ledger)) = ledgers.get(&place_of(member)) {
            return Rc::clone(ledger);
        }
        // Members of earlier configurations are gone by now, or soon.
        ledgers.retain(|_, (member, _)| member.strong_count() > 0);
        let ledger = Rc::<Ledger>::default();
        ledgers.insert(place_of(member), (Arc::downgrade(member), Rc::clone(&ledger)));
        ledger
    }
}

fn place_of(member: &Arc<Member>) -> usize {
    Arc::as_ptr(member).addr()
}

impl UnderWay {
    /// Whether another request of this worker waits for a connection to the same member.
    pub(in crate::proxy::forward) fn is_waited_for(&self) -> bool {
        self.0.waiting.get() > 0
    }

    /// Tells one who waits that a connection lies ready.
    pub(in crate::proxy::forward) fn tell_of_return(&self) {
        self.0.returned.notify_one();
    }

    /// Begins to wait.
    pub(in crate::proxy::forward) fn wait<'a>(&'a self, bound: &'a Bound) -> Waiting<'a> {
        self.0.waiting.set(self.0.waiting.get() + 1);
        Waiting { ledger: &self.0, bound }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
    }
}

impl Waiting<'_> {
    /// Ends when a connection lies ready.
    pub(in crate::proxy::forward) async fn returned(&self) {
        self.ledger.returned.notified().await;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.ledger.waiting.set(self.ledger.waiting.get() - 1);
        // A connection may lie ready for it that nobody takes now.
        self.bound.remind();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::group;
    use super::*;

    #[test]
    fn what_is_under_way_is_counted_where_somebody_asks() {
        let desk = Desk::new(7);
        let (several, alone, bounded) = (group(&["http://a", "http://b"], None), group(&["http://a"], None), group(&["http://a"], Some(1)));
        assert!(desk.begin(&alone, &alone.members[0]).is_none());
        let bound = desk.begin(&bounded, &bounded.members[0]).expect("counted");
        let [a, b] = &several.members[..] else { panic!("two") };
        let (one, two) = (desk.begin(&several, a).expect("counted"), desk.begin(&several, a).expect("counted"));
        assert_eq!((desk.load(a), desk.load(b), desk.load(&bounded.members[0])), (2, 0, 1));
        drop((one, bound));
        assert_eq!((desk.load(a), desk.load(&bounded.members[0])), (1, 0));
        drop(two);
        assert_eq!(desk.load(a), 0);
    }

    #[test]
    fn members_of_earlier_configurations_are_forgotten() {
        let desk = Desk::new(7);
        for _ in 0..10 {
            let group = group(&["http://a", "http://b"], None);
            drop(desk.begin(&group, &group.members[0]));
        }
        assert_eq!(desk.ledgers.borrow().len(), 1);
    }
}
