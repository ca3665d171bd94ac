//! `homerealm run` on a configuration of the test's own.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::browser::{Browser, Page};
use super::process::{Process, free_ports, homerealm};

/// What every client of the tests is registered with.
pub const CLIENT_ID: &str = "homerealm";
/// Likewise. Long and strange enough that finding it somewhere is no chance.
pub const CLIENT_SECRET: &str = "the-client-secret-that-nobody-may-see-4711";

/// A running proxy with its own configuration.
pub struct Proxy {
    pub process: Process,
    pub port: u16,
    // Held: the directory goes with it.
    directory: TempDir,
}

impl Proxy {
    /// Starts the proxy on a port that was taken before (providers want to know it) and waits until it listens.
    pub fn start(port: u16, config: &str) -> Self {
        Self::start_with(port, config, |_| {})
    }

    /// Likewise, with something changed about the command.
    pub fn start_with(port: u16, config: &str, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_in(port, configured(config), change)
    }

    /// Likewise, with everything in place already.
    pub fn start_in(port: u16, directory: TempDir, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = homerealm();
        command.arg("run").arg("-c").arg(directory.path().join("homerealm.toml"));
        change(&mut command);
        let mut process = Process::start(&mut command);
        process.wait_for_port(port);
        Self { process, port, directory }
    }

    /// Starts it on a free port; the configuration is made for that.
    pub fn run(config: impl FnOnce(u16) -> String) -> Self {
        let port = free_ports(1);
        Self::start(port, &config(port))
    }

    /// A file beside the configuration, or the configuration itself.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// Opens a page of the proxy in this browser.
    pub async fn open(&self, browser: &mut Browser, path: &str) -> Page {
        browser.open(&self.url(path)).await
    }
}

/// A directory with the configuration and the secret it names.
pub fn configured(config: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("homerealm.toml"), config).expect("a file");
    std::fs::write(directory.path().join("client-secret"), CLIENT_SECRET).expect("a file");
    directory
}

/// The head of a configuration, up to where authorities and routes begin.
pub fn head(port: u16) -> String {
    format!(
        r#"
version    = 1
listen     = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"
[client]
id          = "{CLIENT_ID}"
secret_file = "client-secret"
[sign_in]
detect     = "domains"
rate_limit = "1000/min"
"#
    )
}

/// A configuration with an app that anybody may use below `/public/` and none but work accounts below `/work/`. Nobody can
/// sign in: the provider does not listen.
pub fn public_and_work(port: u16, app: u16) -> String {
    let (head, nobody) = (head(port), free_ports(1));
    format!(
        r#"{head}
[authorities.work]
issuer = "http://127.0.0.1:{nobody}/organizations/v2.0"
[[routes]]
match    = {{ path = "/public/**" }}
auth     = "none"
upstream = "http://127.0.0.1:{app}"
[[routes]]
match    = {{ path = "/work/**" }}
accounts = "work"
upstream = "http://127.0.0.1:{app}"
"#
    )
}
