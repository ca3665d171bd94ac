//! Real sockets: who may connect, what is left behind, what one connection may cost.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::admin::{Running, start};
use crate::config::AdminListen;

async fn run(listen: &AdminListen) -> std::io::Result<(Running, CancellationToken)> {
    let stop = CancellationToken::new();
    let running = start(listen, Arc::new(control(Outcome::Unchanged)), Journal::default(), stop.clone()).await?;
    Ok((running, stop))
}

fn somewhere() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("admin.sock");
    (directory, path)
}

async fn exchange<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut stream: S, request: &str) -> String {
    // A peer that has answered already may take no more.
    let _refused = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const LIVE: &str = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_socket_in_the_file_system_is_its_owners_alone_and_goes_when_the_listener_does() {
    let (_directory, path) = somewhere();
    let (running, stop) = run(&AdminListen::Unix(path.clone())).await.expect("it listens");
    let file = std::fs::symlink_metadata(&path).expect("it is there");
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let answer = exchange(UnixStream::connect(&path).await.expect("it answers"), LIVE).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("live\n"), "{answer}");
    stop.cancel();
    running.ended().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_somebody_left_behind_makes_room() {
    let (_directory, path) = somewhere();
    drop(UnixListener::bind(&path).expect("a socket"));
    assert!(path.exists(), "nobody has tidied up");
    let (running, stop) = run(&AdminListen::Unix(path.clone())).await.expect("it listens");
    assert!(exchange(UnixStream::connect(&path).await.expect("it answers"), LIVE).await.contains("live"));
    stop.cancel();
    running.ended().await;
}

#[tokio::test]
async fn what_another_process_uses_is_left_alone() {
    let (_directory, path) = somewhere();
    let others = UnixListener::bind(&path).expect("a socket");
    let error = run(&AdminListen::Unix(path.clone())).await.expect_err("it is taken");
    assert!(error.to_string().contains("another process answers there"), "{error}");
    drop(others);

    std::fs::remove_file(&path).expect("it was there");
    std::fs::write(&path, "somebody's notes").expect("a file");
    let error = run(&AdminListen::Unix(path.clone())).await.expect_err("it is no socket");
    assert!(error.to_string().contains("no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "somebody's notes");
}

#[tokio::test]
async fn a_socket_that_took_our_place_is_not_removed() {
    let (_directory, path) = somewhere();
    let (running, stop) = run(&AdminListen::Unix(path.clone())).await.expect("it listens");
    std::fs::remove_file(&path).expect("it was there");
    let _others = UnixListener::bind(&path).expect("a socket");
    stop.cancel();
    running.ended().await;
    assert!(path.exists());
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    let error = run(&AdminListen::Tcp(address)).await.expect_err("it is taken");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_connection_speaks_http_1_and_no_more_than_a_request_needs() {
    let (running, stop) = run(&AdminListen::Tcp(([127, 0, 0, 1], 0).into())).await.expect("it listens");
    let AdminListen::Tcp(address) = *running.address() else { panic!("it is TCP") };
    assert_ne!(address.port(), 0);
    let connect = || async { TcpStream::connect(address).await.expect("it answers") };
    assert!(exchange(connect().await, LIVE).await.starts_with("HTTP/1.1 200"));
    let long = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert!(!exchange(connect().await, &long).await.contains(" 200 "));
    let newer = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert!(!exchange(connect().await, newer).await.contains(" 200 "));
    stop.cancel();
    running.ended().await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody answers any more");
}
