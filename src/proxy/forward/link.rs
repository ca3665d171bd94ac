//! One connection to an upstream, and one exchange on it.
//!
//! Nothing runs in the background: whoever uses the connection drives it, in the same task that serves the client. That
//! saves waking a second task for every request, and dropping the request drops the connection with all it was doing.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::error::ForwardError;
use super::upload::{Progress, Upload};
use super::upstreams::Member;
use super::upstreams::desk::UnderWay;
use super::upstreams::limit::Permit;
use super::wire::Wire;

/// The largest response head, in bytes, and how much of a body is read ahead.
const BUFFER: usize = 64 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) member: Arc<Member>,
    /// What it is used for now, where somebody counts.
    pub(super) under_way: Option<UnderWay>,
    sender: http1::SendRequest<Upload>,
    driver: http1::Connection<TokioIo<Wire>, Upload>,
    heard: Rc<Cell<bool>>,
    pub(super) deadline: Deadline,
}

/// An exchange without an answer.
pub(super) struct NoAnswer {
    /// Why.
    pub(super) error: ForwardError,
    /// The request, if not a byte of it was sent.
    pub(super) unsent: Option<Request<Upload>>,
    /// Whether the upstream said anything at all.
    pub(super) was_heard: bool,
}

impl Link {
    /// Opens a connection within `limit`, TLS included.
    pub(super) async fn open(member: &Arc<Member>, permit: Option<Permit>, limit: Duration) -> Result<Box<Self>, ForwardError> {
        let heard = Rc::new(Cell::new(false));
        let connecting = Wire::connect(member, permit, Rc::clone(&heard), limit);
        let wire = match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(wire)) => wire,
            // The system's own patience may be the shorter one.
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => return Err(ForwardError::ConnectTimeout),
            Ok(Err(error)) => return Err(ForwardError::Connect(error)),
            Err(_) => return Err(ForwardError::ConnectTimeout),
        };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER);
        let (sender, driver) = builder.handshake(TokioIo::new(wire)).await.map_err(ForwardError::UpstreamBrokeOff)?;
        Ok(Box::new(Self { member: Arc::clone(member), under_way: None, sender, driver, heard, deadline: Deadline::default() }))
    }

    /// Lets the connection work. Ready once it is of no further use.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.driver.poll_without_shutdown(cx)
    }

    /// Whether another request can be sent: the upstream has neither closed the connection nor said anything unasked.
    pub(super) fn is_reusable(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll_drive(cx).is_pending() && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Upload>,
        upload: Option<&Progress>,
        response: Duration,
    ) -> Result<Response<Incoming>, NoAnswer> {
        self.heard.set(false);
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let (driver, deadline) = (&mut self.driver, &mut self.deadline);
        let mut sent_at = None;
        let mut is_over = false;
        let answered = std::future::poll_fn(|cx| {
            if !is_over {
                // Whatever ends the connection is told to the waiting request as well.
                is_over = driver.poll_without_shutdown(cx).is_ready();
            }
            if let Poll::Ready(answered) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(answered));
            }
            let due = match upload {
                None => Some(*sent_at.get_or_insert_with(Instant::now) + response),
                Some(progress) => progress.response_due(response),
            };
            match due {
                Some(due) => deadline.poll_passed(due, cx).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await;
        let was_heard = self.heard.get();
        match answered {
            Some(Ok(response)) => Ok(response),
            Some(Err(mut failed)) => {
                let unsent = failed.take_message();
                let error = match upload.and_then(Progress::fault) {
                    Some(fault) => fault.into(),
                    None => ForwardError::UpstreamBrokeOff(failed.into_error()),
                };
                Err(NoAnswer { error, unsent, was_heard })
            }
            None => Err(NoAnswer { error: ForwardError::ResponseTimeout, unsent: None, was_heard }),
        }
    }

    /// The bare connection after 101, and what the upstream sent behind it.
    pub(super) async fn into_wire(mut self: Box<Self>) -> Result<(Wire, Bytes), ForwardError> {
        std::future::poll_fn(|cx| self.driver.poll_without_shutdown(cx)).await.map_err(ForwardError::UpstreamBrokeOff)?;
        let parts = self.driver.into_parts();
        Ok((parts.io.into_inner(), parts.read_buf))
    }
}
