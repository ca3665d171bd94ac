//! From what the user wrote to what we run on: defaults, files and variables read, names looked up, and everything
//! held against everything else.

pub(crate) mod access;
pub(crate) mod admin;
pub(crate) mod authorities;
pub(crate) mod branding;
pub(crate) mod client;
pub(crate) mod development;
pub(crate) mod domains;
pub(crate) mod effects;
pub(crate) mod files;
pub(crate) mod forwarding;
pub(crate) mod headers;
pub(crate) mod identity;
pub(crate) mod idle;
pub(crate) mod limits;
pub(crate) mod not_before;
pub(crate) mod placeholders;
pub(crate) mod policy_tests;
pub(crate) mod reach;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod telemetry;
pub(crate) mod tenants;
pub(crate) mod tls;
pub(crate) mod unknown;
pub(crate) mod upstreams;
pub(crate) mod written;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use super::file::File;
use super::files_read::{FilesRead, Reading};
use super::problem::{Findings, Span};
use super::report::Report;
use super::{Config, SessionSettings, SignInSettings};
use crate::domain::route::{Position, RouteTable};
use crate::domain::rules::Rules;
use crate::domain::written::Fingerprint;

/// What the configuration is read in, beside its text.
pub(crate) struct Surroundings<'a> {
    /// Relative paths are relative to this.
    pub(crate) directory: &'a Path,
    /// Environment variables.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The present moment.
    pub(crate) now: chrono::DateTime<chrono::Utc>,
    /// Line and column of a place in the file.
    pub(crate) position: &'a dyn Fn(Span) -> Position,
    /// Where problems go.
    pub(crate) findings: &'a Findings,
    /// Where files go that were read.
    pub(crate) reading: &'a Reading,
}

/// What could be resolved; each is `None` if something in it is wrong.
pub(crate) struct Resolved {
    /// What decides. It is in the file alone: there may be rules where secrets are missing.
    pub(crate) rules: Option<Arc<Rules>>,
    pub(crate) config: Option<Config>,
}

/// Resolves everything, so that everything that is wrong is found.
pub(crate) fn resolve(file: &File, file_name: &str, around: &Surroundings<'_>) -> Resolved {
    let listen = server::listen(file, around.findings);
    let admin = admin::resolve(file, listen.as_deref(), around.findings);
    let origins = server::origins(file, around.findings);
    let prefix = server::prefix(file);
    let trusted_proxies = server::trusted_proxies(file, around.findings);
    let proxy_protocol = server::proxy_protocol(file, trusted_proxies.as_deref(), around.findings);
    let tls = tls::resolve(file, around);
    let limits = limits::resolve(file, around.findings);
    let tenants = tenants::resolve(&file.tenants, around.findings);
    let authorities = authorities::resolve(file, around);
    domains::check(file, &authorities, around.findings);
    let by_key = file.tenants.iter().map(|tenant| (tenant.key.as_str(), tenant)).collect();
    let scope =
        routes::Scope { file, tenants: &by_key, authorities: &authorities, origins: origins.as_ref(), prefix: prefix.as_deref(), around };
    let mut routes = routes::resolve(&scope);
    routes::register(&scope, &routes);
    let tests = policy_tests::resolve(&scope, &routes);
    idle::check_sign_in(file, around.findings);
    placeholders::warn(file, around.findings);
    idle::warn_of_client(file, &authorities, &routes, around.findings);
    let not_before = not_before::resolve(&scope);
    let known = authorities::known(&authorities, &routes);
    let authorities = authorities::used(authorities, &routes, around);
    let upstream_files = routes.iter_mut().flat_map(|route| std::mem::take(&mut route.upstream_files)).collect();
    let session = session::resolve(&file.session, around);
    let branding = branding::resolve(&file.branding, around);
    let audit = telemetry::audit(&file.telemetry.audit, around);
    let rules = || {
        Some(Rules {
            file_name: file_name.to_owned(),
            origins: origins?,
            prefix: prefix?,
            tenants: tenants?,
            directory: domains::directory(file, known?),
            page: file.sign_in.page.value().copied().unwrap_or_default(),
            routes: RouteTable::new(routes.into_iter().map(|resolved| resolved.route).collect::<Option<_>>()?),
        })
    };
    let rules = rules().map(Arc::new);
    let config = || {
        let authorities = authorities?;
        development::warn(file, &authorities, around.findings);
        let rules = rules.clone()?;
        idle::warn(file, &rules, around.findings);
        let config = Config {
            rules,
            listen: listen?,
            trusted_proxies: trusted_proxies?,
            proxy_protocol: proxy_protocol?,
            tls: tls?,
            limits,
            authorities,
            upstream_files,
            sign_in: sign_in(file),
            session: SessionSettings { not_before: not_before?, ..session? },
            branding: branding?,
            dev_allowed: file.dev_allow.value().copied().unwrap_or(false),
            access_log: file.telemetry.access_log.value().copied().unwrap_or_default(),
            tests: Vec::new(),
            admin: admin?.into(),
            audit: audit?,
            text: String::new(),
            fingerprint: Fingerprint::default(),
            files: FilesRead::default(),
            warnings: Report::default(),
        };
        let tests = policy_tests::hold(tests?, &config.rules, around.findings);
        Some(Config { tests, ..config })
    };
    let config = config();
    Resolved { rules, config }
}

/// The default of `rate_limit`.
const POSTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

fn sign_in(file: &File) -> SignInSettings {
    SignInSettings {
        remembers_accounts: file.sign_in.remember_accounts.value().copied().unwrap_or(false),
        posts_per_minute: file.sign_in.rate_limit.value().copied().unwrap_or(POSTS_PER_MINUTE),
    }
}
