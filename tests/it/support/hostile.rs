//! A provider that answers with whatever a test wants: HTML, endless bodies, drips, nonsense. A thread per connection;
//! it ends with the test process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What to answer.
pub enum Answer {
    /// Status, media type, content.
    Whole(u16, &'static str, String),
    /// To another place.
    Redirect(String),
    /// So many megabytes, unless the other side hangs up before.
    Megabytes(usize),
    /// A byte now and then, for ever.
    Drip,
}

impl Answer {
    pub fn json(text: impl Into<String>) -> Self {
        Self::Whole(200, "application/json", text.into())
    }
}

/// A running provider.
pub struct Hostile {
    pub port: u16,
    written: Arc<AtomicU64>,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Hostile {
    /// Starts it. `answer` gets the origin and the path of each request.
    pub fn start(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (answer, written) = (Arc::new(answer), Arc::<AtomicU64>::default());
        let counted = Arc::clone(&written);
        let paths = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&paths);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, counted, noted) = (Arc::clone(&answer), Arc::clone(&counted), Arc::clone(&noted));
                std::thread::spawn(move || {
                    // A peer that hangs up is what many of the tests are about.
                    let answer = |origin: &str, path: &str| {
                        noted.lock().expect("no panic while holding it").push(path.to_owned());
                        answer(origin, path)
                    };
                    let _hung_up = converse(&stream, &format!("http://127.0.0.1:{port}"), &answer, &counted);
                });
            }
        });
        Self { port, written, paths }
    }

    /// How often a path was asked for.
    pub fn asked_for(&self, path: &str) -> usize {
        self.paths.lock().expect("no panic while holding it").iter().filter(|asked| *asked == path).count()
    }

    /// How many bytes of endless answers were taken from it.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

fn converse(stream: &TcpStream, origin: &str, answer: &dyn Fn(&str, &str) -> Answer, written: &AtomicU64) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    let mut out = stream;
    match answer(origin, path) {
        Answer::Whole(status, media_type, body) => {
            write!(
                out,
                "HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        Answer::Redirect(to) => write!(out, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Answer::Megabytes(count) => {
            write!(out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{{\"a\":\"")?;
            let megabyte = vec![b'a'; 1 << 20];
            for _ in 0..count {
                out.write_all(&megabyte)?;
                written.fetch_add(1 << 20, Ordering::Relaxed);
            }
            Ok(())
        }
        Answer::Drip => {
            write!(out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{{")?;
            loop {
                out.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
}
