//! Connections that many requests share: how many there are, and what becomes of requests that were not carried out.

use super::*;

#[test]
fn one_connection_is_shared_until_its_streams_are_taken() {
    run(async {
        for (limit, connections) in [(u32::MAX, 1), (4, 5)] {
            let gate = CancellationToken::new();
            let held = gate.clone();
            let upstream = served(limit, move |asked: Asked| {
                let held = held.clone();
                async move {
                    held.cancelled().await;
                    asked.say_ok();
                }
            })
            .await;
            let proxy = Proxy::start(upstream.address, h2c()).await;
            let held_all = async {
                until(|| upstream.open.get() == 20).await;
                assert_eq!(upstream.connections.get(), connections);
                gate.cancel();
            };
            let raw = get("");
            let (answers, ()) = tokio::join!(proxy.say_at_once(20, &raw), held_all);
            assert!(answers.iter().all(|answer| answer.ends_with("ok")), "{answers:?}");
            assert!(proxy.say(get("")).await.ends_with("ok"));
            assert_eq!(upstream.connections.get(), connections, "one that is there is used");
        }
    });
}

#[test]
fn what_was_not_carried_out_is_said_again_and_anything_else_is_not() {
    run(async {
        const POST: &str = "POST /a HTTP/1.1\r\nHost: orders.example.com\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        for (reason, is_served) in [(Reason::REFUSED_STREAM, true), (Reason::INTERNAL_ERROR, false), (Reason::CANCEL, false)] {
            let times = Rc::<Cell<usize>>::default();
            let told = Rc::clone(&times);
            let upstream = served(100, move |mut asked: Asked| {
                told.set(told.get() + 1);
                match told.get() {
                    2 => asked.respond.send_reset(reason),
                    _ => asked.say_ok(),
                }
                async {}
            })
            .await;
            let proxy = Proxy::start(upstream.address, h2c()).await;
            assert!(proxy.say(get("")).await.ends_with("ok"));
            let answer = proxy.say(POST).await;
            assert_eq!(answer.starts_with("HTTP/1.1 200 "), is_served, "{reason:?}: {answer}");
            assert_eq!(times.get(), if is_served { 3 } else { 2 });
            assert!(proxy.say(get("")).await.ends_with("ok"));
            assert_eq!(upstream.connections.get(), 1, "{reason:?}: it is still good");
        }
    });
}

#[test]
fn an_upstream_that_says_goodbye_under_load_loses_no_request() {
    run(async {
        let upstream = served(100, |asked: Asked| async move {
            // Each connection lasts for ten requests or so.
            if asked.number == 10 {
                asked.goodbye.set(true);
            }
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            asked.say_ok();
        })
        .await;
        let proxy = Rc::new(Proxy::start(upstream.address, h2c()).await);
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let proxy = Rc::clone(&proxy);
                tokio::task::spawn_local(async move {
                    for _ in 0..50 {
                        let answer = proxy.say(get("")).await;
                        assert!(answer.ends_with("ok"), "{answer} {:?}", proxy.faults.borrow());
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.expect("every request is answered");
        }
        assert!(upstream.connections.get() >= 10, "{}", upstream.connections.get());
    });
}

#[test]
fn who_speaks_something_else_is_no_upstream_and_the_request_goes_elsewhere_whole() {
    run(async {
        let (odd, heads) = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno").await;
        let good = served(100, |asked: Asked| async move { asked.echo().await }).await;
        let alone = Proxy::start(odd, h2c()).await.say(get("")).await;
        assert!(alone.starts_with("HTTP/1.1 502 "), "{alone}");
        let both = upstreams(&[(UpstreamScheme::H2c, odd), (UpstreamScheme::H2c, good.address)], None);
        let proxy = Proxy::start_before(&both, Settings::default()).await;
        for _ in 0..6 {
            let answer =
                proxy.say("POST /a HTTP/1.1\r\nHost: orders.example.com\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("hi"), "{answer} {:?}", proxy.faults.borrow());
        }
        assert!(heads.borrow().iter().all(|head| !head.contains("POST")), "no request of ours is said there");
    });
}

#[test]
fn a_permit_stays_with_its_connection_while_a_stream_is_open_and_no_longer() {
    run(async {
        let gate = CancellationToken::new();
        let held = gate.clone();
        let upstream = served(100, move |asked: Asked| {
            let held = held.clone();
            async move {
                if asked.head.uri.path() == "/hold" {
                    held.cancelled().await;
                }
                asked.say_ok();
            }
        })
        .await;
        // Two workers, one connection between them.
        let (settings, shared) = (h2c(), upstreams(&[(UpstreamScheme::H2c, upstream.address)], Some(1)));
        let group = group(&shared, &settings);
        let workers = [0, 1].map(|_| Forwarder::new(Arc::default(), CancellationToken::new()));
        let info = info();
        let ask = |worker: usize, path: &'static str| {
            let (forwarder, group, settings) = (workers[worker].clone(), Arc::clone(&group), settings.clone());
            tokio::task::spawn_local(async move {
                let mut request = Request::new(RequestBody::empty());
                *request.uri_mut() = path.parse().expect("a path");
                let answer = pass(&forwarder, &group, &settings, request, info).await?;
                http_body_util::BodyExt::collect(answer.into_body()).await.expect("a body");
                Ok::<_, ForwardError>(())
            })
        };
        let holds = ask(0, "/hold");
        until(|| upstream.open.get() == 1).await;
        let waits = ask(1, "/a");
        ask(0, "/a").await.expect("no panic").expect("a stream on the same connection");
        assert!(!waits.is_finished() && upstream.connections.get() == 1);
        gate.cancel();
        holds.await.expect("no panic").expect("an answer");
        waits.await.expect("no panic").expect("the only connection, at last");
        // An idle one goes as soon as somebody wants it.
        ask(0, "/a").await.expect("no panic").expect("an answer");
        assert_eq!(upstream.connections.get(), 3);
        until(|| upstream.alive.get() == 1).await;
    });
}
