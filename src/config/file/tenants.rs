//! `[tenants]`: names for tenants. The id is what is enforced.

use super::forms;
use super::reader::{MOST_ENTRIES, Reader};
use super::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Shown, Span};
use crate::domain::account::TenantId;
use crate::domain::address::Domain;

/// One tenant.
#[derive(Debug)]
pub(crate) struct TenantSection {
    pub(crate) key: String,
    /// Its key.
    pub(crate) at: Span,
    pub(crate) id: Setting<TenantId>,
    pub(crate) name: Setting<String>,
    pub(crate) domains: Setting<Vec<Located<Domain>>>,
}

pub(crate) fn read_all(reader: &mut Reader<'_, '_>) -> Vec<TenantSection> {
    let mut tenants = Vec::new();
    let setting = reader.names("tenants", |reader, key, key_at, item| {
        let place = format!("[tenants] {}", Shown(key));
        let Some(table) = item.get_ref().as_table() else {
            let title = format!("wrong type for {} in [tenants]", Shown(key));
            let label = "expected a table, like { id = \"…\", name = \"Contoso\", domains = [\"contoso.com\"] }";
            reader.findings().report(Problem::new(Code::WrongType, item.span().into(), title).label(label));
            return;
        };
        if TenantId::parse(key).is_ok() || forms::short_text(key).is_err() {
            let title = format!("{} is not a name for a tenant", Shown(key));
            let label = "expected a short name of your own; the id belongs inside: name = { id = \"…\" }";
            reader.findings().report(Problem::new(Code::Malformed, key_at, title).label(label));
        }
        tenants.push(Reader::read(table, item.span().into(), place, reader.findings(), |reader| {
            let id = reader.parsed("id", forms::tenant_id);
            reader.require("id", &id, "the tenant's id, a GUID");
            let name = reader.parsed("name", forms::short_text);
            TenantSection { key: key.to_owned(), at: key_at, id, name, domains: reader.one_or_more("domains", forms::domain) }
        }));
    });
    if let Some(located) = setting.given().filter(|_| tenants.len() > MOST_ENTRIES) {
        let title = format!("more than {MOST_ENTRIES} tenants");
        reader.findings().report(Problem::new(Code::TooMany, located.key, title).label("routes without `tenants` admit every one"));
        tenants.clear();
    }
    tenants
}
