//! What a connection needs while it is at work and not between requests. There are as many of these as there have been
//! requests at once, not as many as there are connections; and none is made for a request.

use std::cell::RefCell;
use std::pin::Pin;

use super::answer::Answer;

/// The most desks that are kept for whoever needs one next.
const MAX_KEPT: usize = 64;

/// What one request takes to be answered. `F` is what the service makes of it.
pub(in crate::proxy::listen) struct Desk<F> {
    /// The service at work; `None` when it has answered.
    pub(super) call: Pin<Box<Option<F>>>,
    pub(super) answer: Answer,
}

/// The desks of a worker that nobody works at.
#[expect(
    clippy::vec_box,
    reason = "connections hold them boxed, so that an idle one is small; a box is made once, not at every change of hands"
)]
pub(in crate::proxy::listen) struct Desks<F>(RefCell<Vec<Box<Desk<F>>>>);

impl<F> Default for Desks<F> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<F> Desks<F> {
    pub(super) fn take(&self) -> Box<Desk<F>> {
        self.0.borrow_mut().pop().unwrap_or_else(|| Box::new(Desk { call: Box::pin(None), answer: Answer::default() }))
    }

    pub(super) fn put(&self, mut desk: Box<Desk<F>>) {
        desk.call.set(None);
        desk.answer.clear();
        let mut desks = self.0.borrow_mut();
        if desks.len() < MAX_KEPT {
            desks.push(desk);
        }
    }
}
