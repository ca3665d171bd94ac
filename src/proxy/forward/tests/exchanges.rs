//! Whole exchanges in odd shapes: answers in pieces and without an end, trailers in both directions, answers that come
//! before their request is over.

use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::*;

const CLOSE: &str = "Host: orders.example.com\r\nConnection: close\r\n";
const MEGABYTE: usize = 1024 * 1024;

/// Answers one request on every connection with this, byte by byte if so asked, and closes.
async fn once(raw: String, step: usize) -> std::net::SocketAddr {
    let raw = Rc::new(raw);
    let (address, _) = upstream(move |mut peer| {
        let raw = Rc::clone(&raw);
        async move {
            peer.head().await;
            for piece in raw.as_bytes().chunks(step) {
                peer.say(piece).await;
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    address
}

#[test]
fn an_answer_is_the_same_however_it_is_cut() {
    run(async {
        for (raw, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-A: b\r\n\r\none two", "one two"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n",
                "\r\none\r\n4\r\n two\r\n0\r\n\r\n",
            ),
            ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 3\r\n\r\none", "one"),
        ] {
            for step in [1, 2, 3, 5, 1000] {
                let answer = Proxy::start(once(raw.to_owned(), step).await, Settings::default()).await.say(get("")).await;
                let sized = answer.ends_with(&format!("\r\n\r\n{body}"));
                let chunked = answer.contains("transfer-encoding: chunked\r\n") && unchunked(&answer) == "one two";
                assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && (sized || chunked), "{step}: {raw}: {answer}");
                assert_eq!(field(&answer, "x-a"), ["b"]);
            }
        }
    });
}

/// The data of a chunked answer.
fn unchunked(answer: &str) -> String {
    let (_, chunks) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = chunks.split("\r\n");
    let mut data = String::new();
    while let (Some(size), Some(line)) = (lines.next(), lines.next()) {
        assert_eq!(usize::from_str_radix(size, 16), Ok(line.len()));
        data += line;
    }
    data
}

#[test]
fn a_body_that_ends_with_its_connection_arrives_whole() {
    run(async {
        for version in ["1.0", "1.1"] {
            let answer =
                Proxy::start(once(format!("HTTP/{version} 200 OK\r\n\r\none two"), 4).await, Settings::default()).await.say(get("")).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(unchunked(&answer) == "one two" && answer.ends_with("0\r\n\r\n"), "{version}: {answer}");
        }
    });
}

#[test]
fn heads_without_end_and_interim_answers_without_end_are_502() {
    run(async {
        let long = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {}\r\n\r\n", "x".repeat(length));
        let interim =
            |count: usize| format!("{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n".repeat(count));
        for (raw, status) in [
            (long(32 * 1024), "200"),
            (long(64 * 1024), "502"),
            (format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MEGABYTE)), "502"),
            (interim(16), "200"),
            (interim(17), "502"),
            ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok".to_owned(), "502"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(), "502"),
        ] {
            let proxy = Proxy::start(once(raw, 64 * 1024).await, Settings::default()).await;
            let answer = proxy.say(get("")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer} {:?}", proxy.faults.borrow());
        }
    });
}

#[test]
fn what_follows_an_answer_belongs_to_nobody() {
    run(async {
        for end in ["0\r\n\r\nHTTP/1.1 200 OK\r\n", "0\r\n\r\n\r\n"] {
            let raw = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n{end}");
            let raw: &'static str = raw.leak();
            let (address, connections) = upstream(move |mut peer| async move {
                while peer.head().await.is_some() {
                    peer.say(raw).await;
                }
            })
            .await;
            let proxy = Proxy::start(address, Settings::default()).await;
            for count in 1..=3 {
                assert_eq!(unchunked(&proxy.say(get("")).await), "ok");
                assert_eq!(connections.get(), count);
            }
        }
    });
}

#[test]
fn trailers_go_both_ways_without_what_they_must_not_say() {
    run(async {
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            let mut told = String::new();
            while !told.ends_with("\r\n\r\n") {
                told += std::str::from_utf8(&peer.body(1).await).expect("ASCII");
            }
            let told = told.escape_default();
            peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n").await;
            peer.say(format!(
                "{:x}\r\n{told}\r\n0\r\nx-sum: 2\r\nSet-Cookie: a=b\r\nConnection: close\r\nContent-Length: 3\r\n\r\n",
                told.to_string().len()
            ))
            .await;
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let trailers = "x-sum: 1\r\nX-Forwarded-User: forged\r\nX-Account_Kind: forged\r\nX-Real-IP: forged\r\nTraceparent: forged\r\n";
        let answer = proxy
            .say(format!("POST / HTTP/1.1\r\n{CLOSE}TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{trailers}\r\n"))
            .await;
        assert!(answer.contains(r"2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n") && !answer.contains("forged"), "{answer}");
        assert!(answer.ends_with("0\r\nx-sum: 2\r\n\r\n"), "{answer}");
    });
}

#[test]
fn an_answer_that_is_not_taken_does_not_hold_up_the_request() {
    run(async {
        // Says as much as it is told, both at once: a client may say everything before it listens.
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            let told = peer.rest.len();
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 32 * MEGABYTE)).await;
            let (mut reader, mut writer) = peer.stream.split();
            let reads = async {
                let (mut piece, mut read) = (vec![0; 256 * 1024], told);
                while read < 32 * MEGABYTE {
                    match reader.read(&mut piece).await {
                        Ok(0) | Err(_) => break,
                        Ok(more) => read += more,
                    }
                }
                read
            };
            let said = vec![b'y'; 32 * MEGABYTE];
            let (read, wrote) = tokio::join!(reads, writer.write_all(&said));
            assert!(read == 32 * MEGABYTE && wrote.is_ok());
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: {}\r\n\r\n", 32 * MEGABYTE).as_bytes()).await.expect("a head");
        client.write_all(&vec![b'x'; 32 * MEGABYTE]).await.expect("a body");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("an answer");
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.len() > 32 * MEGABYTE);
    });
}
