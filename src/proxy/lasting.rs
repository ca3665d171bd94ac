//! Open streams and their sessions: word that a session has ended, for what was opened with it and is still open.
//!
//! The rule, in one place. A stream ends with its session: when that is revoked, signed out, gone from its store, or older
//! than `max`; that last moment is known when the stream opens, and the forwarder sees to it. `idle` counts from when
//! the person was last here, which is the latest of:
//! - the request that opened the stream, or any later one of the session that this process noted (one per twentieth of
//!   `idle`, as for the session itself);
//! - the last message from the client on the stream itself, or on another one of the session. Pings and pongs do not
//!   count: browsers answer them by themselves, with nobody there;
//! - any of these in another process, if they share a store.
//!
//! So a silent stream ends `idle` after the last request, and one on which somebody speaks stays up to `max`. What is said
//! on it keeps the record in the store as well. A cookie it cannot reach: a page that lives on its WebSocket alone keeps
//! that, and finds at its next request that it has to sign in, unless there is a store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::forward::leash::{Ending, Presence, Word};
use super::generation::InForce;
use crate::flow::keeper::{Keeper, Kept};
use crate::protocol::session_record::SessionRecord;

/// How often it is asked whether a session is still there and who is here. Revocations are seen at once; that somebody
/// signed out in another process shows by the record being gone.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The session of a request, and the configuration in force, by which it is held to have ended or not.
pub(super) struct Opener<'a> {
    pub(super) kept: &'a Kept,
    pub(super) in_force: &'a InForce,
}

impl Ending for Opener<'_> {
    fn word(&self, presence: Presence) -> Word {
        let in_force = self.in_force.clone();
        // Its tokens are nobody's business here, for however long that may be.
        let record = Arc::new(SessionRecord::bare(self.kept.session().clone()));
        let kept = Kept { record, place: self.kept.place.clone(), copy: self.kept.copy };
        let shared = in_force.shared();
        // From here on no change is missed, whatever has happened since the session was read.
        let mut changes = shared.keeper.revocations.changes();
        let watch = shared.keeper.attendance.watch(kept.session().id);
        let mut look_at = next_look(shared.lifetimes.idle, Instant::now());
        Box::pin(async move {
            while !in_force.shared().keeper.is_revoked(kept.session()) {
                tokio::select! {
                    // The list lasts as long as the process: it says of every change, the configuration's included.
                    _ = changes.changed() => {}
                    () = sleep_until(look_at) => {
                        let shared = in_force.shared();
                        let Some(here) = last_here(&shared.keeper, &kept, watch.last_seen(presence.last())).await else { return };
                        let idle = shared.lifetimes.idle;
                        if here + idle <= Instant::now() {
                            return;
                        }
                        look_at = next_look(idle, here);
                    }
                }
            }
        })
    }
}

/// Before a store forgets a session, and no later than it ends if nobody comes.
fn next_look(idle: Duration, here: Instant) -> Instant {
    (Instant::now() + LOOK_EVERY.min(idle / 4)).min(here + idle)
}

/// When the person was last here, wherever that was noted; `None` if the session is kept no more.
async fn last_here(keeper: &Keeper, kept: &Kept, heard: Instant) -> Option<Instant> {
    let now = keeper.clock.now();
    let seen = keeper.attend(kept, now - heard.elapsed()).await?;
    let noted = Instant::now().checked_sub(now.since(seen));
    Some(noted.map_or(heard, |noted| noted.max(heard)))
}
