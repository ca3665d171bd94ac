//! Idle connections of one worker. Last in, first out: what was used last is least likely to be stale, and the rest can
//! go.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::http1::answer_head::After;
use super::http1::link::Link;
use crate::domain::destination::Upstream;

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
    upstream: Arc<Upstream>,
    idle: Vec<(Instant, Box<Link>)>,
}

impl Pool {
    /// A connection that is still open, if there is one.
    pub(super) fn take(&self, upstream: &Arc<Upstream>) -> Option<Box<Link>> {
        loop {
            let mut link = self.pop(upstream)?;
            if link.is_reusable() {
                return Some(link);
            }
        }
    }

    fn pop(&self, upstream: &Arc<Upstream>) -> Option<Box<Link>> {
        let mut shelves = self.shelves.borrow_mut();
        let shelf = find(&mut shelves, upstream)?;
        let (since, link) = shelf.idle.pop()?;
        if since.elapsed() < MAX_IDLE_TIME {
            return Some(link);
        }
        // Those below are older still.
        shelf.idle.clear();
        None
    }

    /// Keeps a connection whose last exchange is complete in both directions, if it is good for another one.
    pub(super) fn give_back(self: &Rc<Self>, mut link: Box<Link>, after: After) {
        if after == After::Close || !link.is_reusable() {
            return;
        }
        link.relax();
        let mut shelves = self.shelves.borrow_mut();
        let shelf = match find(&mut shelves, &link.upstream) {
            Some(shelf) => shelf,
            None => {
                shelves.push(Shelf { upstream: Arc::clone(&link.upstream), idle: Vec::new() });
                let last = shelves.len() - 1;
                &mut shelves[last]
            }
        };
        if shelf.idle.len() == MAX_IDLE {
            shelf.idle.remove(0);
        }
        shelf.idle.push((Instant::now(), link));
        drop(shelves);
        if !self.is_swept.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).sweep());
        }
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

/// By address first: only after a reload is the same upstream another object.
fn find<'a>(shelves: &'a mut [Shelf], upstream: &Arc<Upstream>) -> Option<&'a mut Shelf> {
    let at = shelves
        .iter()
        .position(|shelf| Arc::ptr_eq(&shelf.upstream, upstream))
        .or_else(|| shelves.iter().position(|shelf| shelf.upstream == *upstream))?;
    Some(&mut shelves[at])
}
