//! Opening a connection: names looked up each time, all addresses tried within the limit, sockets in the file system.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long one address has before the next one is tried beside it (RFC 8305 §5), if the limit leaves that much.
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to a host within about `limit`, which the caller enforces: it only says how fast to go through the addresses.
pub(super) async fn tcp(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let stream = match host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect((address, port)).await?,
        Err(_) => first_of(by_turns(tokio::net::lookup_host((host, port)).await?), limit).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Address families by turns, in the order of the resolver otherwise (RFC 8305 §4): where one family leads nowhere, the
/// other is not far.
fn by_turns(found: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let found: Vec<_> = found.collect();
    let Some(first) = found.first() else { return VecDeque::new() };
    let (same, others): (Vec<_>, Vec<_>) = found.iter().copied().partition(|address| address.is_ipv4() == first.is_ipv4());
    let (mut same, mut others) = (same.into_iter(), others.into_iter());
    let mut ordered = VecDeque::with_capacity(found.len());
    while ordered.len() < found.len() {
        ordered.extend(same.next());
        ordered.extend(others.next());
    }
    ordered
}

/// The first connection that is made; the next address is tried when one fails or takes its time.
async fn first_of(mut addresses: VecDeque<SocketAddr>, limit: Duration) -> io::Result<TcpStream> {
    let shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let head_start = HEAD_START.min(limit / shares);
    let mut trying = FuturesUnordered::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.pop_front() {
            trying.push(TcpStream::connect(address));
        } else if trying.is_empty() {
            return Err(failed);
        }
        let is_last = addresses.is_empty();
        tokio::select! {
            connected = trying.next() => match connected {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failed = error,
                None => {}
            },
            () = sleep(head_start), if !is_last => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn families_take_turns_and_the_resolvers_first_comes_first() {
        let ordered =
            |found: &[&str]| by_turns(found.iter().map(|text| address(text))).into_iter().map(|at| at.to_string()).collect::<Vec<_>>();
        assert_eq!(
            ordered(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]),
            ["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]
        );
        assert_eq!(ordered(&["1.0.0.1:1", "[::1]:1"]), ["1.0.0.1:1", "[::1]:1"]);
        assert!(ordered(&[]).is_empty());
    }

    #[tokio::test]
    async fn an_address_that_refuses_costs_no_time_and_the_last_error_is_told() {
        let listening = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let taken = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let (there, gone) = (listening.local_addr().expect("bound"), taken.local_addr().expect("bound"));
        drop(taken);
        let limit = Duration::from_secs(3600);
        let stream = first_of([gone, gone, there].into(), limit).await.expect("the third one");
        assert_eq!(stream.peer_addr().expect("connected"), there);
        let refused = first_of([gone, gone].into(), limit).await.expect_err("nobody is there");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(first_of(VecDeque::new(), limit).await.expect_err("nowhere to go").kind(), io::ErrorKind::NotFound);
    }
}
