//! How streams end before their time, and what is left of them: nothing.

use super::super::cancellation::{Answers, Sends, polled};
use super::*;

#[test]
fn resets_reach_the_other_side() {
    run(async {
        let told = Rc::<RefCell<Vec<Reason>>>::default();
        let reasons = Rc::clone(&told);
        let upstream = served(100, move |mut asked: Asked| {
            let reasons = Rc::clone(&reasons);
            async move {
                match asked.head.uri.path() {
                    "/broken" => {
                        let mut stream = asked.respond.send_response(response(200, &[]), false).expect("a stream");
                        stream.send_data(Bytes::from_static(b"begun"), false).expect("a stream");
                        tokio::task::yield_now().await;
                        stream.send_reset(Reason::INTERNAL_ERROR);
                    }
                    "/begun" => {
                        let mut stream = asked.respond.send_response(response(200, &[]), false).expect("a stream");
                        stream.send_data(Bytes::from_static(b"begun"), false).expect("a stream");
                        let reason = poll_fn(|cx| stream.poll_reset(cx)).await.expect("a reset");
                        reasons.borrow_mut().push(reason);
                    }
                    _ => {
                        let reason = asked.reset().await;
                        reasons.borrow_mut().push(reason);
                    }
                }
            }
        })
        .await;
        let timeouts = Timeouts { response: Duration::from_millis(50), idle: Duration::from_millis(50), ..Timeouts::default() };
        let proxy = Proxy::start(upstream.address, Settings { timeouts, ..h2c() }).await;
        let mut client = client(&proxy).await.ready().await.expect("a connection");
        let begin = |client: &mut SendRequest<Bytes>, path| client.send_request(request(Method::GET, path), true).expect("a stream").0;
        // The upstream breaks off.
        let mut body = begin(&mut client, "/broken").await.expect("a head").into_body();
        assert_eq!(whole(&mut body).await.expect_err("half a body").reason(), Some(Reason::INTERNAL_ERROR));
        // The upstream does not answer, or stops.
        assert_eq!(begin(&mut client, "/silent").await.expect("an answer").status(), 504);
        until(|| told.borrow().len() == 1).await;
        let mut body = begin(&mut client, "/begun").await.expect("a head").into_body();
        assert_eq!(whole(&mut body).await.expect_err("half a body").reason(), Some(Reason::INTERNAL_ERROR));
        until(|| told.borrow().len() == 2).await;
        // The client gives up, before an answer and within one.
        let proxy = Proxy::start(upstream.address, h2c()).await;
        let mut client = self::client(&proxy).await.ready().await.expect("a connection");
        let waits = begin(&mut client, "/silent");
        until(|| upstream.open.get() == 1).await;
        drop(waits);
        until(|| told.borrow().len() == 3).await;
        let answer = begin(&mut client, "/begun").await.expect("a head");
        drop(answer);
        until(|| told.borrow().len() == 4).await;
        assert_eq!(*told.borrow(), [Reason::CANCEL; 4]);
        assert_eq!(upstream.connections.get(), 2, "a stream that is reset takes nothing with it");
    });
}

#[test]
fn an_upload_ends_with_its_client_and_an_early_answer_ends_the_upload() {
    run(async {
        let ends = Rc::<RefCell<Vec<bool>>>::default();
        let told = Rc::clone(&ends);
        let upstream = served(100, move |mut asked: Asked| {
            let told = Rc::clone(&told);
            async move {
                if asked.head.uri.path() == "/early" {
                    return asked.say(403, &[]);
                }
                let is_whole = whole(&mut asked.body).await.is_ok();
                told.borrow_mut().push(is_whole);
            }
        })
        .await;
        let proxy = Proxy::start(upstream.address, Settings { max_body: Some(10), ..h2c() }).await;
        let mut client = client(&proxy).await.ready().await.expect("a connection");
        let mut begin = |path| client.send_request(request(Method::POST, path), false).expect("a stream");
        let (answer, mut sending) = begin("/early");
        sending.send_data(Bytes::from_static(b"begun"), false).expect("a stream");
        assert_eq!(answer.await.expect("a head").status(), 403);
        drop(sending);
        let (answer, mut sending) = begin("/late");
        sending.send_data(Bytes::from_static(b"begun"), false).expect("a stream");
        until(|| upstream.open.get() == 1).await;
        sending.send_reset(Reason::CANCEL);
        drop(answer);
        until(|| ends.borrow().len() == 1).await;
        // More than the route takes.
        let (answer, mut sending) = begin("/late");
        sending.send_data(Bytes::from_static(b"far too much"), false).expect("a stream");
        assert_eq!(answer.await.expect("a head").status(), 413);
        assert!(!ends.borrow().contains(&true), "nothing looks whole");
        until(|| upstream.open.get() == 0).await;
    });
}

#[test]
fn a_request_that_is_dropped_at_any_await_leaves_no_stream_and_no_permit_behind() {
    use Answers::{AtLast, AtOnce};
    for (sends, answers) in
        [(Sends::Nothing, AtOnce), (Sends::Sized, AtLast), (Sends::Sized, AtOnce), (Sends::Chunked, AtLast), (Sends::Chunked, AtOnce)]
    {
        for is_warm in [false, true] {
            run(dropped_at_any_await(sends, answers, is_warm));
        }
    }
}

async fn dropped_at_any_await(sends: Sends, answers: Answers, is_warm: bool) {
    let upstream = served(100, move |mut asked: Asked| async move {
        if answers == Answers::AtLast && whole(&mut asked.body).await.is_err() {
            return;
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let Ok(mut stream) = asked.respond.send_response(response(200, &[]), false) else { return };
        for piece in ["one", "two"] {
            let _ = stream.send_data(Bytes::from_static(piece.as_bytes()), false);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        let _ = stream.send_data(Bytes::new(), true);
    })
    .await;
    let settings = h2c();
    let group = group(&upstreams(&[(UpstreamScheme::H2c, upstream.address)], Some(1)), &settings);
    let ask = async |forwarder: &Forwarder| {
        let (request, _pieces) = sends.request(answers);
        let answer = pass(forwarder, &group, &settings, request, info()).await.expect("an answer");
        http_body_util::BodyExt::collect(answer.into_body()).await.expect("a whole body").to_bytes() == "onetwo"
    };
    let mut times = 0;
    loop {
        let forwarder = Forwarder::new(Arc::default(), CancellationToken::new());
        assert!(!is_warm || ask(&forwarder).await);
        let done = polled(ask(&forwarder), times).await;
        assert_eq!(forwarder.sessions.open().1, 0, "after {times} polls a stream is counted");
        until(|| upstream.open.get() == 0).await;
        assert!(ask(&forwarder).await, "the next one is served, by the only connection there may be");
        // This worker's connection goes, and its permit with it, when the next one's is wanted.
        if done.is_some() {
            assert_eq!(done, Some(true));
            break;
        }
        times += 1;
    }
    assert!(times > 2, "{times} moments are not all there are: {sends:?}, {answers:?}");
}
