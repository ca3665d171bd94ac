//! A tunnel between two pipes, on a clock that goes on by itself when nothing else does.

use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use super::*;
use crate::proxy::forward::leash::Leash;
use crate::telemetry::streams::{StreamKind, Streams};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

struct Ends {
    tunnel: Tunnel<DuplexStream, DuplexStream>,
    client: DuplexStream,
    upstream: DuplexStream,
}

/// Pipes that hold so much.
fn ends(room: usize) -> Ends {
    let ((client, near), (wire, upstream)) = (duplex(room), duplex(room));
    let (up, down) = (Pump::new(Bytes::new()), Pump::new(Bytes::new()));
    Ends { tunnel: Tunnel { client: near, wire, up, down }, client, upstream }
}

fn held(lasts: Duration) -> Held {
    Leash { until: Instant::now() + lasts, session: None }.hold()
}

async fn run(tunnel: Tunnel<DuplexStream, DuplexStream>, held: Held) {
    let streams = Arc::<Streams>::default();
    tunnel.run(Some(held), streams.begin(StreamKind::WebSocket), &CancellationToken::new()).await;
}

async fn rest(mut from: DuplexStream) -> Vec<u8> {
    let mut rest = Vec::new();
    from.read_to_end(&mut rest).await.expect("a pipe");
    rest
}

#[tokio::test(start_paused = true)]
async fn whoever_has_said_everything_hears_the_other_out_and_silence_is_the_end() {
    let Ends { tunnel, mut client, mut upstream } = ends(64);
    let began = Instant::now();
    let tunnel = run(tunnel, held(LONG));
    let talk = async {
        client.write_all(b"all").await.expect("a pipe");
        client.shutdown().await.expect("a pipe");
        let mut all = Vec::new();
        upstream.read_to_end(&mut all).await.expect("a pipe");
        assert_eq!(all, b"all");
        for _ in 0..5 {
            tokio::time::sleep(HALF_OPEN - Duration::from_millis(10)).await;
            upstream.write_all(b"more").await.expect("it is still there");
        }
        let from = Instant::now();
        assert_eq!(rest(client).await, b"more".repeat(5));
        assert!(Instant::now() >= from + HALF_OPEN);
    };
    tokio::join!(tunnel, talk);
    assert!(Instant::now() < began + 7 * HALF_OPEN, "the upstream never said that it had ended");
}

#[tokio::test(start_paused = true)]
async fn a_word_that_nobody_takes_does_not_keep_a_tunnel() {
    for what in [&b"\x82\x7e\xff\xff more of this frame never comes"[..], &[0x82; 4096]] {
        let Ends { tunnel, mut client, mut upstream } = ends(64);
        let began = Instant::now();
        let stuck = async {
            let _it_closes = tokio::join!(client.write_all(what), upstream.write_all(what));
        };
        tokio::select! {
            () = run(tunnel, held(LONG)) => {}
            () = async { stuck.await; std::future::pending().await } => {}
        }
        let late = Instant::now() - began - LONG;
        assert!(late > Duration::ZERO && late <= 2 * LAST_FRAME + LINGER, "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_tunnel_closes_both_sides_whatever_it_was_doing() {
    // Its session ends after an hour: the last word is under way when it is dropped after that.
    for lasts in [Duration::ZERO, Duration::from_secs(1), LONG + Duration::from_secs(1), LONG + Duration::from_secs(3)] {
        let Ends { tunnel, mut client, mut upstream } = ends(16);
        client.write_all(b"\x81\x80").await.expect("a pipe");
        upstream.write_all(b"\x81\x7e\x01\x00").await.expect("a pipe");
        let cut = tokio::time::timeout(lasts, run(tunnel, held(LONG))).await;
        assert!(cut.is_err(), "it was at work after {lasts:?}");
        let (_client, _upstream) = (rest(client).await, rest(upstream).await);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_presence_and_the_answers_of_machines_are_not() {
    let Ends { tunnel, mut client, mut upstream } = ends(64);
    let held = held(LONG);
    let (presence, began) = (held.presence().clone(), Instant::now());
    let talk = async {
        let mut say = async |bytes: &[u8], from_client| {
            let (from, to) = if from_client { (&mut client, &mut upstream) } else { (&mut upstream, &mut client) };
            tokio::time::sleep(Duration::from_secs(1)).await;
            from.write_all(bytes).await.expect("a pipe");
            to.read_exact(&mut vec![0; bytes.len()]).await.expect("a pipe");
            (presence.last() - began).as_secs()
        };
        assert_eq!(say(b"\x89\x80mask", true).await, 0, "a ping");
        assert_eq!(say(b"\x81\x02hi", false).await, 0, "the upstream");
        assert_eq!(say(b"\x81\x82maskhi", true).await, 3);
        assert_eq!(say(b"\x8a\x80mask", true).await, 3, "a pong");
        assert_eq!(say(b"\x82\x83mask1", true).await, 5, "the beginning of a message");
        assert_eq!(say(b"23", true).await, 6, "its end");
    };
    tokio::select! {
        () = run(tunnel, held) => panic!("it ended"),
        () = talk => {}
    }
}

#[test]
fn what_is_not_taken_waits_and_a_quiet_pump_holds_nothing() {
    let cx = &mut Context::from_waker(Waker::noop());
    let ((mut from, mut near), (mut far, mut to)) = (duplex(1 << 20), duplex(1000));
    let said: Vec<u8> = (0..=u8::MAX).cycle().take(200_000).collect();
    let mut pump = Pump::new(Bytes::new());
    let mut carry = |cx: &mut Context<'_>| {
        let carried = pump.poll_carry(&mut near, &mut far, Until::End, cx);
        (carried.is_ready(), pump.kept())
    };
    assert_eq!(carry(cx), (false, 0));
    from.write_all(&said).now_or_never().expect("there is room").expect("a pipe");
    let mut heard = Vec::new();
    while heard.len() < said.len() {
        let (is_over, kept) = carry(cx);
        assert!(!is_over && kept < 32 * 1024, "{kept}");
        let mut some = [0; 1000];
        let read = to.read(&mut some).now_or_never().expect("something has passed").expect("a pipe");
        heard.extend_from_slice(&some[..read]);
    }
    assert!(heard == said);
    assert_eq!(carry(cx), (false, 0));
    drop(from);
    assert_eq!(carry(cx), (true, 0));
}
