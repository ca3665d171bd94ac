//! `[[tests]]`: who comes with which request, and what must become of them. Names are looked up later.

use std::sync::Arc;

use http::Method;

use super::authorities::KINDS;
use super::forms;
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use crate::config::problem::{Code, Problem, Span, did_you_mean};
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::address::{Identifier, Shape};
use crate::domain::guid::Guid;
use crate::domain::made_up::Bearer;
use crate::domain::origin::Origin;
use crate::domain::principal::Groups;
use crate::domain::reason::Reason;
use crate::domain::target::Target;

/// One test.
#[derive(Debug)]
pub(crate) struct TestSection {
    /// Its `[[tests]]` line.
    pub(crate) at: Span,
    pub(crate) someone: Setting<SomeoneSection>,
    pub(crate) request: Setting<Request>,
    pub(crate) expect: Setting<ExpectSection>,
}

/// `as`
#[derive(Debug)]
pub(crate) enum SomeoneSection {
    Nobody,
    Person(Box<PersonSection>),
}

/// `as`, if it is a table.
#[derive(Debug)]
pub(crate) struct PersonSection {
    pub(crate) kind: Setting<AccountKind>,
    pub(crate) email: Setting<String>,
    pub(crate) tenant: Setting<String>,
    pub(crate) membership: Setting<Membership>,
    pub(crate) home: Setting<Home>,
    pub(crate) groups: Setting<Groups>,
    pub(crate) roles: Setting<Vec<Located<String>>>,
    pub(crate) authority: Setting<String>,
    pub(crate) bearer: Setting<Bearer>,
}

/// `get` or `request`
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// `None`: the first of ours.
    pub(crate) origin: Option<Origin>,
    /// One that makes a [`Target`] with every host.
    pub(crate) path_and_query: String,
}

/// `expect`
#[derive(Debug)]
pub(crate) struct ExpectSection {
    pub(crate) status: Setting<u16>,
    pub(crate) reason: Setting<Reason>,
    pub(crate) route: Setting<String>,
}

impl TestSection {
    /// The tenant of who comes, as it is written.
    pub(crate) fn tenant(&self) -> Option<&str> {
        match self.someone.value()? {
            SomeoneSection::Nobody => None,
            SomeoneSection::Person(person) => person.tenant.value().map(String::as_str),
        }
    }
}

const MEMBERSHIPS: [(&str, Membership); 3] =
    [("member", Membership::Member), ("guest", Membership::Guest), ("unknown", Membership::Unknown)];

const HOMES: [(&str, Home); 6] = [
    ("this_tenant", Home::ThisTenant),
    ("other_tenant", Home::OtherTenant),
    ("personal", Home::Personal),
    ("social", Home::Social),
    ("email_code", Home::EmailCode),
    ("unknown", Home::Unknown),
];

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> TestSection {
    let section = TestSection { at: reader.header(), someone: someone(reader), request: request(reader), expect: expect(reader) };
    reader.require("as", &section.someone, "who comes: as = { kind = \"work\" }, or as = \"nobody\"");
    reader.require("expect", &section.expect, "what must become of them, like expect = { status = 403 }");
    section
}

fn someone(reader: &mut Reader<'_, '_>) -> Setting<SomeoneSection> {
    const WANTED: &str = "a table like { kind = … }, or \"nobody\"";
    let place = format!("`as` of {}", reader.place());
    reader
        .value("as", WANTED, |reader, item| {
            let at = item.span().into();
            if let Some(table) = item.get_ref().as_table() {
                let person = Reader::read(table, at, place, reader.findings(), person);
                return Some(Some(SomeoneSection::Person(Box::new(person))));
            }
            let word = item.get_ref().as_str()?;
            if word == "nobody" {
                return Some(Some(SomeoneSection::Nobody));
            }
            let why = did_you_mean(word, ["nobody"], &format!("expected {WANTED}"));
            reader.findings().report(Refusal::new(Code::UnknownValue, why).at(at, "as", reader.place()));
            Some(None)
        })
        .or_broken()
}

fn person(reader: &mut Reader<'_, '_>) -> PersonSection {
    let person = PersonSection {
        kind: reader.choice("kind", &KINDS),
        email: reader.parsed("email", email),
        tenant: reader.parsed("tenant", forms::short_text),
        membership: reader.choice("membership", &MEMBERSHIPS),
        home: reader.choice("home", &HOMES),
        groups: groups(reader),
        roles: reader.list("roles", forms::short_text),
        authority: reader.parsed("authority", forms::short_text),
        bearer: bearer(reader),
    };
    reader.require("kind", &person.kind, "the kind of their account: \"work\", \"personal\" or \"customer\"");
    person
}

fn email(text: &str) -> Result<String, Refusal> {
    let identifier = Identifier::parse(text).ok().filter(|identifier| matches!(identifier.shape(), Shape::Email { .. }));
    let identifier = identifier.ok_or_else(|| Refusal::malformed("expected an address like \"ada@contoso.com\""))?;
    Ok(identifier.as_str().to_owned())
}

/// A list of object ids, or the word for a list that is too long for a token.
fn groups(reader: &mut Reader<'_, '_>) -> Setting<Groups> {
    let listed = match reader.one_or_more("groups", forms::short_text) {
        Setting::Absent => return Setting::Absent,
        Setting::Broken => return Setting::Broken,
        Setting::Given(listed) => listed,
    };
    let (at, key) = (listed.at, listed.key);
    let groups = match &listed.value[..] {
        [word] if word.at == at && word.value == "overage" => Groups::Overage,
        [word] if word.at == at => {
            let why = did_you_mean(&word.value, ["overage"], "expected a list of object ids, or \"overage\"");
            reader.findings().report(Refusal::new(Code::UnknownValue, why).at(at, "groups", reader.place()));
            return Setting::Broken;
        }
        ids => Groups::Listed(ids.iter().map(|id| group(&id.value)).collect()),
    };
    Setting::Given(Located { value: groups, at, key })
}

/// An object id in its one spelling; what other providers call groups is theirs.
fn group(text: &str) -> Arc<str> {
    Guid::parse(text).map_or_else(|_| text.into(), |id| id.to_string().into())
}

fn bearer(reader: &mut Reader<'_, '_>) -> Setting<Bearer> {
    let place = format!("`bearer` of {}", reader.place());
    let bearer = reader.table("bearer", &place, |reader| {
        let audiences = reader.one_or_more("audiences", forms::token);
        let scopes = reader.list("scopes", forms::token);
        reader.require("audiences", &audiences, "for whom the token is issued, like [\"api://orders\"]");
        let texts = |setting: &Setting<Vec<Located<String>>>| match setting {
            Setting::Absent => Some(Vec::new()),
            Setting::Broken => None,
            Setting::Given(texts) => Some(texts.value.iter().map(|text| text.value.clone()).collect()),
        };
        Some(Bearer { audiences: texts(&audiences)?, scopes: texts(&scopes)? })
    });
    bearer.or_broken()
}

/// One of `get` and `request`.
fn request(reader: &mut Reader<'_, '_>) -> Setting<Request> {
    let get = reader.parsed("get", |text| asked(Method::GET, text));
    let request = reader.parsed("request", |text| {
        let expected = || Refusal::malformed("expected a method and a path or URL, like \"POST /orders\"");
        let (method, target) = text.split_once(' ').ok_or_else(expected)?;
        asked(forms::method(method)?, target)
    });
    match (get, request) {
        (Setting::Given(get), Setting::Given(request)) => {
            let problem = Problem::new(Code::Conflict, request.key, format!("two requests in {}", reader.place()));
            reader.findings().report(problem.label("remove one of the two").context(get.key, "the first"));
            Setting::Broken
        }
        (Setting::Absent, request) => {
            reader.require("get", &request, "which request: get = \"/path\", or request = \"POST /path\"");
            request
        }
        (get, Setting::Absent) => get,
        (Setting::Broken, _) | (_, Setting::Broken) => Setting::Broken,
    }
}

/// A path, or a URL: taken apart as it is written, for what would normalise it could hide what it would be refused for.
fn asked(method: Method, text: &str) -> Result<Request, Refusal> {
    let expected = || Refusal::malformed("expected a path like \"/orders\", or a URL like \"https://orders.example.com/orders\"");
    let (origin, path_and_query) = match text.split_once("://").filter(|_| !text.starts_with('/')) {
        None if text.starts_with('/') => (None, text.to_owned()),
        None => return Err(expected()),
        Some((scheme, rest)) => {
            forms::no_secret(text)?;
            let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            let origin = Origin::parse(&format!("{scheme}://{authority}")).map_err(|_| expected())?;
            let slash = if path.starts_with('/') { "" } else { "/" };
            (Some(origin), format!("{slash}{path}"))
        }
    };
    match Target::parse("localhost", &path_and_query) {
        Ok(_) => Ok(Request { method, origin, path_and_query }),
        Err(error) => Err(Refusal::malformed(format!("{error}: it is answered with 400 whatever the routes say"))),
    }
}

fn expect(reader: &mut Reader<'_, '_>) -> Setting<ExpectSection> {
    let place = format!("`expect` of {}", reader.place());
    reader.table("expect", &place, |reader| {
        let expect = ExpectSection {
            status: status(reader),
            reason: reader.parsed("reason", reason),
            route: reader.parsed("route", forms::short_text),
        };
        if expect.status.is_absent() && expect.reason.is_absent() && expect.route.is_absent() {
            let problem = Problem::new(Code::Empty, reader.header(), format!("{} expects nothing", reader.place()));
            reader.findings().report(problem.label("expected at least one of `status`, `reason` and `route`"));
        }
        expect
    })
}

fn status(reader: &mut Reader<'_, '_>) -> Setting<u16> {
    match reader.integer("status") {
        Setting::Absent => Setting::Absent,
        Setting::Broken => Setting::Broken,
        Setting::Given(Located { value, at, key }) => match u16::try_from(value).ok().filter(|status| (100..=599).contains(status)) {
            Some(value) => Setting::Given(Located { value, at, key }),
            None => {
                reader.findings().report(Refusal::malformed("expected a status from 100 to 599").at(at, "status", reader.place()));
                Setting::Broken
            }
        },
    }
}

fn reason(text: &str) -> Result<Reason, Refusal> {
    const EXPECTED: &str = "expected a reason's code, like \"signed_in\", \"sign_in_required\" or \"tenant_not_allowed\"";
    let codes = Reason::ALL.iter().map(|reason| reason.code());
    Reason::parse(text).ok_or_else(|| Refusal::new(Code::UnknownValue, did_you_mean(text, codes, EXPECTED)))
}
