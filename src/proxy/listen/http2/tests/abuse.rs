//! Clients that keep a server busy for nothing are sent away, and others do not notice.

use super::raw::frame;
use super::*;

const GET: [(&str, &[u8]); 4] = [(":method", b"GET"), (":scheme", b"http"), (":authority", b"a"), (":path", b"/hold")];

/// Sends the same for ever, reading what comes back; the code of the GOAWAY that ends it, if one could be read.
async fn flood(server: &Server, next: &mut dyn FnMut(u32) -> Vec<u8>) -> Option<u32> {
    let Raw { stream } = server.raw().await;
    let (mut reads, mut writes) = stream.into_split();
    let writing = async {
        for id in (1..).step_by(100) {
            let burst: Vec<u8> = (0..50).flat_map(|at| next(id + 2 * at)).collect();
            if writes.write_all(&burst).await.is_err() {
                return;
            }
        }
    };
    let mut all = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(60), reads.read_to_end(&mut all));
    let (_, read) = tokio::join!(writing, reading);
    // The end, or a reset because we were still writing.
    drop(read.expect("an end"));
    let mut rest = all.as_slice();
    while let [high, middle, low, kind, _, _, _, _, _, more @ ..] = rest {
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        if let (7, [_, _, _, _, a, b, c, d, ..]) = (*kind, more) {
            return Some(u32::from_be_bytes([*a, *b, *c, *d]));
        }
        rest = more.get(length..).unwrap_or_default();
    }
    None
}

type Flood = (&'static str, Box<dyn FnMut(u32) -> Vec<u8>>);

fn floods() -> Vec<Flood> {
    let section = fields(&GET);
    let request = move |id: u32, flags: u8| frame(1, flags, id, &section);
    let (a, b, c, d) = (request.clone(), request.clone(), request.clone(), request);
    let (mut first, mut second) = (true, true);
    vec![
        ("requests that are reset at once", Box::new(move |id| [a(id, 5), frame(3, 0, id, &[0, 0, 0, 8])].concat())),
        ("PING", Box::new(|_| frame(6, 0, 0, &[0; 8]))),
        ("SETTINGS", Box::new(|_| frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]))),
        ("PRIORITY", Box::new(|_| frame(2, 0, 1, &[0, 0, 0, 0, 1]))),
        ("frames of an unknown kind", Box::new(|_| frame(0xef, 0, 0, b""))),
        ("windows that open by a byte", Box::new(|_| frame(8, 0, 0, &[0, 0, 0, 1]))),
        ("empty DATA", Box::new(move |_| if std::mem::take(&mut first) { b(3, 4) } else { frame(0, 0, 3, b"") })),
        (
            "a field section without end",
            Box::new(move |_| if std::mem::take(&mut second) { c(3, 0) } else { frame(9, 0, 3, &fields(&[("x", b"y")])) }),
        ),
        ("more requests than may be under way", Box::new(move |id| d(id, 5))),
    ]
}

#[test]
fn a_flood_ends_its_own_connection_and_nobody_elses() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let mut other = server.connect().await;
        for (name, mut next) in floods() {
            let code = flood(&server, &mut next).await;
            assert!(matches!(code, None | Some(0xb)), "{name}: {code:?}");
            assert_eq!(ask(&mut other, get("/x")).await.2, b"0", "during {name}");
        }
    });
}

#[test]
fn windows_that_cannot_be_are_refused() {
    run(async {
        let server = Server::start(Limits::default()).await;
        let cases: [(&[u8], u32); 3] = [
            (&frame(8, 0, 0, &[0, 0, 0, 0]), 1),
            (&frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), 3),
            (&frame(4, 0, 0, &[0, 4, 0x80, 0, 0, 0]), 3),
        ];
        for (said, code) in cases {
            let mut raw = server.raw().await;
            raw.send(said).await;
            let told = raw.end().await;
            assert!(told == Some(code) || told == Some(1), "{told:?} to {said:?}");
        }
    });
}

#[test]
fn as_many_requests_as_are_granted_are_under_way_and_no_more() {
    run(async {
        let streams = 7;
        let mut server = Server::start(Limits { http2_streams: streams, ..Limits::default() }).await;
        let mut raw = server.raw().await;
        for at in 0..streams + 1 {
            raw.headers(1 + 2 * at, &fields(&GET)).await;
        }
        let refused = raw.next_of(3).await.expect("a reset");
        assert_eq!((refused.stream, refused.payload), (1 + 2 * streams, vec![0, 0, 0, 7]), "refused, to be tried again");
        for _ in 0..streams {
            server.seen().await;
        }
    });
}
