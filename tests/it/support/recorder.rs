//! Real servers, none of them ours, that write down what they understand: nginx, Node's and Python's own. Each listens
//! twice, for what a proxy forwards and for the same bytes without one.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

use super::nginx;
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

impl Side {
    /// What tells a case apart from others in its targets. As long on one side as on the other: lengths must not differ.
    pub fn tag(self, case: usize) -> String {
        match self {
            Self::Proxied => format!("p0{case:06}"),
            Self::Direct => format!("d0{case:06}"),
        }
    }
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

impl Record {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
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
        let mut process = match kind {
            Kind::Nginx => nginx(directory.path(), proxied, direct),
            Kind::Node => started(program("node", "recorder.mjs"), proxied, direct),
            Kind::LenientNode => {
                let mut command = program("node", "recorder.mjs");
                command.env("LENIENT", "1").env("NODE_NO_WARNINGS", "1");
                started(command, proxied, direct)
            }
            Kind::Python => started(program("python3", "recorder.py"), proxied, direct),
        };
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

fn program(interpreter: &str, name: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts").join(name));
    command
}

fn started(mut command: Command, proxied: u16, direct: u16) -> Process {
    Process::start(command.env("PROXIED", proxied.to_string()).env("DIRECT", direct.to_string()))
}

fn nginx(directory: &Path, proxied: u16, direct: u16) -> Process {
    let text = include_str!("../../parts/recorder.nginx.conf");
    let text = text.replace("PROXIED", &proxied.to_string()).replace("DIRECT", &direct.to_string());
    nginx::start(directory, &text.replace("behind.sock", &directory.join("behind.sock").display().to_string()))
}
