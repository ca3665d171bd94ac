//! Looking out for what other processes that share the store have revoked, on behalf of open streams: requests see it for
//! themselves.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::proxy::generation::InForce;

const EVERY: Duration = Duration::from_secs(1);

/// Looks once a second while something is open, for ever. A store that fails is somebody else's to complain of.
pub(super) async fn keep(in_force: InForce) {
    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let shared = in_force.shared();
        if shared.keeper.revocations.is_watched() {
            let _next_time = shared.keeper.look_for_revocations().await;
        }
    }
}
