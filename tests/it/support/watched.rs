//! The proxy in front of a server that writes down what it understands, and in the end the word of both: what is sent to
//! the one must be what the other says.

use serde_json::Value;

use super::logs::access_lines;
use super::proxy::{Proxy, public_and_work};
use super::recorder::{Kind, Record, Recorder};

/// Complaints, of however many, that are worth reading.
const SHOWN: usize = 20;

/// Both of them.
pub struct Watched {
    pub recorder: Recorder,
    proxy: Proxy,
}

impl Watched {
    pub fn start(kind: Kind) -> Self {
        let recorder = Recorder::start(kind);
        let proxy = Proxy::run(|port| public_and_work(port, recorder.proxied) + "[telemetry]\naccess_log = \"json\"\n");
        Self { recorder, proxy }
    }

    /// The proxy's.
    pub fn port(&self) -> u16 {
        self.proxy.port
    }

    /// The host that every case asks.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.proxy.port)
    }

    /// Ends both: what the proxy logged, and what the server understood. Whoever writes something down has done so when it
    /// has ended.
    pub fn stop(mut self) -> (Vec<Value>, Vec<Record>) {
        assert!(self.proxy.process.is_running(), "{}", self.proxy.process.output());
        (access_lines(&self.proxy.process.stop()), self.recorder.stop())
    }
}

/// Holds that nothing was wrong with so many cases.
#[track_caller]
pub fn assert_well(complaints: &[String], cases: usize) {
    let shown = &complaints[..complaints.len().min(SHOWN)];
    assert!(complaints.is_empty(), "{} of {cases} cases:\n{}", complaints.len(), shown.join("\n"));
}
