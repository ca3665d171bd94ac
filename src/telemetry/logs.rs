//! Which logs there are, and where each goes. Two that go to the same place share one writer.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use super::access_log::{self, Format};
use super::audit::orders::Ordered;
use super::lines::{AppendedFile, Log, Pen, Stream, Target};
use super::{Line, audit, lines};

/// Where the audit log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard error.
    Stderr,
    /// Standard output, where the access log goes as well.
    Stdout,
    /// A file, appended to.
    File(PathBuf),
}

/// The logs of the process.
#[derive(Debug)]
pub struct Logs {
    access: Option<(Format, Log)>,
    audit: Option<Way>,
}

#[derive(Debug)]
enum Way {
    WithTheAccessLog,
    Alone(Log),
}

/// Why a log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its file can be neither opened nor made.
    #[error("the audit log cannot be written to {path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No thread can be started for it.
    #[error("cannot start a log: {0}")]
    Thread(#[from] io::Error),
}

impl Logs {
    /// Opens the logs; `None` is one that is off.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn start(access: Option<Format>, audit: Option<Destination>) -> Result<Self, LogError> {
        let access = match access {
            Some(format) => Some((format, Log::start(io::stdout())?)),
            None => None,
        };
        let audit = match audit {
            None => None,
            Some(Destination::Stdout) if access.is_some() => Some(Way::WithTheAccessLog),
            Some(Destination::Stdout) => Some(Way::Alone(Log::start(io::stdout())?)),
            Some(Destination::Stderr) => Some(Way::Alone(Log::start(io::stderr())?)),
            Some(Destination::File(path)) => {
                let file = AppendedFile::open(path.clone()).map_err(|error| LogError::File { path, error })?;
                Some(Way::Alone(Log::start(file)?))
            }
        };
        Ok(Self { access, audit })
    }

    /// The access log alone, to any place.
    ///
    /// # Errors
    /// No thread can be started for it.
    pub fn of_access(format: Format, target: impl Target + 'static) -> io::Result<Self> {
        Ok(Self { access: Some((format, Log::start(target)?)), audit: None })
    }

    /// One worker's share of the logs.
    #[must_use]
    pub fn pens(&self) -> Pens {
        let access = self.access.as_ref().map(|(format, log)| (*format, Rc::new(log.pen())));
        let audit = self.audit.as_ref().and_then(|way| match way {
            Way::WithTheAccessLog => access.as_ref().map(|(_, pen)| Rc::clone(pen)),
            Way::Alone(log) => Some(Rc::new(log.pen())),
        });
        Pens { access, audit }
    }

    /// Writes down what somebody ordered. That is seldom, so it is handed over at once.
    pub fn tell(&self, ordered: &Ordered) {
        let log = match (&self.audit, &self.access) {
            (Some(Way::Alone(log)), _) | (Some(Way::WithTheAccessLog), Some((_, log))) => log,
            (None, _) | (Some(Way::WithTheAccessLog), None) => return,
        };
        log.pen().write(Stream::Audit, ordered.at, |text| ordered.write_line(text));
    }

    /// Opens files anew, by their names: for rotation, which renames a file and then sends SIGHUP.
    pub fn reopen(&self) {
        self.all().for_each(Log::reopen);
    }

    /// Waits until everything handed over is written. All [`Pens`] must be gone: their last pages go with them.
    pub fn close(self) {
        let alone = match self.audit {
            Some(Way::Alone(log)) => Some(log),
            Some(Way::WithTheAccessLog) | None => None,
        };
        self.access.map(|(_, log)| log).into_iter().chain(alone).for_each(Log::close);
    }

    fn all(&self) -> impl Iterator<Item = &Log> {
        let alone = self.audit.as_ref().and_then(|way| match way {
            Way::Alone(log) => Some(log),
            Way::WithTheAccessLog => None,
        });
        self.access.iter().map(|(_, log)| log).chain(alone)
    }
}

/// What one worker writes the logs with.
#[derive(Debug)]
pub struct Pens {
    access: Option<(Format, Rc<Pen>)>,
    audit: Option<Rc<Pen>>,
}

impl Pens {
    /// Writes an answered request down.
    pub fn write(&self, line: &Line<'_>) {
        if let Some((format, pen)) = &self.access {
            pen.write(Stream::Access, line.at, |text| access_log::write_line(line, *format, text));
        }
        if let Some(pen) = &self.audit {
            for event in line.events {
                pen.write(Stream::Audit, line.at, |text| audit::write_line(line, event, text));
            }
        }
    }

    /// Hands over what was written, ten times a second, for ever: to be run beside the worker.
    pub fn keep_handing_over(&self) -> impl Future<Output = ()> + use<> {
        let access = self.access.as_ref().map(|(_, pen)| Rc::clone(pen));
        // Where both have the same pen, the second time there is nothing to hand over.
        lines::keep_handing_over(access.into_iter().chain(self.audit.clone()).collect())
    }
}

#[cfg(test)]
mod tests;
