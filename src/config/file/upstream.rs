//! `upstream`: where a route forwards. A URL, a list of them, a table of either with options, a redirect, or one of these
//! for each kind of account.

use std::num::NonZeroU32;
use std::time::Duration;

use rustls_pki_types::ServerName;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::forms;
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use crate::config::problem::{Code, Problem, Shown, nearest};
use crate::domain::destination::{HostField, Upstream, UpstreamAddress, UpstreamScheme};
use crate::domain::target::Target;

/// Where a route forwards, as written.
#[derive(Debug)]
pub(crate) enum UpstreamSection {
    One(ForwardSection),
    ByKind(Box<ByKind>),
}

/// One for each kind of account.
#[derive(Debug)]
pub(crate) struct ByKind {
    pub(crate) work: Setting<ForwardSection>,
    pub(crate) personal: Setting<ForwardSection>,
    pub(crate) customer: Setting<ForwardSection>,
}

/// One place to forward to.
#[derive(Debug)]
pub(crate) enum ForwardSection {
    Redirect(Url),
    Upstreams(Box<UpstreamsSection>),
}

/// One upstream or several, and what is said about them.
#[derive(Debug)]
pub(crate) struct UpstreamsSection {
    /// Never empty.
    pub(crate) members: Vec<Located<Upstream>>,
    pub(crate) options: Options,
}

/// What stands beside `url`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) ca_file: Setting<String>,
    pub(crate) certificate_file: Setting<String>,
    pub(crate) key_file: Setting<String>,
    pub(crate) server_name: Setting<String>,
    pub(crate) host: Setting<HostField>,
    pub(crate) health: Setting<HealthSection>,
    pub(crate) max_connections: Setting<NonZeroU32>,
}

/// `health`
#[derive(Debug)]
pub(crate) struct HealthSection {
    pub(crate) path: Setting<String>,
    pub(crate) every: Setting<Duration>,
}

type Item<'r, 'i> = &'r Spanned<DeValue<'i>>;

const WANTED: &str = "a URL like \"http://127.0.0.1:3000\", a list of them, or a table { url = … }, { work = …, personal = … } or \
     { redirect = \"https://…\" }";
const WANTED_OF_KIND: &str = "a URL, a list of them, or a table { url = … } or { redirect = \"https://…\" }";
const WANTED_MEMBERS: &str = "a URL like \"http://127.0.0.1:3000\", or a list of them";

/// One request looks at each of them.
const MOST_MEMBERS: usize = 100;
/// Probing more often would be a load of its own.
const OFTENEST: Duration = Duration::from_millis(100);

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Setting<UpstreamSection> {
    let place = format!("`upstream` of {}", reader.place());
    reader.value("upstream", WANTED, |reader, item| destination(reader, item, &place)).or_broken()
}

/// `None`: wrong type. `Some(None)`: reported.
fn destination(reader: &Reader<'_, '_>, item: Item<'_, '_>, place: &str) -> Option<Option<UpstreamSection>> {
    let by_kind = item.get_ref().as_table().filter(|table| form(table) == Form::ByKind);
    let Some(table) = by_kind else {
        return Some(forward(reader, item, "upstream", place)?.map(UpstreamSection::One));
    };
    Some(Reader::read(table, item.span().into(), place, reader.findings(), |reader| {
        let (work, personal, customer) = (one(reader, "work"), one(reader, "personal"), one(reader, "customer"));
        if work.is_absent() && personal.is_absent() && customer.is_absent() {
            let problem = Problem::new(Code::Empty, reader.header(), format!("{place} is empty"));
            reader.findings().report(problem.label(format!("expected {WANTED}")));
            return None;
        }
        Some(UpstreamSection::ByKind(Box::new(ByKind { work, personal, customer })))
    }))
}

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    ByKind,
    Options,
    Redirect,
}

/// The form that has most to do with the keys of a table, misspelt ones among them.
fn form(table: &DeTable<'_>) -> Form {
    const KEYS: [(&str, Form); 12] = [
        ("work", Form::ByKind),
        ("personal", Form::ByKind),
        ("customer", Form::ByKind),
        ("redirect", Form::Redirect),
        ("url", Form::Options),
        ("ca_file", Form::Options),
        ("certificate_file", Form::Options),
        ("key_file", Form::Options),
        ("server_name", Form::Options),
        ("host", Form::Options),
        ("health", Form::Options),
        ("max_connections", Form::Options),
    ];
    let is_written = |key: &str| table.contains_key(key);
    let is_meant = |key: &str| table.keys().any(|written| nearest(written.get_ref(), KEYS.map(|(key, _)| key)) == Some(key));
    let exact = KEYS.iter().find(|(key, _)| is_written(key));
    exact.or_else(|| KEYS.iter().find(|(key, _)| is_meant(key))).map_or(Form::ByKind, |(_, form)| *form)
}

fn one(reader: &mut Reader<'_, '_>, kind: &'static str) -> Setting<ForwardSection> {
    let place = format!("`{kind}` of {}", reader.place());
    reader.value(kind, WANTED_OF_KIND, |reader, item| forward(reader, item, kind, &place)).or_broken()
}

fn forward(reader: &Reader<'_, '_>, item: Item<'_, '_>, key: &str, place: &str) -> Option<Option<ForwardSection>> {
    let Some(table) = item.get_ref().as_table() else {
        let members = members(reader, item, key)?;
        let section = |members| ForwardSection::Upstreams(Box::new(UpstreamsSection { members, options: Options::default() }));
        return Some(members.map(section));
    };
    Some(Reader::read(table, item.span().into(), place, reader.findings(), |reader| match form(table) {
        Form::Redirect => {
            let redirect = reader.parsed("redirect", redirect);
            reader.require("redirect", &redirect, "where to: { redirect = \"https://…\" }");
            redirect.value().cloned().map(ForwardSection::Redirect)
        }
        Form::ByKind | Form::Options => {
            let members = reader.value("url", WANTED_MEMBERS, |reader, item| members(reader, item, "url")).or_broken();
            reader.require("url", &members, "where the app listens: { url = \"http://127.0.0.1:3000\" }");
            let options = options(reader);
            let Setting::Given(Located { value: members, .. }) = members else { return None };
            Some(ForwardSection::Upstreams(Box::new(UpstreamsSection { members, options })))
        }
    }))
}

fn options(reader: &mut Reader<'_, '_>) -> Options {
    let place = format!("`health` in {}", reader.place());
    Options {
        ca_file: reader.parsed("ca_file", forms::path),
        certificate_file: reader.parsed("certificate_file", forms::path),
        key_file: reader.parsed("key_file", forms::path),
        server_name: reader.parsed("server_name", server_name),
        host: reader.choice("host", &[("public", HostField::Public), ("own", HostField::Own)]),
        health: reader.table("health", &place, |reader| {
            let section = HealthSection { path: reader.parsed("path", health_path), every: reader.parsed("every", often) };
            reader.require("path", &section.path, "what to ask for: { path = \"/healthz\" }");
            section
        }),
        max_connections: max_connections(reader),
    }
}

fn max_connections(reader: &mut Reader<'_, '_>) -> Setting<NonZeroU32> {
    let written = reader.integer("max_connections");
    let Setting::Given(Located { value, at, key }) = written else {
        return if written.is_absent() { Setting::Absent } else { Setting::Broken };
    };
    match u32::try_from(value).ok().and_then(NonZeroU32::new) {
        Some(value) => Setting::Given(Located { value, at, key }),
        None => {
            let refusal = Refusal::malformed("expected a number of connections, 1 or more; leave it out to set no bound");
            reader.findings().report(refusal.at(at, "max_connections", reader.place()));
            Setting::Broken
        }
    }
}

/// One upstream or a list of them. `None`: wrong type. `Some(None)`: reported.
fn members(reader: &Reader<'_, '_>, item: Item<'_, '_>, key: &str) -> Option<Option<Vec<Located<Upstream>>>> {
    let at = item.span().into();
    let report = |refusal: Refusal| reader.findings().report(refusal.at(at, key, reader.place()));
    let Some(items) = item.get_ref().as_array() else {
        let text = item.get_ref().as_str()?;
        return Some(member(reader, item, text, key).map(|member| vec![member]));
    };
    if items.is_empty() {
        report(Refusal::new(Code::Empty, "expected at least one URL, like \"http://127.0.0.1:3000\""));
        return Some(None);
    }
    if items.len() > MOST_MEMBERS {
        report(Refusal::new(Code::TooMany, format!("at most {MOST_MEMBERS} upstreams can share one route's load")));
        return Some(None);
    }
    let read = |item: Item<'_, '_>| {
        let Some(text) = item.get_ref().as_str() else {
            let title = format!("wrong type for `{key}` in {}", reader.place());
            let label = "expected a URL in the list; options stand around it: { url = [\"…\", \"…\"], … }";
            reader.findings().report(Problem::new(Code::WrongType, item.span().into(), title).label(label));
            return None;
        };
        member(reader, item, text, key)
    };
    // All of them first, so that everything wrong is told.
    let members: Vec<_> = items.iter().map(read).collect();
    Some(members.into_iter().collect())
}

fn member(reader: &Reader<'_, '_>, item: Item<'_, '_>, text: &str, key: &str) -> Option<Located<Upstream>> {
    let at = item.span().into();
    match upstream(text) {
        Ok(value) => Some(Located { value, at, key: at }),
        Err(refusal) => {
            if refusal.code == Code::SecretInFile {
                reader.findings().hide(at);
            }
            reader.findings().report(refusal.at(at, key, reader.place()));
            None
        }
    }
}

fn upstream(text: &str) -> Result<Upstream, Refusal> {
    forms::no_secret(text)?;
    if let Some(path) = text.strip_prefix("unix:") {
        let address = UpstreamAddress::Unix(forms::socket(path, "unix:/run/app.sock")?);
        return Ok(Upstream { address, ..Upstream::at(UpstreamScheme::Http, "", 0) });
    }
    let (scheme, web) = match text.strip_prefix("h2c://") {
        // The same but for what is spoken, and a form that URL parsers know.
        Some(rest) => (UpstreamScheme::H2c, format!("http://{rest}")),
        None if text.starts_with("https:") => (UpstreamScheme::Https, text.to_owned()),
        None => (UpstreamScheme::Http, text.to_owned()),
    };
    let url = forms::web_url(&web, "").map_err(|_| Refusal::malformed(expected(text)))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Refusal::malformed("an upstream has no query and no fragment: those of the request are passed on"));
    }
    let host = url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned());
    let (Some(host), Some(port)) = (host, url.port_or_known_default().filter(|port| *port != 0)) else {
        return Err(Refusal::malformed(expected(text)));
    };
    // What is put in front of a normal path must leave it normal.
    let base = Target::parse("localhost", url.path()).map_err(|error| Refusal::malformed(format!("the URL cannot be used: {error}")))?;
    Ok(Upstream { base_path: base.path().trim_end_matches('/').to_owned(), ..Upstream::at(scheme, &host, port) })
}

/// What is wanted, as near to what was written as can be told.
fn expected(text: &str) -> String {
    let known = [("grpc://", "h2c://"), ("grpcs://", "https://"), ("ws://", "http://"), ("wss://", "https://"), ("tcp://", "http://")];
    let meant = known.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", text.strip_prefix(theirs)?)));
    let meant = meant.or_else(|| {
        let is_bare = !text.contains("://") && text.contains([':', '.']);
        is_bare.then(|| if text.starts_with('/') { format!("unix:{text}") } else { format!("http://{text}") })
    });
    match meant.filter(|meant| upstream(meant).is_ok()) {
        Some(meant) => format!("did you mean {}?", Shown(&meant)),
        None => "expected an http, https or h2c URL, like \"http://127.0.0.1:3000\", or \"unix:/run/app.sock\"".to_owned(),
    }
}

fn server_name(text: &str) -> Result<String, Refusal> {
    let expected = "expected the name that the upstream's certificate has, without scheme and port, like \"app.internal\"";
    ServerName::try_from(text).map(|_| text.to_ascii_lowercase()).map_err(|_| Refusal::malformed(expected))
}

fn health_path(text: &str) -> Result<String, Refusal> {
    let target =
        Target::parse("localhost", text).map_err(|error| Refusal::malformed(format!("expected a path like \"/healthz\": {error}")))?;
    Ok(target.path_and_query().to_owned())
}

fn often(text: &str) -> Result<Duration, Refusal> {
    let every = forms::duration(text)?;
    if every < OFTENEST { Err(Refusal::malformed("expected \"100ms\" or more")) } else { Ok(every) }
}

fn redirect(text: &str) -> Result<Url, Refusal> {
    forms::web_url(text, "expected a whole URL, like \"https://mail.example.com/\"")
}
