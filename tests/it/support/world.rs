//! A development provider and an app, for proxies that write everything down.

use super::dev_idp::DevIdp;
use super::proxy::head;
use super::upstream::Upstream;

/// What stands around a proxy.
pub struct World {
    pub idp: DevIdp,
    pub app: Upstream,
}

impl World {
    pub fn start() -> Self {
        Self { idp: DevIdp::start(), app: Upstream::start() }
    }

    /// A configuration with the access log on, this audit log, and these routes, in which `APP` stands for the app.
    pub fn configuration(&self, port: u16, audit: &str, routes: &str) -> String {
        let (head, idp, routes) = (head(port), self.idp.configuration(), routes.replace("APP", &self.app.origin()));
        format!("{head}{idp}[telemetry]\naccess_log = \"json\"\n{audit}\n{routes}")
    }
}
