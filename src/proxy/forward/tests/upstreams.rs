//! Several upstreams, and bounds on connections to them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::super::upstreams::again::Connection;
use super::super::upstreams::course::Course;
use super::super::*;
use super::choices::{ASK, sockets};
use super::support::*;
use crate::domain::destination::{HostField, Upstream, UpstreamScheme, Upstreams};
use crate::domain::route::Timeouts;
use crate::proxy::listen::{ConnectionInfo, Known};

fn upstreams(addresses: &[SocketAddr], max_connections: Option<u32>) -> Upstreams {
    let member = |address: &SocketAddr| Arc::new(Upstream::at(UpstreamScheme::Http, "127.0.0.1", address.port()));
    Upstreams { members: addresses.iter().map(member).collect(), health: None, max_connections: max_connections.and_then(NonZeroU32::new) }
}

fn nobody() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound")
}

/// An upstream that reads a request and hangs up, and how many requests it has read.
async fn hanging_up() -> (SocketAddr, Rc<RefCell<Vec<String>>>) {
    let heads = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&heads);
    let (address, _) = upstream(move |mut peer| {
        let told = Rc::clone(&told);
        async move {
            let head = peer.head().await;
            told.borrow_mut().extend(head);
        }
    })
    .await;
    (address, heads)
}

const POST: &str = "POST /a HTTP/1.1\r\nHost: orders.example.com\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";

#[test]
fn whoever_is_not_there_costs_no_request() {
    run(async {
        let (there, heads) = answering(OK).await;
        let proxy = Proxy::start_before(&upstreams(&[nobody(), there, nobody()], None), Settings::default()).await;
        for _ in 0..10 {
            assert!(proxy.say(get("")).await.ends_with("ok"), "{:?}", proxy.faults.borrow());
        }
        // What has not left us may have a body: it is whole still.
        let answer = proxy.say(POST).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(heads.borrow().len(), 11);
    });
}

#[test]
fn several_share_the_load() {
    run(async {
        let (one, two, three) = (answering(OK).await, answering(OK).await, answering(OK).await);
        let proxy = Proxy::start_before(&upstreams(&[one.0, two.0, three.0], None), Settings::default()).await;
        for _ in 0..60 {
            assert!(proxy.say(get("")).await.ends_with("ok"));
        }
        let shares = [one.1, two.1, three.1].map(|heads| heads.borrow().len());
        assert!(shares.iter().sum::<usize>() == 60 && shares.iter().all(|share| *share > 5), "{shares:?}");
    });
}

#[test]
fn what_was_sent_goes_elsewhere_once_if_it_may_and_never_otherwise() {
    run(async {
        let (first, firsts) = hanging_up().await;
        let (second, seconds) = hanging_up().await;
        let (third, thirds) = hanging_up().await;
        let proxy = Proxy::start_before(&upstreams(&[first, second, third], None), Settings::default()).await;
        let seen = || [&firsts, &seconds, &thirds].map(|heads| heads.borrow().len());
        assert!(proxy.say(get("")).await.starts_with("HTTP/1.1 502 "));
        assert_eq!(seen().iter().sum::<usize>(), 2, "a GET: twice");
        assert!(seen().iter().all(|times| *times <= 1), "{:?}", seen());
        assert!(proxy.say(POST).await.starts_with("HTTP/1.1 502 "));
        assert_eq!(seen().iter().sum::<usize>(), 3, "a POST: once");
    });
}

#[test]
fn each_member_has_its_own_base_path() {
    run(async {
        let (one, two) = (answering(OK).await, answering(OK).await);
        let mut both = upstreams(&[one.0, two.0], None);
        both.members[1] = Arc::new(Upstream { base_path: "/base".into(), host: HostField::Own, ..Upstream::clone(&both.members[1]) });
        let proxy = Proxy::start_before(&both, Settings::default()).await;
        for _ in 0..30 {
            proxy.say(get("")).await;
        }
        let asked = |heads: &Rc<RefCell<Vec<String>>>| {
            let heads = heads.borrow();
            heads
                .iter()
                .map(|head| (head.lines().next().unwrap_or_default().to_owned(), field(head, "host").concat()))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(asked(&one.1), [("GET /a?b=c HTTP/1.1".to_owned(), "orders.example.com".to_owned())].into());
        assert_eq!(asked(&two.1), [("GET /base/a?b=c HTTP/1.1".to_owned(), format!("127.0.0.1:{}", two.0.port()))].into());
    });
}

#[test]
fn no_more_connections_are_opened_than_there_may_be_and_nobody_is_forgotten() {
    run(async {
        let (address, connections) = answering_slowly().await;
        let proxy = Proxy::start_before(&upstreams(&[address], Some(2)), Settings::default()).await;
        for answer in proxy.say_at_once(20, &get("")).await {
            assert!(answer.ends_with("ok"), "{answer}");
        }
        assert_eq!(connections.get(), 2, "whoever waits gets the connection that comes back");
    });
}

/// An upstream that lets others in before it answers.
async fn answering_slowly() -> (SocketAddr, Rc<Cell<usize>>) {
    upstream(|mut peer| async move {
        while peer.head().await.is_some() {
            tokio::task::yield_now().await;
            peer.say(OK).await;
        }
    })
    .await
}

#[test]
fn a_connection_that_never_comes_back_is_waited_for_as_long_as_connecting_may_take() {
    run(async {
        // The first connection never says a word.
        let (address, connections) = upstream(|mut peer| async move {
            while peer.head().await.is_some() {
                if peer.number > 1 {
                    peer.say(OK).await;
                }
            }
        })
        .await;
        let timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
        let proxy = Proxy::start_before(&upstreams(&[address], Some(1)), Settings { timeouts, ..Settings::default() }).await;
        let mut held = TcpStream::connect(proxy.address).await.expect("the proxy");
        held.write_all(get("").as_bytes()).await.expect("the proxy");
        while connections.get() == 0 {
            tokio::task::yield_now().await;
        }
        let answer = proxy.say(get("")).await;
        assert!(answer.starts_with("HTTP/1.1 504 ") && answer.ends_with("upstream_timeout"), "{answer}");
        assert_eq!(*proxy.faults.borrow(), ["NoConnectionFree"]);

        // The client goes, and its connection with it: there is one to spare again.
        drop(held);
        while !proxy.say(get("")).await.ends_with("ok") {}
        assert_eq!(connections.get(), 2);
    });
}

#[test]
fn no_permit_is_lost_wherever_a_request_is_dropped() {
    run(async {
        let (address, _) = answering_slowly().await;
        let tls = upstream_tls(Arc::new(rustls::RootCertStore::empty()), None).expect("no roots at all");
        let group = Group::new(&upstreams(&[address], Some(1)), &tls).expect("a host");
        let forwarder = Forwarder::new(Arc::default(), CancellationToken::new());
        let bound = group.members()[0].bound.as_ref().expect("a bound");
        let limit = Duration::from_secs(60);
        for polls in 0..12 {
            let begun = || Course::begin(&forwarder.desk, &group).1;
            let (mut first, mut second) = (begun(), begun());
            let mut open = Box::pin(forwarder.line(&mut first, Protocol::Http, limit)).fuse();
            let mut waits = Box::pin(forwarder.line(&mut second, Protocol::Http, limit)).fuse();
            for _ in 0..polls {
                // A connection that comes of it is dropped at once.
                drop(poll_fn(|cx| Poll::Ready((open.poll_unpin(cx), waits.poll_unpin(cx)))).await);
                tokio::task::yield_now().await;
            }
            drop((open, waits));
            let mut third = begun();
            let (link, _) = forwarder.line(&mut third, Protocol::Http, limit).await.expect("the only connection");
            assert!(!bound.is_wanted(), "after {polls} polls somebody is still counted");
            drop(link);
        }
    });
}

#[test]
fn whoever_does_not_answer_in_time_is_avoided() {
    run(async {
        // Reads requests, and says nothing to them.
        let (silent, connections) = upstream(|mut peer| async move { while peer.head().await.is_some() {} }).await;
        let (there, _) = answering(OK).await;
        let timeouts = Timeouts { response: Duration::from_millis(500), ..Timeouts::default() };
        let settings = Settings { timeouts, ..Settings::default() };
        let group = group(&upstreams(&[silent, there], None), &settings);
        let forwarder = Forwarder::new(Arc::default(), CancellationToken::new());
        let info = ConnectionInfo { peer: silent, local: silent, known: Known::BySight };
        let ask = async || pass(&forwarder, &group, &settings, Request::new(RequestBody::empty()), info).await;
        let late = loop {
            if let Err(error) = ask().await {
                break error;
            }
        };
        assert!(matches!(late, ForwardError::ResponseTimeout), "{late:?}");
        assert_eq!(connections.get(), 1, "a request that may have been carried out goes nowhere else");
        let begun = |_| Course::begin(&forwarder.desk, &group).1.member.upstream().to_string();
        let begun: BTreeSet<_> = (0..100).map(begun).collect();
        assert_eq!(begun, [format!("http://{there}")].into());
    });
}

#[test]
fn who_waits_for_a_connection_gets_it_before_those_who_come_later() {
    run(async {
        let (address, _) = answering(OK).await;
        let group = group(&upstreams(&[address], Some(1)), &Settings::default());
        let forwarder = Forwarder::new(Arc::default(), CancellationToken::new());
        let limit = Duration::from_secs(60);
        let mut turns: Vec<_> = (0..5).map(|_| Course::begin(&forwarder.desk, &group).1).collect();
        let mut turns = turns.iter_mut();
        let mut line = || Box::pin(forwarder.line(turns.next().expect("a turn"), Protocol::Http, limit));
        let (Line::Http1(mut held), _) = line().await.expect("a connection") else { panic!("HTTP/1.1") };
        let mut waiting = vec![line(), line(), line()];
        for waits in &mut waiting {
            assert!(waits.now_or_never().is_none());
        }
        let mut waiting = std::collections::VecDeque::from(waiting);
        let mut newcomer = line();
        while let Some(mut first) = waiting.pop_front() {
            forwarder.pool.give_back(held, After::Reuse);
            // Whoever looks first: it is the first one's.
            assert!((&mut newcomer).now_or_never().is_none());
            for waits in waiting.iter_mut().rev() {
                assert!(waits.now_or_never().is_none());
            }
            let Some(Ok((Line::Http1(link), connection))) = (&mut first).now_or_never() else { panic!("the connection that came back") };
            assert_eq!(connection, Connection::Old);
            held = link;
        }
        forwarder.pool.give_back(held, After::Reuse);
        assert!(newcomer.now_or_never().is_some_and(|line| line.is_ok()));
    });
}

/// An app that has WebSockets, and what tells how many requests it has answered otherwise.
async fn app(scheme: UpstreamScheme) -> (SocketAddr, Box<dyn Fn() -> usize>) {
    const ACCEPT: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    if scheme == UpstreamScheme::H2c {
        let (address, heads) = sockets(true).await;
        return (address, Box::new(move || heads.borrow().iter().filter(|head| head.method == http::Method::GET).count()));
    }
    let answered = Rc::<Cell<usize>>::default();
    let told = Rc::clone(&answered);
    let (address, _) = upstream(move |mut peer| {
        let told = Rc::clone(&told);
        async move {
            while let Some(head) = peer.head().await {
                if field(&head, "upgrade").is_empty() {
                    told.set(told.get() + 1);
                    peer.say(OK).await;
                } else {
                    peer.say(ACCEPT).await;
                }
            }
        }
    })
    .await;
    (address, Box::new(move || answered.get()))
}

#[test]
fn a_websocket_weighs_as_much_as_a_request_for_as_long_as_it_is_open() {
    run(async {
        for scheme in [UpstreamScheme::Http, UpstreamScheme::H2c] {
            let (one, two) = (app(scheme).await, app(scheme).await);
            let mut both = upstreams(&[one.0, two.0], None);
            for member in &mut both.members {
                *member = Arc::new(Upstream { scheme, ..Upstream::clone(member) });
            }
            let proxy = Proxy::start_before(&both, Settings::default()).await;
            let answered = || [one.1(), two.1()];
            let mut socket = TcpStream::connect(proxy.address).await.expect("the proxy");
            socket.write_all(ASK.as_bytes()).await.expect("the proxy");
            assert!(answer(&mut socket).await.starts_with("HTTP/1.1 101 "));
            for _ in 0..20 {
                assert!(proxy.say(get("")).await.starts_with("HTTP/1.1 200 "));
            }
            let shares = answered();
            assert!(shares.contains(&20) && shares.contains(&0), "{scheme:?}: one of two has less to do: {shares:?}");
            drop(socket);
            while answered().contains(&0) {
                assert!(proxy.say(get("")).await.starts_with("HTTP/1.1 200 "));
            }
        }
    });
}
