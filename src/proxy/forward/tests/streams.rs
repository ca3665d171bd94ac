//! Event streams and the end of their session.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const EVENT: &str = "9\r\ndata: x\n\n\r\n";

/// Opens a stream, and reads until something has come.
async fn listen(proxy: &Proxy) -> TcpStream {
    let mut client = TcpStream::connect(proxy.address).await.expect("the proxy");
    client.write_all(get("").as_bytes()).await.expect("the proxy");
    let mut heard = Vec::new();
    while !heard.ends_with(EVENT.as_bytes()) {
        heard.push(client.read_u8().await.expect("an event"));
    }
    client
}

/// Everything that still comes; the stream must end, and not as if it were complete.
async fn rest(mut client: TcpStream) -> String {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("an end");
    let rest = String::from_utf8(rest).expect("ASCII");
    assert!(!rest.ends_with("0\r\n\r\n"), "{rest}");
    rest
}

#[test]
fn a_quiet_stream_ends_with_its_session() {
    run(async {
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say(format!("{HEAD}{EVENT}")).await;
            peer.head().await;
        })
        .await;
        let settings = Settings::default();
        let proxy = Proxy::start(address, settings.clone()).await;
        let client = listen(&proxy).await;
        settings.session.0.cancel();
        assert_eq!(rest(client).await, "");
    });
}

#[test]
fn a_stream_that_never_pauses_ends_with_its_session() {
    run(async {
        let (address, _) = upstream(|mut peer| async move {
            peer.head().await;
            peer.say(HEAD).await;
            while peer.stream.write_all(EVENT.repeat(1000).as_bytes()).await.is_ok() {}
        })
        .await;
        let settings = Settings::default();
        let proxy = Proxy::start(address, settings.clone()).await;
        let client = listen(&proxy).await;
        settings.session.0.cancel();
        rest(client).await;
    });
}
