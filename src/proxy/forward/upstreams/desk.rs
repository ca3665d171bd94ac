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
    ledgers: RefCell<HashMap<usize, Page>>,
    pub(super) chance: Chance,
}

#[derive(Debug)]
struct Page {
    member: Weak<Member>,
    ledger: Rc<Ledger>,
}

/// What is noted of one member.
#[derive(Debug, Default)]
pub(in crate::proxy::forward) struct Ledger {
    under_way: Cell<u32>,
    waiting: Cell<u32>,
    returned: Notify,
    /// So many connections went to this worker's own requests in a row while others' waited.
    handed_over: Cell<u32>,
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(in crate::proxy::forward) struct UnderWay(Rc<Ledger>);

/// What becomes of a connection that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Fate {
    /// It ends: somebody at another worker's waits for that.
    Closed,
    Kept,
}

/// The requests of this worker that wait for a connection to one member.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Waiters(Rc<Ledger>);

/// After so many of our own, others have a turn.
const MOST_IN_A_ROW: u32 = 8;

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
        self.ledgers.borrow().get(&place_of(member)).map_or(0, |page| page.ledger.under_way.get())
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
        if let Some(page) = ledgers.get(&place_of(member)) {
            return Rc::clone(&page.ledger);
        }
        // Members of earlier configurations are gone by now, or soon.
        ledgers.retain(|_, page| page.member.strong_count() > 0);
        let ledger = Rc::<Ledger>::default();
        ledgers.insert(place_of(member), Page { member: Arc::downgrade(member), ledger: Rc::clone(&ledger) });
        ledger
    }
}

fn place_of(member: &Arc<Member>) -> usize {
    Arc::as_ptr(member).addr()
}

impl UnderWay {
    /// What is to become of the connection that comes back. One of this worker's requests gets it, if any waits; but not
    /// always, if others' wait as well.
    pub(in crate::proxy::forward) fn fate(&self, bound: &Bound) -> Fate {
        let ledger = &self.0;
        let (ours, all) = (ledger.waiting.get(), bound.waiting());
        if all == 0 {
            return Fate::Kept;
        }
        let is_others_turn = all > ours as usize && ledger.handed_over.get() >= MOST_IN_A_ROW;
        if ours == 0 || is_others_turn {
            ledger.handed_over.set(0);
            return Fate::Closed;
        }
        ledger.handed_over.set(ledger.handed_over.get().saturating_add(1));
        ledger.returned.notify_one();
        Fate::Kept
    }

    /// Whether others wait here for a connection.
    pub(in crate::proxy::forward) fn is_waited_for(&self) -> bool {
        self.0.waiting.get() > 0
    }

    /// To see later whether anybody waits here.
    pub(in crate::proxy::forward) fn waiters(&self) -> Waiters {
        Waiters(Rc::clone(&self.0))
    }

    /// Begins to wait.
    pub(in crate::proxy::forward) fn wait<'a>(&'a self, bound: &'a Bound) -> Waiting<'a> {
        self.0.waiting.set(self.0.waiting.get() + 1);
        Waiting { ledger: &self.0, bound }
    }
}

impl Waiters {
    /// What lies ready is theirs, if there are any.
    pub(in crate::proxy::forward) fn are_there(&self) -> bool {
        self.0.waiting.get() > 0
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
    use std::task::{Context, Waker};

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
    fn a_connection_goes_to_our_own_first_and_to_others_now_and_then() {
        let (desk, group) = (Desk::new(7), group(&["http://a"], Some(1)));
        let bound = group.members[0].bound.as_ref().expect("a bound");
        let begin = || desk.begin(&group, &group.members[0]).expect("counted");
        let (one, two) = (begin(), begin());
        assert_eq!(one.fate(bound), Fate::Kept, "nobody waits");

        let mut cx = Context::from_waker(Waker::noop());
        let held = Box::pin(bound.permit()).as_mut().poll(&mut cx);
        let mut others = Box::pin(bound.permit());
        assert!(held.is_ready() && others.as_mut().poll(&mut cx).is_pending());
        assert_eq!(one.fate(bound), Fate::Closed, "only others wait");

        let (_waiting, mut ours) = (two.wait(bound), Box::pin(bound.permit()));
        assert!(ours.as_mut().poll(&mut cx).is_pending() && two.waiters().are_there());
        let fates: Vec<_> = (0..18).map(|_| one.fate(bound)).collect();
        let closed: Vec<_> = (0..18).filter(|at| fates[*at] == Fate::Closed).collect();
        assert_eq!(closed, [8, 17]);
        drop(others);
        assert!((0..30).all(|_| one.fate(bound) == Fate::Kept), "nobody else waits");
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
