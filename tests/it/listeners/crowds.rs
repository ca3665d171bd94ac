//! Many clients, and slow ones.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{on_port, request, say};
use crate::support::process::free_ports;
use crate::support::proxy::Proxy;
use crate::support::upstream::Upstream;

const HALF_A_HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ";

fn proxy(app: &Upstream, above: &str, limits: &str) -> Proxy {
    let port = free_ports(1);
    Proxy::start_in(port, on_port("http", port, app, above, &format!("[limits]\n{limits}")), |_| {})
}

async fn connect(from: u8, proxy: &Proxy) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into()).expect("an address of this machine");
    socket.connect((Ipv4Addr::LOCALHOST, proxy.port).into()).await.expect("a listener")
}

/// Begins so many requests and ends none.
async fn loiter(from: u8, count: usize, proxy: &Proxy) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = connect(from, proxy).await;
        let _closed_already = stream.write_all(HALF_A_HEAD).await;
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn one_client_that_keeps_many_heads_waiting_takes_nothing_from_others() {
    let app = Upstream::start();
    let proxy = proxy(&app, "trusted_proxies = [\"127.0.0.7\"]", "connections = 100\nconnections_per_client = 40\nhead_timeout = \"10m\"");
    let slow = loiter(1, 200, &proxy).await;
    let refused = say(connect(1, &proxy).await, request(proxy.port).as_bytes()).await;
    assert_eq!(refused.status(), 0, "{refused:?}");
    for _ in 0..20 {
        let answer = say(connect(2, &proxy).await, request(proxy.port).as_bytes()).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
    }
    let balancer = loiter(7, 45, &proxy).await;
    assert_eq!(say(connect(7, &proxy).await, request(proxy.port).as_bytes()).await.status(), 200, "a trusted proxy speaks for many");
    drop((slow, balancer));
    assert!(proxy.process.output().matches("connections_per_client").count() == 1, "{}", proxy.process.output());
}

#[tokio::test]
async fn heads_that_take_too_long_make_room_for_those_who_wait() {
    let app = Upstream::start();
    let proxy = proxy(&app, "", "connections = 10\nconnections_per_client = 10\nhead_timeout = \"500ms\"");
    let mut slow = loiter(1, 10, &proxy).await;
    let answer = say(connect(2, &proxy).await, request(proxy.port).as_bytes()).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    for stream in &mut slow {
        let mut told = Vec::new();
        let _reset = stream.read_to_end(&mut told).await;
        assert!(told.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&told));
    }
}
