//! Forward authentication with a real nginx in front: the configuration that we hand out, with other ports.

use std::fs;
use std::net::Ipv4Addr;

use homerealm::demo::settings::{self, CLIENT_ID, Ports};
use homerealm::sample_app;
use http::Method;
use tempfile::TempDir;
use url::Url;

use crate::demo::type_address;
use crate::support::browser::{Browser, Page};
use crate::support::nginx;
use crate::support::process::{Process, free_ports, homerealm};

const SECRET: &str = "HOMEREALM_DEMO_SECRET";

/// A route that nobody of the demo's people may use.
const VAULT: &str = r#"
[[routes]]
name        = "vault"
match       = { path = "/vault/**" }
accounts    = "work"
authorities = ["work"]
groups      = ["5d0c0000-0000-4000-8000-0000000000ff"]
upstream    = "http://127.0.0.1:9"
"#;

/// nginx, and behind it Homerealm with its provider on one side and the app on the other.
struct Front {
    origin: String,
    nginx: Process,
    _homerealm: Process,
    _provider: Process,
    _files: TempDir,
}

impl Front {
    async fn start() -> Self {
        let files = tempfile::tempdir().expect("a directory");
        // Three in a row as in the demo: nginx takes the place of the proxy. The fourth is Homerealm's own.
        let first = free_ports(4);
        let (provider_port, app_port, own_port) = (first + 1, first + 2, first + 3);
        let provider = Process::start(
            homerealm()
                .args(["dev-idp", "--port", &provider_port.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", SECRET])
                .env(SECRET, "not-much-of-a-secret"),
        );
        let app = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, app_port)).await.expect("a free port");
        tokio::spawn(axum::serve(app, sample_app::router()).into_future());

        let ports = Ports::starting_at(first).expect("room for three");
        let text = settings::text(ports, Ipv4Addr::LOCALHOST.into());
        let listen = format!("listen     = \"127.0.0.1:{first}\"");
        assert!(text.contains(&listen), "{text}");
        let text = text.replace(&listen, &format!("listen = \"127.0.0.1:{own_port}\"\ntrusted_proxies = [\"127.0.0.0/8\"]"));
        let config = files.path().join("homerealm.toml");
        fs::write(&config, text + VAULT).expect("a writable directory");
        let mut own = Process::start(homerealm().arg("run").arg("-c").arg(&config).env(SECRET, "not-much-of-a-secret"));
        own.wait_for_port(own_port);

        let mut nginx = start_nginx(&files, first, own_port, app_port);
        nginx.wait_for_port(first);
        Self { origin: format!("http://localhost:{first}"), nginx, _homerealm: own, _provider: provider, _files: files }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.origin)).expect("an address")
    }

    /// Asks for JSON, with fields of a client that lies.
    async fn ask(&self, browser: &mut Browser, path: &str, lies: &[(&str, &str)]) -> Page {
        let headers = [&[("accept", "application/json")], lies].concat();
        browser.send(Method::GET, self.url(path), &headers, String::new()).await
    }

    async fn sign_in(&self, who: &str) -> Browser {
        let mut browser = Browser::default();
        let page = browser.open(self.url("/work/x?a=1&b=2").as_str()).await;
        assert_eq!(page.url.path(), "/.auth/sign-in", "{}\n{}", page.text(), self.nginx.output());
        let page = type_address(&mut browser, &page, who).await;
        let page = browser.press(&page, who, &[]).await;
        assert_eq!(page.url.as_str(), self.url("/work/x?a=1&b=2").as_str(), "{}\n{}", page.text(), self.nginx.output());
        assert!(page.text().contains("sample app"), "{}", page.text());
        browser
    }
}

fn start_nginx(files: &TempDir, port: u16, own: u16, app: u16) -> Process {
    let server = include_str!("../../config/nginx-forward-auth.conf");
    let server = server.replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"));
    let server = server.replace("127.0.0.1:8080", &format!("127.0.0.1:{own}")).replace("127.0.0.1:3000", &format!("127.0.0.1:{app}"));
    nginx::start(files.path(), &server)
}

#[tokio::test]
async fn nginx_forwards_what_is_admitted_with_our_identity_headers_and_no_others() {
    let front = Front::start().await;
    let mut nobody = Browser::default();
    let public = front.ask(&mut nobody, "/public/x", &[("x-forwarded-user", "evil"), ("x-account-kind", "work")]).await;
    assert_eq!(public.status, 200, "{}", public.body);
    let headers = &public.json()["headers"];
    assert!(headers.get("x-forwarded-user").is_none() && headers.get("x-account-kind").is_none(), "{headers}");

    let mut ada = front.sign_in("ada@contoso.example").await;
    let page = front.ask(&mut ada, "/work/x", &[("x-forwarded-user", "evil"), ("x-original-uri", "/public/x")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let told = page.json();
    let user = told["headers"]["x-forwarded-user"].as_str().expect("a user").to_owned();
    assert!(user.ends_with("@3a0c0000-0000-4000-8000-0000000000aa"), "{user}");
    assert_eq!((told["kind"].as_str(), told["who"].as_str()), (Some("work"), Some("ada@contoso.example")));

    let refused = front.ask(&mut ada, "/vault/x", &[]).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let unknown = front.ask(&mut ada, "/nothing", &[]).await;
    assert_eq!(unknown.status, 403, "{}", unknown.body);
    assert!(!refused.body.contains("sample app") && !unknown.body.contains("sample app"));
}

#[tokio::test]
async fn no_word_of_a_clients_gets_past_nginx() {
    let front = Front::start().await;
    let mut nobody = Browser::default();
    let sign_in = format!("{}/.auth/sign-in?return_to=%2Fwork%2Fx", front.origin);
    for lies in [
        vec![("x-original-uri", "/public/x"), ("x-original-method", "GET")],
        vec![("x-forwarded-uri", "/public/x"), ("x-forwarded-method", "GET")],
        vec![("content-type", "application/grpc")],
        vec![("x-forwarded-host", "elsewhere.example")],
        vec![("forwarded", "host=elsewhere.example")],
    ] {
        let page = front.ask(&mut nobody, "/work/x", &lies).await;
        assert_eq!((page.status.as_u16(), page.headers["location"].to_str().ok()), (302, Some(sign_in.as_str())), "{lies:?}");
    }
    for path in ["/work/..%2fpublic/x", "/public/%2e%2e/work/x", "//public/x"] {
        let page = front.ask(&mut nobody, path, &[]).await;
        assert!(!page.body.contains("sample app"), "{path}: {}", page.body);
    }
    let page = front.ask(&mut nobody, "/.auth/check/public/x", &[]).await;
    assert_eq!(page.status, 404, "the question is nginx's to ask");
}
