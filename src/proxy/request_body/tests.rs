//! Bodies as tests want them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::*;

/// A body of these pieces. Before each of them, and before its end, it says twice that there is something to wait for.
pub(in crate::proxy) struct Pieces {
    left: RefCell<VecDeque<Bytes>>,
    waits: Cell<usize>,
}

const WAITS: usize = 2;

impl Pieces {
    pub(in crate::proxy) fn new(pieces: impl IntoIterator<Item = Bytes>) -> Rc<Self> {
        Rc::new(Self { left: RefCell::new(pieces.into_iter().collect()), waits: Cell::new(WAITS) })
    }

    /// The body, if its client has said that it has so many bytes, or nothing. Breaks off when the pieces are dropped.
    pub(in crate::proxy) fn body(self: &Rc<Self>, length: Option<u64>) -> RequestBody {
        let connection: Rc<dyn Arriving> = Rc::<Self>::clone(self);
        RequestBody::http1(Rc::downgrade(&connection), 0, length)
    }
}

impl Arriving for Pieces {
    fn poll_part(&self, _: u32, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(left) = self.waits.get().checked_sub(1) {
            self.waits.set(left);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waits.set(WAITS);
        Poll::Ready(self.left.borrow_mut().pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn let_go(&self, _: u32) {}
}

/// So many bytes of a large buffer, and what tells by its count whether anybody still holds that.
pub(in crate::proxy) fn piece_of_a_buffer(length: usize) -> (Bytes, Arc<[u8]>) {
    let buffer = Arc::<[u8]>::from(vec![b'x'; 64 * 1024]);
    (Bytes::from_owner(Arc::clone(&buffer)).slice(..length), buffer)
}
