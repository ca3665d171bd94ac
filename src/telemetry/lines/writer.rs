//! The thread that writes pages to their place. A place that takes nothing for a while is tried again every second, and
//! what it took half of is finished first: so a line is whole or not there, and what is not there was counted.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::target::Target;
use super::{Message, Notices, Page, Tally};
use crate::telemetry::audit;

/// How long a place that takes nothing is left alone.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    target: Box<dyn Target>,
    notices: Arc<Notices>,
    /// The page that is being written.
    page: Page,
    /// How many of its bytes are.
    written: usize,
    health: Health,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Failing,
    Fine,
}

impl Writer {
    pub(super) fn new(target: Box<dyn Target>, notices: Arc<Notices>) -> Self {
        Self { target, notices, page: Page::default(), written: 0, health: Health::Fine }
    }

    /// Writes until every pen and the log are gone.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let message = if self.is_done() { inbox.recv().map_err(|_| RecvTimeoutError::Disconnected) } else { inbox.recv_timeout(RETRY) };
            if self.notices.reopen.swap(false, Ordering::AcqRel) {
                self.reopen();
            }
            match message {
                Ok(Message::Page(page)) => self.write(page),
                Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => self.write(Page::default()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.write(Page::default());
        if !self.is_done() {
            self.notices.lose(&self.page.tally);
        }
        warn_of(&self.notices.take_lost());
    }

    const fn is_done(&self) -> bool {
        self.written == self.page.text.len()
    }

    /// Writes a page, behind what is left of the one before it and behind the word on what was lost since.
    fn write(&mut self, mut page: Page) {
        self.advance();
        if !self.is_done() {
            return self.notices.lose(&page.tally);
        }
        let lost = self.notices.take_lost();
        warn_of(&lost);
        if let (1.., Some(until)) = (lost.audit, lost.until) {
            page.text.insert_str(0, &audit::lines_lost(lost.audit, until));
            // Should it be lost as well, it counts for those that it tells of.
            page.tally.add(&Tally { access: 0, ..lost });
        }
        (self.page, self.written) = (page, 0);
        self.advance();
    }

    /// Writes what is left of the page, as far as it goes.
    fn advance(&mut self) {
        if self.is_done() {
            return;
        }
        let result = self.write_rest();
        self.health = match (result, self.health) {
            (Ok(()), _) => Health::Fine,
            (Err(_), Health::Failing) => Health::Failing,
            (Err(error), Health::Fine) => {
                tracing::error!(%error, "A log cannot be written: {error}. It is tried again every second, and lines are lost until then");
                Health::Failing
            }
        };
    }

    fn write_rest(&mut self) -> io::Result<()> {
        while !self.is_done() {
            match self.target.write(&self.page.text.as_bytes()[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.target.flush()
    }

    fn reopen(&mut self) {
        if let Err(error) = self.target.reopen() {
            tracing::error!(%error, "A log file cannot be opened anew, so the old one goes on: {error}");
        }
    }
}

fn warn_of(lost: &Tally) {
    if lost.access > 0 {
        tracing::warn!(lines = lost.access, "Access log lines were lost: whoever reads them is too slow, or the disk is full");
    }
    if lost.audit > 0 {
        tracing::error!(lines = lost.audit, "Audit log lines were lost: whoever reads them is too slow, or the disk is full");
    }
}
