//! Where the demo listens and the configuration it runs on: an ordinary file, parsed like everybody's.

use std::path::Path;

use crate::config::report::Report;
use crate::config::{self, Config};

/// Three ports in a row on this machine: proxy, identity provider, sample app.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    first: u16,
}

/// The ports would run past 65535, or the first is 0.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the demo needs three ports in a row, so the first is between 1 and 65533")]
pub struct NoRoom;

/// The variable that the demo's configuration reads its secret from. It is set for the parser only.
const SECRET_VARIABLE: &str = "HOMEREALM_DEMO_SECRET";

impl Ports {
    /// The ports from `first` on.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub const fn starting_at(first: u16) -> Result<Self, NoRoom> {
        if first == 0 || first > u16::MAX - 2 { Err(NoRoom) } else { Ok(Self { first }) }
    }

    /// The proxy's.
    #[must_use]
    pub const fn proxy(self) -> u16 {
        self.first
    }

    /// The identity provider's.
    #[must_use]
    pub const fn provider(self) -> u16 {
        self.first + 1
    }

    /// The sample app's.
    #[must_use]
    pub const fn app(self) -> u16 {
        self.first + 2
    }

    /// The proxy's origin. Another host than the provider's, so that the browser sees two sites, as in production.
    #[must_use]
    pub fn proxy_origin(self) -> String {
        format!("http://localhost:{}", self.proxy())
    }

    /// The provider's origin.
    #[must_use]
    pub fn provider_origin(self) -> String {
        format!("http://127.0.0.1:{}", self.provider())
    }
}

/// The demo's client id at the provider.
pub const CLIENT_ID: &str = "6f0c2a4e-0000-4000-8000-00000000de30";

/// The demo's configuration file; `listen` is the address the proxy binds.
#[must_use]
pub fn text(ports: Ports, listen: std::net::IpAddr) -> String {
    let template = include_str!("demo.toml");
    template
        .replace("@LISTEN@", &std::net::SocketAddr::new(listen, ports.proxy()).to_string())
        .replace("@PROXY@", &ports.proxy_origin())
        .replace("@PROVIDER@", &ports.provider_origin())
        .replace("@APP@", &format!("http://127.0.0.1:{}", ports.app()))
        .replace("@CLIENT@", CLIENT_ID)
        .replace("@SECRET_VARIABLE@", SECRET_VARIABLE)
}

/// The demo's configuration, with a client secret made up for this one run.
///
/// # Errors
/// As [`config::parse`]; a test holds that there are none.
pub fn config(text: &str, secret: &str) -> Result<Config, Report> {
    let environment = |name: &str| if name == SECRET_VARIABLE { Some(secret.to_owned()) } else { None };
    config::parse_with(text, "demo.toml", Path::new("."), &environment, chrono::NaiveDate::default())
}
