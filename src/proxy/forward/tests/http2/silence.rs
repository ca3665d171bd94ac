//! Connections on which nothing comes. Whoever is asked and answers is kept, whoever says nothing is given up.
//!
//! The clock stands still but for what a test moves it by.

use tokio::time::advance;

use super::*;

/// So often a connection is looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What an upstream does of its own accord, and what it has seen.
#[derive(Default)]
struct Manners {
    answers_requests: Cell<bool>,
    answers_pings: Cell<bool>,
    connections: Cell<usize>,
    ended: Cell<usize>,
    /// Which connection each was on, counted from 1.
    requests: RefCell<Vec<usize>>,
    pings: Cell<usize>,
}

/// An upstream that is put together frame by frame (RFC 9113 §4.1), because no library leaves a PING unanswered.
async fn minding(manners: &Rc<Manners>) -> SocketAddr {
    let manners = Rc::clone(manners);
    let (address, _) = upstream(move |mut peer| {
        let manners = Rc::clone(&manners);
        async move {
            manners.connections.set(peer.number);
            peer.body(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()).await;
            peer.say([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
            loop {
                let frame = peer.body(9).await;
                let [_, high, low, kind, flags, ref stream @ ..] = frame[..] else { break };
                let payload = peer.body(u16::from_be_bytes([high, low]).into()).await;
                match (kind, flags) {
                    // HEADERS. The whole of an answer: `:status: 200`.
                    (1, _) => {
                        manners.requests.borrow_mut().push(peer.number);
                        if manners.answers_requests.get() {
                            peer.say([&[0, 0, 1, 1, 5], stream, &[0x88]].concat()).await;
                        }
                    }
                    // SETTINGS, PING.
                    (4, 0) => peer.say([0, 0, 0, 4, 1, 0, 0, 0, 0]).await,
                    (6, 0) => {
                        manners.pings.set(manners.pings.get() + 1);
                        if manners.answers_pings.get() {
                            peer.say([&[0, 0, 8, 6, 1, 0, 0, 0, 0], &payload[..]].concat()).await;
                        }
                    }
                    _ => {}
                }
            }
            manners.ended.set(manners.ended.get() + 1);
        }
    })
    .await;
    address
}

/// Runs a test by a clock that only the test moves: there is always something to do, so that it never runs ahead.
fn by_hand(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build_local(Default::default()).expect("a runtime");
    runtime.block_on(async {
        let begun = std::time::Instant::now();
        tokio::select! {
            () = test => {}
            () = until(|| begun.elapsed() > Duration::from_secs(60)) => panic!("the test hangs"),
        }
    });
}

/// Time for one more look, and for what comes of it.
async fn look() {
    advance(LOOK).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Requests of one worker.
struct Worker {
    forwarder: Forwarder,
    group: Arc<Group>,
    settings: Settings,
}

impl Worker {
    fn new(address: SocketAddr) -> Self {
        let hour = Duration::from_secs(3600);
        let settings = Settings { timeouts: Timeouts { connect: hour, response: hour, idle: hour }, ..h2c() };
        let group = group(&upstreams(&[(UpstreamScheme::H2c, address)], None), &settings);
        Self { forwarder: Forwarder::new(Arc::default(), CancellationToken::new()), group, settings }
    }

    fn ask(&self, method: Method) -> tokio::task::JoinHandle<Result<u16, ForwardError>> {
        let (forwarder, group, settings) = (self.forwarder.clone(), Arc::clone(&self.group), self.settings.clone());
        tokio::task::spawn_local(async move {
            let mut request = Request::new(RequestBody::empty());
            *request.method_mut() = method;
            pass(&forwarder, &group, &settings, request, info()).await.map(|answer| answer.status().as_u16())
        })
    }

    async fn is_served(&self) -> bool {
        matches!(self.ask(Method::GET).await.expect("no panic"), Ok(200))
    }
}

#[test]
fn an_upstream_that_is_there_is_kept_however_long_it_takes_for_an_answer() {
    by_hand(async {
        let manners = Rc::new(Manners { answers_pings: Cell::new(true), ..Manners::default() });
        let worker = Worker::new(minding(&manners).await);
        let waits = worker.ask(Method::POST);
        until(|| manners.requests.borrow().len() == 1).await;
        for pings in 1..=3 {
            look().await;
            assert_eq!(manners.pings.get(), pings - 1, "something came since the last look");
            look().await;
            until(|| manners.pings.get() == pings).await;
            // It answers, so others share its connection.
            manners.answers_requests.set(true);
            assert!(worker.is_served().await);
            manners.answers_requests.set(false);
        }
        for _ in 0..10 {
            look().await;
        }
        assert_eq!(manners.pings.get(), 4, "nobody is asked again without another request");
        assert!(!waits.is_finished());
        assert_eq!((manners.connections.get(), manners.ended.get()), (1, 0));
    });
}

#[test]
fn an_upstream_that_answers_no_ping_is_given_up_with_what_it_has_not_answered() {
    by_hand(async {
        let manners = Rc::new(Manners { answers_requests: Cell::new(true), ..Manners::default() });
        let worker = Worker::new(minding(&manners).await);
        assert!(worker.is_served().await);
        manners.answers_requests.set(false);
        let (get, post) = (worker.ask(Method::GET), worker.ask(Method::POST));
        until(|| manners.requests.borrow().len() == 3).await;
        look().await;
        look().await;
        until(|| manners.pings.get() == 1).await;
        assert!(!get.is_finished() && !post.is_finished() && manners.connections.get() == 1);
        // Its next connection is better.
        manners.answers_requests.set(true);
        look().await;
        let post = post.await.expect("no panic");
        assert!(matches!(post, Err(ForwardError::UpstreamBrokeOff(_))), "it may have been carried out: {post:?}");
        assert!(matches!(get.await.expect("no panic"), Ok(200)), "it can be said twice");
        assert!(worker.is_served().await);
        assert_eq!(*manners.requests.borrow(), [1, 1, 1, 2, 2]);
        until(|| manners.ended.get() == 1).await;
        assert_eq!(worker.forwarder.sessions.open(), (1, 0));
    });
}

#[test]
fn a_connection_without_requests_is_never_asked_and_ends_by_itself() {
    by_hand(async {
        let manners = Rc::new(Manners { answers_requests: Cell::new(true), ..Manners::default() });
        let worker = Worker::new(minding(&manners).await);
        assert!(worker.is_served().await);
        for _ in 0..2 {
            look().await;
            assert_eq!((worker.forwarder.sessions.open(), manners.ended.get()), ((1, 0), 0));
        }
        look().await;
        until(|| manners.ended.get() == 1).await;
        assert_eq!((worker.forwarder.sessions.open(), manners.pings.get()), ((0, 0), 0));
        assert!(worker.is_served().await);
        assert_eq!(manners.connections.get(), 2);
    });
}
