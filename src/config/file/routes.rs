//! `[[routes]]`, and `[defaults]`, which has the same keys but `name`, `match` and `upstream`.

use std::time::Duration;

use http::{HeaderName, Method};
use toml::de::DeValue;

use super::authorities::KINDS;
use super::reader::{Reader, listed};
use super::setting::{Located, Refusal, Setting};
use super::upstream::{self, UpstreamSection};
use super::{forms, section};
use crate::config::problem::{Code, Span};
use crate::domain::account::AccountKind;
use crate::domain::identity_headers::Preset;
use crate::domain::pattern::PathPattern;
use crate::domain::route::{Guests, Unauthenticated};

/// One route.
#[derive(Debug)]
pub(crate) struct RouteSection {
    /// Its `[[routes]]` line.
    pub(crate) at: Span,
    pub(crate) name: Setting<String>,
    pub(crate) matched: Setting<MatchSection>,
    pub(crate) upstream: Setting<UpstreamSection>,
    pub(crate) keys: RouteKeys,
}

/// `match`
#[derive(Debug, Default)]
pub(crate) struct MatchSection {
    pub(crate) host: Setting<String>,
    pub(crate) path: Setting<PathPattern>,
    pub(crate) methods: Setting<Vec<Located<Method>>>,
}

/// The keys that `[defaults]` has as well.
#[derive(Debug, Default)]
pub(crate) struct RouteKeys {
    pub(crate) auth: Setting<Auth>,
    pub(crate) accounts: Setting<Accounts>,
    pub(crate) tenants: Setting<Vec<Located<String>>>,
    pub(crate) guests: Setting<Guests>,
    pub(crate) groups: Setting<Vec<Located<String>>>,
    pub(crate) roles: Setting<Vec<Located<String>>>,
    pub(crate) authorities: Setting<Vec<Located<String>>>,
    pub(crate) unauthenticated: Setting<Unauthenticated>,
    pub(crate) bearer: Setting<BearerSection>,
    pub(crate) headers: Setting<HeadersSection>,
    pub(crate) strip_prefix: Setting<bool>,
    pub(crate) timeouts: Setting<TimeoutsSection>,
    pub(crate) websocket: Setting<bool>,
    pub(crate) max_body: Setting<Option<u64>>,
    pub(crate) enforce: Setting<bool>,
}

/// `auth`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    None,
    Optional,
    Required,
}

/// `accounts`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accounts {
    Any,
    These(Vec<AccountKind>),
}

/// `bearer`
#[derive(Debug)]
pub(crate) struct BearerSection {
    pub(crate) audiences: Setting<Vec<Located<String>>>,
    pub(crate) scopes: Setting<Vec<Located<String>>>,
    pub(crate) roles: Setting<Vec<Located<String>>>,
}

/// `headers`
#[derive(Debug)]
pub(crate) struct HeadersSection {
    pub(crate) preset: Setting<Preset>,
    pub(crate) set: Setting<Vec<(Located<String>, String)>>,
    pub(crate) remove: Setting<Vec<Located<HeaderName>>>,
}

/// `timeouts`
#[derive(Debug)]
pub(crate) struct TimeoutsSection {
    pub(crate) connect: Setting<Duration>,
    pub(crate) response: Setting<Duration>,
    pub(crate) idle: Setting<Duration>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> RouteSection {
    let place = format!("`match` of {}", reader.place());
    let route = RouteSection {
        at: reader.header(),
        name: reader.parsed("name", route_name),
        matched: reader.table("match", &place, |reader| MatchSection {
            host: reader.parsed("host", host),
            path: reader.parsed("path", pattern),
            methods: reader.one_or_more("methods", forms::method),
        }),
        upstream: upstream::read(reader),
        keys: keys(reader),
    };
    reader.require("upstream", &route.upstream, "where to forward: upstream = \"http://127.0.0.1:3000\"");
    route
}

pub(crate) fn read_defaults(reader: &mut Reader<'_, '_>) -> RouteKeys {
    section(reader.table("defaults", "[defaults]", keys))
}

fn keys(reader: &mut Reader<'_, '_>) -> RouteKeys {
    let is_empty_list = |value: &DeValue<'_>| value.as_array().is_some_and(|list| list.is_empty());
    reader.unavailable("assertion", |value| value.as_bool() == Some(false));
    reader.unavailable("cors_origins", is_empty_list);
    RouteKeys {
        auth: reader.choice("auth", &[("required", Auth::Required), ("optional", Auth::Optional), ("none", Auth::None)]),
        accounts: accounts(reader),
        tenants: reader.one_or_more("tenants", forms::short_text),
        guests: reader.choice("guests", &[("deny", Guests::Deny), ("work", Guests::Work), ("allow", Guests::Allow)]),
        groups: reader.list("groups", forms::short_text),
        roles: reader.list("roles", forms::short_text),
        authorities: reader.one_or_more("authorities", forms::short_text),
        unauthenticated: reader.choice(
            "unauthenticated",
            &[("auto", Unauthenticated::Auto), ("redirect", Unauthenticated::Redirect), ("401", Unauthenticated::Refuse)],
        ),
        bearer: bearer(reader),
        headers: headers(reader),
        strip_prefix: reader.boolean("strip_prefix"),
        timeouts: timeouts(reader),
        websocket: reader.boolean("websocket"),
        max_body: reader.parsed("max_body", forms::size),
        enforce: reader.boolean("enforce"),
    }
}

/// `"any"`, one kind, or a list of kinds.
fn accounts(reader: &mut Reader<'_, '_>) -> Setting<Accounts> {
    let words = || KINDS.iter().map(|(word, _)| *word).chain(["any"]);
    match reader.one_or_more("accounts", |text| Ok(text.to_owned())) {
        // Told as an unknown key: that it is missing as well is no news.
        Setting::Absent if reader.has_misspelt("accounts") => Setting::Broken,
        Setting::Absent => Setting::Absent,
        Setting::Broken => Setting::Broken,
        Setting::Given(Located { value, at, key }) => {
            if value.is_empty() {
                reader.findings().report(Refusal::new(Code::Empty, format!("expected {}", listed(words()))).at(
                    at,
                    "accounts",
                    reader.place(),
                ));
                return Setting::Broken;
            }
            if value.iter().any(|word| word.value == "any") && value.len() == 1 {
                return Setting::Given(Located { value: Accounts::Any, at, key });
            }
            let mut kinds = Vec::new();
            for word in &value {
                match KINDS.iter().find(|(known, _)| *known == word.value) {
                    Some((_, kind)) => kinds.push(*kind),
                    None if word.value == "any" => {
                        let refusal = Refusal::malformed("\"any\" stands alone: it is every kind already");
                        reader.findings().report(refusal.at(word.at, "accounts", reader.place()));
                    }
                    None => reader.unknown_word("accounts", &word.value, word.at, words()),
                }
            }
            let complete = kinds.len() == value.len();
            if complete { Setting::Given(Located { value: Accounts::These(kinds), at, key }) } else { Setting::Broken }
        }
    }
}

fn bearer(reader: &mut Reader<'_, '_>) -> Setting<BearerSection> {
    let place = format!("`bearer` of {}", reader.place());
    reader.table("bearer", &place, |reader| {
        let section = BearerSection {
            audiences: reader.one_or_more("audiences", forms::token),
            scopes: reader.list("scopes", forms::token),
            roles: reader.list("roles", forms::short_text),
        };
        reader.require("audiences", &section.audiences, "for whom the tokens are issued, like [\"api://orders\"]");
        if let Some(audiences) = section.audiences.given().filter(|audiences| audiences.value.is_empty()) {
            let refusal = Refusal::new(Code::Empty, "without an audience a token for any other service would do");
            reader.findings().report(refusal.at(audiences.at, "audiences", reader.place()));
        }
        section
    })
}

fn headers(reader: &mut Reader<'_, '_>) -> Setting<HeadersSection> {
    let place = format!("`headers` of {}", reader.place());
    reader.table("headers", &place, |reader| HeadersSection {
        preset: reader.parsed("preset", preset),
        set: reader.texts("set"),
        remove: reader.list("remove", forms::header_name),
    })
}

fn preset(text: &str) -> Result<Preset, Refusal> {
    match text {
        "standard" => Ok(Preset::Standard),
        "none" => Ok(Preset::None),
        "oauth2-proxy" | "easy-auth" => Err(Refusal::new(Code::NotAvailable, "expected \"standard\" or \"none\"")),
        _ => Err(Refusal::new(Code::UnknownValue, "expected \"standard\" or \"none\"")),
    }
}

fn timeouts(reader: &mut Reader<'_, '_>) -> Setting<TimeoutsSection> {
    let place = format!("`timeouts` of {}", reader.place());
    reader.table("timeouts", &place, |reader| TimeoutsSection {
        connect: reader.parsed("connect", forms::duration),
        response: reader.parsed("response", forms::duration),
        idle: reader.parsed("idle", forms::duration),
    })
}

fn route_name(text: &str) -> Result<String, Refusal> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if plain && (1..=64).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(Refusal::malformed("expected 1 to 64 characters from a-z, A-Z, 0-9 and - _ ."))
    }
}

fn host(text: &str) -> Result<String, Refusal> {
    let expected = "expected a host name without scheme, port and path, like \"orders.example.com\"";
    let host = url::Host::parse(text).map_err(|_| Refusal::malformed(expected))?;
    Ok(host.to_string())
}

fn pattern(text: &str) -> Result<PathPattern, Refusal> {
    PathPattern::parse(text).map_err(|error| Refusal::malformed(error.to_string()))
}
