//! Bodies of every size, speed and fate, seen from both ends of the proxy.
//!
//! `large` passes 64 MiB each way. By hand, and with the binary that is shipped, it takes more:
//!
//! ```text
//! BODY_BYTES=10000000000 cargo test --release --test it bodies::large -- --nocapture
//! ```

mod broken;
mod decided;
mod framing;
mod large;
mod pace;

use std::process::Command;

use crate::support::process::free_ports;
use crate::support::proxy::{Proxy, public_and_work};
use crate::support::wire::{App, Wire};

/// A proxy with one worker, so with one set of connections to the app: what is not reused was not there to be reused.
fn proxy(upstream: u16) -> Proxy {
    let port = free_ports(1);
    Proxy::start_with(port, &public_and_work(port, upstream), on_one_core)
}

/// The same program on the first core that we may use.
fn on_one_core(command: &mut Command) {
    let status = std::fs::read_to_string("/proc/self/status").expect("a running process");
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("the kernel tells").trim();
    let first = cores.split([',', '-']).next().expect("at least one core");
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", first]).arg(command.get_program()).args(command.get_args());
    *command = pinned;
}

/// A request, by its first line without the version, and its fields.
fn request(proxy: &Proxy, line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: localhost:{}\r\n{fields}\r\n", proxy.port)
}

/// Asks for something small on a connection of its own, and serves it on a new connection to the app: those there were are not
/// used any more.
async fn is_served_anew(proxy: &Proxy, app: &App) -> Wire {
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(proxy, "GET /public/next", "")).await;
    let mut upstream = app.accept().await;
    assert!(upstream.head().await.starts_with("GET /public/next "));
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    assert_eq!(client.take(4).await, b"next");
    upstream
}

/// Asks for something small and serves it on this connection to the app.
async fn is_served_again(proxy: &Proxy, upstream: &mut Wire) {
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(proxy, "GET /public/again", "")).await;
    assert!(upstream.head().await.starts_with("GET /public/again "));
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nagain").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    assert_eq!(client.take(5).await, b"again");
}
