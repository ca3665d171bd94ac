//! `homerealm dev-idp` in a process of its own, for proxies whose configuration is the test's.

use std::process::Command;

use super::browser::{Browser, Page};
use super::process::{Process, free_ports, homerealm};
use super::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy};

/// A running development provider.
pub struct DevIdp {
    pub origin: String,
    pub process: Process,
}

impl DevIdp {
    /// Starts it; it knows the client that the tests' configurations name.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts it, with something changed about the command.
    pub fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        let port = free_ports(1);
        let mut command = homerealm();
        command.args(["dev-idp", "--port", &port.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "CLIENT_SECRET"]);
        change(command.env("CLIENT_SECRET", CLIENT_SECRET));
        let mut process = Process::start(&mut command);
        process.wait_for_port(port);
        Self { origin: format!("http://127.0.0.1:{port}"), process }
    }

    /// The parts of a configuration that make a proxy use it. The head of the file comes before, the routes behind.
    pub fn configuration(&self) -> String {
        let origin = &self.origin;
        format!(
            r#"
personal_domains = ["outlook.example"]
[authorities.work]
issuer = "{origin}/organizations/v2.0"
[authorities.personal]
issuer = "{origin}/consumers/v2.0"
[tenants]
contoso = {{ id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso", domains = ["contoso.example"] }}
[dev]
allow = true
"#
        )
    }

    /// All the way, by the link that names a kind of account.
    pub async fn sign_in(&self, proxy: &Proxy, browser: &mut Browser, person: &str, kind: &str, wanted: &str) -> Page {
        let page = proxy.open(browser, &format!("/.auth/sign-in?account={kind}&return_to={wanted}")).await;
        self.choose(browser, &page, person).await
    }

    /// Signs in as somebody at the provider's page.
    pub async fn choose(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        assert!(page.url.as_str().starts_with(&self.origin), "{}:\n{}", page.url, page.text());
        browser.press(page, person, &[]).await
    }
}
