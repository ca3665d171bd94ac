//! What the admin listener sees of this process.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::admin::control::{Control, Live, Outcome, Phase, Reload};
use crate::domain::time::Timestamp;
use crate::flow::ports::Clock as _;
use crate::{adapters::clock::SystemClock, config::Config};

/// A process whose configuration stays as it is.
pub(super) struct Process {
    live: Arc<Live>,
    stopping: CancellationToken,
}

impl Process {
    pub(super) fn new(config: &Config, stopping: CancellationToken) -> Self {
        let since = SystemClock.now();
        let live = Live { rules: Arc::clone(&config.rules), text: config.text.clone(), fingerprint: config.fingerprint, since };
        Self { live: Arc::new(live), stopping }
    }

    fn now() -> Timestamp {
        SystemClock.now()
    }
}

#[async_trait]
impl Control for Process {
    fn phase(&self) -> Phase {
        if self.stopping.is_cancelled() { Phase::Draining } else { Phase::Ready }
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    fn last_reload(&self) -> Option<Arc<Reload>> {
        None
    }

    async fn reload(&self) -> Arc<Reload> {
        let problems = "this version reads its configuration at start only".to_owned();
        Arc::new(Reload { at: Self::now(), outcome: Outcome::Refused { problems } })
    }
}
