//! WebSockets (RFC 6455): recognised at the handshake, then bytes both ways until somebody ends it. What is said inside
//! is not read; only where frames end is known, so that a closing one can be put behind them, and whether they are messages.

mod frames;
mod pump;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::hop_by_hop::lists;
use super::leash::{Held, Presence};
use crate::domain::origin::Origins;
use crate::proxy::upgrade::OnUpgrade;
use crate::telemetry::streams::{Ending, OpenStream};
use frames::{Goodbye, Masking};
use pump::{Pump, Until, poll_discard};

/// Whether a request that may be upgraded asks to become a WebSocket (RFC 6455 §4.1): a GET with `Connection: upgrade` and
/// `Upgrade: websocket` and nothing else. Whatever HTTP it came by, it is told in the words of HTTP/1.1.
#[must_use]
pub fn asks_for_websocket(method: &Method, headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(header::UPGRADE).into_iter();
    let (only, further) = (upgrades.next(), upgrades.next());
    *method == Method::GET
        && further.is_none()
        && only.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && lists(headers, &header::CONNECTION, "upgrade")
}

/// Whether a request's `Origin` is one of ours. Any page of any site can open a WebSocket here with the visitor's
/// cookies, and `Origin` is all that tells (RFC 6455 §10.2): whoever lets a session cookie open one must ask this first.
/// Every browser sends the field, so its absence means that no page is asking, and is fine.
#[must_use]
pub fn origin_is_ours(headers: &HeaderMap, origins: &Origins) -> bool {
    let mut told = headers.get_all(header::ORIGIN).into_iter();
    match (told.next(), told.next()) {
        (None, _) => true,
        (Some(origin), None) => origins.iter().any(|ours| ours.as_str().as_bytes() == origin.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

/// Whether a 101 accepts a WebSocket, by its only `Upgrade` field.
pub(super) fn is_accepted(upgrade: Option<&HeaderValue>) -> bool {
    upgrade.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// How long one side may take to let the frame pass that is under way, and ours behind it.
const LAST_FRAME: Duration = Duration::from_secs(2);
/// How long a client that was told goodbye is listened to: closing at once could take the word with it.
const LINGER: Duration = Duration::from_secs(2);

/// How long one side may be silent when the other has nothing more to say.
const HALF_OPEN: Duration = Duration::from_secs(10);

/// Carries bytes both ways until either side ends, the session ends, or we do. Starts when the client has its 101;
/// `early` is what the upstream sent behind its own. Whoever did not end it is told why, behind the last whole frame (RFC 6455 §5.5.1). Dropping it closes both connections.
pub(super) async fn carry<W>(
    client: OnUpgrade,
    (wire, early): (W, Bytes),
    leash: Option<Held>,
    open: OpenStream,
    shutdown: CancellationToken,
) where
    W: AsyncRead + AsyncWrite + Unpin,
{
    let Some(client) = client.await else { return };
    Tunnel { client, wire, up: Pump::new(Bytes::new()), down: Pump::new(early) }.run(leash, open, &shutdown).await;
}

struct Tunnel<C, W> {
    client: C,
    wire: W,
    up: Pump,
    down: Pump,
}

impl<C, W> Tunnel<C, W>
where
    C: AsyncRead + AsyncWrite + Unpin,
    W: AsyncRead + AsyncWrite + Unpin,
{
    async fn run(mut self, mut leash: Option<Held>, open: OpenStream, shutdown: &CancellationToken) {
        let presence = leash.as_ref().map(|held| held.presence().clone());
        let ends = poll_fn(|cx| leash.as_mut().map_or(Poll::Pending, |held| held.poll_ended(cx)));
        let goodbye = tokio::select! {
            () = self.carry(presence.as_ref()) => return,
            () = ends => {
                open.ended_by(Ending::Session);
                Goodbye::SessionEnded
            }
            () = shutdown.cancelled() => {
                open.ended_by(Ending::Shutdown);
                Goodbye::GoingAway
            }
        };
        self.end(goodbye).await;
    }

    /// Until both sides have said all they have to say, are gone, or have kept silent for too long since the other was.
    async fn carry(&mut self, presence: Option<&Presence>) {
        let Self { client, wire, up, down } = self;
        let (mut is_up_over, mut is_down_over) = (false, false);
        let (mut silence, mut heard) = (pin!(tokio::time::sleep(HALF_OPEN)), None);
        poll_fn(|cx| {
            // A side that takes nothing any more may still have something to say.
            is_up_over = is_up_over || up.poll_carry(client, wire, Until::End, cx).is_ready();
            is_down_over = is_down_over || down.poll_carry(wire, client, Until::End, cx).is_ready();
            if up.has_spoken() {
                presence.inspect(|presence| presence.renew());
            }
            match (is_up_over, is_down_over) {
                (true, true) => Poll::Ready(()),
                (false, false) => Poll::Pending,
                (true, false) | (false, true) => {
                    let passed = Some(up.passed() + down.passed());
                    if std::mem::replace(&mut heard, passed) != passed {
                        silence.as_mut().reset(Instant::now() + HALF_OPEN);
                    }
                    silence.as_mut().poll(cx)
                }
            }
        })
        .await;
    }

    /// Tells both sides, as far as they take it.
    async fn end(mut self, goodbye: Goodbye) {
        let Self { client, wire, up, down } = &mut self;
        let to_client = say(down, wire, client, goodbye.frame(Masking::Plain));
        let is_told = tokio::time::timeout(LAST_FRAME, to_client).await.is_ok_and(|said| said.is_ok());
        let to_upstream = say(up, client, wire, goodbye.frame(Masking::Masked(masking_key())));
        let _ = tokio::time::timeout(LAST_FRAME, to_upstream).await;
        if is_told {
            let _ = tokio::time::timeout(LINGER, poll_fn(|cx| poll_discard(client, cx))).await;
        }
    }
}

/// Lets the frame that is under way pass, then says the last word.
async fn say<R, W>(pump: &mut Pump, from: &mut R, to: &mut W, word: Bytes) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    poll_fn(|cx| pump.poll_carry(from, to, Until::FrameEnd, cx)).await?;
    if pump.is_over() {
        return Ok(());
    }
    to.write_all(&word).await?;
    to.shutdown().await
}

#[expect(clippy::disallowed_methods, reason = "guards against foreseeable bytes on the wire, and nothing else")]
fn masking_key() -> [u8; 4] {
    let mut key = [0; 4];
    // If the system has no chance to give, the frame is still a frame.
    let _ = aws_lc_rs::rand::fill(&mut key);
    key
}

#[cfg(test)]
mod tests;
