//! Lines on their way out of the process: the machinery of every log, whatever it tells. Each worker writes into a page
//! of its own and hands it over ten times a second to the one thread that writes: waking another thread for every line
//! cost a quarter of the time of a request. Logs that go to the same place share that thread and the pages: every line
//! stays whole, and the lines of one worker stay in order, whichever log they are of. Those of two workers are told apart
//! by their timestamps alone.
//!
//! Nobody waits for a reader who is too slow, nor for a disk that is full: lines are lost then, and counted. How many
//! lines of the audit log were lost is itself a line of it.

mod target;
mod writer;

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use self::target::{AppendedFile, Target};
use self::writer::Writer;
use crate::domain::time::Timestamp;

/// How many bytes a worker collects at most before it hands them over.
const PAGE: usize = 32 * 1024;

/// How many pages may wait for the writer.
const QUEUE: usize = 64;

/// How long the end of the process waits for whoever reads the log.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How old a line may get before it is handed over.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whose line it is: what is lost is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The access log.
    Access,
    /// The audit log.
    Audit,
}

/// One place that lines go to: the thread that writes there, and the way to it.
#[derive(Debug)]
pub struct Log {
    way: Way,
    writer: JoinHandle<()>,
    /// Closed when the writer has ended; nothing ever comes. Only who closes the log looks: the lock is there to let threads
    /// share the log before.
    ended: Mutex<Receiver<Infallible>>,
}

#[derive(Debug, Clone)]
struct Way {
    messages: SyncSender<Message>,
    notices: Arc<Notices>,
}

/// What the writer is sent.
#[derive(Debug)]
enum Message {
    Page(Page),
    /// Look at the notices, even if there is nothing to write.
    Wake,
}

/// What the writer finds when it wakes up, beside pages.
#[derive(Debug, Default)]
struct Notices {
    lost: Mutex<Tally>,
    reopen: AtomicBool,
}

/// Lines, and whose they are.
#[derive(Debug, Default)]
struct Page {
    text: String,
    tally: Tally,
}

/// How many lines of whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    access: u64,
    audit: u64,
    /// When the last of them was written.
    until: Option<Timestamp>,
}

impl Log {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(target: impl Target + 'static) -> io::Result<Self> {
        let (messages, inbox) = sync_channel(QUEUE);
        let notices = Arc::<Notices>::default();
        let writer = Writer::new(Box::new(target), Arc::clone(&notices));
        let (end, ended) = channel();
        let writer = std::thread::Builder::new().name("log".into()).spawn(move || {
            // Goes with the thread, however that ends.
            let _end = end;
            writer.run(&inbox);
        })?;
        Ok(Self { way: Way { messages, notices }, writer, ended: Mutex::new(ended) })
    }

    /// One worker's share of the log.
    #[must_use]
    pub fn pen(&self) -> Pen {
        Pen { way: self.way.clone(), page: RefCell::default() }
    }

    /// Has a file opened anew, by its name: after a rotation has renamed it. If that fails the old one goes on being
    /// written, and the operational log tells why. What was handed over and is not yet written goes to the new file.
    pub fn reopen(&self) {
        self.way.notices.reopen.store(true, Ordering::Release);
        // A queue that is full needs no waking.
        let _awake_already = self.way.messages.try_send(Message::Wake);
    }

    /// Waits until everything handed over is written, but not for ever: a reader that has stopped reading must not hold up
    /// the end of the process. Every [`Pen`] must be gone: its last page goes with it.
    pub fn close(self) {
        drop(self.way);
        match self.ended.into_inner().unwrap_or_else(PoisonError::into_inner).recv_timeout(LAST_WORDS) {
            Err(RecvTimeoutError::Timeout) => tracing::error!("The last log lines are lost: nobody takes them"),
            Err(RecvTimeoutError::Disconnected) => {
                let _has_said_so_already = self.writer.join();
            }
            Ok(nothing) => match nothing {},
        }
    }
}

/// Writes lines on one thread.
#[derive(Debug)]
pub struct Pen {
    way: Way,
    page: RefCell<Page>,
}

impl Pen {
    /// Writes what `line` appends, which must not hold a line break, as a line.
    pub fn write(&self, stream: Stream, at: Timestamp, line: impl FnOnce(&mut String)) {
        let mut page = self.page.borrow_mut();
        line(&mut page.text);
        page.text.push('\n');
        page.tally.count(stream, at);
        if page.text.len() >= PAGE {
            self.way.send(&mut page);
        }
    }
}

/// Hands over what these pens wrote, ten times a second, for ever.
pub async fn keep_handing_over(pens: Vec<Rc<Pen>>) {
    let mut beat = tokio::time::interval(PATIENCE);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        pens.iter().for_each(|pen| pen.way.send(&mut pen.page.borrow_mut()));
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.way.send(self.page.get_mut());
    }
}

impl Way {
    fn send(&self, page: &mut Page) {
        if page.text.is_empty() {
            return;
        }
        match self.messages.try_send(Message::Page(std::mem::take(page))) {
            Ok(()) | Err(TrySendError::Full(Message::Wake) | TrySendError::Disconnected(Message::Wake)) => {}
            Err(TrySendError::Full(Message::Page(page)) | TrySendError::Disconnected(Message::Page(page))) => {
                self.notices.lose(&page.tally);
            }
        }
    }
}

impl Notices {
    fn lose(&self, tally: &Tally) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
    }

    fn take_lost(&self) -> Tally {
        std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tally {
    const fn count(&mut self, stream: Stream, at: Timestamp) {
        match stream {
            Stream::Access => self.access += 1,
            Stream::Audit => self.audit += 1,
        }
        self.until = Some(at);
    }

    fn add(&mut self, other: &Self) {
        self.access += other.access;
        self.audit += other.audit;
        self.until = self.until.max(other.until);
    }
}

#[cfg(test)]
mod tests;
