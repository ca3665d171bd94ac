//! Socket files, and sockets that somebody else opened.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};

use tokio::net::{TcpStream, UnixStream};

use super::{config, request, say};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::configured;
use crate::support::raw;
use crate::support::upstream::Upstream;

const PORT: u16 = 8080;

fn run(directory: &Path) -> Process {
    Process::start(homerealm().arg("run").arg("-c").arg(directory.join("homerealm.toml")))
}

#[tokio::test]
async fn both_versions_of_ip_are_answered_on_one_port_by_one_process() {
    let app = Upstream::start();
    let port = free_ports(1);
    let above = format!("listen = [\"127.0.0.1:{port}\", \"[::1]:{port}\"]");
    let directory = configured(&config("http", port, &app, &above, ""));
    let mut proxy = run(directory.path());
    proxy.wait_for("Listening on");
    for address in ["127.0.0.1", "::1"] {
        let stream = TcpStream::connect((address, port)).await.expect("a listener");
        assert_eq!(say(stream, request(port).as_bytes()).await.status(), 200, "{address}");
    }
    proxy.stop();
}

#[tokio::test]
async fn a_socket_file_is_there_for_owner_and_group_and_goes_in_the_end() {
    let app = Upstream::start();
    let sockets = tempfile::tempdir().expect("a directory");
    let path = sockets.path().join("public.sock");
    // As a process leaves it behind that was killed.
    drop(UnixListener::bind(&path).expect("a free path"));
    let above = |trusted: &str| format!("listen = \"unix:{}\"\ntrusted_proxies = [{trusted}]", path.display());
    for (trusted, client) in [("\"127.0.0.0/8\"", "203.0.113.9"), ("", "127.0.0.1")] {
        let directory = configured(&config("http", PORT, &app, &above(trusted), ""));
        let mut proxy = run(directory.path());
        proxy.wait_for("Listening on unix:");
        assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o660);
        for _ in 0..8 {
            let stream = UnixStream::connect(&path).await.expect("a listener");
            assert_eq!(say(stream, request(PORT).as_bytes()).await.status(), 200);
            let told = app.last().header("x-forwarded-for").expect("the client's address");
            assert!(told.starts_with(client), "whoever comes through the file counts as 127.0.0.1: {told}");
        }
        let mut second = run(directory.path());
        assert_eq!(second.wait().code(), Some(1), "{}", second.output());
        assert!(second.ended().contains("another process answers there"));
        proxy.stop();
        assert!(!path.exists(), "nothing is left behind");
    }
}

/// Starts the proxy as systemd does, with these listeners under a name. A shell puts the descriptor where it belongs, and the
/// process id into the variable.
fn activated(directory: &Path, listener: OwnedFd, name: &str, notify: &Path) -> Process {
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_homerealm"), "run", "-c"]).arg(directory.join("homerealm.toml"));
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name).env("NOTIFY_SOCKET", notify);
    Process::start_fed(&mut command, Stdio::from(listener))
}

#[tokio::test]
async fn sockets_of_the_service_manager_are_taken_by_their_names_and_it_is_told_when_they_are_served() {
    let app = Upstream::start();
    let place = tempfile::tempdir().expect("a directory");
    let notify = UnixDatagram::bind(place.path().join("notify")).expect("a free path");
    let told = |notify: &UnixDatagram| {
        let mut news = [0; 64];
        let length = notify.recv(&mut news).expect("news");
        String::from_utf8_lossy(&news[..length]).into_owned()
    };
    let directory = configured(&config("http", PORT, &app, "listen = \"systemd:web\"", ""));

    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = tcp.local_addr().expect("bound").port();
    let mut proxy = activated(directory.path(), tcp.into(), "web", &place.path().join("notify"));
    assert_eq!(told(&notify), "READY=1\n");
    for _ in 0..8 {
        assert_eq!(raw::get(port, &format!("localhost:{PORT}"), "/", "").await.status(), 200);
    }
    proxy.signal("TERM");
    assert_eq!(told(&notify), "STOPPING=1\n");
    assert_eq!(proxy.wait().code(), Some(0));

    let path = place.path().join("web.sock");
    let unix = UnixListener::bind(&path).expect("a free path");
    let mut proxy = activated(directory.path(), unix.into(), "web", &place.path().join("notify"));
    assert_eq!(told(&notify), "READY=1\n");
    let stream = UnixStream::connect(&path).await.expect("a listener");
    assert_eq!(say(stream, request(PORT).as_bytes()).await.status(), 200);
    proxy.stop();
    assert!(path.exists(), "what the service manager made is the service manager's");
}

#[test]
fn a_socket_that_is_not_passed_ends_the_process_and_says_what_is() {
    let app = Upstream::start();
    let directory = configured(&config("http", PORT, &app, "listen = \"systemd:web\"", ""));
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut proxy = activated(directory.path(), tcp.into(), "api", Path::new("/nobody/listens"));
    assert_eq!(proxy.wait().code(), Some(1));
    let told = proxy.ended();
    assert!(told.contains("systemd:web") && told.contains("passes only api"), "{told}");
    let mut proxy = run(directory.path());
    assert_eq!(proxy.wait().code(), Some(1));
    assert!(proxy.ended().contains("passes no socket"));
    // One that nobody asked for is told, because whoever connects there waits for ever.
    let port = free_ports(1);
    let directory = configured(&config("http", port, &app, &format!("listen = \"127.0.0.1:{port}\""), ""));
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut proxy = activated(directory.path(), tcp.into(), "api", Path::new("/nobody/listens"));
    proxy.wait_for_port(port);
    assert!(proxy.stop().contains("\"api\" that `listen` does not name"));
}
