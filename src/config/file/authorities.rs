//! `[authorities.*]`.

use url::Url;

use super::client::{self, ClientSection};
use super::forms;
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use crate::config::problem::{Code, Problem, Shown, Span};
use crate::domain::account::AccountKind;
use crate::domain::address::Domain;
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::protocol::authorize::ResponseMode;

/// One authority.
#[derive(Debug)]
pub(crate) struct AuthoritySection {
    pub(crate) name: AuthorityName,
    /// Its table header.
    pub(crate) at: Span,
    pub(crate) issuer: Setting<Issuer>,
    pub(crate) discovery: Setting<Url>,
    pub(crate) kind: Setting<AccountKind>,
    pub(crate) domains: Setting<Vec<Located<Domain>>>,
    pub(crate) client: Setting<ClientSection>,
    pub(crate) scopes: Setting<Vec<Located<String>>>,
    pub(crate) ca_file: Setting<String>,
    pub(crate) response_mode: Setting<ResponseMode>,
    pub(crate) extra_params: Setting<Vec<(Located<String>, String)>>,
}

/// An issuer as written, and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    pub(crate) text: String,
    pub(crate) expected: ExpectedIssuer,
}

/// The words for account kinds.
pub(crate) const KINDS: [(&str, AccountKind); 3] =
    [("work", AccountKind::Work), ("personal", AccountKind::Personal), ("customer", AccountKind::Customer)];

/// Why clear text is refused.
const EAVESDROPPER: &str = "whoever is on the way could sign in as anybody: use https";

const MOST_AUTHORITIES: usize = 32;

pub(crate) fn read_all(reader: &mut Reader<'_, '_>) -> Vec<AuthoritySection> {
    let mut authorities = Vec::new();
    let setting = reader.names("authorities", |reader, name, name_at, item| {
        let place = format!("[authorities.{}]", Shown(name).to_string().trim_matches('`'));
        let parsed = match AuthorityName::parse(name) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let title = format!("{} is not a name for an authority", Shown(name));
                reader.findings().report(Problem::new(Code::Malformed, name_at, title).label(error.to_string()));
                None
            }
        };
        let Some(table) = item.get_ref().as_table() else {
            let title = format!("wrong type for {place}");
            let label = "expected a table, like { issuer = \"https://…\", kind = \"work\" }";
            reader.findings().report(Problem::new(Code::WrongType, item.span().into(), title).label(label));
            return;
        };
        let at = item.span().into();
        // Read even under a name that cannot be used: its other mistakes are told at the same time.
        let section = Reader::read(table, at, place, reader.findings(), |reader| read(reader, at, parsed));
        authorities.extend(section);
    });
    if let Some(located) = setting.given().filter(|_| authorities.len() > MOST_AUTHORITIES) {
        let title = format!("more than {MOST_AUTHORITIES} authorities");
        reader.findings().report(Problem::new(Code::TooMany, located.key, title).label("every one is kept ready all the time"));
    }
    authorities
}

fn read(reader: &mut Reader<'_, '_>, at: Span, name: Option<AuthorityName>) -> Option<AuthoritySection> {
    let place = format!("{}.client", reader.place().trim_end_matches(']')) + "]";
    let issuer = reader.parsed("issuer", issuer);
    let discovery = reader.parsed("discovery", discovery);
    let kind = reader.choice("kind", &KINDS);
    let domains = reader.one_or_more("domains", forms::domain);
    let client = reader.table("client", &place, client::read);
    let scopes = reader.list("scopes", forms::token);
    let ca_file = reader.parsed("ca_file", forms::path);
    reader.unavailable("userinfo", |value| value.as_bool() == Some(false));
    let response_mode = reader.choice("response_mode", &[("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)]);
    let extra_params = reader.texts("extra_params");
    let name = name?;
    let is_built_in = name == AuthorityName::work() || name == AuthorityName::personal();
    if !is_built_in {
        reader.require("issuer", &issuer, "the issuer of this provider's tokens, like \"https://login.example.com/\"");
    }
    Some(AuthoritySection { name, at, issuer, discovery, kind, domains, client, scopes, ca_file, response_mode, extra_params })
}

fn issuer(text: &str) -> Result<Issuer, Refusal> {
    // `{tenantid}` is no part of a URL, and stands in the path only: what `ExpectedIssuer` sees to.
    let url =
        forms::web_url(text, "an issuer is an absolute https URL without query or fragment, like https://login.example.com/tenant/v2.0")?;
    let expected = ExpectedIssuer::parse(text).map_err(|error| Refusal::malformed(error.to_string()))?;
    forms::https_off_loopback(url, EAVESDROPPER)?;
    Ok(Issuer { text: text.to_owned(), expected })
}

fn discovery(text: &str) -> Result<Url, Refusal> {
    let url = forms::web_url(text, "expected the https URL of a metadata document (…/.well-known/openid-configuration)")?;
    let url = forms::https_off_loopback(url, EAVESDROPPER)?;
    if url.fragment().is_some() { Err(Refusal::malformed("the URL of a document has no fragment")) } else { Ok(url) }
}
