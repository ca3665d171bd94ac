//! One connection to an upstream, and one exchange on it after the other.

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::answer_head::{AnswerHead, Asked};
use super::inbox::{HeadFault, Inbox};
use super::outbox::{Outbox, SendFault};
use super::request;
use crate::domain::destination::UpstreamScheme;
use crate::proxy::forward::deadline::Deadline;
use crate::proxy::forward::errand::{Errand, Heard, NoAnswer, Sent};
use crate::proxy::forward::error::ForwardError;
use crate::proxy::forward::upload::Upload;
use crate::proxy::forward::upstreams::Member;
use crate::proxy::forward::upstreams::desk::UnderWay;
use crate::proxy::forward::wire::Wire;

/// A connection.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Link {
    pub(in crate::proxy::forward) member: Arc<Member>,
    /// What it is used for now, where somebody counts.
    pub(in crate::proxy::forward) under_way: Option<UnderWay>,
    wire: Wire,
    heard: Rc<Cell<bool>>,
    outbox: Outbox,
    pub(super) inbox: Inbox,
    pub(super) deadline: Deadline,
}

impl Link {
    /// HTTP/1.1 over a new connection.
    pub(in crate::proxy::forward) fn over(member: &Arc<Member>, wire: Wire) -> Box<Self> {
        let (heard, outbox, inbox, deadline) = (wire.heard(), Outbox::default(), Inbox::new(), Deadline::default());
        Box::new(Self { member: Arc::clone(member), under_way: None, wire, heard, outbox, inbox, deadline })
    }

    /// Sends a request and waits for the head of its answer, which may come before the request is sent.
    pub(in crate::proxy::forward) async fn exchange(
        &mut self,
        errand: &mut Errand<'_>,
        response: Duration,
    ) -> Result<AnswerHead, NoAnswer> {
        self.heard.set(false);
        self.inbox.begin();
        self.outbox.begin(|out| request::write_head(out, errand, self.member.upstream()));
        let asked = if *errand.method == Method::HEAD { Asked::Head } else { Asked::Other };
        let upload = &mut errand.upload;
        // Once the upstream takes nothing any more, what it said by then still counts.
        let mut takes_more = true;
        let answered = std::future::poll_fn(|cx| {
            if takes_more {
                match self.outbox.poll_send(&mut self.wire, upload, cx) {
                    Poll::Ready(Err(SendFault::Upload(fault))) => return Poll::Ready(Err(fault.into())),
                    Poll::Ready(Ok(()) | Err(SendFault::Wire)) => takes_more = false,
                    Poll::Pending => {}
                }
            }
            match self.inbox.poll_head(&mut self.wire, asked, cx) {
                Poll::Ready(Ok(head)) => return Poll::Ready(Ok(head)),
                Poll::Ready(Err(HeadFault::Odd(odd))) => return Poll::Ready(Err(ForwardError::NotHttp(odd))),
                Poll::Ready(Err(HeadFault::Wire(error))) => return Poll::Ready(Err(ForwardError::UpstreamBrokeOff(error))),
                Poll::Pending => {}
            }
            let (due, error) = upload.due(response);
            self.deadline.poll_passed(due, cx).map(|()| Err(error))
        })
        .await;
        answered.map_err(|error| NoAnswer { error, sent: self.sent(upload), heard: self.heard() })
    }

    /// What TLS took may have gone out in part before it failed, and what was taken from a body cannot be taken again.
    fn sent(&self, upload: &Upload) -> Sent {
        match self.member.upstream().scheme {
            UpstreamScheme::Http | UpstreamScheme::H2c if !self.outbox.has_begun && !upload.has_begun => Sent::Nothing,
            UpstreamScheme::Http | UpstreamScheme::H2c | UpstreamScheme::Https => Sent::Something,
        }
    }

    fn heard(&self) -> Heard {
        if self.heard.get() { Heard::Something } else { Heard::Nothing }
    }

    /// Whether the whole of a request is on its way.
    pub(in crate::proxy::forward) fn has_sent(&self, upload: &Upload) -> bool {
        upload.is_over() && self.outbox.is_empty()
    }

    /// Goes on sending a request whose answer has begun. Ready once it is sent; if it cannot be, the upstream is told by the
    /// end of what we say.
    pub(super) fn poll_upload(&mut self, upload: &mut Upload, deadline: &mut Deadline, cx: &mut Context<'_>) -> Poll<()> {
        let sent = match self.outbox.poll_send(&mut self.wire, upload, cx) {
            Poll::Ready(sent) => sent.is_ok(),
            Poll::Pending => match upload.stalls_at() {
                Some(due) => {
                    ready!(deadline.poll_passed(due, cx));
                    false
                }
                None => return Poll::Pending,
            },
        };
        if !sent {
            // Whether it still listens does not matter.
            let _ = ready!(Pin::new(&mut self.wire).poll_shutdown(cx));
        }
        Poll::Ready(())
    }

    /// Reads once more of an answer's body. 0 is the end of the connection.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.poll_fill(&mut self.wire, cx)
    }

    /// Takes the whole of a body of this length, if it is there.
    pub(in crate::proxy::forward) fn take_whole(&mut self, length: u64) -> Option<Bytes> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.inbox.buffer.len())?;
        Some(self.inbox.take(length))
    }

    /// Whether another request can be sent: the upstream has neither closed the connection nor said anything unasked. Asks
    /// the system only if the runtime knows of something to read.
    pub(in crate::proxy::forward) fn is_reusable(&mut self) -> bool {
        if !self.inbox.buffer.is_empty() || !self.outbox.is_empty() {
            return false;
        }
        let (mut room, wire) = ([0], &mut self.wire);
        // Not held up by how much this task has done already: that would look like silence.
        let listening =
            tokio::task::unconstrained(std::future::poll_fn(|cx| Pin::new(&mut *wire).poll_read(cx, &mut ReadBuf::new(&mut room))));
        pin!(listening).poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Lets go of what only the last exchange needed.
    pub(in crate::proxy::forward) fn relax(&mut self) {
        self.inbox.relax();
    }

    /// The bare connection after 101, and what the upstream sent behind it.
    pub(in crate::proxy::forward) fn into_wire(self) -> (Wire, Bytes) {
        (self.wire, self.inbox.buffer.freeze())
    }
}
