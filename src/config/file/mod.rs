//! What the user wrote: one section of the file per module, every value with its place, nothing filled in yet.

pub(crate) mod admin;
pub(crate) mod authorities;
pub(crate) mod branding;
pub(crate) mod client;
pub(crate) mod forms;
pub(crate) mod limits;
pub(crate) mod not_before;
pub(crate) mod policy_tests;
pub(crate) mod reader;
pub(crate) mod routes;
pub(crate) mod session;
pub(crate) mod setting;
pub(crate) mod sign_in;
pub(crate) mod telemetry;
pub(crate) mod tenants;
pub(crate) mod tls;
pub(crate) mod upstream;

use ipnet::IpNet;
use toml::de::DeTable;

use super::problem::{Code, Findings, Problem, Span};
use crate::domain::origin::Origin;
use crate::protocol::listen_address::ListenAddress;
use reader::Reader;
use setting::{Located, Setting};

/// What messages call the part of the file that is in no table.
pub(crate) const TOP: &str = "the file";

/// The keys of [`TOP`] that are no tables.
pub(crate) const TOP_LEVEL: [&str; 8] =
    ["compat", "listen", "prefix", "proxy_protocol", "public_url", "public_urls", "trusted_proxies", "version"];

/// The whole file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) listen: Setting<Vec<Located<ListenAddress>>>,
    pub(crate) public_url: Setting<Origin>,
    pub(crate) public_urls: Setting<Vec<Located<Origin>>>,
    pub(crate) prefix: Setting<String>,
    pub(crate) trusted_proxies: Setting<Vec<Located<IpNet>>>,
    pub(crate) proxy_protocol: Setting<bool>,
    pub(crate) tls: Setting<tls::TlsSection>,
    pub(crate) limits: limits::LimitsSection,
    pub(crate) client: Setting<client::ClientSection>,
    pub(crate) authorities: Vec<authorities::AuthoritySection>,
    pub(crate) tenants: Vec<tenants::TenantSection>,
    pub(crate) sign_in: sign_in::SignInSection,
    pub(crate) session: session::SessionSection,
    pub(crate) branding: branding::BrandingSection,
    pub(crate) defaults: routes::RouteKeys,
    pub(crate) routes: Setting<Vec<routes::RouteSection>>,
    pub(crate) tests: Setting<Vec<policy_tests::TestSection>>,
    pub(crate) dev_allow: Setting<bool>,
    pub(crate) telemetry: telemetry::TelemetrySection,
    pub(crate) admin: Setting<admin::AdminSection>,
}

impl File {
    /// Reads all sections; what is wrong with each goes to `findings`.
    pub(crate) fn read(table: &DeTable<'_>, findings: &Findings) -> Self {
        Reader::read(table, Span::default(), TOP, findings, |reader| {
            version(reader);
            reader.unavailable("compat", |value| value.as_array().is_some_and(|list| list.is_empty()));
            let file = Self {
                listen: reader.one_or_more("listen", forms::listen),
                public_url: reader.parsed("public_url", forms::public_url),
                public_urls: reader.list("public_urls", forms::public_url),
                prefix: reader.parsed("prefix", forms::prefix),
                trusted_proxies: reader.one_or_more("trusted_proxies", forms::network),
                proxy_protocol: reader.boolean("proxy_protocol"),
                tls: reader.table("tls", "[tls]", tls::read),
                limits: limits::read(reader),
                client: reader.table("client", "[client]", client::read),
                authorities: authorities::read_all(reader),
                tenants: tenants::read_all(reader),
                sign_in: sign_in::read(reader),
                session: session::read(reader),
                branding: branding::read(reader),
                defaults: routes::read_defaults(reader),
                routes: reader.tables("routes", routes::read),
                tests: reader.tables("tests", policy_tests::read),
                dev_allow: telemetry::read_dev(reader),
                telemetry: telemetry::read(reader),
                admin: admin::read(reader),
            };
            reader.require("public_url", &file.public_url, "say under which URL browsers reach the proxy: public_url = \"https://…\"");
            reader.require("routes", &file.routes, "without a [[routes]] table nothing is forwarded");
            file
        })
    }
}

fn version(reader: &mut Reader<'_, '_>) {
    let version = reader.integer("version");
    reader.require("version", &version, "the file starts with: version = 1");
    if let Some(version) = version.given().filter(|version| version.value != 1) {
        let problem = Problem::new(Code::Version, version.at, format!("version {} of the format is not known", version.value));
        reader.findings().report(problem.label("expected 1"));
    }
}

/// A section that may be left out as a whole.
fn section<T: Default>(setting: Setting<T>) -> T {
    match setting {
        Setting::Given(located) => located.value,
        Setting::Absent | Setting::Broken => T::default(),
    }
}
