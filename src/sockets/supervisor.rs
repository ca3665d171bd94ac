//! Telling the service manager how we are (`sd_notify`): a datagram to the socket that `NOTIFY_SOCKET` names.

use socket2::{Domain, SockAddr, Socket, Type};

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Requests are taken from now on.
    Ready,
    /// No further ones are.
    Stopping,
}

/// Tells it, if somebody wants to know. Nobody is there to be told of a failure.
pub(crate) fn tell(news: News) {
    let Some(socket) = std::env::var("NOTIFY_SOCKET").ok().filter(|name| !name.is_empty()) else { return };
    let _unheard = send(&socket, news);
}

fn send(socket: &str, news: News) -> std::io::Result<()> {
    // An abstract name, which is no file, is written with an `@` for its leading zero (unix(7)).
    let address = match socket.strip_prefix('@') {
        Some(name) => SockAddr::unix(format!("\0{name}"))?,
        None => SockAddr::unix(socket)?,
    };
    let text: &[u8] = match news {
        News::Ready => b"READY=1\n",
        News::Stopping => b"STOPPING=1\n",
    };
    let own = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    own.set_nonblocking(true)?;
    own.send_to(text, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    #[test]
    fn news_arrive_at_a_path_and_at_an_abstract_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let name = format!("homerealm-test-{}", std::process::id());
        let at_path = UnixDatagram::bind(&path).expect("a free path");
        let abstractly = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("a free name");
        for (socket, listener) in [(path.display().to_string(), at_path), (format!("@{name}"), abstractly)] {
            send(&socket, News::Ready).expect("somebody listens");
            let mut told = [0; 32];
            let length = listener.recv(&mut told).expect("news");
            assert_eq!(&told[..length], b"READY=1\n");
        }
    }
}
