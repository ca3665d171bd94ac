//! Configuration: what the user wrote (`file`), what we run on ([`Config`]), and the way from one to the other
//! (`resolve`). Nothing behind this module sees an unparsed value.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::origin::Origins;
use crate::domain::realm::Directory;
use crate::domain::route::RouteTable;
use crate::domain::session::Lifetimes;
use crate::protocol::client::Client;
use crate::protocol::secret::Secret;

/// What we run on: everything parsed, every default filled in, every secret read.
#[derive(Debug)]
pub struct Config {
    /// Addresses to listen on. Never empty.
    pub listen: Vec<SocketAddr>,
    /// `public_url` and `public_urls`.
    pub origins: Origins,
    /// `prefix`: starts with `/`, does not end with one.
    pub prefix: String,
    /// `trusted_proxies`
    pub trusted_proxies: Vec<IpNet>,
    /// Every authority that some route can use, `personal` and `work` among them only if so.
    pub authorities: Vec<AuthoritySettings>,
    /// `[tenants]`
    pub tenants: Vec<TenantSettings>,
    /// What home realm discovery knows, made of `[authorities]`, `[tenants]` and `[sign_in]`.
    pub directory: Directory,
    /// `[sign_in]`
    pub sign_in: SignInSettings,
    /// `[session]`
    pub session: SessionSettings,
    /// `[branding]`
    pub branding: Branding,
    /// `[[routes]]`
    pub routes: RouteTable,
    /// `dev.allow`
    pub dev_allowed: bool,
    /// `telemetry.access_log`
    pub access_log: AccessLog,
    /// Things worth telling at start-up, rendered like errors: a random session key, a secret about to expire.
    pub warnings: Vec<String>,
}

/// One authority.
#[derive(Debug, Clone)]
pub struct AuthoritySettings {
    /// Its name.
    pub name: AuthorityName,
    /// What it issues.
    pub kind: AccountKind,
    /// For which issuer.
    pub issuer: ExpectedIssuer,
    /// Where its metadata document is.
    pub discovery: url::Url,
    /// Our registration there.
    pub client: Client,
    /// Scopes to ask for, `openid` always among them.
    pub scopes: Vec<String>,
    /// Extra trust roots: the content of `ca_file`, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// How the authorization response comes back.
    pub response_mode: ResponseMode,
    /// Static authorization parameters; none of them is one of the protocol's own.
    pub extra_params: Vec<(String, String)>,
}

/// `response_mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// POST to the callback; the attempt cookie must then be sent across sites.
    FormPost,
    /// GET to the callback.
    #[default]
    Query,
}

/// One `[tenants]` entry.
#[derive(Debug, Clone)]
pub struct TenantSettings {
    /// The key in the table: the name for logs.
    pub key: String,
    /// What is enforced.
    pub id: TenantId,
    /// What pages show.
    pub name: String,
}

/// `[sign_in]`, beside what went into the [`Directory`].
#[derive(Debug, Clone)]
pub struct SignInSettings {
    /// `page`
    pub page: SignInPage,
    /// `remember_accounts`
    pub remembers_accounts: bool,
    /// `rate_limit`: so many sign-in posts per minute and client address.
    pub posts_per_minute: u32,
}

/// `page`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignInPage {
    /// Our page first.
    #[default]
    Always,
    /// Skipped when one authority is possible.
    Auto,
}

/// `[session]`
#[derive(Debug)]
pub struct SessionSettings {
    /// 32 bytes each; the first seals, all open. Never empty: without `key_files` a random one.
    pub keys: Vec<Secret<[u8; 32]>>,
    /// `idle` and `max`
    pub lifetimes: Lifetimes,
}

/// `[branding]`
#[derive(Debug, Clone, Default)]
pub struct Branding {
    /// The app's name on pages; empty shows the host.
    pub name: Option<String>,
    /// The logo: media type (`image/svg+xml`, `image/png`, …) and content.
    pub logo: Option<(&'static str, Vec<u8>)>,
    /// Accent colours `#rrggbb` for light and dark.
    pub accent: Option<(String, String)>,
    /// `mailto:` or https URL.
    pub support: Option<String>,
    /// https URL
    pub privacy_url: Option<String>,
    /// https URL
    pub terms_url: Option<String>,
}

/// `telemetry.access_log`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLog {
    /// One line for people.
    Human,
    /// One JSON object a line.
    #[default]
    Json,
    /// None.
    Off,
}

/// Reads, checks and resolves a configuration.
///
/// # Errors
/// Every problem at once, rendered with file, line, column and caret.
pub fn load(_file: &std::path::Path) -> Result<Config, Problems> {
    todo!()
}

/// Like [`load`], from text; `directory` is what relative paths in it are relative to.
///
/// # Errors
/// As [`load`].
pub fn parse(_text: &str, _file_name: &str, _directory: &std::path::Path) -> Result<Config, Problems> {
    todo!()
}

/// The files `run` looks for when none is named.
#[must_use]
pub fn default_files() -> [PathBuf; 2] {
    ["homerealm.toml".into(), "/etc/homerealm/homerealm.toml".into()]
}

/// All problems of a configuration, in the order of the file.
#[derive(Debug)]
pub struct Problems {
    /// Rendered for a terminal (without colours): `error[E003]: … --> file:line:col …`.
    pub rendered: Vec<String>,
}
