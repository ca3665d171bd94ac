//! The body of an answer: read as the client takes it, never more than one read ahead, and handed on without copying.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::answer_head::{After, Framing};
use super::link::Link;
use crate::proxy::forward::deadline::Deadline;
use crate::proxy::forward::pool::Pool;
use crate::proxy::forward::upload::Upload;
use crate::proxy::http1::chunked::{Chunked, Malformed, Piece};

/// A body that is still coming. At its end, its connection goes back to where it came from.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Answer {
    carrier: Carrier,
    left: Left,
    after: After,
    pool: Rc<Pool>,
}

/// What still comes.
#[derive(Debug)]
enum Left {
    Sized(u64),
    Chunks {
        chunked: Chunked,
        at_front: usize,
    },
    UntilClose,
    /// Only these, and then nothing.
    Trailers(HeaderMap),
    Fault(Malformed),
    Nothing,
}

/// What the body comes on.
#[derive(Debug)]
enum Carrier {
    Alone(Box<Link>),
    /// Shared with a task that goes on sending the request, however slowly the client takes the answer: it may not take any of it
    /// before it has said all. The task ends with the answer: HTTP has no use for a request whose answer is complete.
    Shared {
        link: Rc<RefCell<Link>>,
        deadline: Deadline,
        _sending: AbortOnDropHandle<()>,
    },
    Gone,
}

/// Why a body is not whole.
#[derive(Debug, thiserror::Error)]
pub enum BrokenAnswer {
    /// The connection ended before the body did.
    #[error("{0}")]
    Wire(#[from] io::Error),
    /// Its chunks are none.
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

impl Answer {
    /// The body behind a head that says so. `upload` is the rest of the request, if there is any.
    pub(in crate::proxy::forward) fn new(
        mut link: Box<Link>,
        upload: Option<Upload>,
        framing: Framing,
        after: After,
        pool: &Rc<Pool>,
    ) -> Self {
        let left = match framing {
            Framing::Empty => Left::Nothing,
            Framing::Sized(length) => {
                link.inbox.expect(length);
                Left::Sized(length)
            }
            Framing::Chunked => Left::Chunks { chunked: Chunked::default(), at_front: 0 },
            Framing::UntilClose => Left::UntilClose,
        };
        let (carrier, after) = match upload {
            None => (Carrier::Alone(link), after),
            Some(upload) => (Carrier::sending(link, upload), After::Close),
        };
        Self { carrier, left, after, pool: Rc::clone(pool) }
    }

    /// As [`http_body::Body::poll_frame`].
    pub(in crate::proxy::forward) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenAnswer>>> {
        loop {
            if let Some(next) = self.at_hand() {
                if matches!(self.left, Left::Nothing) || matches!(next, Some(Err(_))) {
                    self.finish(next.as_ref().is_some_and(Result::is_err));
                }
                return Poll::Ready(next.map(|frame| frame.map_err(BrokenAnswer::Malformed)));
            }
            let filled = match &mut self.carrier {
                Carrier::Alone(link) => ready!(link.poll_fill(cx)),
                Carrier::Shared { link, .. } => ready!(link.borrow_mut().poll_fill(cx)),
                Carrier::Gone => return Poll::Ready(None),
            };
            match filled {
                Ok(0) if matches!(self.left, Left::UntilClose) => self.left = Left::Nothing,
                Ok(0) => return Poll::Ready(Some(Err(self.broken(io::ErrorKind::UnexpectedEof.into())))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(self.broken(error)))),
            }
        }
    }

    /// Ready once `due` has passed.
    pub(in crate::proxy::forward) fn poll_late(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.carrier {
            Carrier::Alone(link) => link.deadline.poll_passed(due, cx),
            Carrier::Shared { deadline, .. } => deadline.poll_passed(due, cx),
            Carrier::Gone => Poll::Pending,
        }
    }

    pub(in crate::proxy::forward) const fn is_end_stream(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }

    pub(in crate::proxy::forward) fn size_hint(&self) -> SizeHint {
        match self.left {
            Left::Sized(length) => SizeHint::with_exact(length),
            Left::Nothing => SizeHint::with_exact(0),
            Left::Chunks { .. } | Left::UntilClose | Left::Trailers(_) | Left::Fault(_) => SizeHint::default(),
        }
    }

    /// What can be handed on without reading; `None` if there is nothing.
    fn at_hand(&mut self) -> Option<Option<Result<Frame<Bytes>, Malformed>>> {
        match &mut self.carrier {
            Carrier::Alone(link) => self.left.take_from(link),
            Carrier::Shared { link, .. } => self.left.take_from(&mut link.borrow_mut()),
            Carrier::Gone => Some(None),
        }
    }

    fn finish(&mut self, is_broken: bool) {
        self.left = Left::Nothing;
        if let Carrier::Alone(link) = std::mem::replace(&mut self.carrier, Carrier::Gone)
            && !is_broken
        {
            self.pool.give_back(link, self.after);
        }
    }

    fn broken(&mut self, error: io::Error) -> BrokenAnswer {
        self.finish(true);
        BrokenAnswer::Wire(error)
    }
}

impl Left {
    /// Takes what the link has read of it.
    fn take_from(&mut self, link: &mut Link) -> Option<Option<Result<Frame<Bytes>, Malformed>>> {
        let inbox = &mut link.inbox;
        match self {
            Self::Nothing => Some(None),
            Self::Fault(malformed) => Some(Some(Err(*malformed))),
            Self::Trailers(trailers) => {
                let trailers = std::mem::take(trailers);
                *self = Self::Nothing;
                Some(Some(Ok(Frame::trailers(trailers))))
            }
            Self::Sized(_) | Self::UntilClose if inbox.buffer.is_empty() => None,
            Self::UntilClose => Some(Some(Ok(Frame::data(inbox.take(inbox.buffer.len()))))),
            Self::Sized(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(inbox.buffer.len());
                *left -= length as u64;
                if *left == 0 {
                    *self = Self::Nothing;
                }
                Some(Some(Ok(Frame::data(inbox.take(length)))))
            }
            Self::Chunks { .. } => {
                self.look_ahead(link);
                let Self::Chunks { at_front, .. } = self else { return self.take_from(link) };
                if *at_front == 0 {
                    return None;
                }
                let data = link.inbox.take(std::mem::take(at_front));
                // So that the end is known with the last of the data.
                self.look_ahead(link);
                Some(Some(Ok(Frame::data(data))))
            }
        }
    }

    /// Drops framing until there is data at the front, the body is over, or more must be read.
    fn look_ahead(&mut self, link: &mut Link) {
        let buffer = &mut link.inbox.buffer;
        while let Self::Chunks { chunked, at_front: at_front @ 0 } = self
            && !buffer.is_empty()
        {
            match chunked.next(buffer) {
                Ok(Piece::Data { skip, length }) => {
                    buffer.advance(skip);
                    *at_front = length;
                }
                Ok(Piece::End { skip, trailers }) => {
                    buffer.advance(skip);
                    *self = if trailers.is_empty() { Self::Nothing } else { Self::Trailers(trailers) };
                }
                Err(malformed) => *self = Self::Fault(malformed),
            }
        }
    }
}

impl Carrier {
    fn sending(link: Box<Link>, mut upload: Upload) -> Self {
        let link = Rc::new(RefCell::new(*link));
        let shared = Rc::clone(&link);
        let mut deadline = Deadline::default();
        let sending = tokio::task::spawn_local(async move {
            std::future::poll_fn(|cx| shared.borrow_mut().poll_upload(&mut upload, &mut deadline, cx)).await;
        });
        Self::Shared { link, deadline: Deadline::default(), _sending: AbortOnDropHandle::new(sending) }
    }
}
