//! The binary under test, and other programs, as child processes that end with the test.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) use super::ports::free_ports;

/// A running program.
pub struct Process {
    child: Child,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts a program; what it prints is collected.
    pub fn start(command: &mut Command) -> Self {
        Self::start_fed(command, Stdio::null())
    }

    /// Likewise, with something for its standard input.
    pub fn start_fed(command: &mut Command, stdin: Stdio) -> Self {
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program that starts");
        let output = Arc::<Mutex<String>>::default();
        let stdout = collect(child.stdout.take().expect("piped"), Arc::clone(&output));
        let stderr = collect(child.stderr.take().expect("piped"), Arc::clone(&output));
        Self { child, output, readers: vec![stdout, stderr] }
    }

    /// Everything printed so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("no panic while holding it").clone()
    }

    /// Waits until something is printed.
    pub fn wait_for(&mut self, text: &str) -> String {
        self.wait_until(|output| output.contains(text), text)
    }

    /// Waits until what is printed fits.
    pub fn wait_until(&mut self, fits: impl Fn(&str) -> bool, what: &str) -> String {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let output = self.output();
            if fits(&output) {
                return output;
            }
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                panic!("ended with {status} before {what:?}:\n{}", self.output());
            }
            assert!(Instant::now() < patience, "no {what:?} within a minute:\n{output}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Waits until it answers at this port.
    pub fn wait_for_port(&mut self, port: u16) {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let answers = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok();
            // Where it has ended, it is somebody else who answers.
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                panic!("ended with {status} before it listened:\n{}", self.output());
            }
            if answers {
                return;
            }
            assert!(Instant::now() < patience, "port {port} does not answer within a minute:\n{}", self.output());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How much memory it has, in kilobytes.
    pub fn memory(&self) -> u64 {
        self.kilobytes("VmRSS:")
    }

    /// The most memory that it has had so far, in kilobytes.
    pub fn most_memory(&self) -> u64 {
        self.kilobytes("VmHWM:")
    }

    fn kilobytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("a running process");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Whether all its threads wait for something, and none works or waits for its turn to.
    pub fn is_asleep(&self) -> bool {
        let mut threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).expect("a running process");
        let sleeps = |thread: std::fs::DirEntry| {
            let status = std::fs::read_to_string(thread.path().join("status"));
            // One that has ended meanwhile did something.
            status.is_ok_and(|status| status.contains("\nState:\tS"))
        };
        threads.all(|thread| thread.is_ok_and(sleeps))
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// Sends it a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().expect("kill is there");
        assert!(sent.success());
    }

    /// Asks it to end, and gives everything that it ever printed.
    pub fn stop(&mut self) -> String {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for the end, and gives everything that was ever printed.
    pub fn ended(&mut self) -> String {
        self.wait();
        self.readers.drain(..).for_each(|reader| reader.join().expect("no panic while reading"));
        self.output()
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("a child of ours")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = into.lock().expect("no panic while holding it");
            output.push_str(&line);
            output.push('\n');
        }
    })
}

/// The binary under test.
pub fn homerealm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homerealm"));
    command.env_remove("HTTP_PROXY").env_remove("http_proxy").env_remove("HTTPS_PROXY").env_remove("https_proxy");
    command
}
