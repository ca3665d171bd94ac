//! HTTP/2 towards clients and upstreams, as clients and servers that none of us wrote speak it; and signing in over it.

use std::process::Command;

use crate::support::browser::Browser;
use crate::support::demo::{Demo, session_cookies};
use crate::support::nginx;
use crate::support::process::{Process, free_ports};
use crate::support::proxy::{Proxy, head};

fn node() -> Command {
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parts/http2.mjs"));
    command
}

/// One conversation between Node and an app of Node's in either HTTP, the proxy between them.
fn converse(case: &str) {
    converse_with("app", "http", case);
    converse_with("app2", "h2c", case);
}

fn converse_with(role: &str, scheme: &str, case: &str) {
    let port = free_ports(1);
    let mut app = Process::start(node().args([role, &port.to_string()]));
    app.wait_for_port(port);
    converse_before(port, scheme, case);
}

/// Likewise, with an app that is there.
fn converse_before(port: u16, scheme: &str, case: &str) {
    let proxy = Proxy::run(|own| format!("{}[[routes]]\nauth = \"none\"\nupstream = \"{scheme}://127.0.0.1:{port}\"\n", head(own)));
    let mut client = Process::start(node().args(["client", &proxy.origin(), case]));
    let status = client.wait();
    assert!(status.success(), "{case}: {status}\n{}", client.output());
}

#[test]
fn hundreds_of_requests_at_once_each_get_their_own_answer() {
    converse("many");
}

#[test]
fn bodies_of_any_size_go_both_ways_at_once() {
    converse("large");
}

#[test]
fn a_server_that_says_goodbye_again_and_again_under_load_loses_no_request() {
    let (port, files) = (free_ports(1), tempfile::tempdir().expect("a temporary directory"));
    // nginx says GOAWAY after so many requests, and does nothing about those behind them.
    let server = format!(
        "keepalive_requests 100;\nserver {{\nlisten 127.0.0.1:{port} http2;\nlocation / {{\n\
         add_header x-connection $connection;\nreturn 200 served;\n}}\n}}\n"
    );
    let mut nginx = nginx::start(files.path(), &server);
    nginx.wait_for_port(port);
    converse_before(port, "h2c", "goodbyes");
}

#[test]
fn an_app_waits_for_a_client_that_does_not_read() {
    converse("slow");
}

#[test]
fn an_apps_trailers_reach_the_client() {
    converse("trailers");
}

#[test]
fn an_app_sees_that_its_client_has_given_up() {
    converse("aborted");
}

#[test]
fn a_client_sees_that_an_app_has_broken_off() {
    converse("broken");
}

#[test]
fn a_websocket_over_http_2_is_one_for_the_app() {
    converse("websocket");
}

#[tokio::test]
async fn people_sign_in_over_http_2_and_stay_signed_in() {
    let demo = Demo::shared();
    let mut browser = Browser::over_http2();
    demo.sign_in(&mut browser, "ada@contoso.example", "work", "/work/x").await;
    assert_eq!(session_cookies(&browser).len(), 1);
    let page = browser.open(&demo.url("/work/y")).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/work/y"), "{}", page.text());
}

#[tokio::test]
async fn a_program_that_is_not_signed_in_is_told_so_over_http_2() {
    let demo = Demo::shared();
    let mut browser = Browser::over_http2();
    let url = demo.url("/work/x").parse().expect("a URL");
    let page = browser.send(http::Method::GET, url, &[("accept", "application/json")], String::new()).await;
    assert_eq!(page.status.as_u16(), 401, "{}", page.body);
    assert_eq!(page.headers["content-type"], "application/problem+json");
}
