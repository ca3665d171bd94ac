//! Ports that nobody else takes: not another test, and not the tests of another checkout that run at the same time. Also part
//! of the unit tests, so it stands on nothing but the standard library.

use std::collections::VecDeque;
use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Claims that are held at a time: more than ports that are waiting for their servers to start.
const CLAIMS: usize = 128;

/// The first of `count` free ports in a row. Tests of one run never get the same twice.
pub(crate) fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static CLAIMED: Mutex<VecDeque<UdpSocket>> = Mutex::new(VecDeque::new());
    loop {
        let offset = std::process::id() % 20_000 + NEXT.fetch_add(count.into(), Ordering::Relaxed);
        // Below the range from which the system hands out ports to clients: whoever knocks at one that is closed must not find
        // itself.
        let first = 10_000 + u16::try_from(offset % 20_000).expect("small");
        let claims: Option<Vec<_>> = (first..first + count).map(claim).collect();
        if let Some(claims) = claims {
            let mut claimed = CLAIMED.lock().expect("no panic while holding it");
            claimed.extend(claims);
            let old = claimed.len().saturating_sub(CLAIMS);
            claimed.drain(..old);
            return first;
        }
    }
}

/// A port is free until its server listens, which takes a while. Meanwhile it is his who has the UDP port of that number,
/// which no server of the tests wants.
fn claim(port: u16) -> Option<UdpSocket> {
    let claim = UdpSocket::bind(("127.0.0.1", port)).ok()?;
    TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(claim)
}
