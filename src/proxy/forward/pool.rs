//! Idle connections of one worker. Last in, first out: what was used last is least likely to be stale, and the rest can
//! go.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::http1::answer_head::After;
use super::http1::link::Link;
use super::upstreams::Member;
use super::upstreams::desk::{Fate, Waiters};
use super::upstreams::limit::Idle;

/// Idle connections per upstream and worker.
const MAX_IDLE: usize = 64;
/// How long a connection may be idle. Shorter than what servers grant: Node closes after 5 seconds, and a request that
/// meets the closing is lost or must be repeated.
const MAX_IDLE_TIME: Duration = Duration::from_secs(4);

/// The idle connections.
#[derive(Debug, Default)]
pub(super) struct Pool {
    shelves: RefCell<Vec<Shelf>>,
    is_swept: Cell<bool>,
}

#[derive(Debug)]
struct Shelf {
    member: Arc<Member>,
    idle: Vec<(Instant, Box<Link>)>,
    /// Lets connections go that others wait for, where their number is bounded.
    serving: Option<AbortOnDropHandle<()>>,
}

impl Pool {
    /// A connection that is still open, if there is one.
    pub(super) fn take(&self, member: &Arc<Member>) -> Option<Box<Link>> {
        loop {
            let mut link = self.pop(member)?;
            if link.is_reusable() {
                return Some(link);
            }
        }
    }

    fn pop(&self, member: &Arc<Member>) -> Option<Box<Link>> {
        let mut shelves = self.shelves.borrow_mut();
        let shelf = find(&mut shelves, member)?;
        let (since, link) = shelf.idle.pop()?;
        if since.elapsed() < MAX_IDLE_TIME {
            return Some(link);
        }
        // Those below are older still.
        shelf.idle.clear();
        None
    }

    /// Keeps a connection whose last exchange is complete in both directions, if it is good for another one, and nobody at
    /// another worker's waits for it to end.
    pub(super) fn give_back(self: &Rc<Self>, mut link: Box<Link>, after: After) {
        let under_way = link.under_way.take();
        if after == After::Close || !link.is_reusable() {
            return;
        }
        let bounded = link.member.bound.as_ref().zip(under_way);
        if bounded.as_ref().is_some_and(|(bound, under_way)| under_way.fate(bound) == Fate::Closed) {
            return;
        }
        let waiters = bounded.map(|(_, under_way)| under_way.waiters());
        link.relax();
        let mut shelves = self.shelves.borrow_mut();
        let shelf = match find(&mut shelves, &link.member) {
            Some(shelf) => shelf,
            None => {
                shelves.push(Shelf { member: Arc::clone(&link.member), idle: Vec::new(), serving: None });
                let last = shelves.len() - 1;
                &mut shelves[last]
            }
        };
        if shelf.idle.len() == MAX_IDLE {
            shelf.idle.remove(0);
        }
        if let Some(waiters) = waiters.filter(|_| shelf.serving.is_none()) {
            let serving = tokio::task::spawn_local(Rc::clone(self).serve_others(Arc::clone(&link.member), waiters));
            shelf.serving = Some(AbortOnDropHandle::new(serving));
        }
        shelf.idle.push((Instant::now(), link));
        drop(shelves);
        if !self.is_swept.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).sweep());
        }
    }

    /// Closes idle connections that others wait for, until there are none.
    async fn serve_others(self: Rc<Self>, member: Arc<Member>, waiters: Waiters) {
        let Some(bound) = &member.bound else { return };
        bound.serve_others(|| if waiters.are_there() { Idle::Some } else { self.give_up_one(&member) }).await;
    }

    /// Closes the one that has been idle for longest.
    fn give_up_one(&self, member: &Arc<Member>) -> Idle {
        let mut shelves = self.shelves.borrow_mut();
        let Some(shelf) = find(&mut shelves, member) else { return Idle::None };
        if !shelf.idle.is_empty() {
            shelf.idle.remove(0);
        }
        if !shelf.idle.is_empty() {
            return Idle::Some;
        }
        shelf.serving = None;
        Idle::None
    }

    /// How many connections are idle.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.shelves.borrow().iter().map(|shelf| shelf.idle.len()).sum()
    }

    /// Closes what has been idle for too long, until nothing is left.
    async fn sweep(self: Rc<Self>) {
        while !self.shelves.borrow().is_empty() {
            tokio::time::sleep(MAX_IDLE_TIME / 2).await;
            self.shelves.borrow_mut().retain_mut(|shelf| {
                shelf.idle.retain(|(since, _)| since.elapsed() < MAX_IDLE_TIME);
                !shelf.idle.is_empty()
            });
        }
        self.is_swept.set(false);
    }
}

/// The same object: a reload keeps it as long as it is reached in the same way.
fn find<'a>(shelves: &'a mut [Shelf], member: &Arc<Member>) -> Option<&'a mut Shelf> {
    shelves.iter_mut().find(|shelf| Arc::ptr_eq(&shelf.member, member))
}
