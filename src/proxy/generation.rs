//! The configuration in force: one pointer, swapped as a whole when the configuration is read anew. A request takes a
//! `Generation` when it begins and keeps it to its end, so it never sees two.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;

use super::endpoints;
use super::opening::Recall;
use super::shared::Shared;

/// The pointer. Clones are the same one.
#[derive(Clone)]
pub struct InForce(Arc<ArcSwap<Shared>>);

/// One configuration, as a worker sees it.
pub(super) struct Generation {
    pub(super) shared: Arc<Shared>,
    /// Our own endpoints: their prefix may change like everything else.
    pub(super) endpoints: axum::Router,
    /// What was opened with its keys.
    pub(super) recall: Recall,
}

/// A worker's look at the pointer. While nothing changes, a request costs one atomic load and a count that no other
/// worker touches. A worker that nobody asks keeps the last generation that it saw.
pub(super) struct View(RefCell<Seen>);

struct Seen {
    pointer: Cache<Arc<ArcSwap<Shared>>, Arc<Shared>>,
    generation: Rc<Generation>,
}

impl InForce {
    /// The first one.
    #[must_use]
    pub fn new(first: Shared) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// From now on requests begin with this one. Those under way go on as they began.
    pub fn replace(&self, next: Shared) {
        self.0.store(Arc::new(next));
    }

    /// The one in force now.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.0.load_full()
    }

    pub(super) fn view(&self) -> View {
        let mut pointer = Cache::new(Arc::clone(&self.0));
        let generation = Rc::new(Generation::of(Arc::clone(pointer.load())));
        View(RefCell::new(Seen { pointer, generation }))
    }
}

impl View {
    /// The generation in force.
    pub(super) fn generation(&self) -> Rc<Generation> {
        let Seen { pointer, generation } = &mut *self.0.borrow_mut();
        let latest = pointer.load();
        if !Arc::ptr_eq(latest, &generation.shared) {
            *generation = Rc::new(Generation::of(Arc::clone(latest)));
        }
        Rc::clone(generation)
    }
}

impl Generation {
    fn of(shared: Arc<Shared>) -> Self {
        Self { endpoints: endpoints::router(&shared.rules.prefix), recall: Recall::default(), shared }
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InForce").field(&**self.0.load()).finish()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&*self.0.borrow().generation.shared).finish()
    }
}
