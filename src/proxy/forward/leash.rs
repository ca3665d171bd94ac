//! How long what somebody opened may stay open: until a moment that is known when it opens, unless there is word before
//! that their session has ended. Whose word that is, the forwarder does not know; it tells when the client was heard.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// Resolves when something has ended. Made only for what can outlast its session.
pub type Word = Pin<Box<dyn Future<Output = ()>>>;

/// Something that may end before its time.
pub trait Ending {
    /// Word of its end, for a stream on which somebody is present as `presence` says.
    fn word(&self, presence: Presence) -> Word;
}

/// When somebody was last heard on an open stream. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Presence(Rc<Cell<Instant>>);

/// What an open stream hangs on.
#[derive(Clone, Copy)]
pub struct Leash<'a> {
    /// It ends at the latest then.
    pub until: Instant,
    /// What it ends with before that, if that can be told.
    pub session: Option<&'a dyn Ending>,
}

/// A leash that is held, for as long as a stream is open.
pub(super) struct Held {
    timer: Pin<Box<Sleep>>,
    word: Option<Word>,
    presence: Presence,
}

impl Presence {
    /// They are here now: they open a stream.
    pub(crate) fn begun() -> Self {
        Self(Rc::new(Cell::new(Instant::now())))
    }

    /// They are still here.
    pub(crate) fn renew(&self) {
        self.0.set(Instant::now());
    }

    /// When they were last heard.
    #[must_use]
    pub fn last(&self) -> Instant {
        self.0.get()
    }
}

impl Leash<'_> {
    pub(super) fn hold(self) -> Held {
        let presence = Presence::begun();
        let word = self.session.map(|session| session.word(presence.clone()));
        Held { timer: Box::pin(sleep_until(self.until)), word, presence }
    }
}

impl Held {
    /// What is to be told when the client is heard.
    pub(super) const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Ready once the stream is to end, and from then on.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(word) = &mut self.word
            && word.as_mut().poll(cx).is_ready()
        {
            self.word = None;
            self.timer.as_mut().reset(Instant::now());
        }
        self.timer.as_mut().poll(cx)
    }
}

impl fmt::Debug for Leash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leash").field("until", &self.until).finish_non_exhaustive()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("until", &self.timer.deadline()).finish_non_exhaustive()
    }
}
