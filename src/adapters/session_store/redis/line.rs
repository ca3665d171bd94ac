//! The one line of this process to Redis: who wants something asks here. It is connected anew when it breaks, by one attempt
//! at a time and with pauses, however many ask; every question has an answer, or a failure, in bounded time.

mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::cluster::ClusterClient;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::dial::Dial;
use super::sentinel::Sentinels;
use super::{Unusable, cluster};
use crate::flow::ports::StoreFailed;
use crate::protocol::store_address::{RedisAddress, Topology};
pub(super) use wire::{Put, Wire};

/// Connecting takes no longer: names, TLS, who we are, and the first answer.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// An answer takes no longer, or there is none.
pub(super) const ANSWER: Duration = Duration::from_secs(1);

/// Nobody waits longer, a second attempt included.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Between attempts to connect; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A cluster of which one node keeps still is not left behind more often than this: the others go on meanwhile.
const CLUSTER_STAYS: Duration = Duration::from_secs(5);

/// A question, and what it means if its answer is lost.
pub(super) struct Ask<'a> {
    put: Put<'a>,
    nature: Nature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Read,
    Write,
}

impl<'a> Ask<'a> {
    /// Changes nothing.
    pub(super) const fn read(put: Put<'a>) -> Self {
        Self { put, nature: Nature::Read }
    }

    /// Changes something, and can be repeated.
    pub(super) const fn write(put: Put<'a>) -> Self {
        Self { put, nature: Nature::Write }
    }
}

/// The line.
pub(super) struct Line {
    way: Way,
    /// Where connections live: whoever asks may be gone before they are.
    runtime: Handle,
    state: Mutex<State>,
}

/// How to get there.
enum Way {
    Single { node: (String, u16), dial: Dial },
    Sentinels { sentinels: Sentinels, dial: Dial },
    Cluster(Box<ClusterClient>),
}

enum State {
    /// Nobody has to wait.
    Up(Up),
    /// Somebody is at it, for all.
    Trying(Attempt),
    /// It may be tried again then.
    Down(Down),
}

#[derive(Clone)]
struct Up {
    wire: Wire,
    /// Counts connections, so that nobody takes away one that came after theirs.
    number: u64,
    since: Instant,
}

#[derive(Clone)]
struct Down {
    /// Attempts in a row that came to nothing.
    failures: u32,
    until: Instant,
    why: Arc<str>,
    /// Of the connection before.
    number: u64,
}

type Attempt = Shared<BoxFuture<'static, Result<Up, Arc<str>>>>;

/// What became of a question.
enum Fault {
    /// Redis said no.
    Refused(String),
    /// Nobody knows whether it arrived.
    Lost(String),
}

impl Line {
    /// Begins to connect, in the background of this runtime.
    pub(super) fn open(address: &RedisAddress) -> Result<Arc<Self>, Unusable> {
        let way = match &address.topology {
            Topology::Cluster => Way::Cluster(Box::new(cluster::client(address)?)),
            Topology::Sentinel { primary } => {
                let sentinels = Sentinels { nodes: address.nodes.clone(), primary: primary.clone() };
                Way::Sentinels { sentinels, dial: Dial::new(address)? }
            }
            Topology::Single => {
                let node = address.nodes.first().cloned().expect("an address has at least one node");
                Way::Single { node, dial: Dial::new(address)? }
            }
        };
        let state = Down { failures: 0, until: Instant::now(), why: "not connected yet".into(), number: 0 };
        let line = Arc::new(Self { way, runtime: Handle::current(), state: Mutex::new(State::Down(state)) });
        // So that the first who comes need not wait.
        let _in_the_background = line.attempt();
        Ok(line)
    }

    /// Asks. What can be asked again is, once.
    pub(super) async fn ask(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Value, StoreFailed> {
        let mut lost = None;
        let answer = timeout(PATIENCE, self.ask_twice(ask, &mut lost)).await;
        let why = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(why)) => why,
            Err(_) => "no answer in time".to_owned(),
        };
        match (ask.nature, lost) {
            (Nature::Write, Some(lost)) => Err(StoreFailed::Unknown(lost)),
            (Nature::Write, None) | (Nature::Read, _) => Err(StoreFailed::NotDone(why)),
        }
    }

    /// `lost` is why a question that was sent got no answer.
    async fn ask_twice(self: &Arc<Self>, ask: &Ask<'_>, lost: &mut Option<String>) -> Result<Value, String> {
        let mut why = String::new();
        for _ in 0..2 {
            let up = self.up().await.map_err(|why| why.to_string())?;
            // From here on it may be on its way, also if nobody waits any more.
            let before = lost.replace("no answer in time".to_owned());
            match ask.put.ask(&up.wire).await {
                Ok(value) => return Ok(value),
                Err(error) => match self.fault(&up, &error) {
                    Fault::Refused(text) => {
                        *lost = before;
                        // A primary that is none any more: there is another.
                        if error.kind() != ErrorKind::Server(ServerErrorKind::ReadOnly) {
                            return Err(text);
                        }
                        why = text;
                    }
                    Fault::Lost(text) => {
                        *lost = Some(text.clone());
                        why = text;
                    }
                },
            }
        }
        Err(why)
    }

    /// What an error means, for the question and for the connection.
    fn fault(&self, up: &Up, error: &RedisError) -> Fault {
        let (kind, text) = (error.kind(), told(error));
        if matches!(kind, ErrorKind::Server(ServerErrorKind::ReadOnly) | ErrorKind::ClusterConnectionNotFound) {
            self.leave(up, &text);
            Fault::Refused(text)
        } else if error.is_cluster_error() {
            // The library has asked on our behalf before it came to this, and what became of that is not told.
            Fault::Lost(text)
        } else if matches!(kind, ErrorKind::Server(_) | ErrorKind::Extension) {
            Fault::Refused(text)
        } else {
            let stays = matches!(self.way, Way::Cluster(_)) && error.is_timeout() && up.since.elapsed() < CLUSTER_STAYS;
            if !stays {
                self.leave(up, &text);
            }
            Fault::Lost(text)
        }
    }

    /// A connection: the one there is, or the next.
    async fn up(self: &Arc<Self>) -> Result<Up, Arc<str>> {
        let attempt = match &*self.state() {
            State::Up(up) if up.wire.is_up() => return Ok(up.clone()),
            State::Down(down) if Instant::now() < down.until => return Err(Arc::clone(&down.why)),
            State::Trying(attempt) => Some(attempt.clone()),
            State::Up(_) | State::Down(_) => None,
        };
        match attempt {
            Some(attempt) => attempt.await,
            None => self.attempt().await,
        }
    }

    /// The attempt to connect that is under way, or else a new one.
    fn attempt(self: &Arc<Self>) -> Attempt {
        let mut state = self.state();
        let (failures, number) = match &*state {
            State::Trying(attempt) => return attempt.clone(),
            State::Up(up) => (0, up.number),
            State::Down(down) => (down.failures, down.number),
        };
        let line = Arc::clone(self);
        let task = self.runtime.spawn(async move { line.connect(failures, number).await });
        let attempt = task.map(|ended| ended.unwrap_or_else(|_| Err("homerealm is stopping".into()))).boxed().shared();
        *state = State::Trying(attempt.clone());
        attempt
    }

    async fn connect(&self, failures: u32, number: u64) -> Result<Up, Arc<str>> {
        let why: Arc<str> = match timeout(CONNECT, self.way.wire()).await {
            Ok(Ok(wire)) => {
                if failures > 0 {
                    tracing::info!("The session store can be reached again");
                }
                let up = Up { wire, number: number + 1, since: Instant::now() };
                *self.state() = State::Up(up.clone());
                return Ok(up);
            }
            Ok(Err(error)) => told(&error).into(),
            Err(_) => "connecting takes too long".into(),
        };
        if failures == 0 {
            tracing::warn!(fault = "session store", %why, "The session store cannot be reached: {why}");
        }
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
        let until = Instant::now() + pause;
        *self.state() = State::Down(Down { failures: failures.saturating_add(1), until, why: Arc::clone(&why), number });
        Err(why)
    }

    /// Has the next who asks connect anew, unless somebody was faster.
    fn leave(&self, up: &Up, why: &str) {
        let mut state = self.state();
        if matches!(&*state, State::Up(now) if now.number == up.number) {
            *state = State::Down(Down { failures: 0, until: Instant::now(), why: why.into(), number: up.number });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    async fn wire(&self) -> redis::RedisResult<Wire> {
        match self {
            Self::Single { node: (host, port), dial } => dial.link(host, *port, &dial.credentials).await.map(Wire::Node),
            Self::Sentinels { sentinels, dial } => sentinels.link(dial).await.map(Wire::Node),
            Self::Cluster(client) => client.get_async_connection().await.map(Wire::Cluster),
        }
    }
}

/// An error for operators: what a command was given is left out.
fn told(error: &RedisError) -> String {
    const LONGEST: usize = 160;
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {}", detail.split(", with args").next().unwrap_or_default()),
        (Some(code), None) => code.to_owned(),
        (None, _) => error.to_string(),
    };
    text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
