//! A connection for a request: one at hand, one that others leave in time, or a new one.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::error::ForwardError;
use super::http1::link::Link;
use super::http2::exchange::Slot;
use super::http2::sessions::{Opening, Shelf};
use super::upstreams::Member;
use super::upstreams::again::Connection;
use super::upstreams::course::{Connections, Turn};
use super::upstreams::desk::UnderWay;
use super::upstreams::limit::Permit;
use super::wire::{Offer, Wire};
use super::{Forwarder, Protocol};

/// What one request can be sent on.
#[derive(Debug)]
pub(super) enum Line {
    Http1(Box<Link>),
    Http2(Slot),
}

impl Line {
    fn carries(&mut self, under_way: Option<UnderWay>) {
        match self {
            Self::Http1(link) => link.under_way = under_way,
            Self::Http2(slot) => slot.under_way = under_way,
        }
    }
}

impl Forwarder {
    /// A connection for a request, within `limit`.
    pub(super) async fn line(&self, turn: &mut Turn, protocol: Protocol, limit: Duration) -> Result<(Line, Connection), ForwardError> {
        let (mut line, connection) = self.find(turn, protocol, limit).await?;
        line.carries(turn.under_way.take());
        Ok((line, connection))
    }

    async fn find(&self, turn: &Turn, protocol: Protocol, limit: Duration) -> Result<(Line, Connection), ForwardError> {
        let member = &turn.member;
        let offer = Offer::of(member, protocol);
        let shelf = match offer {
            Offer::Http1 => None,
            Offer::Http2 | Offer::Either => Some(self.sessions.shelf(member)),
        };
        let at_hand = |connections| self.at_hand(member, offer, connections, shelf.as_deref());
        // First come, first served.
        let is_behind_others = turn.under_way.as_ref().is_some_and(UnderWay::is_waited_for);
        if let Some(found) = (!is_behind_others).then(|| at_hand(turn.connections)).flatten() {
            return Ok(found);
        }
        let due = Instant::now() + limit;
        let mut opening = None;
        if let Some(shelf) = &shelf {
            match opening_of(shelf, due, || at_hand(Connections::Any)).await? {
                Turned::Found(found) => return Ok(found),
                Turned::Ours(ours) => opening = ours,
            }
        }
        let permit = match (&member.bound, &turn.under_way) {
            (Some(bound), Some(under_way)) => {
                let waiting = under_way.wait(bound);
                let mut permit = std::pin::pin!(bound.permit());
                loop {
                    tokio::select! {
                        biased;
                        permit = &mut permit => break Some(permit),
                        () = waiting.returned() => {}
                        () = room(shelf.as_deref()) => {}
                        () = sleep_until(due) => return Err(ForwardError::NoConnectionFree),
                    }
                    if let Some(found) = at_hand(Connections::Any) {
                        return Ok(found);
                    }
                }
            }
            (None, _) | (_, None) => None,
        };
        let line = open(member, offer, shelf.as_ref(), permit, due).await?;
        drop(opening);
        Ok((line, Connection::New))
    }

    fn at_hand(&self, member: &Arc<Member>, offer: Offer, connections: Connections, shelf: Option<&Shelf>) -> Option<(Line, Connection)> {
        // A session that has failed is none any more: whatever is left is another one.
        if let Some((slot, connection)) = shelf.and_then(Shelf::slot) {
            return Some((Line::Http2(slot), connection));
        }
        let takes_idle = offer != Offer::Http2 && connections == Connections::Any;
        let link = takes_idle.then(|| self.pool.take(member)).flatten()?;
        Some((Line::Http1(link), Connection::Old))
    }
}

/// What became of waiting for one's turn to open a connection.
enum Turned {
    Found((Line, Connection)),
    /// `None`: everybody may.
    Ours(Option<Opening>),
}

/// Where many can share a connection, one opens it, and the others wait for what comes of that.
async fn opening_of(shelf: &Rc<Shelf>, due: Instant, at_hand: impl Fn() -> Option<(Line, Connection)>) -> Result<Turned, ForwardError> {
    while !shelf.prefers_http1() {
        if let Some(opening) = shelf.begin() {
            return Ok(Turned::Ours(Some(opening)));
        }
        tokio::select! {
            biased;
            () = shelf.room() => {}
            () = sleep_until(due) => {
                return Err(if shelf.is_opening() { ForwardError::ConnectTimeout } else { ForwardError::NoConnectionFree });
            }
        }
        if let Some(found) = at_hand() {
            return Ok(Turned::Found(found));
        }
    }
    Ok(Turned::Ours(None))
}

async fn room(shelf: Option<&Shelf>) {
    match shelf {
        Some(shelf) => shelf.room().await,
        None => std::future::pending().await,
    }
}

async fn open(
    member: &Arc<Member>,
    offer: Offer,
    shelf: Option<&Rc<Shelf>>,
    permit: Option<Permit>,
    due: Instant,
) -> Result<Line, ForwardError> {
    let wire = Wire::open(member, permit, offer, due.saturating_duration_since(Instant::now())).await?;
    match shelf {
        Some(shelf) if wire.is_http2() => {
            let slot = timeout_at(due, shelf.add(member, wire)).await.map_err(|_| ForwardError::ConnectTimeout)?;
            Ok(Line::Http2(slot.map_err(ForwardError::Connect)?))
        }
        Some(shelf) => {
            shelf.chose_http1();
            Ok(Line::Http1(Link::over(member, wire)))
        }
        None => Ok(Line::Http1(Link::over(member, wire))),
    }
}
