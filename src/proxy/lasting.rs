//! Open streams and their sessions: word that a session has ended, for what was opened with it and is still open.

use std::sync::Arc;
use std::time::Duration;

use super::forward::leash::{Ending, Word};
use super::generation::InForce;
use crate::flow::keeper::Kept;
use crate::protocol::session_record::SessionRecord;

/// How often the store is asked whether a session is still there. Revocations are seen at once; that somebody signed out in
/// another process shows by the record being gone.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The session of a request, and the configuration in force, by which it is held to have ended or not.
pub(super) struct Opener<'a> {
    pub(super) kept: &'a Kept,
    pub(super) in_force: &'a InForce,
}

impl Ending for Opener<'_> {
    fn word(&self) -> Word {
        let in_force = self.in_force.clone();
        // Its tokens are nobody's business here, for however long that may be.
        let record = Arc::new(SessionRecord::bare(self.kept.session().clone()));
        let kept = Kept { record, place: self.kept.place.clone(), copy: self.kept.copy };
        // From here on no change is missed, whatever has happened since the session was read.
        let mut changes = in_force.shared().keeper.revocations.changes();
        let mut looks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
        Box::pin(async move {
            while !in_force.shared().keeper.is_revoked(kept.session()) {
                tokio::select! {
                    // The list lasts as long as the process: it says of every change, the configuration's included.
                    _ = changes.changed() => {}
                    _ = looks.tick() => {
                        if in_force.shared().keeper.is_gone(&kept).await {
                            return;
                        }
                    }
                }
            }
        })
    }
}
