//! Upstreams of every kind, with real servers behind the proxy: https with client certificates, nginx at a socket, and
//! several that come and go.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::nginx;
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{Proxy, configured, head};
use crate::support::raw;

/// An app in node; `certificates` is a directory as [`Authority`] fills it.
fn app(name: &str, port: u16, certificates: Option<&Path>) -> Process {
    app_with(name, port, certificates, |_| {})
}

/// Likewise, one that speaks HTTP/2.
fn app2(name: &str, port: u16, certificates: Option<&Path>) -> Process {
    app_with(name, port, certificates, |command| {
        command.env("HTTP2", "1");
    })
}

fn app_with(name: &str, port: u16, certificates: Option<&Path>, change: impl FnOnce(&mut Command)) -> Process {
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parts/upstream.mjs"));
    command.env("NAME", name).env("PORT", port.to_string());
    if let Some(certificates) = certificates {
        command.env("CERTS", certificates);
    }
    change(&mut command);
    let mut process = Process::start(&mut command);
    process.wait_for_port(port);
    process
}

/// A route that everybody may use.
fn route(path: &str, upstream: &str) -> String {
    format!("[[routes]]\nmatch = {{ path = \"{path}/**\" }}\nstrip_prefix = true\nauth = \"none\"\nupstream = {upstream}\n")
}

fn run(routes: &str) -> Proxy {
    Proxy::run(|port| format!("{}{routes}", head(port)))
}

async fn get(proxy: &Proxy, path: &str) -> raw::Answer {
    raw::get(proxy.port, &format!("localhost:{}", proxy.port), path, "").await
}

fn body(answer: &raw::Answer) -> &str {
    answer.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// What an app in node was asked.
async fn asked(proxy: &Proxy, path: &str) -> Value {
    let answer = get(proxy, path).await;
    assert_eq!(answer.status(), 200, "{}\n{}", answer.0, proxy.process.output());
    let body = body(&answer);
    // It may come in chunks.
    let json = body.find('{').and_then(|start| Some(&body[start..=body.rfind('}')?]));
    serde_json::from_str(json.unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {}", answer.0))
}

/// Somebody who issues certificates.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self { certificate, issuer: Issuer::new(parameters, key) }
    }

    /// Writes a certificate and its key.
    fn issue(&self, directory: &Path, file: &str, name: &str) {
        let mut parameters = CertificateParams::new([name.to_owned()]).expect("a name");
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        fs::write(directory.join(format!("{file}.key")), key.serialize_pem()).expect("a file");
        fs::write(directory.join(format!("{file}.pem")), certificate.pem()).expect("a file");
    }

    fn write(&self, directory: &Path) {
        fs::write(directory.join("ca.pem"), self.certificate.pem()).expect("a file");
    }
}

#[tokio::test]
async fn https_upstreams_are_believed_by_the_roots_and_the_name_in_the_file_and_get_our_certificate() {
    let (authority, port) = (Authority::new(), free_ports(1));
    let theirs = TempDir::new().expect("a directory");
    authority.write(theirs.path());
    authority.issue(theirs.path(), "server", "app.internal");
    let _app = app("tls", port, Some(theirs.path()));

    let url = format!("url = \"https://127.0.0.1:{port}\"");
    let certificate = "certificate_file = \"client.pem\", key_file = \"client.key\"";
    let routes = [
        route("/whole", &format!("{{ {url}, ca_file = \"ca.pem\", server_name = \"app.internal\", {certificate}, host = \"own\" }}")),
        route("/anonymous", &format!("{{ {url}, ca_file = \"ca.pem\", server_name = \"app.internal\" }}")),
        route("/elsewhere", &format!("{{ {url}, ca_file = \"ca.pem\", server_name = \"other.internal\" }}")),
        route("/nameless", &format!("{{ {url}, ca_file = \"ca.pem\" }}")),
        route("/rootless", &format!("{{ {url}, server_name = \"app.internal\" }}")),
    ];
    let public = free_ports(1);
    let directory = configured(&format!("{}{}", head(public), routes.concat()));
    authority.write(directory.path());
    authority.issue(directory.path(), "client", "proxy-one");
    let mut proxy = Proxy::start_in(public, directory, |_| {});

    let told = asked(&proxy, "/whole/x?y=z").await;
    assert_eq!((&told["url"], &told["client"], &told["asked_for"]), (&"/x?y=z".into(), &"proxy-one".into(), &"app.internal".into()));
    assert_eq!((&told["host"], &told["prefix"]), (&format!("127.0.0.1:{port}").into(), &"/whole".into()));
    // The app takes nobody without a certificate, and we take no app that is not the one in the file.
    for refused in ["/anonymous", "/elsewhere", "/nameless", "/rootless"] {
        assert_eq!(get(&proxy, refused).await.status(), 502, "{refused}");
    }

    // Another certificate, and no connection from before it.
    authority.issue(&proxy.file("."), "client", "proxy-two");
    proxy.process.signal("HUP");
    proxy.process.wait_for("was read again and is in force");
    assert_eq!(asked(&proxy, "/whole").await["client"], "proxy-two");
}

#[tokio::test]
async fn what_an_https_upstream_chooses_is_spoken_and_h2c_by_prior_knowledge() {
    let (authority, ports) = (Authority::new(), [free_ports(1), free_ports(1), free_ports(1)]);
    let (public, certificate) = (free_ports(1), "certificate_file = \"client.pem\", key_file = \"client.key\"");
    let tls = |port: u16| format!("{{ url = \"https://127.0.0.1:{port}\", ca_file = \"ca.pem\", server_name = \"app\", {certificate} }}");
    let clear = format!("\"h2c://127.0.0.1:{}\"", ports[2]);
    let routes = [route("/both", &tls(ports[0])), route("/old", &tls(ports[1])), route("/clear", &clear)];
    let directory = configured(&format!("{}{}", head(public), routes.concat()));
    authority.write(directory.path());
    authority.issue(directory.path(), "server", "app");
    authority.issue(directory.path(), "client", "proxy");
    let _apps =
        [app2("both", ports[0], Some(directory.path())), app("old", ports[1], Some(directory.path())), app2("clear", ports[2], None)];
    let proxy = Proxy::start_in(public, directory, |_| {});
    for (path, version) in [("/both", "2.0"), ("/old", "1.1"), ("/clear", "2.0")] {
        for _ in 0..3 {
            let told = asked(&proxy, &format!("{path}/x?y=z")).await;
            assert_eq!((told["url"].as_str(), told["version"].as_str()), (Some("/x?y=z"), Some(version)), "{told}");
            assert_eq!(told["host"].as_str(), Some(&*format!("localhost:{public}")));
        }
    }
}

#[tokio::test]
async fn the_health_of_an_h2c_upstream_is_asked_in_http_2() {
    let ports = [free_ports(1), free_ports(1)];
    let _apps = [app2("a", ports[0], None), app2("b", ports[1], None)];
    let urls = ports.map(|port| format!("\"h2c://127.0.0.1:{port}\"")).join(", ");
    let health = "health = { path = \"/healthz\", every = \"100ms\" }";
    let mut proxy =
        run(&(route("/app", &format!("{{ url = [{urls}], {health} }}")) + &route("/a", &format!("\"h2c://127.0.0.1:{}\"", ports[0]))));
    get(&proxy, "/a/flip").await;
    proxy.process.wait_for(&format!("Upstream h2c://127.0.0.1:{} is not well: it answers its health check with status 503", ports[0]));
    for _ in 0..20 {
        assert_eq!(asked(&proxy, "/app/x").await["name"], "b");
    }
    get(&proxy, "/a/flip").await;
    proxy.process.wait_for(&format!("Upstream h2c://127.0.0.1:{} is well again", ports[0]));
}

#[tokio::test]
async fn an_upstream_may_be_nginx_at_a_socket() {
    let files = TempDir::new().expect("a directory");
    let socket = files.path().join("app.sock");
    let server = format!("server {{ listen unix:{}; location / {{ return 200 \"$request_uri $http_host\"; }} }}\n", socket.display());
    let _nginx = nginx::start(files.path(), &server);
    let patience = Instant::now() + Duration::from_secs(60);
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < patience, "no nginx within a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let url = format!("unix:{}", socket.display());
    let proxy = run(&(route("/plain", &format!("\"{url}\"")) + &route("/own", &format!("{{ url = \"{url}\", host = \"own\" }}"))));
    assert_eq!(body(&get(&proxy, "/plain/a%20b?c").await), format!("/a%20b?c localhost:{}", proxy.port));
    assert_eq!(body(&get(&proxy, "/own").await), "/ localhost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_dies_and_comes_back_under_load_and_no_request_is_lost() {
    let ports = [free_ports(1), free_ports(1), free_ports(1)];
    let mut apps: Vec<_> = ports.iter().zip(["a", "b", "c"]).map(|(port, name)| Some(app(name, *port, None))).collect();
    let urls = ports.map(|port| format!("\"http://127.0.0.1:{port}\"")).join(", ");
    let mut proxy = run(&route("/app", &format!("[{urls}]")));

    let (served, is_over) = (Arc::<[AtomicUsize; 3]>::default(), Arc::new(AtomicBool::new(false)));
    let port = proxy.port;
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (served, is_over) = (Arc::clone(&served), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = raw::get(port, &format!("localhost:{port}"), "/app/x", "").await;
                    assert_eq!(answer.status(), 200, "{}", answer.0);
                    let by = ["a", "b", "c"].iter().position(|name| answer.0.contains(&format!("\"name\":\"{name}\"")));
                    served[by.expect("one of them")].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let serves = async |which: usize| {
        let (before, patience) = (served[which].load(Ordering::Relaxed), Instant::now() + Duration::from_secs(60));
        while served[which].load(Ordering::Relaxed) < before + 20 {
            assert!(Instant::now() < patience, "nothing is served by it within a minute");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    for which in 0..3 {
        serves(which).await;
    }
    // Killed, not asked to end.
    apps[1] = None;
    proxy.process.wait_for("is avoided for a while");
    serves(0).await;
    serves(2).await;
    apps[1] = Some(app("b", ports[1], None));
    serves(1).await;
    proxy.process.wait_for(&format!("Upstream http://127.0.0.1:{} answers again", ports[1]));
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("every request was answered with 200");
    }
}

#[tokio::test]
async fn who_says_that_it_is_not_well_gets_nothing_until_it_is() {
    let ports = [free_ports(1), free_ports(1)];
    let _apps = [app("a", ports[0], None), app("b", ports[1], None)];
    let urls = ports.map(|port| format!("\"http://127.0.0.1:{port}\"")).join(", ");
    let mut proxy = run(&route("/app", &format!("{{ url = [{urls}], health = {{ path = \"/healthz\", every = \"100ms\" }} }}")));
    let flip = || raw::get(ports[0], "a", "/flip", "");
    let unwell = format!("Upstream http://127.0.0.1:{} is not well: it answers its health check with status 503", ports[0]);
    let well = format!("Upstream http://127.0.0.1:{} is well again", ports[0]);

    flip().await;
    proxy.process.wait_for(&unwell);
    for _ in 0..20 {
        assert_eq!(asked(&proxy, "/app/x").await["name"], "b");
    }
    flip().await;
    proxy.process.wait_for(&well);
    let mut names = Vec::new();
    for _ in 0..40 {
        names.push(asked(&proxy, "/app/x").await["name"].to_string());
    }
    assert!(names.iter().any(|name| name.contains('a')), "{names:?}");
    let told = proxy.process.stop();
    assert_eq!((told.matches(&unwell).count(), told.matches(&well).count()), (1, 1), "each change is told once:\n{told}");
}

#[tokio::test]
async fn a_bound_on_connections_holds_for_all_workers_together() {
    let port = free_ports(1);
    let _app = app("bounded", port, None);
    let proxy = run(&route("/app", &format!("{{ url = \"http://127.0.0.1:{port}\", max_connections = 2 }}"))
        .replace("auth =", "timeouts = { connect = \"30s\" }\nauth ="));
    let clients: Vec<_> = (0..24)
        .map(|_| {
            let port = proxy.port;
            tokio::spawn(async move { raw::get(port, &format!("localhost:{port}"), "/app/slow", "").await })
        })
        .collect();
    for client in clients {
        let answer = client.await.expect("no panic");
        assert_eq!(answer.status(), 200, "{}", answer.0);
    }
    assert_eq!(asked(&proxy, "/app/x").await["most"], 2);
}

#[tokio::test]
async fn online_every_member_is_asked_in_its_own_way() {
    let (authority, tls, nobody) = (Authority::new(), free_ports(1), free_ports(1));
    let public = free_ports(1);
    let config = [
        route(
            "/a",
            &format!(
                "{{ url = [\"https://127.0.0.1:{tls}\", \"http://127.0.0.1:{nobody}\"], ca_file = \"ca.pem\", server_name = \"app\" }}"
            ),
        ),
        route("/b", "\"unix:/nowhere/app.sock\""),
    ];
    let directory = configured(&format!("{}{}", head(public), config.concat()));
    authority.write(directory.path());
    authority.issue(directory.path(), "server", "app");
    let _app = app("tls", tls, Some(directory.path()));
    let file = directory.path().join("homerealm.toml");
    let output = homerealm().arg("check").arg(&file).arg("--online").output().expect("a command that runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("ok    upstream  https://127.0.0.1:{tls}: connected")), "{said}");
    assert!(said.contains(&format!("FAIL  upstream  http://127.0.0.1:{nobody}: cannot connect")), "{said}");
    assert!(said.contains("FAIL  upstream  unix:/nowhere/app.sock: cannot connect"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
