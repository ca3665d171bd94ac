//! What the connections of one listening socket have in common, whichever protocol they speak: the roll that the sweep goes
//! through, the date, and buffers that only connections at work hold.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::BytesMut;

use super::date::HttpDate;
use super::vitals::Roll;
use super::{Limits, OnViolation};
use crate::proxy::http1::violation::Violation;

/// How much is read in one go, in bytes. A head with cookies is a few kilobytes.
pub(super) const PIECE: usize = 16 * 1024;
/// The most buffers that are kept for whoever needs one next.
const MAX_KEPT: usize = 64;

/// Belongs to one thread.
pub(super) struct House {
    pub(super) limits: Limits,
    pub(super) roll: Rc<Roll>,
    is_closing: Cell<bool>,
    on_violation: OnViolation,
    date: RefCell<HttpDate>,
    buffers: RefCell<Vec<BytesMut>>,
}

impl House {
    pub(super) fn new(limits: Limits, on_violation: OnViolation) -> Self {
        Self {
            roll: Rc::new(Roll::new(&limits)),
            limits,
            is_closing: Cell::new(false),
            on_violation,
            date: RefCell::new(HttpDate::now()),
            buffers: RefCell::default(),
        }
    }

    /// One beat: looks at every connection and at the clock.
    pub(super) fn beat(&self) {
        self.date.borrow_mut().refresh();
        self.roll.sweep();
    }

    /// Lets every connection end with the request it is at.
    pub(super) fn close(&self) {
        self.is_closing.set(true);
        self.roll.wake_all();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// Counts a message that was refused.
    pub(super) fn count(&self, violation: Violation) {
        (self.on_violation)(violation);
    }

    /// Looks at the `Date` of answers.
    pub(super) fn with_date<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        look(self.date.borrow().as_bytes())
    }

    /// An empty buffer with room for [`PIECE`] bytes.
    pub(super) fn lend_buffer(&self) -> BytesMut {
        self.buffers.borrow_mut().pop().unwrap_or_else(|| BytesMut::with_capacity(PIECE))
    }

    /// Keeps an empty buffer for the next one who needs it.
    pub(super) fn keep_buffer(&self, mut buffer: BytesMut) {
        let mut buffers = self.buffers.borrow_mut();
        // A buffer that has grown is not worth its memory.
        let has_grown = buffer.try_reclaim(PIECE + 1);
        if buffers.len() < MAX_KEPT && !has_grown && buffer.is_empty() {
            buffers.push(buffer);
        }
    }
}
