//! Configuration: what the user wrote (`file`), what we run on ([`Config`]), and the way from one to the other
//! (`resolve`). Nothing behind this module sees an unparsed value.

mod admin;
pub mod codes;
mod file;
pub mod files_read;
mod lines;
mod mask;
pub mod problem;
pub mod report;
mod resolve;
mod source;

use std::io::Read as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use ipnet::IpNet;
use rustls::RootCertStore;

use crate::domain::account::AccountKind;
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::branding::Branding;
use crate::domain::destination::UpstreamTls;
use crate::domain::policy_test::PolicyTest;
use crate::domain::revocation::Revocations;
use crate::domain::rules::Rules;
use crate::domain::session::Lifetimes;
use crate::domain::written::Fingerprint;
use crate::protocol::authorize::ResponseMode;
use crate::protocol::client::Client;
use crate::protocol::listen_address::ListenAddress;
use crate::protocol::secret::Secret;
use crate::protocol::store_address::StoreAddress;
use crate::protocol::tls_identity::TlsIdentity;
pub use admin::admin_of;
use files_read::{FilesRead, Reading};
use mask::Masked;
use problem::{Code, Problem, Span};
use report::{RedirectUris, Report};
pub use source::KnownRules;
use source::Source;

/// What we run on: everything parsed, every default filled in, every secret read.
#[derive(Debug)]
pub struct Config {
    /// Everything that decides: origins, prefix, tenants, home realm discovery and routes.
    pub rules: Arc<Rules>,
    /// Addresses to listen on. Never empty.
    pub listen: Vec<ListenAddress>,
    /// `trusted_proxies`
    pub trusted_proxies: Vec<IpNet>,
    /// `proxy_protocol`: every connection is a trusted proxy's and begins with its header.
    pub proxy_protocol: bool,
    /// `[tls]`; `None`: clear text.
    pub tls: Option<TlsSettings>,
    /// `[limits]`
    pub limits: LimitSettings,
    /// Every authority that some route can use, `personal` and `work` among them only if so.
    pub authorities: Vec<AuthoritySettings>,
    /// The content of the files that `upstream` keys of routes name; the same files may be there more than once.
    pub upstream_files: Vec<UpstreamFiles>,
    /// `[sign_in]`
    pub sign_in: SignInSettings,
    /// `[session]`
    pub session: SessionSettings,
    /// `[branding]`
    pub branding: Branding,
    /// `dev.allow`
    pub dev_allowed: bool,
    /// `telemetry.access_log`
    pub access_log: AccessLog,
    /// `[[tests]]`
    pub tests: Vec<PolicyTest>,
    /// `[admin]`; `None`: off.
    pub admin: Option<AdminListen>,
    /// `telemetry.audit`; `None`: off.
    pub audit: Option<Audit>,
    /// The file's text, its secrets masked.
    pub text: String,
    /// Names the file's text.
    pub fingerprint: Fingerprint,
    /// Every file that was read, the configuration itself among them: when one of them changes, so does the configuration.
    pub files: FilesRead,
    /// Things worth telling at start-up (a random session key, a secret about to expire), and what to register.
    pub warnings: Report,
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

/// `[tls]`
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// `cert_file` and `key_file`
    pub identity: TlsIdentity,
    /// `client_ca_file`: whoever connects must show a certificate that leads to one of these.
    pub client_roots: Option<Arc<RootCertStore>>,
}

impl TlsSettings {
    /// Whether these say the same.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.identity == other.identity && same_roots(self.client_roots.as_deref(), other.client_roots.as_deref())
    }
}

/// `[limits]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Open connections in all.
    pub connections: usize,
    /// Open connections of one client address.
    pub connections_per_client: usize,
    /// For everything up to the end of a request's head.
    pub head_timeout: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// How long a client may take no bytes of an answer.
    pub write_stall: Duration,
    /// How long requests under way may take at the end.
    pub shutdown: Duration,
    /// Requests at once on one HTTP/2 connection.
    pub http2_streams: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_client: 5_000,
            head_timeout: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(60),
            shutdown: Duration::from_secs(20),
            http2_streams: 100,
        }
    }
}

/// The content of the files that the TLS of an upstream names.
#[derive(Debug, Clone)]
pub struct UpstreamFiles {
    /// Which files.
    pub tls: UpstreamTls,
    /// `ca_file`: trust roots in place of the system's.
    pub roots: Option<Arc<RootCertStore>>,
    /// `certificate_file` and `key_file`: by which we are known to the upstream.
    pub identity: Option<TlsIdentity>,
}

impl UpstreamFiles {
    /// Whether these say the same as others, names aside.
    #[must_use]
    pub fn have_the_content_of(&self, others: &Self) -> bool {
        self.identity == others.identity && same_roots(self.roots.as_deref(), others.roots.as_deref())
    }
}

fn same_roots(one: Option<&RootCertStore>, other: Option<&RootCertStore>) -> bool {
    one.map(|roots| &roots.roots) == other.map(|roots| &roots.roots)
}

/// `[sign_in]`, beside what went into the [`Rules`].
#[derive(Debug, Clone)]
pub struct SignInSettings {
    /// `remember_accounts`
    pub remembers_accounts: bool,
    /// `rate_limit`: so many sign-in posts per minute and client address.
    pub posts_per_minute: NonZeroU32,
}

/// `[session]`
#[derive(Debug)]
pub struct SessionSettings {
    /// `key_files`
    pub keys: SessionKeys,
    /// `idle` and `max`
    pub lifetimes: Lifetimes,
    /// `store`
    pub store: StoreAddress,
    /// `not_before`: whose sessions from before a moment are over.
    pub not_before: Revocations,
}

/// What sessions are sealed with.
#[derive(Debug)]
pub enum SessionKeys {
    /// The content of `key_files`, 32 bytes each: the first seals, all open. Never empty.
    Given(Vec<Secret<[u8; 32]>>),
    /// Without `key_files` a random one, for the life of the process.
    Random,
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

/// `admin.listen`: see [`AdminListen::parse`] for its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListen {
    /// A loopback address.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// `telemetry.audit`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// `to`
    pub to: AuditTo,
    /// `identity`
    pub identity: AuditIdentity,
}

/// Where the audit log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditTo {
    /// `"stderr"`
    Stderr,
    /// `"stdout"`
    Stdout,
    /// `"file:/path"`: appended to.
    File(PathBuf),
}

/// How the audit log names people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditIdentity {
    /// By their identifiers: tenant and object id, or issuer and subject.
    Full,
    /// By a keyed hash of them: the same person has the same name in one key's time, and it leads nowhere else.
    #[default]
    Hashed,
}

impl AuthoritySettings {
    /// Whether its metadata document comes from this machine: so it may be a development provider, which only the
    /// document itself can tell.
    #[must_use]
    pub fn is_on_loopback(&self) -> bool {
        file::forms::is_loopback(&self.discovery)
    }
}

/// The JSON Schema (draft 7, which editors know best) of the configuration file: what [`load`] takes, as far as one value
/// can tell. How values fit together is told by [`load`] alone.
pub const SCHEMA: &str = include_str!("schema.json");

/// The largest configuration file, in bytes.
pub const MAX_FILE_LENGTH: u64 = 1024 * 1024;

/// Reads, checks and resolves a configuration. Relative paths in it are relative to its own directory.
///
/// # Errors
/// Every problem at once, warnings among them.
pub fn load(file: &Path) -> Result<Config, Report> {
    load_with_files(file).0
}

/// Like [`load`], with every file that was read, or was to be read, on the way: to look again when one of them changes,
/// above all if they are of no use now.
pub fn load_with_files(file: &Path) -> (Result<Config, Report>, FilesRead) {
    let (name, reading) = (file.display().to_string(), Reading::default());
    let text = text_of(file);
    reading.note(file, text.as_ref().ok().map(String::as_bytes));
    let directory = file.parent().unwrap_or(Path::new(""));
    let loaded = match text {
        Ok(text) => {
            let environment = &|name: &str| std::env::var(name).ok();
            Source { text: &text, file_name: &name, directory, environment, now: now(), reading: &reading }.config()
        }
        Err(why) => Err(Report::of_file(&name, &why)),
    };
    (loaded, reading.so_far())
}

fn text_of(file: &Path) -> Result<String, String> {
    let mut content = Vec::new();
    let file = std::fs::File::open(file).map_err(|error| error.to_string())?;
    file.take(MAX_FILE_LENGTH + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    String::from_utf8(content).map_err(|error| format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
}

/// Like [`load`], from text; `directory` is what relative paths in it are relative to.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, file_name: &str, directory: &Path) -> Result<Config, Report> {
    let environment = &|name: &str| std::env::var(name).ok();
    Source { text, file_name, directory, environment, now: now(), reading: &Reading::default() }.config()
}

#[expect(clippy::disallowed_methods, reason = "only what is said about dates depends on it; `parse_with` takes the day")]
fn now() -> DateTime<Utc> {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or_default();
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// Like [`parse`], with the environment variables and the present day (UTC; its last moment is meant) as arguments.
///
/// # Errors
/// As [`load`].
pub fn parse_with(
    text: &str,
    file_name: &str,
    directory: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
    today: NaiveDate,
) -> Result<Config, Report> {
    let now = today.and_time(NaiveTime::MIN).and_utc() + TimeDelta::seconds(24 * 3600 - 1);
    Source { text, file_name, directory, environment, now, reading: &Reading::default() }.config()
}

/// The rules of a configuration file alone, for whoever wants to know what is or would be decided: the secrets that it names
/// need not be there, and its tests need not hold.
///
/// # Errors
/// As [`load`], but for what is wrong outside of the file.
pub fn rules_of(file: &Path) -> Result<KnownRules, Report> {
    let file_name = &file.display().to_string();
    let text = &text_of(file).map_err(|why| Report::of_file(file_name, &why))?;
    let directory = file.parent().unwrap_or(Path::new(""));
    let environment = &|_: &str| None;
    Source { text, file_name, directory, environment, now: now(), reading: &Reading::default() }.rules()
}

fn not_toml(text: &str, file_name: &str, errors: &[toml::de::Error]) -> Report {
    let masked = Masked::new(text, mask::secrets_of_broken(text));
    let problem = |error: &toml::de::Error| {
        let at = error.span().map(Span::from).unwrap_or_default();
        Problem::new(Code::Syntax, at, "this is not TOML").label(error.message())
    };
    Report::new(file_name, &masked, errors.iter().map(problem).collect(), RedirectUris::default())
}

fn fingerprint(text: &str) -> Fingerprint {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut start = [0; 6];
    start.copy_from_slice(&digest.as_ref()[..6]);
    Fingerprint(start)
}

/// The files `run` looks for when none is named.
#[must_use]
pub fn default_files() -> [PathBuf; 2] {
    ["homerealm.toml".into(), "/etc/homerealm/homerealm.toml".into()]
}

#[cfg(test)]
mod tests;
