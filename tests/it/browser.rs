//! The demo in a real Chromium, walked by `tests/browser/walk.mjs`: what only a browser knows. Cookies, policies and
//! forms are held to its rules, pages to what axe knows about accessibility, and every journey to one free of
//! complaints on the console. What becomes of whom on which route is `demo`'s business.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::process::{Process, free_ports, homerealm};

/// The walk ends itself earlier than this.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn a_real_browser_finds_nothing_to_complain_about_on_any_way_through_the_demo() {
    let port = free_ports(3);
    let mut demo = Process::start(homerealm().args(["demo", "--port", &port.to_string()]));
    demo.wait_for("below");
    let mut walk = Process::start(
        Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/walk.mjs"))
            .env("PROXY", format!("http://localhost:{port}"))
            .env("PROVIDER", format!("http://127.0.0.1:{}", port + 1)),
    );
    let began = Instant::now();
    while !walk.output().contains("the walk is over") && walk.is_running() {
        assert!(began.elapsed() < PATIENCE, "the walk does not end:\n{}", walk.output());
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let status = walk.wait();
    assert!(status.success(), "{status}\n{}\nthe demo said:\n{}", walk.output(), demo.output());
}
