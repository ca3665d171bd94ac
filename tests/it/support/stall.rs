//! A stretch of network that misbehaves, in front of a port of this machine: it can be slow, hold back what passes, lose an
//! answer, or be cut. Also part of the unit tests, so it stands on nothing but the standard library.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The stretch. It ends with the test process.
pub(crate) struct Stall {
    pub(crate) port: u16,
    network: Arc<Network>,
}

#[derive(Default)]
struct Network {
    weather: Mutex<Weather>,
    changed: Condvar,
}

#[derive(Default)]
struct Weather {
    held: bool,
    cut: bool,
    /// So many answers get lost, each with its connection.
    answers_to_lose: usize,
    delay: Duration,
    connections: Vec<TcpStream>,
    /// How many there ever were.
    accepted: usize,
}

impl Stall {
    /// Passes everything on.
    pub(crate) fn in_front_of(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let here = listener.local_addr().expect("bound").port();
        let network = Arc::<Network>::default();
        let shared = Arc::clone(&network);
        std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|client| connect(&shared, client, port)));
        Self { port: here, network }
    }

    /// Nothing passes any more, and nobody is told. What comes meanwhile is kept.
    pub(crate) fn hold(&self) {
        self.change(|weather| weather.held = true);
    }

    /// Each piece takes that long in each direction.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.change(|weather| weather.delay = delay);
    }

    /// Ends all connections, and new ones as soon as they come.
    pub(crate) fn cut(&self) {
        self.change(|weather| {
            weather.cut = true;
            weather.end_all();
        });
    }

    /// The next answer gets lost, and its connection with it.
    pub(crate) fn lose_an_answer(&self) {
        self.change(|weather| weather.answers_to_lose += 1);
    }

    /// Everything passes again.
    pub(crate) fn recover(&self) {
        self.change(|weather| (weather.held, weather.cut, weather.delay) = (false, false, Duration::ZERO));
    }

    /// How many connections there ever were.
    pub(crate) fn accepted(&self) -> usize {
        self.network.now().accepted
    }

    fn change(&self, change: impl FnOnce(&mut Weather)) {
        change(&mut self.network.now());
        self.network.changed.notify_all();
    }
}

impl Weather {
    fn end_all(&mut self) {
        for connection in self.connections.drain(..) {
            let _already_gone = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Network {
    fn now(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().expect("no panic while holding it")
    }

    /// Waits until something may pass. How long it takes then; `None`: it is lost.
    fn may_pass(&self, direction: Direction) -> Option<Duration> {
        let mut weather = self.changed.wait_while(self.now(), |weather| weather.held).expect("no panic while holding it");
        if matches!(direction, Direction::Back) && weather.answers_to_lose > 0 {
            weather.answers_to_lose -= 1;
            return None;
        }
        Some(weather.delay)
    }
}

#[derive(Clone, Copy)]
enum Direction {
    There,
    Back,
}

fn connect(network: &Arc<Network>, client: TcpStream, port: u16) {
    let mut weather = network.now();
    weather.accepted += 1;
    let Ok(server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))) else { return };
    let copy = |stream: &TcpStream| stream.try_clone().expect("a socket of ours");
    weather.connections.extend([copy(&client), copy(&server)]);
    if weather.cut {
        weather.end_all();
        return;
    }
    for (from, to, direction) in [(copy(&client), copy(&server), Direction::There), (server, client, Direction::Back)] {
        let network = Arc::clone(network);
        std::thread::spawn(move || pass(&network, from, to, direction));
    }
}

fn pass(network: &Network, mut from: TcpStream, mut to: TcpStream, direction: Direction) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let Some(delay) = network.may_pass(direction) else { break };
        std::thread::sleep(delay);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _already_gone = stream.shutdown(Shutdown::Both);
    }
}
