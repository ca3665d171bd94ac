//! gRPC through the proxy, with Google's library as client and as server.

use std::process::Command;

use crate::support::browser::Browser;
use crate::support::dev_idp::DevIdp;
use crate::support::process::{Process, free_ports};
use crate::support::proxy::{Proxy, head};
use crate::support::upstream::Upstream;

fn python() -> Command {
    const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parts/venv/bin/python");
    assert!(std::path::Path::new(PYTHON).exists(), "tests/run installs what this needs");
    let mut command = Command::new(PYTHON);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parts/grpc_parts.py"));
    command
}

fn app() -> (Process, u16) {
    let port = free_ports(1);
    let mut app = Process::start(python().args(["server", &port.to_string()]));
    app.wait_for_port(port);
    (app, port)
}

fn client(proxy: &Proxy, case: &str, cookie: &str) -> Process {
    Process::start(python().args(["client", &proxy.origin(), case, cookie]))
}

fn converse(proxy: &Proxy, case: &str, cookie: &str) {
    let said = client(proxy, case, cookie).ended();
    assert!(said.ends_with("done\n"), "{case}:\n{said}\n{}", proxy.process.output());
}

/// A conversation with an app that everybody may use.
fn open(case: &str) {
    let (_app, port) = app();
    let proxy = Proxy::run(|own| format!("{}[[routes]]\nauth = \"none\"\nupstream = \"h2c://127.0.0.1:{port}\"\n", head(own)));
    converse(&proxy, case, "");
}

#[test]
fn one_message_is_answered_by_one() {
    open("unary");
}

#[test]
fn many_messages_go_either_way() {
    open("streams");
}

#[test]
fn messages_are_answered_one_by_one_while_others_are_still_to_come() {
    open("chat");
}

#[test]
fn metadata_goes_both_ways_before_and_behind_the_messages() {
    open("metadata");
}

#[test]
fn what_the_app_refuses_is_told_in_its_own_words() {
    open("errors");
}

#[test]
fn large_messages_arrive_whole() {
    open("large");
}

#[test]
fn the_app_knows_of_deadlines() {
    open("deadlines");
}

#[test]
fn a_call_that_is_given_up_ends_at_the_app() {
    open("cancelled");
}

#[test]
fn an_app_that_is_not_there_or_does_not_answer_has_a_status_of_its_own() {
    let (_app, silent) = app();
    let nobody = free_ports(1);
    let proxy = Proxy::run(|own| format!("{}[[routes]]\nauth = \"none\"\nupstream = \"h2c://127.0.0.1:{nobody}\"\n", head(own)));
    converse(&proxy, "unavailable", "");
    // Something that listens and speaks no HTTP/2: no word of it comes in time.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = mute.local_addr().expect("bound").port();
    let timeouts = "timeouts = { connect = \"200ms\" }\n";
    let proxy = Proxy::run(|own| format!("{}[[routes]]\nauth = \"none\"\n{timeouts}upstream = \"h2c://127.0.0.1:{port}\"\n", head(own)));
    converse(&proxy, "late", "");
    let path = "match = { path = \"/elsewhere/**\" }\n";
    let proxy = Proxy::run(|own| format!("{}[[routes]]\n{path}auth = \"none\"\nupstream = \"h2c://127.0.0.1:{silent}\"\n", head(own)));
    converse(&proxy, "nowhere", "");
}

fn cookies(browser: &Browser) -> String {
    let names = browser.cookies("localhost").into_iter().filter(|name| name.starts_with("homerealm-s-"));
    let cookies: Vec<_> = names.map(|name| format!("{name}={}", browser.cookie("localhost", &name).expect("it is there"))).collect();
    cookies.join("; ")
}

#[tokio::test]
async fn calls_are_admitted_as_their_sessions_say_and_end_with_them() {
    let (idp, pages, (_app, port)) = (DevIdp::start(), Upstream::start(), app());
    let pages = pages.origin();
    let routes = format!(
        "[[routes]]\nmatch = {{ path = \"/parts.App/**\" }}\naccounts = \"work\"\nupstream = \"h2c://127.0.0.1:{port}\"\n\
         [[routes]]\naccounts = \"any\"\nupstream = \"{pages}\"\n"
    );
    let proxy = Proxy::run(|own| format!("{}{}{routes}", head(own), idp.configuration()));
    converse(&proxy, "unauthenticated", "");
    let (mut ada, mut cy) = (Browser::default(), Browser::default());
    idp.sign_in(&proxy, &mut cy, "cy@outlook.example", "personal", "/album").await;
    converse(&proxy, "denied", &cookies(&cy));
    idp.sign_in(&proxy, &mut ada, "ada@contoso.example", "work", "/desk").await;
    converse(&proxy, "metadata", &cookies(&ada));

    let mut streaming = client(&proxy, "ends", &cookies(&ada));
    streaming.wait_for("open");
    let page = proxy.open(&mut ada, "/.auth/sign-out").await;
    ada.press(&page, "Sign out", &[]).await;
    let said = streaming.ended();
    assert!(said.ends_with("done\n"), "{said}\n{}", proxy.process.output());
}
