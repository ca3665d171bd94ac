//! HTTP/2 clients that keep the proxy busy for nothing, frame by frame: each is cut off, the others' requests go on
//! succeeding, and memory stays where it was.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::hostile::{Answer, Hostile};
use crate::support::proxy::{Proxy, head};
use crate::support::raw;

const ATTACKERS: usize = 4;
/// Connections that must have been cut off before an attack counts as survived.
const CUT: usize = 12;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A GET without compression (RFC 7541 §6.2.2).
fn request(port: u16, path: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let authority = format!("localhost:{port}");
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", &authority), (":path", path)];
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

fn connect(port: u16, settings: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a listening port");
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(4, 0, 0, settings)[..]].concat()).expect("a connection");
    stream
}

type Attack = fn(u16, u32, bool) -> Vec<u8>;

/// What is sent over and over: by port, number of the next stream, and whether it is the first time.
const ATTACKS: &[(&str, Attack)] = &[
    ("rapid reset", |port, id, _| [frame(1, 5, id, &request(port, "/x")), frame(3, 0, id, &[0, 0, 0, 8])].concat()),
    ("PING", |_, _, _| frame(6, 0, 0, &[0; 8])),
    ("SETTINGS", |_, _, _| frame(4, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])),
    ("empty DATA", |port, _, is_first| if is_first { frame(1, 4, 1, &request(port, "/x")) } else { frame(0, 0, 1, b"") }),
    (
        "CONTINUATION",
        |port, _, is_first| if is_first { frame(1, 0, 1, &request(port, "/x")) } else { frame(9, 0, 1, &[0, 1, b'x', 1, b'y']) },
    ),
    ("empty CONTINUATION", |port, _, is_first| if is_first { frame(1, 0, 1, &request(port, "/x")) } else { frame(9, 0, 1, b"") }),
    ("PRIORITY", |_, id, _| frame(2, 0, id, &[0, 0, 0, 0, 1])),
    ("WINDOW_UPDATE", |_, _, _| frame(8, 0, 0, &[0, 0, 0, 1])),
    ("10,000 streams at once", |port, id, _| frame(1, 5, id, &request(port, "/x"))),
];

/// Attacks over and over, with a new connection whenever one is cut off.
fn attackers(port: u16, attack: Attack, is_over: &Arc<AtomicBool>, cut: &Arc<AtomicUsize>) -> Vec<JoinHandle<()>> {
    let one = |_| {
        let (is_over, cut) = (Arc::clone(is_over), Arc::clone(cut));
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let mut stream = connect(port, b"");
                let mut reads = stream.try_clone().expect("a socket");
                let reader = std::thread::spawn(move || drop(std::io::copy(&mut reads, &mut std::io::sink())));
                let mut next = 1;
                loop {
                    let burst: Vec<u8> = (0..100).flat_map(|at| attack(port, next + 2 * at, next == 1 && at == 0)).collect();
                    next += 200;
                    if stream.write_all(&burst).is_err() {
                        break;
                    }
                }
                cut.fetch_add(1, Ordering::Relaxed);
                drop(reader.join());
            }
        })
    };
    (0..ATTACKERS).map(one).collect()
}

fn proxy(app: &Hostile) -> Proxy {
    Proxy::run(|port| format!("{}[[routes]]\nauth = \"none\"\nupstream = \"http://127.0.0.1:{}\"\n", head(port), app.port))
}

async fn asks(proxy: &Proxy) {
    let answer = raw::get(proxy.port, &format!("localhost:{}", proxy.port), "/other", "").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}

#[tokio::test]
async fn whoever_floods_the_proxy_is_cut_off_and_nobody_else_notices() {
    let app = Hostile::start(|_, _| Answer::json("{}"));
    let proxy = proxy(&app);
    for _ in 0..50 {
        asks(&proxy).await;
    }
    for (name, attack) in ATTACKS {
        let before = proxy.process.memory();
        let (is_over, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let attackers = attackers(proxy.port, *attack, &is_over, &cut);
        let all_cut = async {
            while cut.load(Ordering::Relaxed) < CUT {
                asks(&proxy).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), all_cut).await.unwrap_or_else(|_| panic!("{name}: only {cut:?} were cut off"));
        is_over.store(true, Ordering::Relaxed);
        for attacker in attackers {
            attacker.join().expect("no panic");
        }
        let after = proxy.process.memory();
        assert!(after < before + 32 * 1024, "{name}: from {before} to {after} KiB");
        asks(&proxy).await;
    }
}

#[tokio::test]
async fn clients_that_take_nothing_make_the_proxy_hold_little() {
    let app = Hostile::start(|_, path| if path == "/large" { Answer::Megabytes(64) } else { Answer::json("{}") });
    let proxy = proxy(&app);
    asks(&proxy).await;
    let before = proxy.process.memory();
    // Streams begin with a window of nothing.
    let stuck: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = connect(proxy.port, &[0, 4, 0, 0, 0, 0]);
            for at in 0..100 {
                stream.write_all(&frame(1, 5, 1 + 2 * at, &request(proxy.port, "/large"))).expect("a connection");
            }
            stream
        })
        .collect();
    // Each stream has its answer's head; none has any of its body.
    for mut stream in &stuck {
        let mut heads = 0;
        while heads < 100 {
            let mut head = [0; 9];
            stream.read_exact(&mut head).expect("a frame");
            let [high, middle, low, kind, ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
            stream.read_exact(&mut payload).expect("a frame");
            assert_ne!(kind, 0, "no DATA");
            heads += usize::from(kind == 1);
        }
    }
    asks(&proxy).await;
    let after = proxy.process.memory();
    assert!(after < before + 64 * 1024, "from {before} to {after} KiB for 300 answers of 64 MiB");
    drop(stuck);
    asks(&proxy).await;
}
