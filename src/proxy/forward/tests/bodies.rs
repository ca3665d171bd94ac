//! Bodies in both directions: whole, bounded, broken off.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::*;
use crate::domain::route::Timeouts;

const MEGABYTE: usize = 1024 * 1024;
const CLOSE: &str = "Host: orders.example.com\r\nConnection: close\r\n";

/// Answers with the head it got and the first `length` bytes of the body behind it.
async fn echo(length: usize) -> std::net::SocketAddr {
    let (address, _) = upstream(move |mut peer| async move {
        while let Some(head) = peer.head().await {
            let body = peer.body(length).await;
            let text = format!("{head}{}", String::from_utf8_lossy(&body));
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await;
        }
    })
    .await;
    address
}

#[test]
fn bodies_are_framed_by_us_and_never_by_the_clients_fields() {
    run(async {
        let sized = Proxy::start(echo(3).await, Settings::default()).await;
        let answer = sized.say(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 3\r\n\r\nabc")).await;
        assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\nabc"), "{answer}");

        let chunks = "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";
        let chunked = Proxy::start(echo(chunks.len()).await, Settings::default()).await;
        for method in ["POST", "GET", "DELETE"] {
            let asked = "1;x=y\r\na\r\n2\r\nbc\r\n0\r\nX-Forwarded-User: forged\r\n\r\n";
            let answer = chunked
                .say(format!("{method} / HTTP/1.1\r\n{CLOSE}Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User\r\n\r\n{asked}"))
                .await;
            assert!(answer.contains("transfer-encoding: chunked\r\n") && answer.ends_with(chunks), "{method}: {answer}");
            assert!(!answer.contains("forged") && !answer.contains("x=y"), "{method}: {answer}");
        }

        let empty = Proxy::start(echo(0).await, Settings::default()).await;
        for (method, told) in [("POST", true), ("PUT", true), ("GET", false), ("DELETE", false)] {
            let answer = empty.say(format!("{method} / HTTP/1.1\r\n{CLOSE}\r\n")).await;
            assert_eq!(answer.contains("content-length: 0\r\n"), told, "{method}: {answer}");
        }
    });
}

#[test]
fn a_large_upload_is_streamed_and_held_back_by_a_slow_upstream() {
    run(async {
        let sent = Rc::new(Cell::new(0));
        let (most, seen) = (Rc::new(Cell::new(0)), Rc::clone(&sent));
        let in_flight = Rc::clone(&most);
        let (address, _) = upstream(move |mut peer| {
            let (in_flight, seen) = (Rc::clone(&in_flight), Rc::clone(&seen));
            async move {
                peer.head().await;
                let (mut piece, mut read) = (vec![0; 256 * 1024], peer.rest.len());
                while read < 64 * MEGABYTE {
                    // The client and the proxy run on the same thread: they go on until they cannot.
                    for _ in 0..50 {
                        tokio::task::yield_now().await;
                    }
                    in_flight.set(in_flight.get().max(seen.get() - read));
                    match peer.stream.read(&mut piece).await {
                        Ok(0) | Err(_) => return,
                        Ok(more) => read += more,
                    }
                }
                peer.say(OK).await;
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: {}\r\n\r\n", 64 * MEGABYTE).as_bytes()).await.expect("a head");
        let piece = vec![b'x'; 64 * 1024];
        while sent.get() < 64 * MEGABYTE {
            let length = piece.len().min(64 * MEGABYTE - sent.get());
            sent.set(sent.get() + client.write(&piece[..length]).await.expect("a connection"));
        }
        assert!(answer(&mut client).await.ends_with("\r\n\r\nok"));
        // Two pairs of socket buffers of the kernel and two of ours, of a few megabytes each.
        assert!((1..32 * MEGABYTE).contains(&most.get()), "{} bytes in flight", most.get());
    });
}

#[test]
fn a_large_download_is_streamed() {
    run(async {
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 64 * MEGABYTE)).await;
            for _ in 0..64 {
                peer.say(vec![b'y'; MEGABYTE]).await;
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(get("").as_bytes()).await.expect("a connection");
        let (mut piece, mut read) = (vec![0; 256 * 1024], 0);
        loop {
            match client.read(&mut piece).await.expect("a connection") {
                0 => break,
                more => read += more,
            }
        }
        assert!(read > 64 * MEGABYTE && read < 64 * MEGABYTE + 1000, "{read}");
    });
}

#[test]
fn events_arrive_one_by_one_and_both_directions_flow_at_once() {
    run(async {
        // Echoes every chunk as an event before the next one is sent.
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            loop {
                let mut chunk = peer.body(5).await;
                if chunk == b"0\r\n\r\n" || chunk.is_empty() {
                    return peer.say(chunk).await;
                }
                chunk.extend(peer.body(3).await);
                peer.say(chunk).await;
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(format!("POST / HTTP/1.1\r\n{CLOSE}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.expect("a head");
        let mut head = Vec::new();
        for event in ["one", "two", "six"] {
            client.write_all(format!("3\r\n{event}\r\n").as_bytes()).await.expect("a chunk");
            while !String::from_utf8_lossy(&head).contains(event) {
                assert!(client.read_buf(&mut head).await.expect("an event") > 0, "ended before {event}");
            }
        }
        client.write_all(b"0\r\n\r\n").await.expect("the end");
        client.read_to_end(&mut head).await.expect("an end");
        assert!(head.ends_with(b"0\r\n\r\n"));
    });
}

#[test]
fn too_large_a_body_is_refused_before_the_upstream_hears_of_it() {
    run(async {
        let (address, heads) = answering(OK).await;
        let proxy = Proxy::start(address, Settings { max_body: Some(3), ..Settings::default() }).await;
        let answer = proxy.say(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 4\r\n\r\nabcd")).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("body_too_large"), "{answer}");
        assert!(heads.borrow().is_empty());
        let answer = Proxy::start(echo(3).await, Settings { max_body: Some(3), ..Settings::default() })
            .await
            .say(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 3\r\n\r\nabc"))
            .await;
        assert!(answer.ends_with("abc"), "{answer}");
    });
}

#[test]
fn a_body_that_grows_too_large_is_cut_off() {
    run(async {
        let whole = Rc::new(Cell::new(false));
        let told = Rc::clone(&whole);
        let (address, _) = upstream(move |mut peer| {
            let told = Rc::clone(&told);
            async move {
                peer.head().await;
                told.set(peer.body(usize::MAX).await.ends_with(b"0\r\n\r\n"));
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings { max_body: Some(5), ..Settings::default() }).await;
        let answer =
            proxy.say(format!("POST / HTTP/1.1\r\n{CLOSE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(!whole.get());
    });
}

#[test]
fn an_upload_that_the_client_breaks_off_is_broken_off_upstream() {
    run(async {
        let (ended, ends) = tokio::sync::oneshot::channel();
        let ended = Rc::new(Cell::new(Some(ended)));
        let (address, _) = upstream(move |mut peer| {
            let ended = ended.take();
            async move {
                peer.head().await;
                let body = peer.body(usize::MAX).await;
                if let Some(ended) = ended {
                    let _ = ended.send(body);
                }
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 100\r\n\r\nabc").as_bytes()).await.expect("a head");
        drop(client);
        assert!(ends.await.expect("an end").len() <= 3);
    });
}

#[test]
fn a_request_that_the_client_gives_up_is_given_up_upstream() {
    run(async {
        let (entered, mut enters) = tokio::sync::mpsc::unbounded_channel();
        let (address, _) = upstream(move |mut peer| {
            let entered = entered.clone();
            async move {
                let _ = entered.send(peer.head().await.is_some());
                let _ = entered.send(peer.head().await.is_some());
            }
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(get("").as_bytes()).await.expect("a head");
        assert_eq!(enters.recv().await, Some(true));
        drop(client);
        assert_eq!(enters.recv().await, Some(false), "the connection ends");
    });
}

#[test]
fn an_early_answer_arrives_and_ends_the_upload() {
    run(async {
        let (address, connections) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
            peer.head().await;
        })
        .await;
        let proxy = Proxy::start(address, Settings::default()).await;
        for count in 1..=2 {
            let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
            client.write_all(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 100\r\n\r\nabc").as_bytes()).await.expect("a head");
            let answer = answer(&mut client).await;
            assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with("no"), "{answer}");
            assert_eq!(connections.get(), count, "a connection with half a request on it is not used again");
        }
    });
}

#[test]
fn expect_is_answered_by_us_once_the_upstream_is_there() {
    run(async {
        let proxy = Proxy::start(echo(3).await, Settings::default()).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        let head = format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("a head");
        assert_eq!(answer(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
        client.write_all(b"abc").await.expect("a body");
        let answer = answer(&mut client).await;
        assert!(answer.ends_with("abc") && !answer.contains("expect"), "{answer}");

        let refusing = Proxy::start(echo(3).await, Settings { max_body: Some(1), ..Settings::default() }).await;
        assert!(refusing.say(head).await.starts_with("HTTP/1.1 413 "), "no word of going on");
    });
}

#[test]
fn a_broken_answer_is_broken_for_the_client_too() {
    run(async {
        for raw in [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        ] {
            let (address, _) = upstream(move |mut peer| async move {
                peer.head().await;
                peer.say(raw).await;
            })
            .await;
            let proxy = Proxy::start(address, Settings::default()).await;
            let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
            client.write_all(get("").as_bytes()).await.expect("a head");
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(!answer.ends_with("0\r\n\r\n") && !answer.ends_with("abcxxxxxxx"), "{raw:?}: {answer}");
        }
    });
}

#[test]
fn stalled_bodies_end_in_either_direction() {
    run(async {
        let timeouts = Timeouts { idle: Duration::from_millis(50), response: Duration::from_millis(200), ..Timeouts::default() };
        let settings = Settings { timeouts, ..Settings::default() };
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await;
            peer.head().await;
        })
        .await;
        let answer = Proxy::start(address, settings.clone()).await.say(get("")).await;
        assert!(answer.ends_with("\r\n\r\nabc"), "{answer}");

        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.body(usize::MAX).await;
        })
        .await;
        let answer = Proxy::start(address, settings).await.say(format!("POST / HTTP/1.1\r\n{CLOSE}Content-Length: 9\r\n\r\nabc")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    });
}

#[test]
fn an_event_stream_ends_with_its_session_and_a_plain_answer_does_not() {
    run(async {
        let settings = Settings { ends_in: Duration::ZERO, ..Settings::default() };
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
                .await;
            peer.head().await;
        })
        .await;
        let proxy = Proxy::start(address, settings.clone()).await;
        let events = proxy.say(get("")).await;
        assert!(!events.ends_with("0\r\n\r\n") && proxy.faults.borrow().is_empty(), "cut off, not ended: {events}");

        let (go, goes) = tokio::sync::oneshot::channel::<()>();
        let goes = Rc::new(Cell::new(Some(goes)));
        let (address, _) = upstream(move |mut peer| {
            let goes = goes.take();
            async move {
                peer.head().await;
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
                if let Some(goes) = goes {
                    let _ = goes.await;
                }
                peer.say("two").await;
            }
        })
        .await;
        let proxy = Proxy::start(address, settings).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
        client.write_all(get("").as_bytes()).await.expect("a head");
        let mut plain = Vec::new();
        while !plain.ends_with(b"one") {
            assert!(client.read_buf(&mut plain).await.expect("a body") > 0);
        }
        go.send(()).expect("an upstream");
        client.read_to_end(&mut plain).await.expect("an end");
        assert!(plain.ends_with(b"onetwo"));
    });
}

#[test]
fn answers_without_content_keep_their_length() {
    run(async {
        let (address, _) = answering("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n").await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let answer = proxy.say(format!("HEAD / HTTP/1.1\r\n{CLOSE}\r\n")).await;
        assert_eq!(field(&answer, "content-length"), ["1234"]);
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        for status in ["204 No Content", "304 Not Modified"] {
            let raw: &'static str = format!("HTTP/1.1 {status}\r\nETag: \"x\"\r\n\r\n").leak();
            let (address, _) = answering(raw).await;
            let answer = Proxy::start(address, Settings::default()).await.say(get("")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")) && answer.ends_with("\r\n\r\n"), "{answer}");
            assert!(field(&answer, "content-length").is_empty() && field(&answer, "transfer-encoding").is_empty(), "{answer}");
        }
    });
}

#[test]
fn trailers_of_an_answer_reach_a_client_that_asks_for_them() {
    run(async {
        let raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n";
        let (address, heads) = answering(raw).await;
        let proxy = Proxy::start(address, Settings::default()).await;
        let answer = proxy.say(get("TE: trailers\r\n")).await;
        assert!(answer.ends_with("0\r\ngrpc-status: 0\r\n\r\n"), "{answer}");
        assert_eq!(field(&heads.borrow()[0], "connection"), ["te"]);
        let answer = proxy.say(get("")).await;
        assert!(answer.ends_with("0\r\n\r\n") && !answer.contains("grpc-status: 0"), "{answer}");
    });
}
