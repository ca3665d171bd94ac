//! Balancers that only pass bytes on, and whoever pretends to be one.

use std::net::Ipv4Addr;
use std::process::Command;

use tokio::net::{TcpSocket, TcpStream};

use super::{on_port, request, say};
use crate::support::process::{Process, free_ports};
use crate::support::proxy::Proxy;
use crate::support::upstream::Upstream;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn proxy(app: &Upstream, trusted: &[&str]) -> Proxy {
    let port = free_ports(1);
    let above = format!("proxy_protocol = true\ntrusted_proxies = {trusted:?}");
    Proxy::start_in(port, on_port("http", port, app, &above, ""), |_| {})
}

async fn after(header: &[u8], proxy: &Proxy) -> u16 {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port)).await.expect("a listener");
    say(stream, &[header, request(proxy.port).as_bytes()].concat()).await.status()
}

#[tokio::test]
async fn the_client_is_whom_the_balancer_names() {
    let app = Upstream::start();
    let proxy = proxy(&app, &["127.0.0.1/32"]);
    let v2 = |family: u8, rest: &[u8]| [SIGNATURE, &[0x21, family, 0, u8::try_from(rest.len()).expect("short")], rest].concat();
    let v4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xd4, 0x31, 1, 0xbb];
    for (header, client) in [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n".to_vec(), "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 54321 443\r\n".to_vec(), "2001:db8::7"),
        (v2(0x11, &v4), "192.0.2.7"),
        (v2(0x11, &[&v4[..], &[4, 0, 1, 0]].concat()), "192.0.2.7"),
        // Whom the balancer does not know, nobody vouches for.
        (b"PROXY UNKNOWN\r\n".to_vec(), "0.0.0.0"),
        // The balancer itself looks how we are: it is a trusted proxy.
        ([SIGNATURE, &[0x20, 0, 0, 0]].concat(), "203.0.113.9"),
    ] {
        assert_eq!(after(&header, &proxy).await, 200, "{client}");
        let told = app.last().header("x-forwarded-for").expect("the client's address");
        assert!(told.starts_with(client), "{client}: {told}");
        assert_eq!(told.contains("203.0.113.9"), client == "203.0.113.9", "clients do not speak for others: {told}");
    }
}

#[tokio::test]
async fn a_client_whom_a_balancer_names_speaks_for_nobody_even_from_a_trusted_network() {
    let app = Upstream::start();
    let proxy = proxy(&app, &["127.0.0.1/32", "192.0.2.0/24", "2001:db8::/32"]);
    for (header, client) in [
        (&b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n"[..], "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 54321 443\r\n", "2001:db8::7"),
    ] {
        assert_eq!(after(header, &proxy).await, 200);
        assert_eq!(app.last().header("x-forwarded-for").as_deref(), Some(client), "a balancer passes on whatever a client says");
    }
    // Whoever is seen to be a trusted proxy is believed: the balancer, on its own behalf.
    assert_eq!(after(&[SIGNATURE, &[0x20, 0, 0, 0]].concat(), &proxy).await, 200);
    assert_eq!(app.last().header("x-forwarded-for").as_deref(), Some("203.0.113.9, 127.0.0.1"));
}

#[tokio::test]
async fn whoever_is_no_balancer_or_says_nothing_is_not_answered() {
    let app = Upstream::start();
    let ours = proxy(&app, &["127.0.0.1/32"]);
    for header in [&b""[..], b"PROXY TCP4 192.0.2.7 198.51.100.1 54321\r\n", b"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n", SIGNATURE] {
        assert_eq!(after(header, &ours).await, 0, "{}", String::from_utf8_lossy(header));
    }
    let theirs = proxy(&app, &["192.0.2.0/24"]);
    assert_eq!(after(b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n", &theirs).await, 0);
    assert_eq!(app.requests().len(), 0, "nothing of it reached the app");
    assert_eq!(after(b"PROXY TCP4 192.0.2.7 198.51.100.1 54321 443\r\n", &ours).await, 200, "others are served all the same");
}

#[tokio::test]
async fn haproxy_speaks_it_as_it_is_understood() {
    let app = Upstream::start();
    let proxy = proxy(&app, &["127.0.0.1/32"]);
    let front = free_ports(2);
    let directory = tempfile::tempdir().expect("a directory");
    let listens = |port: u16, word: &str| {
        let to = proxy.port;
        format!("listen p{port}\n  bind 127.0.0.1:{port}\n  server homerealm 127.0.0.1:{to} {word}\n")
    };
    let timeouts = "defaults\n  mode tcp\n  timeout connect 30s\n  timeout client 30s\n  timeout server 30s\n";
    let config = format!("{timeouts}{}{}", listens(front, "send-proxy"), listens(front + 1, "send-proxy-v2"));
    std::fs::write(directory.path().join("haproxy.cfg"), config).expect("a file");
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let mut haproxy =
        Process::start(Command::new("haproxy").env("PATH", path).args(["-db", "-f"]).arg(directory.path().join("haproxy.cfg")));
    haproxy.wait_for_port(front + 1);
    for port in [front, front + 1] {
        let client = TcpSocket::new_v4().expect("a socket");
        client.bind((Ipv4Addr::new(127, 0, 0, 9), 0).into()).expect("an address of this machine");
        let stream = client.connect((Ipv4Addr::LOCALHOST, port).into()).await.expect("haproxy");
        assert_eq!(say(stream, request(proxy.port).as_bytes()).await.status(), 200, "{}", haproxy.output());
        let told = app.last().header("x-forwarded-for").expect("the client's address");
        assert!(told.starts_with("127.0.0.9"), "{told}");
    }
}
