//! What others may see of the running proxy, and how they ask it to read its configuration again. Its sessions are at a
//! desk of their own.

use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::sessions::Desk;
use super::upstreams::conditions;
use crate::adapters::clock::SystemClock;
use crate::admin::control::sessions::Sessions;
use crate::admin::control::{Condition, Control, Live, Outcome, Phase, Reload};
use crate::domain::destination::Upstreams;
use crate::domain::time::Timestamp;
use crate::flow::ports::Clock as _;
use crate::proxy::generation::InForce;

/// Somebody waits for a reload.
pub(super) type Ask = oneshot::Sender<Arc<Reload>>;

/// So many may wait before the next one waits for a place to wait.
const WAITING: usize = 16;

/// The state that is shown. The reloader writes it.
pub(super) struct Steering {
    live: ArcSwap<Live>,
    last_reload: ArcSwapOption<Reload>,
    begun: OnceLock<()>,
    asks: mpsc::Sender<Ask>,
    desk: Desk,
    in_force: InForce,
    stop: CancellationToken,
}

impl Steering {
    /// With the first configuration; and where the asking comes out.
    pub(super) fn new(live: Live, desk: Desk, in_force: InForce, stop: CancellationToken) -> (Arc<Self>, mpsc::Receiver<Ask>) {
        let (asks, asked) = mpsc::channel(WAITING);
        let live = ArcSwap::from_pointee(live);
        (Arc::new(Self { live, last_reload: ArcSwapOption::empty(), begun: OnceLock::new(), asks, desk, in_force, stop }), asked)
    }

    /// `None` if everything stops meanwhile: whoever would have taken the question is gone then, and the question with them.
    async fn ask(&self) -> Option<Arc<Reload>> {
        let (ask, ended) = oneshot::channel();
        self.asks.send(ask).await.ok()?;
        ended.await.ok()
    }

    /// Starting is over when this has happened.
    pub(super) async fn begin_when(self: Arc<Self>, happened: impl Future<Output = ()>) {
        happened.await;
        let _only_once = self.begun.set(());
    }

    /// Another configuration is in force.
    pub(super) fn now_live(&self, live: Live) {
        self.live.store(Arc::new(live));
    }

    /// When the configuration was last read successfully; starting counts.
    pub(super) fn last_success(&self) -> Timestamp {
        self.last_reload().map_or_else(|| self.live().since, |last| last.last_success)
    }

    /// A reload has ended.
    pub(super) fn reloaded(&self, reload: Arc<Reload>) {
        self.last_reload.store(Some(reload));
    }
}

#[async_trait]
impl Control for Steering {
    fn phase(&self) -> Phase {
        match (self.stop.is_cancelled(), self.begun.get()) {
            (true, _) => Phase::Draining,
            (false, Some(())) => Phase::Ready,
            (false, None) => Phase::Starting,
        }
    }

    fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    fn last_reload(&self) -> Option<Arc<Reload>> {
        self.last_reload.load_full()
    }

    async fn reload(&self) -> Arc<Reload> {
        let ended = if self.stop.is_cancelled() { None } else { self.ask().await };
        ended.unwrap_or_else(|| {
            let problems = "homerealm is stopping and reads nothing any more".into();
            let wants_restart = self.last_reload().map(|last| last.wants_restart.clone()).unwrap_or_default();
            let (at, last_success) = (SystemClock.now(), self.last_success());
            Arc::new(Reload { at, outcome: Outcome::Refused { problems }, wants_restart, last_success })
        })
    }

    fn conditions(&self, upstreams: &Arc<Upstreams>) -> Vec<Condition> {
        // In the moment of a reload the page may be of the configuration before, of whose upstreams nothing is told any more.
        self.in_force.shared().upstreams.find(upstreams).map(|group| conditions(group)).unwrap_or_default()
    }

    fn sessions(&self) -> &dyn Sessions {
        &self.desk
    }
}

impl std::fmt::Debug for Steering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Steering").field("phase", &self.phase()).field("fingerprint", &self.live.load().fingerprint).finish_non_exhaustive()
    }
}
