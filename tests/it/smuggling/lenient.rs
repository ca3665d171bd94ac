//! A proxy as they are written on an afternoon, for the checker to find out: it judges the path by its beginning, knows
//! `Content-Length` only (the last one it sees) and hands everything on as it came.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Log = Arc<Mutex<Vec<(String, String)>>>;

/// A running one; it ends with the test process.
pub struct Lenient {
    pub port: u16,
    log: Log,
}

impl Lenient {
    pub fn in_front_of(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let log = Log::default();
        let noted = Arc::clone(&log);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || {
                    // Clients come and go.
                    let _gone = pass(&client, upstream, &noted);
                });
            }
        });
        Self { port, log }
    }

    /// Method and path of everything it let through.
    pub fn log(&self) -> Vec<(String, String)> {
        self.log.lock().expect("no panic while holding it").clone()
    }
}

fn pass(client: &TcpStream, upstream: u16, log: &Log) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", upstream))?;
    // Where the two misunderstand each other, both may wait for the other.
    server.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (mut from_client, mut from_server) = (BufReader::new(client), BufReader::new(&server));
    while let Some((head, length)) = head(&mut from_client)? {
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut words = text.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let mut body = vec![0; length];
        from_client.read_exact(&mut body)?;
        if !path.starts_with("/public/") {
            (&*client).write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        log.lock().expect("no panic while holding it").push((method, path));
        (&server).write_all(&head)?;
        (&server).write_all(&body)?;
        let Some((head, length)) = self::head(&mut from_server)? else { return Ok(()) };
        let mut body = vec![0; length];
        from_server.read_exact(&mut body)?;
        (&*client).write_all(&head)?;
        (&*client).write_all(&body)?;
    }
    Ok(())
}

/// A head, up to an empty line of whatever kind, and the length it tells.
fn head(from: &mut impl BufRead) -> std::io::Result<Option<(Vec<u8>, usize)>> {
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let start = head.len();
        if from.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&head[start..]).into_owned();
        if line.trim().is_empty() {
            return Ok(Some((head, length)));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}
