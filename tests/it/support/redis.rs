//! A Redis of the test's own: on loopback, in a directory of its own, ended by its process id. Also part of the unit tests,
//! so it stands on nothing but the standard library and `ports`.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ports::free_ports;

/// A running `redis-server`.
pub(crate) struct Redis {
    pub(crate) port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
    child: Child,
}

impl Redis {
    /// Starts one that keeps nothing on disk, with these settings besides.
    pub(crate) fn start(settings: &[&str]) -> Self {
        Self::start_at(free_ports(1), settings)
    }

    /// Likewise, at a port that is known before.
    pub(crate) fn start_at(port: u16, settings: &[&str]) -> Self {
        let port_text = port.to_string();
        let own = ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"];
        // What comes later counts.
        Self::with(port, own.iter().chain(settings).map(|argument| (*argument).to_owned()).collect())
    }

    /// With nothing but these arguments, which make it listen at this port.
    pub(crate) fn with(port: u16, arguments: Vec<String>) -> Self {
        let directory = std::env::temp_dir().join(format!("homerealm-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let child = run(&directory, &arguments);
        let mut redis = Self { port, directory, arguments, child };
        redis.wait();
        redis
    }

    /// Sends it a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().expect("kill is there");
        assert!(sent.success());
    }

    /// Ends it without a chance to do anything more.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.child.wait().expect("a child of ours");
    }

    /// Starts it again with what it has on disk.
    pub(crate) fn start_again(&mut self) {
        self.child = run(&self.directory, &self.arguments);
        self.wait();
    }

    /// Asks it something with the command line client.
    pub(crate) fn ask(&self, question: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        let output = command.args(["-p", &self.port.to_string()]).args(question).output().expect("redis-cli is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn wait(&mut self) {
        let patience = Instant::now() + Duration::from_secs(60);
        let mut listens = false;
        while !listens {
            listens = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).is_ok();
            assert!(self.child.try_wait().expect("a child of ours").is_none(), "redis-server has ended: {:?}", self.arguments);
            assert!(Instant::now() < patience, "redis-server does not listen within a minute");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
        let _left_behind = std::fs::remove_dir_all(&self.directory);
    }
}

fn run(directory: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(arguments).arg("--dir").arg(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("redis-server is installed: tests/run does that")
}
