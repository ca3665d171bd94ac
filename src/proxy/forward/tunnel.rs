//! WebSockets (RFC 6455): recognised at the handshake, then bytes both ways until somebody ends it. What is said inside
//! is not read.

use http::{HeaderMap, Method, StatusCode, header};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::hop_by_hop::lists;
use super::leash::Held;
use super::link::Link;
use crate::domain::origin::Origins;
use crate::proxy::upgrade::OnUpgrade;

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

/// Whether an answer accepts a WebSocket.
pub(super) fn is_accepted(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS
        && headers.get(header::UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Carries bytes both ways until either side ends, the session ends, or we do. Starts when the client has its 101.
pub(super) async fn carry(client: OnUpgrade, link: Box<Link>, leash: Option<Held>, shutdown: CancellationToken) {
    let carried = async {
        let (Some(mut client), Ok((mut wire, early))) = (client.await, link.into_wire().await) else { return };
        if client.write_all(&early).await.is_ok() {
            // An error means that one side is gone: the other one follows by being dropped.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut wire).await;
        }
    };
    let ends = async {
        match leash {
            Some(held) => held.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = carried => {}
        () = ends => {}
        () = shutdown.cancelled() => {}
    }
}
