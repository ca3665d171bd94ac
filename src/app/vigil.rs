//! Looking after revocations: for what other processes that share the store have revoked, on behalf of open streams (requests
//! see it for themselves), and for what the store could not be told when it failed.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::proxy::generation::InForce;

const EVERY: Duration = Duration::from_secs(1);

/// Looks once a second, for ever; at the store only while something is open. A store that fails is somebody else's to
/// complain of.
pub(super) async fn keep(in_force: InForce) {
    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let shared = in_force.shared();
        shared.keeper.tell_what_is_untold().await;
        if shared.keeper.revocations.is_watched() {
            let _next_time = shared.keeper.look_for_revocations().await;
        }
    }
}
