//! The HTTP/2 connections of one worker, member by member, and what is known of who speaks it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::SESSIONS;
use super::session::{Session, Slot};
use crate::proxy::forward::upstreams::Member;
use crate::proxy::forward::upstreams::again::Connection;
use crate::proxy::forward::wire::Wire;

/// All of them.
#[derive(Debug, Default)]
pub(in crate::proxy::forward) struct Sessions(RefCell<Vec<Rc<Shelf>>>);

/// Those to one member.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Shelf {
    member: Weak<Member>,
    sessions: RefCell<Vec<Rc<Session>>>,
    is_opening: Cell<bool>,
    /// When it could choose, it chose HTTP/1.1.
    prefers_http1: Cell<bool>,
    /// There may be room where there was none.
    room: Rc<Notify>,
}

/// A connection is being opened, or has to turn out what it is. Whoever waits for that looks again when this is dropped.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Opening(Rc<Shelf>);

impl Sessions {
    /// The shelf for a member.
    pub(in crate::proxy::forward) fn shelf(&self, member: &Arc<Member>) -> Rc<Shelf> {
        let mut shelves = self.0.borrow_mut();
        // The weak pointer keeps the place in memory from being taken by another one.
        if let Some(shelf) = shelves.iter().find(|shelf| std::ptr::eq(shelf.member.as_ptr(), Arc::as_ptr(member))) {
            return Rc::clone(shelf);
        }
        // Members of earlier configurations are gone by now, or soon.
        shelves.retain(|shelf| shelf.member.strong_count() > 0);
        let shelf = Rc::new(Shelf {
            member: Arc::downgrade(member),
            sessions: RefCell::default(),
            is_opening: Cell::new(false),
            prefers_http1: Cell::new(false),
            room: Rc::default(),
        });
        shelves.push(Rc::clone(&shelf));
        shelf
    }

    /// How many connections there are, and how many streams on them.
    #[cfg(test)]
    pub(in crate::proxy::forward) fn open(&self) -> (usize, usize) {
        let shelves = self.0.borrow();
        let sessions = shelves.iter().flat_map(|shelf| shelf.sessions.borrow().clone()).filter(|session| session.is_alive());
        sessions.fold((0, 0), |(connections, streams), session| (connections + 1, streams + session.streams()))
    }
}

impl Shelf {
    /// A stream on a connection that is open, and whether others were answered on it. The oldest connections are filled
    /// first, so that those that are not needed any more come to rest.
    pub(in crate::proxy::forward) fn slot(&self) -> Option<(Slot, Connection)> {
        let mut sessions = self.sessions.borrow_mut();
        sessions.retain(|session| session.is_alive());
        let slot = sessions.iter().find_map(|session| session.slot())?;
        let connection = if slot.session.has_answered() { Connection::Old } else { Connection::New };
        Some((slot, connection))
    }

    /// Whether a new connection had better be opened without waiting what becomes of others.
    pub(in crate::proxy::forward) const fn prefers_http1(&self) -> bool {
        self.prefers_http1.get()
    }

    /// The right to open a connection; `None`: somebody else does, or there are enough.
    pub(in crate::proxy::forward) fn begin(self: &Rc<Self>) -> Option<Opening> {
        if self.sessions.borrow().len() >= SESSIONS || self.is_opening.replace(true) {
            return None;
        }
        Some(Opening(Rc::clone(self)))
    }

    /// Whether somebody opens one.
    pub(in crate::proxy::forward) const fn is_opening(&self) -> bool {
        self.is_opening.get()
    }

    /// Until there may be room.
    pub(in crate::proxy::forward) async fn room(&self) {
        self.room.notified().await;
    }

    /// The upstream chose HTTP/1.1.
    pub(in crate::proxy::forward) fn chose_http1(&self) {
        self.prefers_http1.set(true);
    }

    /// Takes up a connection on which HTTP/2 is to be spoken, and the first stream on it.
    pub(in crate::proxy::forward) async fn add(&self, member: &Arc<Member>, wire: Wire) -> io::Result<Slot> {
        let session = Session::open(member, wire, Rc::clone(&self.room)).await?;
        self.prefers_http1.set(false);
        let slot = session.slot().ok_or_else(|| io::Error::other("it takes no requests"));
        self.sessions.borrow_mut().push(session);
        slot
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.is_opening.set(false);
        self.0.room.notify_waiters();
    }
}
