//! The OpenID provider that is not ours: `tests/parts/provider.mjs` in a process of its own.

use std::path::Path;
use std::process::Command;

use super::process::{Process, free_ports};
use super::proxy::CLIENT_SECRET;

/// A running provider.
pub struct Provider {
    pub process: Process,
    pub port: u16,
}

impl Provider {
    /// Starts it on a free port, for a proxy at this port.
    pub fn start(proxy: u16) -> Self {
        Self::start_at(free_ports(1), proxy)
    }

    /// Starts it where it is expected.
    pub fn start_at(port: u16, proxy: u16) -> Self {
        Self::start_with(port, proxy, |_| {})
    }

    /// Likewise, with something changed about the command.
    pub fn start_with(port: u16, proxy: u16, change: impl FnOnce(&mut Command)) -> Self {
        let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts");
        assert!(parts.join("node_modules/oidc-provider").exists(), "the test parts are not installed: run tests/run");
        let mut command = Command::new("node");
        command.current_dir(parts).arg("provider.mjs").env("PORT", port.to_string()).env("CLIENT_SECRET", CLIENT_SECRET);
        command.env("REDIRECT_ORIGIN", format!("http://localhost:{proxy}"));
        change(&mut command);
        let mut process = Process::start(&mut command);
        process.wait_for("http://127.0.0.1");
        Self { process, port }
    }
}

/// `[authorities]` at a provider that listens on this port.
pub fn authorities(port: u16) -> String {
    format!(
        r#"
[authorities.work]
issuer = "http://127.0.0.1:{port}/organizations/v2.0"
[authorities.personal]
issuer = "http://127.0.0.1:{port}/consumers/v2.0"
"#
    )
}
