//! Real servers, none of them ours, that write down what they understand: nginx, Node's and Python's own. Each listens
//! twice, for what a proxy forwards and for the same bytes without one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

use super::process::{Process, free_ports};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Node,
    /// Node, asked to take what it would refuse.
    LenientNode,
    Python,
}

impl Kind {
    /// Whether its own reading counts. What takes anything is a victim, not a witness.
    pub fn is_strict(self) -> bool {
        match self {
            Self::Nginx | Self::Node | Self::Python => true,
            Self::LenientNode => false,
        }
    }
}

/// The port that a request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Proxied,
    Direct,
}

/// A request as the server understood it. One that it could not understand is not complete.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    pub side: Side,
    #[serde(default)]
    pub method: String,
    /// As it stood in the request line.
    #[serde(default)]
    pub target: String,
    /// All `Host` fields.
    #[serde(default)]
    pub host: String,
    /// All `Cookie` fields.
    #[serde(default)]
    pub cookie: String,
    #[serde(default)]
    pub body: String,
    /// Whether it came to its end.
    #[serde(default)]
    pub complete: bool,
    /// The path that the server would look for: decoded, dot segments gone.
    #[serde(default)]
    pub resolved: Option<String>,
    /// Whether it has a field `X-Evil`.
    #[serde(default)]
    pub evil: bool,
    /// What Node's parser says was wrong.
    #[serde(default)]
    pub broken: Option<String>,
}

/// A running server.
pub struct Recorder {
    pub kind: Kind,
    process: Process,
    /// Where a proxy forwards to.
    pub proxied: u16,
    /// Where the same bytes go without a proxy.
    pub direct: u16,
    directory: TempDir,
}

impl Recorder {
    pub fn start(kind: Kind) -> Self {
        let (proxied, directory) = (free_ports(2), tempfile::tempdir().expect("a temporary directory"));
        let direct = proxied + 1;
        let mut command = match kind {
            Kind::Nginx => nginx(directory.path(), proxied, direct),
            Kind::Node | Kind::LenientNode => Command::new("node"),
            Kind::Python => Command::new("python3"),
        };
        match kind {
            Kind::Nginx => {}
            Kind::Node => drop(command.arg(part("recorder.mjs"))),
            Kind::LenientNode => drop(command.arg(part("recorder.mjs")).env("LENIENT", "1").env("NODE_NO_WARNINGS", "1")),
            Kind::Python => drop(command.arg(part("recorder.py"))),
        }
        let mut process = Process::start(command.env("PROXIED", proxied.to_string()).env("DIRECT", direct.to_string()));
        process.wait_for_port(proxied);
        process.wait_for_port(direct);
        Self { kind, process, proxied, direct, directory }
    }

    /// Ends it, when all connections to it have ended, and gives what it wrote down.
    pub fn stop(mut self) -> Vec<Record> {
        let text = match self.kind {
            Kind::Nginx => {
                self.process.signal("QUIT");
                self.process.wait();
                let text = std::fs::read(self.directory.path().join("records")).expect("the access log");
                String::from_utf8_lossy(&text).into_owned()
            }
            Kind::Node | Kind::LenientNode | Kind::Python => self.process.stop(),
        };
        let lines = text.lines().filter(|line| line.starts_with('{'));
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
    }
}

fn part(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts").join(name)
}

fn nginx(directory: &Path, proxied: u16, direct: u16) -> Command {
    let text = include_str!("../../parts/recorder.nginx.conf");
    let socket = directory.join("behind.sock").display().to_string();
    let text =
        text.replace("127.0.0.1:PROXIED", &format!("127.0.0.1:{proxied}")).replace("127.0.0.1:DIRECT", &format!("127.0.0.1:{direct}"));
    let text = text.replace("PROXIED proxied", &format!("{proxied} proxied")).replace("DIRECT direct", &format!("{direct} direct"));
    std::fs::write(directory.join("nginx.conf"), text.replace("behind.sock", &socket)).expect("a writable directory");
    let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
    let mut command = Command::new(program);
    command.arg("-p").arg(directory).args(["-e", "stderr", "-c", "nginx.conf"]);
    command
}
