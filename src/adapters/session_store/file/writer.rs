//! The one thread that writes: it takes everything that waits into one transaction, and tells all of them when it is on
//! the disk. One `fsync` for many is what lets a disk keep up with a crowd.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redb::Database;
use tokio::sync::oneshot;

use super::super::leases::Leases;
use super::super::time::Time;
use super::open::OpenError;
use super::tables::{Changes, Fault, Undo};
use crate::flow::ports::StoreFailed;
use crate::protocol::session_record::Handle;

/// How many writes may wait.
const MOST_WAITING: usize = 4_096;

/// How many are taken into one transaction.
const MOST_AT_ONCE: usize = 512;

/// How long a write is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// In such a span every record is looked at once, to see whether it has expired.
const ROUND: Duration = Duration::from_secs(600);

/// How long a file that failed is left alone before it is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// The open file; `None`: it failed, and is to be opened again.
pub(super) type Opened = RwLock<Option<Database>>;

/// Opens the file again.
pub(super) type Reopen = Box<dyn Fn() -> Result<Database, OpenError> + Send>;

/// The way to the thread, which ends when it is dropped.
#[derive(Clone)]
pub(super) struct Writes(SyncSender<Box<dyn Job>>);

/// Something to be done within a transaction, for somebody who waits.
trait Job: Send {
    /// Does it. Nothing has come of it before the transaction is over.
    fn run(&mut self, changes: &mut Changes<'_>) -> Result<(), Fault>;

    /// Tells what became of it. Without a fault, it was run.
    fn tell(self: Box<Self>, outcome: Result<(), StoreFailed>);
}

struct Waiting<T, F> {
    change: Option<F>,
    made: Option<T>,
    tell: oneshot::Sender<Result<T, StoreFailed>>,
}

impl<T: Send, F: FnOnce(&mut Changes<'_>) -> Result<T, Fault> + Send> Job for Waiting<T, F> {
    fn run(&mut self, changes: &mut Changes<'_>) -> Result<(), Fault> {
        let change = self.change.take().expect("run once");
        self.made = Some(change(changes)?);
        Ok(())
    }

    fn tell(self: Box<Self>, outcome: Result<(), StoreFailed>) {
        let Self { made, tell, .. } = *self;
        // Whoever waited may have gone.
        let _gone = tell.send(outcome.map(|()| made.expect("told without a fault only after it was run")));
    }
}

impl Writes {
    /// Does something to the file, and waits until it is on the disk.
    pub(super) async fn make<T, F>(&self, change: F) -> Result<T, StoreFailed>
    where
        T: Send + 'static,
        F: FnOnce(&mut Changes<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        self.0.try_send(Box::new(Waiting { change: Some(change), made: None, tell })).map_err(|error| match error {
            TrySendError::Full(_) => StoreFailed::NotDone("too many writes are waiting".into()),
            TrySendError::Disconnected(_) => StoreFailed::NotDone("nothing is written any more".into()),
        })?;
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(StoreFailed::Unknown("the thread that writes has ended".into())),
            Err(_) => Err(StoreFailed::Unknown(format!("it was not written within {} s", PATIENCE.as_secs()))),
        }
    }

    /// Has the thread find out whether the file is to be opened again.
    pub(super) fn nudge(&self) {
        let (tell, _) = oneshot::channel();
        // If there is no room, the thread has enough to wake up for.
        let _full = self.0.try_send(Box::new(Waiting { change: Some(|_: &mut Changes<'_>| Ok(())), made: None, tell }));
    }
}

/// What the thread works with.
pub(super) struct Writer {
    opened: Arc<Opened>,
    reopen: Reopen,
    reopened: Option<Instant>,
    leases: Leases,
    time: Arc<dyn Time>,
    /// Where sweeping goes on, and when.
    swept: Option<Handle>,
    sweep_at: Instant,
}

impl Writer {
    /// Takes up what the process before has left.
    pub(super) fn new(opened: Arc<Opened>, reopen: Reopen, time: Arc<dyn Time>) -> Result<Self, StoreFailed> {
        let (leases, sweep_at) = (Leases::default(), Instant::now());
        let mut writer = Self { opened, reopen, reopened: None, leases, time, swept: None, sweep_at };
        writer.transact(|changes| changes.abandon_all())?;
        Ok(writer)
    }

    /// Starts the thread.
    pub(super) fn start(self) -> std::io::Result<(Writes, JoinHandle<()>)> {
        let (writes, jobs) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new().name("sessions".into()).spawn(move || self.run(&jobs))?;
        Ok((Writes(writes), thread))
    }

    fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        loop {
            match jobs.recv_timeout(self.sweep_at.saturating_duration_since(Instant::now())) {
                Ok(first) => self.write(std::iter::once(first).chain(jobs.try_iter().take(MOST_AT_ONCE - 1)).collect()),
                Err(RecvTimeoutError::Timeout) => self.sweep(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let outcome = self.transact(|changes| jobs.iter_mut().try_for_each(|job| job.run(changes)));
        for job in jobs {
            job.tell(outcome.clone());
        }
    }

    /// Looks at some records, and says when to look at the next: at all of them in a round, however many there are.
    fn sweep(&mut self) {
        let from = self.swept.take();
        let swept = self.transact(|changes| Ok((changes.sweep(from)?, changes.strides()?)));
        let (next, strides) = swept.unwrap_or((from, 1));
        self.swept = next;
        self.sweep_at = Instant::now() + ROUND / strides;
    }

    /// Does all of it or nothing. What fails has the file opened again: it can be mended, and until it is, nothing more can
    /// be done with it.
    fn transact<T>(&mut self, work: impl FnOnce(&mut Changes<'_>) -> Result<T, Fault>) -> Result<T, StoreFailed> {
        let mut undo = Undo::default();
        let outcome = self.attempt(&mut undo, work);
        if let Err(error) = &outcome {
            undo.apply(&mut self.leases);
            self.mend(error);
        }
        outcome
    }

    fn attempt<T>(&mut self, undo: &mut Undo, work: impl FnOnce(&mut Changes<'_>) -> Result<T, Fault>) -> Result<T, StoreFailed> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let database = opened.as_ref().ok_or_else(closed)?;
        let transaction = database.begin_write().map_err(|error| StoreFailed::NotDone(error.to_string()))?;
        let times = (self.time.now(), self.time.elapsed());
        let changed = Changes::of(&transaction, &mut self.leases, undo, times).and_then(|mut changes| work(&mut changes));
        let made = changed.map_err(|fault| StoreFailed::NotDone(fault.to_string()))?;
        // As durable as can be (`Durability::Immediate`) is what a transaction is if nobody says otherwise.
        transaction.commit().map_err(|error| StoreFailed::Unknown(error.to_string()))?;
        Ok(made)
    }

    fn mend(&mut self, failure: &StoreFailed) {
        if self.reopened.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.reopened = Some(Instant::now());
        tracing::error!(fault = "ours", %failure, "Sessions cannot be written: {failure}");
        // One after the other: a file is not opened twice.
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = None;
        match (self.reopen)() {
            Ok(database) => {
                *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
                tracing::info!("The session file was opened again");
            }
            Err(error) => tracing::error!(fault = "ours", %error, "The session file cannot be opened again: {error}"),
        }
    }
}

/// While there is no file.
pub(super) fn closed() -> StoreFailed {
    StoreFailed::NotDone("the file failed, and could not be opened again yet".into())
}
