//! `Expect: 100-continue`: nobody is asked for a body before it is decided that there is a use for it.

use super::{proxy, request};
use crate::support::browser::Browser;
use crate::support::demo::PROXY_HOST;
use crate::support::dev_idp::DevIdp;
use crate::support::process::free_ports;
use crate::support::proxy::{Proxy, head};
use crate::support::upstream::Upstream;
use crate::support::wire::{App, Wire};

const EXPECTING: &str = "expect: 100-continue\r\ncontent-length: 4\r\n";

#[tokio::test]
async fn who_is_not_let_in_is_not_asked_for_a_body() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    for (path, fields) in [
        ("/work/x", "accept: application/json\r\n"),
        ("/work/x", "accept: text/html\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n"),
        ("/nowhere/x", ""),
        ("/public/../x", ""),
    ] {
        let mut client = Wire::connect(proxy.port).await;
        client.send(request(&proxy, &format!("POST {path}"), &format!("{EXPECTING}{fields}connection: close\r\n"))).await;
        let answer = client.head().await;
        let status = &answer[9..12];
        assert!(matches!(status, "302" | "303" | "400" | "401" | "404"), "{path} {fields}: {answer}");
    }
    assert!(!app.is_asked().await);
}

#[tokio::test]
async fn who_is_let_in_is_asked_for_a_body_once_the_app_is_there() {
    let (idp, home, app) = (DevIdp::start(), Upstream::start(), App::start().await);
    let port = free_ports(1);
    let (start, idp_part, home_origin, app_port) = (head(port), idp.configuration(), home.origin(), app.port);
    let config = format!(
        r#"{start}{idp_part}
[[routes]]
match    = {{ path = "/work/home" }}
accounts = "work"
upstream = "{home_origin}"
[[routes]]
match    = {{ path = "/work/**" }}
accounts = "work"
upstream = "http://127.0.0.1:{app_port}"
"#
    );
    let proxy = Proxy::start(port, &config);
    let mut browser = Browser::default();
    let page = idp.sign_in(&proxy, &mut browser, "ada@contoso.example", "work", "/work/home").await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/work/home"), "{}", page.text());
    let cookies = browser.cookies(PROXY_HOST);
    let cookies = cookies.iter().map(|name| format!("{name}={}", browser.cookie(PROXY_HOST, name).expect("it is there")));
    let cookies = cookies.collect::<Vec<_>>().join("; ");

    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /work/x", &format!("{EXPECTING}cookie: {cookies}\r\n"))).await;
    let interim = client.head().await;
    assert!(interim.starts_with("HTTP/1.1 100 "), "{interim}");
    client.send("body").await;
    let mut upstream = app.accept().await;
    let asked = upstream.head().await.to_lowercase();
    assert!(asked.contains("x-account-kind: work") && !asked.contains("expect:"), "{asked}");
    assert_eq!(upstream.take(4).await, b"body");
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine").await;
    let answer = client.head().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(client.take(4).await, b"fine");
}

#[tokio::test]
async fn who_expects_nothing_is_told_nothing_in_between() {
    let app = App::start().await;
    let proxy = proxy(app.port);
    let mut client = Wire::connect(proxy.port).await;
    client.send(request(&proxy, "POST /public/x", "content-length: 4\r\nconnection: close\r\n") + "body").await;
    let mut upstream = app.accept().await;
    upstream.head().await;
    assert_eq!(upstream.take(4).await, b"body");
    // Announcements of the app's are for us.
    upstream.send("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine").await;
    let received = String::from_utf8_lossy(&client.rest().await).into_owned();
    assert!(received.starts_with("HTTP/1.1 200 ") && received.ends_with("fine"), "{received}");
}
