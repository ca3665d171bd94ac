//! `upstream`: a URL, a redirect, or one of these for each kind of account.

use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::forms;
use super::reader::Reader;
use super::setting::{Refusal, Setting};
use crate::config::problem::{Code, Problem};
use crate::domain::destination::{Forward, Upstream, UpstreamScheme, Upstreams};

/// Where a route forwards, as written.
#[derive(Debug)]
pub(crate) enum UpstreamSection {
    One(Forward),
    ByKind(Box<ByKind>),
}

/// One for each kind of account.
#[derive(Debug)]
pub(crate) struct ByKind {
    pub(crate) work: Setting<Forward>,
    pub(crate) personal: Setting<Forward>,
    pub(crate) customer: Setting<Forward>,
}

type Item<'r, 'i> = &'r Spanned<DeValue<'i>>;

const WANTED: &str = "a URL like \"http://127.0.0.1:3000\", or a table { work = …, personal = … } or { redirect = \"https://…\" }";

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Setting<UpstreamSection> {
    let place = format!("`upstream` of {}", reader.place());
    reader.value("upstream", WANTED, |reader, item| destination(reader, item, &place)).or_broken()
}

/// `None`: wrong type. `Some(None)`: reported.
fn destination(reader: &Reader<'_, '_>, item: Item<'_, '_>, place: &str) -> Option<Option<UpstreamSection>> {
    let by_kind = item.get_ref().as_table().filter(|table| !table.contains_key("redirect"));
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

fn one(reader: &mut Reader<'_, '_>, kind: &'static str) -> Setting<Forward> {
    let place = format!("`{kind}` of {}", reader.place());
    reader.value(kind, "a URL or { redirect = \"https://…\" }", |reader, item| forward(reader, item, kind, &place)).or_broken()
}

fn forward(reader: &Reader<'_, '_>, item: Item<'_, '_>, key: &str, place: &str) -> Option<Option<Forward>> {
    if let Some(table) = item.get_ref().as_table() {
        return Some(Reader::read(table, item.span().into(), place, reader.findings(), |reader| {
            let redirect = reader.parsed("redirect", redirect);
            reader.require("redirect", &redirect, "where to: { redirect = \"https://…\" }");
            redirect.value().cloned().map(Forward::Redirect)
        }));
    }
    let refused = |refusal: Refusal| reader.findings().report(refusal.at(item.span().into(), key, reader.place()));
    if item.get_ref().is_array() {
        refused(Refusal::new(Code::NotAvailable, "only one upstream is, not a list"));
        return Some(None);
    }
    let text = item.get_ref().as_str()?;
    Some(upstream(text).map_err(refused).ok().map(|upstream| Forward::Upstream(Arc::new(Upstreams::one(upstream)))))
}

fn upstream(text: &str) -> Result<Upstream, Refusal> {
    if ["h2c:", "unix:"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err(Refusal::new(Code::NotAvailable, "only http and https upstreams are"));
    }
    let expected = "expected an http or https URL, like \"http://127.0.0.1:3000\"";
    let url = forms::web_url(text, expected)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Refusal::malformed("an upstream has no query and no fragment: those of the request are passed on"));
    }
    let scheme = if url.scheme() == "https" { UpstreamScheme::Https } else { UpstreamScheme::Http };
    let host = url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned());
    let (Some(host), Some(port)) = (host, url.port_or_known_default().filter(|port| *port != 0)) else {
        return Err(Refusal::malformed(expected));
    };
    Ok(Upstream { base_path: url.path().trim_end_matches('/').to_owned(), ..Upstream::at(scheme, &host, port) })
}

fn redirect(text: &str) -> Result<Url, Refusal> {
    forms::web_url(text, "expected a whole URL, like \"https://mail.example.com/\"")
}
